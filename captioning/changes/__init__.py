"""What changed between two images, as far as it can be measured: no model that sees them is asked.

A change is believed where the result can be made of the input by it, to within what storing an
image again alters; what cannot be explained so is left unsaid.
"""
