"""WebDataset tars, one per shard: of every sample its image, one caption, and all columns as JSON.

Members of one sample are neighbours and share the name up to the first dot: ``ID.jpg``,
``ID.input.png`` (what an edit was made from), ``ID.txt``, ``ID.json``. Our own sources read them.
"""

import base64
import contextlib
import io
import json
import math
import tarfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from curation import storage
from curation.picture.formats import sniff
from curation.picture.formats.refusal import PictureError
from curation.signals.row import SPLITS
from curation.sources.kind import suffix_of
from curation.writing.export import rows
from curation.writing.export.format import Options, Source

_SUFFIXES = {"JPEG": "jpg", "TIFF": "tif"}


@dataclass(frozen=True)
class WebDataset:
    """Tars in USTAR form whose bytes depend on the rows alone: no times, no owners."""

    version: int = 2
    folder: str = ""
    prefix: str = "part"
    suffix: str = ".tar"

    def write(self, source: str, target: str, options: Options) -> int:
        """One tar of one shard."""
        seen: Counter[str] = Counter()
        with (
            storage.atomic_write(target) as stream,
            tarfile.open(fileobj=stream, mode="w|", format=tarfile.USTAR_FORMAT) as tar,
        ):
            for batch in rows.read(source, options):
                for row in batch.to_pylist():
                    seen[row["id"]] += 1
                    for suffix, data in _members(row, options.captions):
                        _add(tar, f"{_key(row['id'], seen[row['id']])}.{suffix}", data)
        return seen.total()

    def beside(self, source: Source) -> Mapping[str, bytes]:
        """Nothing: a tar says all itself."""
        return {}


FORMAT = WebDataset()


def _key(identity: str, time: int) -> str:
    """The name of a sample: rows with the same images, where both are kept, need two."""
    return identity if time == 1 else f"{identity}_{time}"


def _members(row: dict[str, Any], captions: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    image, inputs = row.pop("image"), row.pop("inputs", None) or ()
    yield _suffix(row.get("format"), image), image["bytes"]
    for number, source in enumerate(inputs, 1):
        which = "input" if number == 1 else f"input{number}"
        yield f"{which}.{_suffix(None, source)}", source["bytes"]
    said = (
        caption
        for split in _order(captions, is_edit=bool(inputs))
        for caption in row.get(split) or ()
    )
    text = next((of["text"] for of in said if of.get("stage") != ""), None)  # "": passes no stage
    if text is not None:
        yield "txt", text.encode()
    for split in SPLITS:
        row[split] = [_present(caption) for caption in row.get(split) or ()]
    content = json.dumps(_present(_plain(row)), ensure_ascii=False)
    yield "json", content.encode()


def _order(captions: Sequence[str], *, is_edit: bool) -> Sequence[str]:
    """The splits in the order asked for; where none is, an edit's instruction comes first."""
    if is_edit and tuple(captions) == SPLITS:
        return sorted(captions, key=lambda split: split != "caption_instruction")
    return captions


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None and value != []}


def _plain(value: Any) -> Any:
    """The value as JSON can say it: bytes in base64, dates as text, and no number for NaN."""
    if isinstance(value, dict):
        return {name: _plain(content) for name, content in value.items()}
    if isinstance(value, list):
        return [_plain(content) for content in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, str | int) or value is None else str(value)


def _suffix(kind: str | None, image: Mapping[str, Any]) -> str:
    """The extension by which loaders know an image: of its format, else of its own name."""
    with contextlib.suppress(PictureError):
        kind = kind or sniff.name(image["bytes"])
    if kind:
        return _SUFFIXES.get(kind, kind.lower())
    return suffix_of(image["path"] or "").lower().removeprefix(".") or "bin"


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))
