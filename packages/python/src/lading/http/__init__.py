"""Requests to the server: connections, retries, errors."""
