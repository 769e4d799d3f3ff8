"""Model families that only benchmarks compare with, each a file as those of ``train/models``."""
