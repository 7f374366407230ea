"""Python's statements and expressions, followed one by one."""
