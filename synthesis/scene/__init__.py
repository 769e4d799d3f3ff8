"""Mode scene: texts on things, in images."""
