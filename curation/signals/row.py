"""A row as a model signal sees it: bytes, captions and earlier columns; pixels when it asks."""

from collections.abc import Mapping, Sequence
from typing import Any

from curation.picture import decoding
from curation.picture.decoding import Header, Picture

SPLITS = tuple(f"caption_{name}" for name in ("raw", "recaption", "fused", "instruction"))


class Row:
    """One row: its original ``data``, its ``captions`` by split (an edit's instruction is one), the
    ``inputs`` of an edit as bytes, and the ``columns`` that the signal reads; one of pairs has also
    those of the inputs, as lists: ``inputs.embedding``.

    Pixels are decoded when a signal asks for them, once for all signals of a wave that need the
    same reduction. What a signal sees depends on the row and on the side it asks for alone, never
    on who else looks.
    """

    def __init__(
        self,
        identity: str,
        data: bytes,
        captions: Mapping[str, Sequence[str]],
        columns: dict[str, Any],
        inputs: Sequence[bytes] = (),
    ) -> None:
        self.id, self.data, self.inputs = identity, data, tuple(inputs)
        self.captions, self.columns = captions, columns
        self._decoded: dict[int, Picture] = {}
        self._header: Header | None = None

    @property
    def header(self) -> Header:
        """What the header says. Raises ``PictureError``."""
        if self._header is None:
            self._header = decoding.read_header(self.data)
        return self._header

    def picture(self, short_side: int) -> Picture:
        """The upright image, its short side at least so many pixels where the original has them.

        Raises ``PictureError``.
        """
        reduction = decoding.reduction(self.header, short_side)
        if reduction not in self._decoded:
            self._decoded[reduction] = decoding.decode(self.data, short_side)
        return self._decoded[reduction]
