"""What moves the weights: optimisers, and how fast."""
