"""What a file's metadata say beside its pixels: of places and people, of rights and credit."""

from collections.abc import Sequence
from typing import NamedTuple

from curation.picture.formats import personal, rights
from curation.picture.formats.personal import Personal
from curation.picture.formats.rights import Rights


class Metadata(NamedTuple):
    """Whether metadata tell of places and people, and what they say of rights."""

    personal: Personal = personal.NOTHING
    rights: Rights = rights.NOTHING


NOTHING = Metadata()


def read(
    block: bytes, xmp: bytes = b"", iptc: bytes = b"", texts: Sequence[bytes] = ()
) -> Metadata:
    """What an EXIF block (or a whole TIFF file), an XMP packet, IPTC resources and texts about
    rights (of a PNG) say. Damaged blocks say nothing.
    """
    if not (block or xmp or iptc or texts):
        return NOTHING
    return Metadata(
        personal.of_metadata(block, xmp, iptc), rights.of_metadata(block, xmp, iptc, texts)
    )
