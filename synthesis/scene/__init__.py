"""Mode scene: texts on things, in pictures."""
