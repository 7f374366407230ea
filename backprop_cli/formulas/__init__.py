"""What writes gradients down: the tensor algebra, its notations, the symbolic meanings of the passes."""
