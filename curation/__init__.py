"""Curation: raw image-text pairs in, measured, judged and sharded samples out."""

__version__ = "0.1.0"
