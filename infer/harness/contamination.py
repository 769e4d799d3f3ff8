"""Were a benchmark's prompts trained on? Captions and texts of training shards against prompts.

Exact matches, and matches of any 8 successive tokens, as language models are tested for
contamination. A token is a word or a single hanzi or kana, without case and punctuation.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from curation import progress, shard
from curation.failures.errors import UsageError
from infer.harness.rows import Request

LENGTH = 8
_TOKEN = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+"
)
_CAPTIONS = ("caption_raw", "caption_recaption", "caption_fused", "caption_instruction")
_SHOWN = 5
Tokens = tuple[str, ...]


def tokens(text: str) -> Tokens:
    """Words, and single characters of scripts without spaces."""
    return tuple(_TOKEN.findall(unicodedata.normalize("NFKC", text).casefold()))


def runs(text: Tokens) -> Iterator[Tokens]:
    """Every 8 successive tokens."""
    return (text[start : start + LENGTH] for start in range(len(text) - LENGTH + 1))


class Prompts:
    """The prompts of a benchmark, and what they want written, to hold training texts against."""

    def __init__(self, requests: Sequence[Request]) -> None:
        self._exact: dict[Tokens, str] = {}
        self._runs: dict[Tokens, str] = {}
        self.count = len({request.id for request in requests})
        for request in requests:
            self._exact.setdefault(tokens(request.prompt), request.id)
            for text in (request.prompt, " ".join(request.texts)):
                for run in runs(tokens(text)):
                    self._runs.setdefault(run, request.id)

    def exact(self, text: Tokens) -> str | None:
        """The first prompt that a training text is, but for case and punctuation."""
        return self._exact.get(text)

    def overlap(self, text: Tokens) -> str | None:
        """The first prompt that shares 8 tokens with it."""
        return next((self._runs[run] for run in runs(text) if run in self._runs), None)


def report(requests: Sequence[Request], texts: Iterable[str]) -> dict[str, Any]:
    """Counts of training texts that match, of prompts that are matched, and some examples."""
    prompts, seen, exact, overlapping = Prompts(requests), 0, 0, 0
    touched, examples = set[str](), list[dict[str, str]]()
    for text in texts:
        seen += 1
        own = tokens(text)
        same, shared = prompts.exact(own), prompts.overlap(own)
        exact += same is not None
        overlapping += shared is not None
        if matched := same or shared:
            if matched not in touched and len(examples) < _SHOWN:
                examples.append({"prompt_id": matched, "training_text": text[:200]})
            touched.add(matched)
    counts = {"training_texts": seen, "exact": exact, "eight_gram": overlapping}
    return {
        **counts,
        "prompts": prompts.count,
        "prompts_matched": len(touched),
        "examples": examples,
    }


def checked(requests: Sequence[Request], patterns: Sequence[str]) -> dict[str, Any]:
    """``report`` of the shards that match patterns. Raises ``UsageError``, ``ShardError``."""
    from train.data.index import paths

    files = [path for each in patterns for path in paths(each, f"--trained-on {each}")]
    done = 0

    def texts() -> Iterator[str]:
        nonlocal done
        for path in files:
            yield from _texts(path)
            done += 1

    with progress.watch("", "training shards compared", lambda: (len(files), done)):
        matches = report(requests, texts())
    return {"checked": True, "shards": len(files), **matches}


def unchecked(reason: str) -> dict[str, Any]:
    """What stands in a result where nothing was compared."""
    return {"checked": False, "reason": reason}


def sentence(result: dict[str, Any]) -> str:
    """One line beside the score."""
    if not result["checked"]:
        return f"training data not checked for these prompts: {result['reason']}"
    return (
        f"training data: of {result['training_texts']:,} captions and texts {result['exact']:,} are"
        f" a prompt, {result['eight_gram']:,} share 8 tokens with some;"
        f" {result['prompts_matched']:,} of {result['prompts']:,} prompts are matched"
    )


def named_by(checkpoint: Path | None) -> tuple[str, ...]:
    """The shards that a checkpoint's configuration names, where it names all that it saw."""
    if checkpoint is None:
        return ()
    from train.checkpoint import read_configuration

    configuration = read_configuration(checkpoint)
    phases = configuration.phases if configuration else ()
    patterns = {each.data for phase in phases for each in phase.sources}
    is_all = bool(phases) and all(phase.sources for phase in phases) and "" not in patterns
    return tuple(sorted(patterns)) if is_all else ()


def _texts(path: str) -> Iterator[str]:
    """Every caption of a shard, and what is written in each image."""
    names = shard.outline(path).columns
    columns = [name for name in _CAPTIONS if name in names]
    boxes = "text_boxes" in names
    if not columns and not boxes:
        raise UsageError(f"--trained-on: {path}: no captions here; expected shards of ours")
    for batch in shard.read(path, [*columns, *(["text_boxes"] if boxes else [])]):
        for row in batch.to_pylist():
            for name in columns:
                yield from (each["text"] for each in row[name] or () if each["text"])
            lines = [
                each["text"] for each in row.get("text_boxes") or () if each["level"] == "line"
            ]
            if lines:
                yield " ".join(lines)
