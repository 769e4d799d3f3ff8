"""A little training run, for what is made of one."""

from making.training_runs import tiny, undisturbed

__all__ = ["tiny", "undisturbed"]
