"""Finished shards as other tools read them: one file per format, each with a ``FORMAT``."""
