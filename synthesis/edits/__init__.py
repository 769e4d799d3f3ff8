"""Edit pairs: an image, what is to be changed in it, and the image with exactly that changed."""
