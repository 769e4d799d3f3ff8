"""How much people like the look of an image, as LAION's linear head reads it from CLIP's vector.

It prefers what its raters preferred: sunsets, portraits and paintings to documents and drawings. It
says little of technical quality: blur and noise have signals of their own.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from curation.networks import heads
from curation.networks.weights import MissingModelError
from curation.signals.row import Row
from curation.signals.signal import Column, Measure, Settings, signal


class AestheticsSettings(Settings):
    """``head`` is a safetensors file with ``weight`` (1, D) and ``bias`` (1,) over the vectors that
    the signal ``embedding`` is set to; without one, the head for its default.
    """

    head: str = ""

    @property
    def path(self) -> Path:
        """The file of the head."""
        return Path(self.head) if self.head else heads.AESTHETICS


def _check(settings: AestheticsSettings) -> None:
    heads.linear_head(settings.path)


@signal(
    tier="model",
    version=1,
    columns={
        "aesthetics": Column(pa.float32(), "about 1 to 10", "how well raters would like the look")
    },
    settings=AestheticsSettings,
    reads=("embedding",),
    check=_check,
)
def aesthetics(settings: AestheticsSettings) -> Measure:
    """A score per image, from its ``embedding``. Raises ``MissingModelError``."""
    head = heads.linear_head(settings.path)

    def measure(rows: Sequence[Row]) -> list[dict[str, float | None]]:
        return [{"aesthetics": _score(head, row.columns["embedding"])} for row in rows]

    return measure


def _score(head: heads.LinearHead, vector: Sequence[float] | None) -> float | None:
    if vector is None:
        return None
    if len(vector) != len(head.weight):
        raise MissingModelError(
            f"the signal 'aesthetics' needs a head for vectors of {len(vector)} numbers, as "
            f"'embedding' is set to; this one takes {len(head.weight)}: set its 'head'"
        )
    return head.score(np.asarray(vector, np.float32))
