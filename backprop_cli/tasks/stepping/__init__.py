"""`step`: params moved against their gradients, by a rule, once or many times."""
