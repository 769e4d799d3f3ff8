"""What a file's metadata tell of places and people; see ``curation.picture.formats.personal``."""

import pyarrow as pa

from curation.picture.decoding import Header
from curation.signals.signal import Column, signal


@signal(
    tier="file",
    version=1,
    columns={
        "tells_place": Column(
            pa.int8(), "0 or 1", "1 where EXIF, XMP or IPTC tell where the image was made"
        ),
        "tells_person": Column(
            pa.int8(), "0 or 1", "1 where they tell who made it, owns the camera, or is shown"
        ),
    },
)
def personal(header: Header) -> dict[str, object]:
    """Whether metadata tell of places and people; none of what they tell is stored."""
    place, person = header.personal
    return {"tells_place": int(place), "tells_person": int(person)}
