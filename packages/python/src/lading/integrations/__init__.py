"""Callbacks for the loops of others. Each module needs the library that it is named after, and is loaded by name."""
