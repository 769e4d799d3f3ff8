"""Was a model trained on a benchmark? Training shards against its prompts and input images.

The rule is curation's (``curation.shard.contamination``): what is counted here is what a pipeline
drops that bounds the column ``contamination``. Beside captions the lines written in images count.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from curation.shard import contamination as rule
from curation.shard.contamination import Images, Prompt, Texts
from infer.harness import training_rows, training_shards
from infer.harness.rows import Request
from infer.harness.training_rows import TrainingRow

_SHOWN = 5
_HALF = 0.5  # the bound that docs/taxonomy.md names


class Asked:
    """What a benchmark asks with, by the ids of requests: the prompts and the texts that they want
    written, unless these are no secret, and the images that it gives to edit.
    """

    def __init__(self, requests: Sequence[Request], *, prompts: bool = True) -> None:
        first: dict[str, Request] = {}
        for request in requests:
            first.setdefault(request.id, request)
        listed: list[Prompt] = []
        images: list[tuple[str, int]] = []
        for name, request in first.items():
            own = {request.prompt, " ".join(request.texts)} - {""} if prompts else set[str]()
            listed += [Prompt(name, text) for text in sorted(own)]
            hashes = (training_rows.hash_of(each) for each in request.inputs)
            images += [(name, each) for each in hashes if each is not None]
        self.texts, self.images = Texts(listed), Images(images)
        self.prompts = {prompt.place for prompt in listed}
        self.short = self.prompts - self.texts.compared
        self._short: dict[rule.Plain, set[str]] = {}
        for name in self.short:
            if any(said := rule.plain(first[name].prompt)):
                self._short.setdefault(said, set()).add(name)

    def same(self, text: str) -> set[str]:
        """The prompts, too short for a run, that a text is but for case and marks."""
        return self._short.get(rule.plain(text), set()) if self._short else set()


@dataclass
class _Tally:
    rows: int = 0
    overlapping: int = 0
    above_half: int = 0
    seen: int = 0
    images: int = 0
    matched: set[str] = field(default_factory=set)
    same: set[str] = field(default_factory=set)
    shown: set[str] = field(default_factory=set)
    nearest: dict[str, tuple[float, str]] = field(default_factory=dict)

    def add(self, row: TrainingRow, asked: Asked) -> None:
        self.rows += 1
        most = 0.0
        for text in row.texts:
            self.same |= asked.same(text)
            for share, name in asked.texts.shares(text):
                most = max(most, share)
                self.matched.add(name)
                if share > self.nearest.get(name, (0.0, ""))[0]:
                    self.nearest[name] = share, text[:200]
        self.overlapping += most > 0
        self.above_half += most > _HALF
        self.seen += len(row.hashes)
        near = {own for each in row.hashes if (own := asked.images.nearest(each))}
        self.images += bool(near)
        self.shown |= near


def report(asked: Asked, rows: Iterable[TrainingRow]) -> dict[str, Any]:
    """Counts of training rows that overlap with prompts, of prompts that are matched, the nearest;
    the same of images where the benchmark gives some to edit, else None.
    """
    tally = _Tally()
    for row in rows:
        tally.add(row, asked)
    nearest = sorted(tally.nearest.items(), key=lambda item: (-item[1][0], item[0]))
    counted = {"compared": len(asked.images), "training_images": tally.seen}
    images = {**counted, "rows": tally.images, "matched": len(tally.shown)}
    return {
        "rule": {"words": rule.WORDS, "characters": rule.CHARACTERS, "bits": rule.BITS},
        "rows": tally.rows,
        "overlapping": tally.overlapping,
        "above_half": tally.above_half,
        "largest": nearest[0][1][0] if nearest else 0.0,
        "prompts": len(asked.prompts),
        "prompts_matched": len(tally.matched),
        "prompts_short": len(asked.short),
        "prompts_short_same": len(tally.same),
        "nearest": [
            {"prompt_id": name, "share": share, "training_text": text}
            for name, (share, text) in nearest[:_SHOWN]
        ],
        "images": images if len(asked.images) else None,
    }


def unchecked(reason: str) -> dict[str, Any]:
    """What stands in a result where nothing was compared."""
    return {"checked": False, "reason": reason}


def of(
    requests: Sequence[Request], checkpoint: Path | None, trained_on: Sequence[str], held_out: str
) -> dict[str, Any]:
    """The report of the shards in ``trained_on``, else of those that a checkpoint names. Prompts
    are not looked for that training shards may have, for the reason ``held_out``; images are.

    Raises ``UsageError``, ``ShardError``.
    """
    asked = Asked(requests, prompts=not held_out)
    if held_out and not len(asked.images):
        return unchecked(held_out)
    named = training_shards.asked_for(trained_on) or training_shards.of_checkpoint(checkpoint)
    if not named.files:
        return unchecked(named.reason)
    reader = training_rows.Reader(images=len(asked.images) > 0)
    matches = report(asked, reader.rows(named.files))
    if matches["images"]:
        matches["images"]["not_compared"] = reader.unknown
    return {
        "checked": True,
        "shards": len(named.files),
        "missing": list(named.missing),
        "changed": list(named.changed),
        "begun_with": named.weights,
        "held_out": held_out,
        **matches,
    }


def sentence(result: dict[str, Any]) -> str:
    """One line beside the score."""
    if not result["checked"]:
        return f"training data not checked for this benchmark: {result['reason']}"
    parts = [f"training data: {result['rows']:,} rows of {result['shards']:,} files"]
    if result["prompts"]:
        rule_of = "runs of {words} words or {characters} characters".format(**result["rule"])
        parts.append(
            f"by {rule_of} {result['overlapping']:,} overlap with a prompt,"
            f" {result['above_half']:,} by more than half, at most {result['largest']:.2f};"
            f" {result['prompts_matched']:,} of {result['prompts']:,} prompts are matched"
        )
    if result.get("held_out"):
        parts.append(f"prompts are not looked for: {result['held_out']}")
    if result["prompts_short"]:
        parts.append(
            f"{result['prompts_short']:,} are shorter than a run, of which"
            f" {result['prompts_short_same']:,} are a caption to the letter"
        )
    if images := result["images"]:
        left = images.get("not_compared", 0)
        parts.append(
            f"by perceptual hash {images['matched']:,} of {images['compared']:,} images to edit are"
            f" among {images['training_images']:,} training images"
            + (f" ({left:,} were not compared)" if left else "")
        )
    if result.get("missing"):
        parts.append(f"NOT THERE, name them with --trained-on: {', '.join(result['missing'])}")
    if result.get("changed"):
        parts.append(f"other files than were trained on: {', '.join(result['changed'])}")
    if result.get("begun_with"):
        parts.append(
            f"training began with the weights of {result['begun_with']}, whose data are not known"
        )
    return "; ".join(parts)
