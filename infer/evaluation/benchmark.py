"""What a benchmark is: images to ask for, what is to be seen in them, and what they are worth."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from infer.harness.rows import Line, Measured, Question, Request, Row, Seen

if TYPE_CHECKING:
    from PIL import Image

    from infer.harness.metrics import Metric

__all__ = ["Benchmark", "Line", "Measured", "Question", "Request", "Row", "Seen"]


class Benchmark(ABC):
    """A benchmark of a model. A new one is a file in ``infer/evaluation`` with a class that derives
    from this one; the harness does all else.

    ``checkpoint`` is its folder, None for somebody else's images; ``data`` is what a user named
    with ``--data``, shards or files of prompts, else None.

    ``steps``, ``guidance`` and ``negative`` are the conventions of the benchmark, None where the
    model's own are right. ``reads``: text is read in every image; ``reading`` is what a judge is
    asked where it is the reader. ``asks``: a judge is asked ``questions``. ``held_out`` says why
    training shards may hold its prompts, where they may; images to edit are looked for all the
    same. ``reconstructs``: nothing is generated; an image is the only input of its request, once
    through the checkpoint's autoencoder. ``legend`` says beside the worst images how to read them.
    """

    steps: ClassVar[int | None] = None
    guidance: ClassVar[float | None] = None
    negative: ClassVar[str | None] = None
    reads: ClassVar[bool] = False
    reading: ClassVar[str] = (
        "Read all text in the image, exactly as it is written, a line for each line. Answer with"
        " the text alone, and with nothing where there is none."
    )
    asks: ClassVar[bool] = False
    held_out: ClassVar[str] = ""
    reconstructs: ClassVar[bool] = False
    legend: ClassVar[str] = ""

    def __init__(self, checkpoint: Path | None, data: str | None) -> None:
        self.checkpoint, self.data = checkpoint, data

    @property
    def facts(self) -> Mapping[str, Any]:
        """What else belongs into the result, such as checksums of files of prompts."""
        return {}

    @abstractmethod
    def requests(self) -> Sequence[Request]:
        """What is to be generated, the same every time. Raises ``UsageError`` for what it lacks."""

    def questions(self, request: Request, image: "Image.Image") -> Sequence[Question]:
        """What a judge is asked about an image: always as many for a request."""
        return ()

    def perfect(self, request: Request) -> "Image.Image | None":
        """An image that is all right, where one can be made: its score is the ceiling."""
        return None

    @abstractmethod
    def measure(self, request: Request, seen: Seen) -> Measured:
        """What one image is worth; an empty one 0."""

    @staticmethod
    @abstractmethod
    def score(rows: Sequence[Row]) -> Sequence["Metric"]:
        """The figures, of rows alone: made cases have known answers."""
