"""What people write, read: spec text, expressions, Python; frozen data with line and column comes out."""
