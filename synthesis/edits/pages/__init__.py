"""Edits of pages of mode pure: their text, lines of it, and what they stand on."""
