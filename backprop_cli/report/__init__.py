"""Result → str, one module a format; `formats` holds the table."""
