"""Groupings: rows that share a key become columns. Only metadata is ever shuffled."""
