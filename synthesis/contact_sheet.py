"""placeholder"""

from collections.abc import Sequence
from pathlib import Path


def write(path: Path, shards: Sequence[Path]) -> None:
    """To come."""
