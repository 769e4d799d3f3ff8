"""The image of a sample, once all its images decode: an edit with a broken input is broken."""

from curation.picture import decoding
from curation.picture.decoding import Picture, PictureError
from curation.sources import edits
from curation.sources.sample import Sample


def decoded(sample: Sample) -> Picture:
    """The sample's own image; of an edit, its inputs were decoded before it.

    Raises ``PictureError``, which names the image of an edit that is broken.
    """
    if not sample.inputs:
        return decoding.decode(sample.data or b"")
    for number, image in enumerate(sample.inputs, 1):
        _decode(image.data, f"input {number}", image.path)
    return _decode(sample.data or b"", "result", sample.path)


def _decode(data: bytes, which: str, path: str) -> Picture:
    try:
        return decoding.decode(data)
    except PictureError as error:
        named = edits.named(f"{error.reason}: {error.detail}", which, path)
        raise PictureError(error.reason, named.partition(": ")[2]) from error
