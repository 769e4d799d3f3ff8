"""Training runs that several files of tests hold theirs against."""

from making.training_runs import tiny, undisturbed

__all__ = ["tiny", "undisturbed"]
