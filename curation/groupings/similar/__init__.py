"""Near-duplicates by embeddings: what a perceptual hash cannot see."""
