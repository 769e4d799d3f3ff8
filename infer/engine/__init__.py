"""The engine: requests in, images out."""
