"""Artifacts, as they are fetched."""
