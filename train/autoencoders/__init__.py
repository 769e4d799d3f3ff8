"""Image autoencoders."""
