"""Which language a caption is in (``curation.networks.languages``). What a source itself says of it
stands in its ``language``, untouched.
"""

from typing import Any

import pyarrow as pa

from curation.networks import languages
from curation.signals.captions import OfText, caption_signal
from curation.signals.signal import Column


def _check(_settings: object) -> None:
    languages.check()


@caption_signal(
    version=1,
    columns={
        "language": Column(pa.string(), "BCP 47", "its language; und: it has no letters"),
        "language_confidence": Column(
            pa.float32(), "0 to 1", "the model's probability, or the script's share of letters"
        ),
    },
    check=_check,
)
def language() -> OfText:
    """The language of a caption, and how sure that is. Raises ``MissingModelError``."""
    of = languages.detector()

    def measure(text: str) -> dict[str, Any]:
        name, confidence = of(text)
        return {"language": name, "language_confidence": confidence}

    return measure
