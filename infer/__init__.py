"""Inference: generating images from prompts with a trained checkpoint."""
