"""Sends what an outbox holds, in background threads."""
