"""Marks that say which server made an image, and how: ``python -m infer.provenance``."""
