"""Fonts: files and what they cover, faces ready to shape and render."""
