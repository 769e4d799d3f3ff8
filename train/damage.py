"""What is told of a checkpoint that cannot be trusted."""


class CheckpointError(ValueError):
    """A damaged checkpoint; the message names the file and what to do."""
