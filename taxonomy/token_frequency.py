"""A weight against the long tail of characters and words in images: rows with rare ones count more.

The repeat factor of LVIS (Gupta et al., arXiv 1908.03195, section 4) with a cap: of a row the
largest, over its tokens, of max(1, sqrt(threshold / frequency)), where that is the share of
the rows with text that show the token. Named by ``groupings: [taxonomy.token_frequency]``; the
trainer shows rows by it where its ``weight`` names the column. No weight makes exposures that are
not there: what is still missing is for rendering (``taxonomy.deficit``).
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import pyarrow as pa
from pydantic import Field

from curation.groupings.grouping import PASSED
from curation.signals.signal import Column, Settings
from taxonomy.tokens import tokens

ROWS = ""  # the token of all rows with text
_SCHEMA = pa.schema([pa.field("token", pa.string()), pa.field("rows", pa.int64())])


class Options(Settings):
    """Tokens in a smaller share of rows than ``threshold`` are rare; no row counts more than
    ``most`` times. Lines read with a lower ``score`` do not count, nor do rows that pass fewer than
    ``stages`` stages by their own rules.
    """

    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.001
    most: Annotated[float, Field(ge=1)] = 10.0
    score: Annotated[float, Field(ge=0, le=1)] = 0.7
    stages: Annotated[int, Field(ge=0)] = 1


class TokenFrequency:
    """The weight of each row by its rarest token; 1 without text, or with common tokens alone."""

    name, version, refers = "token_frequency", 1, None
    reads: Sequence[str] = ("text_regions", PASSED)
    columns: Mapping[str, Column] = {
        "token_weight": Column(
            pa.float32(), "1 and more", "weight of the rarest token in the image"
        )
    }
    options = Options

    def __init__(self, options: Options = Options()) -> None:  # noqa: B008
        self.settings: Mapping[str, Any] = options.model_dump(mode="json")
        self._own = options

    def with_options(self, options: Options) -> "TokenFrequency":
        """The grouping with these options."""
        return TokenFrequency(options)

    def summary(self, unit: str, rows: pa.Table) -> pa.Table:
        """In how many rows each token stands."""
        counts: Counter[str] = Counter()
        passed = rows.column(PASSED).to_pylist()
        for own, stages in zip(self._tokens(rows), passed, strict=True):
            if own and stages is not None and stages >= self._own.stages:
                counts.update(own)
                counts[ROWS] += 1
        return _table(counts)

    def merge(self, a: pa.Table, b: pa.Table) -> pa.Table:
        """The counts of both, by token."""
        return _table(counted(a) + counted(b))

    def measure(self, unit: str, rows: pa.Table, summary: pa.Table) -> pa.Table:
        """The weight of each row of a unit."""
        counts = counted(summary)
        weights = [self.weight(own, counts) for own in self._tokens(rows)]
        return pa.table({"token_weight": pa.array(weights, pa.float32())})

    def weight(self, own: set[str], counts: Mapping[str, int]) -> float:
        """Of a row with these tokens; one that was never counted is as rare as one seen once."""
        least = min((counts.get(token, 0) for token in own), default=0)
        if not own:
            return 1.0
        frequency = max(1, least) / max(1, counts.get(ROWS, 0))
        factor = math.sqrt(self._own.threshold / frequency)
        return min(self._own.most, max(1.0, factor))

    def _tokens(self, rows: pa.Table) -> Iterator[set[str]]:
        for regions in rows.column("text_regions").to_pylist():
            read = (of for of in regions or () if (of["score"] or 0.0) >= self._own.score)
            yield tokens(of["text"] for of in read if of["text"])


def counted(summary: pa.Table) -> Counter[str]:
    """The rows of each token."""
    columns = (summary.column(name).to_pylist() for name in _SCHEMA.names)
    return Counter(dict(zip(*columns, strict=True)))


def _table(counts: Mapping[str, int]) -> pa.Table:
    rows = sorted(counts.items())
    return pa.table([[of for of, _ in rows], [count for _, count in rows]], schema=_SCHEMA)


TOKEN_FREQUENCY = TokenFrequency()
