"""YAML read strictly: every value knows its line."""
