"""Triplets from the captions of shards: each row is one, or is left out with a reason."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from random import Random
from typing import Any

from curation import shard, storage
from curation.failures.errors import IncompleteError
from curation.shard.quotations import EVERY, is_unclear, spans
from curation.shard.scripts import script
from curation.storage import ownership
from train.data import shard_files
from train.enhancer import words as wording
from train.enhancer.answers import cleaned
from train.enhancer.degrading import ASPECTS, DEGRADATIONS, simplify
from train.enhancer.masking import Masked
from train.enhancer.triplet import NAME, Triplet, category, encoded
from train.enhancer.words import Words
from train.seeds import seed_for

KIND = "triplets of an enhancer"
LEDGER, LEFT_OUT = "ledger.json", "left_out.jsonl"
EDIT = "edit"
_COLUMNS = ("id", "caption_recaption", "caption_fused", "caption_instruction", "text_boxes")
_SPLITS = ("caption_fused", "caption_recaption")
_SHARE = 0.6  # of the degradations that are taken
_LONGEST = 4000  # characters of a fine prompt, as ``infer`` takes them
_TOKENS = re.compile(r"\s*(?:[\w'-]+|[^\w\s])")
_WORDINGS = ("colloquial", "terms")  # of which a prompt has at most one


@dataclass(frozen=True)
class Caption:
    """The caption of a row that is degraded; ``is_edit`` where it is an instruction, and so many
    ``lines`` are shown by its image.
    """

    id: str
    text: str
    language: str
    lines: int
    is_edit: bool


def run(data: str, out: Path, seed: int, tell: Callable[[str], None]) -> dict[str, Any]:
    """Write the triplets of shards into a folder; returns the ledger. Same shards and seed, same
    bytes.

    Raises ``UsageError``, ``OwnershipError``, ``ShardError``, ``IncompleteError``, ``OSError``.
    """
    paths = shard_files.paths(data, f"--data {data}")
    with ownership.held(str(out), KIND):
        storage.delete([str(out / LEDGER)])  # until all is written
        counts, kinds, steps, rows = Counter[str](), Counter[str](), Counter[str](), 0
        with (
            storage.atomic_write(str(out / NAME)) as written,
            storage.atomic_write(str(out / LEFT_OUT)) as left,
        ):
            for row, made in _made(paths, seed):
                rows += 1
                if isinstance(made, Triplet):
                    written.write(encoded([made]))
                    kinds[made.category] += 1
                    steps.update(made.degradations)
                else:
                    line = json.dumps({"id": row, "reason": made}, ensure_ascii=False)
                    left.write(f"{line}\n".encode())
                    counts[made] += 1
        triplets = sum(kinds.values())
        ledger = {"rows": rows, "triplets": triplets, "left_out": dict(sorted(counts.items()))}
        if rows != triplets + sum(counts.values()):
            raise IncompleteError(f"{out}: rows and triplets do not add up: {ledger}")
        ledger |= {"categories": dict(sorted(kinds.items()))}
        ledger |= {"degradations": dict(sorted(steps.items())), "seed": seed}
        text = json.dumps(ledger, indent=1, ensure_ascii=False) + "\n"
        storage.write_bytes(str(out / LEDGER), text.encode())
    left_out = ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()))
    tell(f"{triplets} triplets of {rows} rows" + (f"; left out: {left_out}" if counts else ""))
    return ledger


def _made(paths: Sequence[str], seed: int) -> Iterator[tuple[str, Triplet | str]]:
    """Of each row its id, and its triplet or why there is none."""
    seen = set[bytes]()
    for path in paths:
        for batch in shard.read(path, _COLUMNS):
            for row in batch.to_pylist():
                caption = caption_of(row)
                if caption is None:
                    yield row["id"], "no_caption"
                    continue
                digest = hashlib.blake2b(caption.text.encode(), digest_size=16).digest()
                if digest in seen:
                    yield row["id"], "same_caption"
                    continue
                seen.add(digest)
                yield row["id"], triplet(caption, seed)


def caption_of(row: Mapping[str, Any]) -> Caption | None:
    """An edit's instruction; else a fused caption, or a recaption: the first there is."""
    is_edit = bool(row["caption_instruction"])
    boxes = row["text_boxes"] or ()
    for split in ("caption_instruction",) if is_edit else _SPLITS:
        for each in row[split] or ():
            if each["text"] and each["text"].strip():
                text = cleaned(each["text"])
                lines = sum(box["level"] == "line" for box in boxes)
                return Caption(row["id"], text, each["language"] or "", lines, is_edit)
    return None


