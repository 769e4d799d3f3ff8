"""Features beside peers: no measurement, but answers that each name the page that shows them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from curation.strict_yaml import Frozen, bind, read

OURS = "ours"
UNKNOWN = "not checked"
_FILES = ("curation.yaml", "rendering.yaml", "training.yaml")
_SHOWN = {"yes": "yes", "part": "in part", "no": "no"}


class Peer(Frozen):
    """``version`` is what was looked at; ``pages`` are where it was read, by name."""

    name: str
    version: str
    pages: Mapping[str, str] = Field(min_length=1)


class Answer(Frozen):
    """``see`` is the name of a peer's page; of ours a file in ``docs``."""

    answer: Literal["yes", "part", "no"]
    see: str
    note: str = ""


class Feature(Frozen):
    """``answers`` by peer, and ``OURS``; who is not there was not checked."""

    feature: str
    answers: Mapping[str, Answer]


class Comparison(Frozen):
    """A table of features. ``looked_at`` is the day."""

    title: str
    looked_at: str
    peers: Mapping[str, Peer]
    features: tuple[Feature, ...]

    def cell(self, feature: Feature, peer: str) -> str:
        """What is said of a peer, as a link to the page that shows it: see ``links``."""
        if peer not in feature.answers:
            return UNKNOWN
        answer = feature.answers[peer]
        page = f"({answer.see})" if peer == OURS else f"[{peer}-{answer.see}]"
        note = f": {answer.note}" if answer.note else ""
        return f"[{_SHOWN[answer.answer]}]{page}{note}"

    def links(self) -> Iterator[str]:
        """The lines that cells refer to."""
        for key, peer in self.peers.items():
            for name, page in peer.pages.items():
                yield f"[{key}-{name}]: {page}"


def comparisons() -> Iterator[Comparison]:
    """All, in the order of the page. Raises ``ConfigurationError``."""
    for name in _FILES:
        yield bind(read(str(Path(__file__).with_name(name))), Comparison)
