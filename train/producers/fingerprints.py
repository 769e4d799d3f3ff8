"""What tells an encoder from another, without loading it: its files, or the weights it was fitted.

Of files above 64 MiB 256 blocks of 64 KiB, evenly spread, stand for all: another training of the
same network differs in nearly every block, and 16 GB are not read at every start.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from train.configuration import Configuration
from train.data import features
from train.producers import spans

LEARNT = "learnt with the model"
_READ_WHOLE, _BLOCK, _BLOCKS = 64 << 20, 64 << 10, 256


def of_autoencoder(configuration: Configuration, autoencoder: Any) -> str | None:
    """Of the configured one; None where it has a folder, and that is not here."""
    settings = configuration.autoencoder
    if settings.kind != "patch_pca":
        return _of_folders(autoencoder_folders(configuration))
    hashed = hashlib.blake2b(digest_size=16)
    for tensor in (autoencoder.mean, autoencoder.components, autoencoder.scale):
        hashed.update(tensor.numpy().tobytes())
    return hashed.hexdigest()


def of_text_encoder(configuration: Configuration, encoder: Any) -> str | None:
    """Likewise; where the encoder is trained there is nothing to tell apart. By how many captions
    it is given at once the last bits differ.
    """
    settings = configuration.text_encoder
    if settings.kind == "byte" or (encoder is not None and features.is_learnt(encoder)):
        return LEARNT
    files = _of_folders(text_encoder_folders(configuration))
    return files and spans.digest([files, settings.longest, settings.at_once])


def autoencoder_folders(configuration: Configuration) -> list[Path]:
    """Where it lies: the folder itself, or that below a whole pipeline's."""
    folder = Path(configuration.autoencoder.path)
    return [folder / "vae" if (folder / "vae").is_dir() else folder]


def text_encoder_folders(configuration: Configuration) -> list[Path]:
    """Where it and its tokenizer or processor lie."""
    folder = Path(configuration.text_encoder.path)
    if (folder / "text_encoder").is_dir():
        folder = folder / "text_encoder"
    beside = [folder.parent / name for name in ("tokenizer", "processor")]
    return [folder, *(each for each in beside if each.is_dir())]


def _of_folders(folders: list[Path]) -> str | None:
    if not (folders[0] / "config.json").is_file():
        return None
    hashed = hashlib.blake2b(digest_size=16)
    for folder in folders:
        for path in sorted(each for each in folder.iterdir() if each.is_file()):
            hashed.update(f"{path.name}:{path.stat().st_size}\n".encode())
            for block in _blocks(path):
                hashed.update(block)
    return hashed.hexdigest()


def _blocks(path: Path) -> Iterator[bytes]:
    size = path.stat().st_size
    with path.open("rb") as stream:
        if size <= _READ_WHOLE:
            while block := stream.read(1 << 20):
                yield block
            return
        for number in range(_BLOCKS):
            stream.seek(number * (size - _BLOCK) // (_BLOCKS - 1))
            yield stream.read(_BLOCK)
