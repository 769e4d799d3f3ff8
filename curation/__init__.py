"""Curation: raw image-text pairs in, measured, judged and sharded samples out."""
