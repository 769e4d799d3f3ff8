"""What a generated image is worth: one file for each reward, chosen by its name (``rewards``)."""
