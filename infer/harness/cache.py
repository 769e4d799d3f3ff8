"""What was read or answered once, on disk: by a hash of all that it depends on."""

import hashlib
import json
from pathlib import Path
from typing import Any

from PIL import Image

from curation import storage


def digest(*parts: Any) -> str:
    """A hash of plain data."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def digest_of(image: Image.Image) -> str:
    """A hash of the pixels of an RGB image."""
    size = f"{image.width}x{image.height}:".encode()
    return hashlib.sha256(size + image.tobytes()).hexdigest()


class Cache:
    """A folder with a small file for each entry, written whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> Any:
        """The entry, None where there is none."""
        path = self._path(key)
        return json.loads(path.read_bytes()) if path.is_file() else None

    def put(self, key: str, entry: Any) -> None:
        """Keep plain data. Raises ``OSError``."""
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(entry, ensure_ascii=False)
        storage.write_bytes(str(path), text.encode("utf-8", "surrogatepass"))

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.json"


class Nothing(Cache):
    """A cache that keeps nothing, for images that nobody sees again."""

    def __init__(self) -> None:
        super().__init__(Path())

    def get(self, key: str) -> Any:
        return None

    def put(self, key: str, entry: Any) -> None:
        """Forget it."""
