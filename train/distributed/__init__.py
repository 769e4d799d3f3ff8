"""A run of several processes: who has what, and how they agree."""
