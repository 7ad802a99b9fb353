"""Directories, as they are walked to be logged."""
