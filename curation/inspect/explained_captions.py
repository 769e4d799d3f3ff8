"""What became of each caption of a row, and why, as ``beam explain`` says it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from curation.judging.captions import WRITTEN
from curation.report import text
from curation.report.outcome import stages
from curation.signals import captions

IN_SOURCE = "(its text is in the source alone)"


@dataclass(frozen=True)
class ExplainedCaption:
    """A caption of a ``split``: its ``text`` (None where only its source has it, or where there is
    none), and its end in the ledger; ``value`` is what its ``rule`` saw, ``bound`` what it asks.
    """

    split: str
    text: str | None
    verdict: str
    stage: str | None
    rule: str | None
    value: float | str | None
    bound: float | str | None
    reason: str | None

    @property
    def said(self) -> str:
        """Its text, or why there is none here."""
        if self.text is not None:
            return text.prose(self.text, 300)
        is_answer = self.verdict == "quarantined" and self.rule is None
        return "none" if is_answer else IN_SOURCE

    @property
    def end(self) -> str:
        """What became of it, in words."""
        why = self.reason or ""
        if self.verdict == "quarantined":
            empty = f"{why}: {self.rule} at stage {self.stage}"
            return f"quarantined: {text.prose(empty if self.rule else why, 200)}"
        if self.rule is None:
            at = f"kept, stage {self.stage} passed"
            return at if self.verdict == "kept" else f"dropped: {text.prose(why, 200)}"
        by = f"{text.name(self.rule)}" + (f": {self._values()}" if self.bound is not None else "")
        if self.verdict == "kept":
            return f"kept, stage {self.stage} passed; no deeper by {by}"
        return f"dropped at stage {self.stage} by {by}" + (f" ({text.prose(why)})" if why else "")

    def _values(self) -> str:
        if str(self.rule).endswith(".in"):
            return f"{text.prose(str(self.value), 60)}; expected one of {self.bound}"
        word = "below" if str(self.rule).endswith(".min") else "above"
        return f"{_number(self.value)} is {word} {_number(self.bound)}"


def _number(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else text.prose(str(value), 60)


def explained(
    run: Mapping[str, Any], ends: Sequence[Mapping[str, Any]], measured: Mapping[str, Any]
) -> tuple[ExplainedCaption, ...]:
    """The captions of a row by their ``ends`` in the ledger and its ``measured`` columns."""
    return tuple(_explained(run, ends, measured))


def _explained(
    run: Mapping[str, Any], ends: Sequence[Mapping[str, Any]], measured: Mapping[str, Any]
) -> Iterator[ExplainedCaption]:
    place = Counter[str]()
    for end in ends:
        split, number = end["split"], place[end["split"]]
        place[split] += 1
        wrote = measured.get(f"caption_{split}") or () if split in WRITTEN else ()
        is_said = measured.get(captions.counted(split))
        words = None if is_said or number >= len(wrote) else wrote[number]["text"]
        value, bound = _held(run, end, number, measured)
        yield ExplainedCaption(text=words, value=value, bound=bound, **end)


def _held(
    run: Mapping[str, Any], end: Mapping[str, Any], number: int, measured: Mapping[str, Any]
) -> tuple[Any, Any]:
    """What a rule on captions saw of one of them, and what it asks for; else nothing."""
    column, _, side = (end["rule"] or "").rpartition(".")
    split, dot, name = column.removeprefix("caption_").partition(".")
    if not dot:
        return None, None
    bounds = [(of.get("captions") or {}).get(split, {}) for of in stages(run).values()]
    at = [*stages(run)].index(end["stage"]) + (end["verdict"] == "kept")  # after what it passed
    values = measured.get(column) or ()
    asked = bounds[at].get(name, {}).get(side)
    shown = ", ".join(map(str, asked)) if isinstance(asked, list) else asked
    return values[min(number, len(values) - 1)] if values else None, shown


def with_texts(
    of: Sequence[ExplainedCaption], texts: Mapping[str, Sequence[str]]
) -> tuple[ExplainedCaption, ...]:
    """The captions with the texts that shards hold by split, in their order."""
    left = {split: list(said) for split, said in texts.items()}
    filled = []
    for caption in of:
        words = left.get(caption.split)
        filled.append(replace(caption, text=words.pop(0)) if words else caption)
    return tuple(filled)
