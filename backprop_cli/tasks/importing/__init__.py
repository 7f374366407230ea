"""Python programs become specs: read, never run."""
