"""Images with what is said below them: the cards of the page."""

from collections.abc import Mapping
from dataclasses import dataclass

from curation.report import text
from curation.report.nearest import Pick
from curation.report.thumbnails import Thumbnail

MISSING = Thumbnail()
COVERED = (
    "nsfw_open",
    "nsfw_nudenet",
    "violence",
    "offence",
)  # what these columns dropped is not for every eye

Thumbnails = Mapping[str, Thumbnail]  # by location (``uri``)


@dataclass(frozen=True)
class Card:
    """An image with its key, what is said below it, and what became of it.

    ``covered`` images are blurred until they are pointed at.
    """

    key: str
    title: str
    label: str
    thumbnail: Thumbnail
    verdict: str = ""
    covered: bool = False


def card(
    thumbnails: Thumbnails, pick: Pick, label: str = "", verdict: str = "", covered: bool = False
) -> Card:
    """The card of a row."""
    thumbnail = thumbnails.get(pick.uri, MISSING)
    title = text.name(pick.key, 200)
    if thumbnail.caption:
        title = f"{title} — {thumbnail.caption}"
    return Card(_short(pick.key), title, label, thumbnail, verdict, covered)


def _short(key: str) -> str:
    """A key for below a thumbnail: without its folders if it is long."""
    return text.name(key if len(key) <= 30 else key.rsplit("/", 1)[-1] or key, 44)
