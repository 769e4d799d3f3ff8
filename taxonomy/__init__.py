"""Taxonomy: what an image can show, which of it an image shows, and the domains of the mix."""
