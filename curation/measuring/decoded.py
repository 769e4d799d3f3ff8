"""The images of a sample, once all of them decode: an edit with a broken input is broken."""

from curation.picture import decoding
from curation.picture.decoding import Picture, PictureError
from curation.sources import edits
from curation.sources.sample import Sample


def decoded(sample: Sample) -> tuple[Picture, tuple[Picture, ...]]:
    """The sample's own image, and those that it was made from.

    Raises ``PictureError``, which names the image of an edit that is broken.
    """
    if not sample.inputs:
        return decoding.decode(sample.data or b""), ()
    inputs = tuple(
        _decode(image.data, f"input {number}", image.path)
        for number, image in enumerate(sample.inputs, 1)
    )
    return _decode(sample.data or b"", "result", sample.path), inputs


def _decode(data: bytes, which: str, path: str) -> Picture:
    try:
        return decoding.decode(data)
    except PictureError as error:
        named = edits.named(f"{error.reason}: {error.detail}", which, path)
        raise PictureError(error.reason, named.partition(": ")[2]) from error
