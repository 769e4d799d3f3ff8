"""Images that are files of their own, with captions beside them or in a manifest."""

import re
from collections.abc import Collection, Iterator

from curation import storage
from curation.sources import annotation
from curation.sources.annotation import Annotation
from curation.sources.edits import Image
from curation.sources.fields import USUAL, Columns
from curation.sources.sample import UNKNOWN_SIZE, Part, Sample
from curation.sources.values import clean

LARGEST_IMAGE = 1 << 29  # bytes; what is larger would not fit beside others in memory
LARGEST_SIDECAR = 1 << 26
_SURROGATE = re.compile("[\ud800-\udfff]")


def read_part(
    part: Part, only: Collection[str] | None, columns: Columns = USUAL
) -> Iterator[Sample]:
    """The one sample of an image file, or of one with the files it was made from.

    A side file that cannot be read, is over ``LARGEST_SIDECAR`` or is no valid JSON is named in the
    sample's ``problem``: the image is not lost over it. Raises ``OSError`` when a remote
    filesystem is out.
    """
    uri = uri_of(part)
    if only is not None and uri not in only:
        return
    if part.error:
        image, inputs = Image(_name(part.path), None, part.error), []
    else:
        image = _image(part.path, part.size)
        inputs = [_image(*entry) for entry in part.inputs]
    key = storable(part.key)
    said = _annotation(part, columns)
    image = annotation.with_input(said, image, inputs)
    yield annotation.sample(said, image, inputs, uri=uri, key=key)


def uri_of(part: Part) -> str:
    """The location of the sample that ``read_part`` makes of a part."""
    return storable(part.path) + (f"#{part.variant}" if part.variant else "")


def storable(name: str) -> str:
    """The name as valid Unicode: a byte that is not UTF-8 is written ``\\xff``, all else kept."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub(_escape, name)
    return name


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    is_byte = 0xDC80 <= code <= 0xDCFF  # how Python keeps a byte of a file name that is no UTF-8
    return f"\\x{code - 0xDC00:02x}" if is_byte else f"\\u{code:04x}"


def too_large(size: int, most: int) -> str | None:
    """Why a file of this many bytes is not read, or None."""
    return f"{size} bytes, at most {most} are read" if size > most else None


def _image(path: str, size: int) -> Image:
    if refused := too_large(size, LARGEST_IMAGE):
        return Image(_name(path), None, f"unreadable: {refused}")
    return Image(_name(path), *_read(path, size))


def _name(path: str) -> str:
    return storable(path).rsplit("/", 1)[-1]


def _read(path: str, size: int) -> tuple[bytes | None, str | None]:
    try:
        if size == UNKNOWN_SIZE and not storage.exists(path):
            return None, "missing: no such file"
        return storage.read_bytes(path), None
    except FileNotFoundError:
        return None, "missing: no such file"
    except (OSError, ValueError) as error:
        if storage.is_outage(path, error):
            raise
        return None, f"unreadable: {clean(str(error))}"


def _annotation(part: Part, columns: Columns) -> Annotation:
    said = [annotation.from_json(text, where, columns) for where, text in part.described]
    said += [Annotation(problem=problem) for problem in part.problems]
    folder, slash, _ = part.path.rpartition("/")
    for name, size in part.sidecars:
        read = _side_file(folder + slash + name, size)
        said.append(annotation.from_side_file(storable(name), *read, columns))
    return annotation.merge(said)


def _side_file(path: str, size: int) -> tuple[bytes | None, str | None]:
    if refused := too_large(size, LARGEST_SIDECAR):
        return None, refused
    data, error = _read(path, size)
    return data, error and error.partition(": ")[2]
