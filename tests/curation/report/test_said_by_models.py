"""Recaptions and places in the taxonomy under the thumbnails of kept images; never as HTML."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from curation import shard
from curation.report import words
from curation.report.collect import Collected
from curation.report.page import render
from curation.report.words import Said, Words

BAD = "<script>alert(1)</script>"


@dataclass(frozen=True)
class Stored:
    """Columns of one unit, as a run's files give them."""

    table: pa.Table

    def read(self, unit: str, names: Sequence[str]) -> pa.Table:
        return self.table.select(list(names))


def said(captions: Collection[str] | None) -> list[dict[str, str | None]] | None:
    if captions is None:
        return None
    return [{"text": of, "language": "en", "origin": "recaption", "stage": None} for of in captions]


def test_words_are_those_of_the_rows_that_are_asked_for() -> None:
    table = pa.table(
        {
            "uri": ["a", "b", "c"],
            words.RECAPTION: pa.array([said(["A cat."]), said([]), None], shard.CAPTIONS),
            words.PATH: pa.array([["entity", "animal", "pet", "cat"], None, ["entity"]]),
            words.INSTRUCTION: pa.array([None, said(["Add a hat."]), None], shard.CAPTIONS),
        }
    )
    names = words.columns(table.schema)
    assert words.measured(Stored(table), "u", names, {"a", "b"}) == {
        "a": Words("A cat.", "animal › pet › cat", {words.RECAPTION: (Said("A cat.", "en"),)}),
        "b": Words(captions={words.INSTRUCTION: (Said("Add a hat.", "en"),)}),
    }
    assert words.measured(Stored(table), "u", [words.PATH], {"c"}) == {"c": Words("", "entity")}
    assert words.columns(pa.schema([("width", pa.int32())])) == []


def test_the_page_shows_them_beside_the_raw_caption_and_escapes_them(
    collected: Collected,
) -> None:
    own = Words(f"A recaption {BAD}", f"animal › {BAD}")
    thumbnails = {uri: replace(of, words=own) for uri, of in collected.thumbnails.items()}
    page = render(replace(collected, thumbnails=thumbnails))
    assert "A recaption &lt;script&gt;" in page and "animal › &lt;script&gt;" in page
    assert BAD not in page
