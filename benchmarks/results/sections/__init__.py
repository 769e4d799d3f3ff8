"""A file for each section: ``SECTION``."""
