"""Defects made from clean images, measured, and the rules fitted that recognise them."""
