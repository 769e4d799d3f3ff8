"""A user's images to be worked on, each with the true result: ``pairs.jsonl`` in their folder."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from curation.failures.errors import UsageError
from curation.picture import decoding
from curation.picture.decoding import PictureError
from curation.strict_yaml import Frozen
from infer.harness import prompt_files
from infer.harness.prompt_files import PromptFile
from infer.harness.rows import Request

FILE = PromptFile(
    name="pairs.jsonl",
    whence="docs/evaluation.md (you write it: a line for each image, with input, truth, prompt)",
)


class Pair(Frozen):
    """A line: files below the folder of ``pairs.jsonl``, what is asked for, and a data set's name
    where figures are to be given by it.
    """

    input: str
    truth: str
    prompt: str = ""
    group: str = ""


class ImagePairs:
    """The pairs of ``--data``, a folder, by the id of their request; the file's SHA-256 is
    ``digest``.
    """

    def __init__(self, data: str | None) -> None:
        """Raises ``UsageError``."""
        listed = prompt_files.read(FILE, data, Pair)
        self.pairs = {f"{number:05d}": pair for number, pair in enumerate(listed)}
        self.digest = prompt_files.digest(FILE, data)
        path = Path(str(data))
        self._folder = (path if path.is_dir() else path.parent).resolve()
        if not self.pairs:
            raise UsageError(f"--data {data}: {FILE.name} is empty")

    def requests(self, prompt: str = "") -> list[Request]:
        """One for each pair, by its own prompt or, without, by this one. Raises ``UsageError``."""
        return [
            Request(
                id=name,
                prompt=pair.prompt or prompt,
                group=pair.group,
                inputs=(self.path(pair.input).read_bytes(),),
            )
            for name, pair in self.pairs.items()
        ]

    def path(self, name: str) -> Path:
        """A file of the folder. Raises ``UsageError`` for one that is elsewhere or not there."""
        path = (self._folder / name).resolve()
        if not path.is_relative_to(self._folder) or not path.is_file():
            raise UsageError(f"{FILE.name}: {name}: expected a file below {self._folder}")
        return path

    def image(self, name: str) -> Image.Image:
        """RGB. Raises ``UsageError`` for what is no image."""
        try:
            return Image.fromarray(decoding.decode(self.path(name).read_bytes(), None).rgb)
        except PictureError as error:
            raise UsageError(f"{name}: {error.reason}: {error.detail}") from error

    def numbers(self, name: str) -> NDArray[np.float64]:
        """The values (H, W) of a .npy file or a PNG of 16 bits. Raises ``UsageError``."""
        path = self.path(name)
        try:
            if path.suffix == ".npy":
                values = np.load(path, allow_pickle=False)
            else:
                with Image.open(path, formats=("PNG",)) as image:
                    if not image.mode.startswith("I"):
                        raise ValueError(f"mode {image.mode}: 16 bits are expected")
                    values = np.asarray(image)
            if values.ndim != 2 or values.dtype.kind not in "fiu":
                raise ValueError(f"{values.dtype} {values.shape}: expected numbers (H, W)")
        except (ValueError, OSError) as error:
            raise UsageError(f"{name}: not readable ({error})") from error
        return np.asarray(values, np.float64)
