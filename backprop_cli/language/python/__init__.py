"""People's Python, read and never run: programs and notebooks as syntax trees, hand-written backward passes."""
