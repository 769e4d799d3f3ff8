"""Taxonomy: WordNet categories and balancing (a later piece on the spine)."""
