"""Mode pure: texts on clean backgrounds, and the toy strings of the demo."""
