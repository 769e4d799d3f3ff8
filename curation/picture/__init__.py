"""Untrusted bytes to pixels: the one way from one to the other, for all packages."""
