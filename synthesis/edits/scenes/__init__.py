"""Edits of scenes: the same place, light and camera, and one thing of it that is another."""
