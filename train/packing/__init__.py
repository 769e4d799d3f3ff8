"""Batches without padding: the tokens of all samples behind one another, and where each belongs."""
