"""Sexual content, by ``curation.networks.open_nsfw``, which says what it does not see.

How much it catches was not measured here: we have no such images.
"""

from collections.abc import Sequence

import pyarrow as pa

from curation.networks.open_nsfw import OpenNsfw, file
from curation.picture.decoding import SMALL_SIDE
from curation.signals.row import Row
from curation.signals.signal import Column, Measure, signal


def _check(_settings: object) -> None:
    """Raises ``MissingModelError`` where a package is missing."""
    file()


@signal(
    tier="model",
    version=1,
    columns={
        "nsfw_open": Column(pa.float32(), "0 to 1", "probability of sexual content, by open_nsfw")
    },
    check=_check,
)
def nsfw_open() -> Measure:
    """Probability per image that it is not safe for work. Raises ``MissingModelError``."""
    network = OpenNsfw()

    def measure(rows: Sequence[Row]) -> list[dict[str, float]]:
        return [{"nsfw_open": network.probability(row.picture(SMALL_SIDE).rgb)} for row in rows]

    return measure
