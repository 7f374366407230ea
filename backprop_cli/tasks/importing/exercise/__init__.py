"""What a program wants to know: its backward calls and updates, or the gradients that it works out by hand."""
