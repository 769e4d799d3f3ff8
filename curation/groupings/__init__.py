"""Columns that depend on other rows."""
