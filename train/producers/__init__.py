"""Latents and text features made ahead, by processes of their own, and read while training."""
