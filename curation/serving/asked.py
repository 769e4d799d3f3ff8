"""What a page shows, as its link says it: the state is in the URL, so that it can be sent on."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, get_type_hints
from urllib.parse import urlencode

from curation.failures.errors import UsageError
from curation.serving.trials import CHANGES
from curation.strict_yaml import expected_one_of

SHOWN = (24, 48, 96, 192)  # images on a page
LARGEST = 10**9  # number in a link


@dataclass(frozen=True)
class Asked:
    """Rows that meet the condition ``where``, in an ``order``. Of these, where bounds ``moved``,
    what ``would`` be (``CHANGES``); and only those ``near`` the row of that number, or a sentence
    ``text``, ``by`` a column, the most alike first. ``page`` (from 1) has ``show`` images, with
    boxes unless ``plain``.
    """

    where: str = ""
    order: str = ""
    moved: str = ""
    would: str = ""
    near: int | None = None
    text: str = ""
    by: str = ""
    page: int = 1
    show: int = SHOWN[1]
    plain: bool = False

    @classmethod
    def of_query(cls, given: Mapping[str, str]) -> "Asked":
        """What a link asks; names that are none of ours are let be. Raises ``UsageError``."""
        values: dict[str, Any] = {}
        for name, kind in get_type_hints(cls).items():
            text = given.get(name, "").strip()
            if text:
                values[name] = text if kind is str else kind is bool or _number(name, text)
        asked = cls(**values)
        if asked.would and asked.would not in CHANGES:
            raise UsageError(f"would: {expected_one_of(asked.would[:80], CHANGES)}")
        show = min(SHOWN, key=lambda of: abs(of - asked.show))
        return replace(asked, page=max(1, asked.page), show=show)

    def link(self, **changes: Any) -> str:
        """The query of a URL, with these things changed; a change of what is shown starts over at
        the first page.
        """
        start = {} if {"page"} >= changes.keys() else {"page": 1}
        values, usual = asdict(replace(self, **{**start, **changes})), asdict(Asked())
        kept = {name: of for name, of in values.items() if of != usual[name]}
        encoded = {name: 1 if of is True else of for name, of in kept.items()}
        return "?" + urlencode(encoded, errors="replace")

    def narrowed(self, condition: str) -> str:
        """The link to those that meet a condition, too."""
        return self.link(where=f"({self.where}) AND {condition}" if self.where else condition)


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 10 or int(text) > LARGEST:
        raise UsageError(f"{name}: expected a whole number, not {text[:40]!r}")
    return int(text)
