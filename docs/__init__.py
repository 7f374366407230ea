"""The documentation, and the scripts that make and execute it."""
