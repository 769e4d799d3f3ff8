"""A Spark cluster of real processes on this machine: its parts, its processes, its figures."""
