"""What stands for encoders where only what they made is read: their shapes, and no weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from torch import Generator, Tensor

from curation.failures.errors import UsageError
from train.frozen import keep

Lines = Mapping[str, tuple[str, str]]


@dataclass
class AbsentAutoencoder:
    """An autoencoder of ``channels`` and ``factor`` that is elsewhere.

    A checkpoint takes the files of ``folders`` along, as far as they are here, and ``lines`` for
    its index.
    """

    channels: int
    factor: int
    lines: Lines
    folders: Sequence[Path]

    def encode(self, pixels: Tensor, generator: Generator | None = None) -> Tensor:
        """Raises ``UsageError``."""
        _refuse("autoencoder")

    def decode(self, latents: Tensor) -> Tensor:
        """Raises ``UsageError``."""
        _refuse("autoencoder")

    def save(self, directory: Path) -> dict[str, tuple[str, str]]:
        """Link the files that are here into ``directory``; returns the lines for the index."""
        return _save(directory, self.lines, self.folders)


@dataclass
class AbsentTextEncoder:
    """A text encoder of ``width`` that is elsewhere; the others as of an autoencoder."""

    width: int
    lines: Lines
    folders: Sequence[Path]
    cut: int = 0
    sees_images: bool = True  # whoever made the features decided that

    def encode(self, prompts: Sequence[str], images: Any = None) -> list[tuple[Tensor, ...]]:
        """Raises ``UsageError``."""
        _refuse("text encoder")

    def save(self, directory: Path) -> dict[str, tuple[str, str]]:
        """As of an autoencoder."""
        return _save(directory, self.lines, self.folders)


def autoencoder_lines(autoencoder: Any) -> Lines:
    """What the index of a checkpoint says of a published autoencoder."""
    return {"vae": ("diffusers", type(autoencoder.model).__name__)}


def text_encoder_lines(encoder: Any) -> Lines:
    """What the index says of a published text encoder, and of what makes its tokens."""
    lines: dict[str, tuple[str, str]] = {}
    lines["text_encoder"] = ("transformers", type(encoder.model).__name__)
    for name in ("tokenizer", "processor"):
        if part := getattr(encoder, name, None):
            lines[name] = ("transformers", type(part).__name__)
    return lines


def _save(directory: Path, lines: Lines, folders: Sequence[Path]) -> dict[str, tuple[str, str]]:
    for name, folder in zip(lines, folders, strict=False):
        if folder.is_dir():
            keep(folder, directory / name, None)
    return dict(lines)


def _refuse(name: str) -> NoReturn:
    raise UsageError(
        f"data.units: this run reads what producers made and has no {name}; generate and judge from"
        " its checkpoints, where the encoders are"
    )
