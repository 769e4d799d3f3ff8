"""Other renderers of text, each in its own environment, drawn against ours in turn."""
