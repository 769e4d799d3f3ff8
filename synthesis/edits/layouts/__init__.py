"""Edits of layouts: texts, colours, blocks and marks of a template that has been filled."""
