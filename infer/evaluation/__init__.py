"""Benchmarks of a trained model: one file each, by name (``python -m infer.evaluation NAME``)."""
