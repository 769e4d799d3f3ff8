"""Thumbnails for the report, read from the original source again, one at a time.

A file that is gone, changed or no longer decodes gives a reason instead of an image.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from curation import sources, storage
from curation.output.layout import Layout
from curation.output.measured import Measured
from curation.picture import decoding
from curation.report import boxes, pair_images, text, words
from curation.report.boxes import Box
from curation.report.images import LONG_SIDE, encoded
from curation.report.nearest import Pick
from curation.report.pair_images import PairImages
from curation.report.words import Said, Words
from curation.signals.captions import SPLITS
from curation.sources import plan
from curation.sources.identity import content_id
from curation.sources.sample import Sample, SourceError


@dataclass(frozen=True)
class Thumbnail:
    """``source`` is a ``data:`` URI (empty: none, ``missing`` says why); sizes in pixels.

    ``boxes`` are in pixels of the ``original`` (width, height); ``words`` are what models said,
    ``said`` what the source says, by column of captions. Of an edit that was asked for so, ``pair``
    has the other images and ``instructions`` what was to be done, as a captioner says if ``asked``.
    """

    source: str = ""
    width: int = 0
    height: int = 0
    caption: str = ""
    missing: str = "not found"
    boxes: tuple[Box, ...] = ()
    original: tuple[int, int] = (0, 0)
    words: Words = field(default_factory=Words)
    said: Mapping[str, tuple[Said, ...]] = field(default_factory=dict)
    pair: PairImages | None = None
    instructions: tuple[Said, ...] = ()
    asked: bool = False

    def captions(self, column: str) -> tuple[Said, ...]:
        """The captions of a column, whoever wrote them."""
        return self.words.captions.get(column) or self.said.get(column, ())


def fetch(
    output: str,
    picks: Iterable[Pick],
    measured: Measured | None = None,
    boxed: Sequence[str] = (),
    worded: Sequence[str] = (),
    paired: Collection[str] = (),
) -> dict[str, Thumbnail]:
    """The thumbnails of the picked rows by their location (``uri``); absent ones are left out.

    ``boxed`` are the ``measured`` columns that hold boxes, ``worded`` those that hold words.
    ``paired`` are locations of edits of which all images are shown.
    """
    wanted: dict[str, dict[str, str]] = {}
    for pick in picks:
        wanted.setdefault(pick.unit, {})[pick.uri] = pick.id
    by_uri: dict[str, Thumbnail] = {}
    for unit, ids in sorted(wanted.items()):
        seen = boxes.measured(measured, unit, boxed, ids) if measured else {}
        said = words.measured(measured, unit, worded, ids) if measured else {}
        for sample in _samples(Layout(output).plan(unit), set(ids)):
            if sample.uri in ids:
                made = thumbnail(sample, ids[sample.uri], seen.get(sample.uri, ()))
                made = replace(made, words=said.get(sample.uri, made.words))
                by_uri[sample.uri] = _as_pair(made, sample) if sample.uri in paired else made
    return by_uri


def _samples(path: str, uris: set[str]) -> Iterator[Sample]:
    if not storage.exists(path):
        return
    try:
        yield from sources.read(plan.read_unit(path), only=uris)
    except (OSError, SourceError, ValueError):
        return  # the source is gone or is no longer what it was: placeholders say so


def thumbnail(sample: Sample, identity: str, seen: tuple[Box, ...] = ()) -> Thumbnail:
    """The thumbnail of a sample whose bytes had this id when they were measured, and what was
    ``seen`` in it then, besides what its source says.
    """
    caption = text.prose(" / ".join(entry.text[:400] for entry in (sample.caption_raw or ())[:3]))
    said = {
        f"caption_{split}": words.said((of.text, of.language) for of in captions)
        for split in SPLITS
        if (captions := getattr(sample, f"caption_{split}"))
    }
    if sample.data is None:
        return Thumbnail(caption=caption, missing="not readable now", said=said)
    if content_id(sample) != identity:
        return Thumbnail(caption=caption, missing="changed since the run")
    try:
        picture = decoding.decode(sample.data, LONG_SIDE)
    except decoding.PictureError:
        return Thumbnail(caption=caption, missing="does not decode now", said=said)
    small = encoded(picture.rgb)
    original = picture.header.width, picture.header.height
    over = seen or boxes.of_source(sample)
    return Thumbnail(
        small.source, small.width, small.height, caption, "", over, original, said=said
    )


def _as_pair(made: Thumbnail, sample: Sample) -> Thumbnail:
    """With the other images of an edit, while all of them decode."""
    try:
        pair = pair_images.of_sample(sample) if made.source else None
    except decoding.PictureError:
        return made
    instructions = words.said((of.text, of.language) for of in sample.caption_instruction or ())
    written = () if instructions else made.words.captions.get(words.INSTRUCTION, ())
    return replace(made, pair=pair, instructions=instructions or written, asked=bool(written))
