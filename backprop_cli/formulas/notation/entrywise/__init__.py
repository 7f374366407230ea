"""One entry of a formula: its letters, and how each operator is read for it."""
