"""The 64-bit perceptual hash by which near duplicates are found."""

import pyarrow as pa

from curation.picture import perceptual_hash
from curation.picture.decoding import Picture
from curation.signals.signal import Column, signal


@signal(
    tier="pixel",
    version=2,
    columns={"phash": Column(pa.uint64(), "64 bits", "DCT perceptual hash, first bit highest")},
)
def phash(picture: Picture) -> dict[str, int]:
    """The hash of the picture, as ``curation.picture.perceptual_hash`` defines it."""
    return {"phash": perceptual_hash.of(picture)}