def triplet(caption: Caption, seed: int) -> Triplet | str:
    """Of a caption, or why there is none."""
    fine = caption.text
    if len(fine) > _LONGEST:
        return "too_long"
    masked = Masked.of(fine)
    if masked is None or is_unclear(fine):
        return "unclear_quotations"
    language = caption.language or {"CJK": "zh"}.get(script(fine), "")
    words = wording.of_language(language)
    own = seed_for(seed, "triplet", caption.id)
    short, steps = degraded(masked, words, own, is_edit=caption.is_edit)
    reasons = [_reason(*step, masked, words, caption.is_edit) for step in reversed(steps)]
    names = tuple(name for name, _, _ in steps)
    if short == fine:
        return "nothing_to_degrade"
    if spans(short, EVERY) != spans(fine, EVERY):
        return "unclear_quotations"  # marks that are one pair by themselves, and another beside
    kind = category(fine, caption.lines, words)
    return Triplet(caption.id, short, "\n".join(filter(None, reasons)), fine, language, kind, names)


Step = tuple[str, str, str]  # a degradation with the masked text before and after it


def degraded(
    masked: Masked, words: Words | None, seed: int, *, is_edit: bool
) -> tuple[str, list[Step]]:
    """A short prompt by some degradations, chosen by the seed, or by the first that changes
    anything, and the steps; none that leaves nothing. Instructions of edits, and what is in a
    language without ``words``, are simplified alone.
    """
    random = Random(seed)
    if is_edit or words is None:
        text = simplify(masked.text, words, random)
        if text == masked.text or not text.strip():
            return masked.filled(masked.text), []
        return masked.filled(text), [("simplified", masked.text, text)]
    chosen = [name for name in DEGRADATIONS if random.random() < _SHARE]
    only = random.choice(_WORDINGS)
    chosen = [name for name in chosen if name not in _WORDINGS or name == only]
    text, steps = masked.text, list[Step]()
    for name in (*chosen, *(name for name in DEGRADATIONS if name not in chosen)):
        if steps and name not in chosen:
            break
        after = DEGRADATIONS[name](text, words, random)
        if after != text and after.strip():
            steps.append((name, text, after))
            text = after
    return masked.filled(text), steps


def _reason(
    name: str, before: str, after: str, masked: Masked, words: Words | None, is_edit: bool
) -> str:
    """A degradation undone, in words; none in a language whose words are not known."""
    if words is None:
        return ""
    if is_edit:
        return words.edit
    aspect = name.removeprefix("no_")
    if aspect in ASPECTS:
        dropped = "; ".join(_dropped(before, after))
        return f"{words.aspects[aspect].missing} {words.say} {masked.filled(dropped)}"
    return {"colloquial": words.wording, "terms": words.terms}.get(name, words.summary)


def _dropped(before: str, after: str) -> Iterator[str]:
    """What of a text is gone."""
    split = _TOKENS.findall if " " in before else list
    own, other = split(before), split(after)
    for kind, start, end, *_ in SequenceMatcher(None, own, other, autojunk=False).get_opcodes():
        text = "".join(own[start:end]).strip(" ,.;，。；")
        if kind in ("delete", "replace") and text:
            yield text
