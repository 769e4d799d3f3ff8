"""How a network may be divided among processes: by its heads."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ByHead:
    """How a network is divided by its ``heads``: linear layers by name of which a process has some
    of the ``outputs`` or some of the ``inputs``, and parameters that all heads have in common,
    ``shared``.
    """

    heads: int
    outputs: tuple[str, ...]
    inputs: tuple[str, ...]
    shared: tuple[str, ...]
