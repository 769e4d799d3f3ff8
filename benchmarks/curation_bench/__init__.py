"""Curation judged by what a small model learns of what is kept: a fixed pool, any configuration."""
