"""What computes: the functions, the graph, the two passes and the numbers."""
