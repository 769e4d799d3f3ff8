"""Inference: drawing pictures from prompts with a trained checkpoint."""
