"""Pictures that are files of their own, with captions beside them or in a manifest."""

from collections.abc import Collection, Iterator

from curation import storage
from curation.sources import annotation
from curation.sources.annotation import Annotation
from curation.sources.layout import stem_of
from curation.sources.sample import UNKNOWN_SIZE, Part, Sample

LARGEST_PICTURE = 1 << 29  # bytes; more is no picture, and would not fit beside others in memory
LARGEST_SIDECAR = 1 << 26


def read_part(part: Part, only: Collection[str] | None) -> Iterator[Sample]:
    """The one sample of a picture file."""
    uri = storable(part.path)
    if only is not None and uri not in only:
        return
    data, error = (None, part.error) if part.error else _picture(part)
    said = _annotation(part)
    yield Sample(
        uri=uri,
        key=storable(part.key),
        data=data,
        error=error,
        path=uri.rsplit("/", 1)[-1],
        caption_raw=said.caption_raw,
        caption_recaption=said.caption_recaption,
        caption_fused=said.caption_fused,
        text_boxes=said.text_boxes,
        source=said.source,
        licence=said.licence,
        synthetic=said.synthetic,
    )


def storable(name: str) -> str:
    """The name as valid Unicode: a byte that is not UTF-8 is written ``\\xff``, all else kept."""
    try:
        name.encode()
    except UnicodeEncodeError:
        data = name.encode("utf-8", "surrogateescape" if _escaped(name) else "surrogatepass")
        return data.decode("utf-8", "backslashreplace")
    return name


def _escaped(name: str) -> bool:
    return all("\udc80" <= mark <= "\udcff" for mark in name if "\ud800" <= mark <= "\udfff")


def _picture(part: Part) -> tuple[bytes | None, str | None]:
    if part.size > LARGEST_PICTURE:
        return None, f"unreadable: {part.size} bytes, at most {LARGEST_PICTURE} are read"
    return _read(part.path, part.size)


def _read(path: str, size: int) -> tuple[bytes | None, str | None]:
    try:
        if size == UNKNOWN_SIZE and not storage.exists(path):
            return None, "missing: no such file"
        return storage.read_bytes(path), None
    except FileNotFoundError:
        return None, "missing: no such file"
    except (OSError, ValueError) as error:
        return None, f"unreadable: {annotation.clean(str(error))}"


def _annotation(part: Part) -> Annotation:
    said = [annotation.from_json(text) for text in part.described]
    for suffix, size in part.sidecars:
        data = _read(stem_of(part.path) + suffix, size)[0] if size <= LARGEST_SIDECAR else None
        if data is not None:
            is_text = suffix.lower() == ".txt"
            said.append(annotation.from_text(data) if is_text else annotation.from_json(data))
    return annotation.merge(said)
