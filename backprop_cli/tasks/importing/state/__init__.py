"""What is known of a program while it is read: values, what it computed so far, the numbers that it drew."""
