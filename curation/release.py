"""The version of this project. Imports nothing."""

__version__ = "0.1.0"
