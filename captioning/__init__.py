"""Captioning: annotation schema and captioner back ends (a later piece on the spine)."""
