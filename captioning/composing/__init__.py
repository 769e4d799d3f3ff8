"""Captions composed of what is known of an image, by rule, in English and Chinese."""
