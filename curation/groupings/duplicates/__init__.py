"""Exact and near-duplicates: which rows have a better-ranked copy."""
