"""What a benchmark is: images to ask for, and what they are worth."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

    from train.figures import Figures


@dataclass(frozen=True)
class Request:
    """An image to generate: of a prompt, of ``width`` x ``height`` pixels, with its own seed."""

    prompt: str
    width: int
    height: int
    seed: int


class Benchmark(ABC):
    """A benchmark of the model in the folder ``checkpoint``. A new one is a file in
    ``infer/evaluation`` with a class that derives from this one.

    ``data`` names shards, for a benchmark that is made of some; else it is None.
    """

    def __init__(self, checkpoint: Path, data: str | None) -> None:
        self.checkpoint, self.data = checkpoint, data

    @abstractmethod
    def requests(self) -> Sequence[Request]:
        """What is to be generated, the same every time. Raises ``UsageError`` for what it lacks."""

    @abstractmethod
    def score(self, images: Sequence["Image.Image"]) -> "Figures":
        """What the images, one for each request and in their order, are worth."""
