"""What does the arithmetic: the network from scratch, or PyTorch, behind one protocol."""
