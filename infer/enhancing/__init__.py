"""Prompts that a language model writes anew, before an image is made of them."""
