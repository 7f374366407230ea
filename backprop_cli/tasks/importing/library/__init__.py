"""What a program calls: Python's own functions and methods, and those of the libraries."""
