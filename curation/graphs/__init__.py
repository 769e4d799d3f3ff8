"""The only Beam graphs."""
