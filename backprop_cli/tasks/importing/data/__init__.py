"""Where leaves come from: literals, draws, the command line."""
