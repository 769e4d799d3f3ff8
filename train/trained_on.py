"""What a checkpoint was trained on, in a small JSON file, and what a prompt asks beyond it.

Imports nothing heavy: it is read before any weights are.
"""

import json
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from train.quotations import frame, quoted

NAME = "trained_on.json"
_MOST_FRAMES = 64  # more are prose, and another prompt of that kind is nothing new
_SHOWN = 12  # characters in a warning


class Shards(BaseModel):
    """The shards of a ``pattern``, as it was given: how many ``files``, and a ``digest`` of their
    names and sizes, by which others in their place are told; 0 and "" where nobody looked.
    """

    model_config = ConfigDict(frozen=True)

    pattern: str
    files: int = 0
    digest: str = ""


class TrainedOn(BaseModel):
    """``sizes`` are (width, height) in pixels, most images first; ``written`` the characters
    inside quotation marks of captions and ``described`` those outside, each as one string in
    order; ``longest`` the most characters in one quotation; ``frames`` the captions with emptied
    quotations, where they are few, else empty; ``quotes`` whether any caption had a quotation.
    ``data`` identifies the images as ``progress.json`` does, ``tasks`` are those trained on,
    ``shards`` are where all of it was read from (of an earlier version's, not known).
    """

    model_config = ConfigDict(frozen=True)

    data: str
    steps: int
    images: int
    sizes: tuple[tuple[int, int], ...]
    captions: tuple[str, ...]  # names of the columns
    languages: tuple[str, ...]
    frames: tuple[str, ...]
    quotes: bool
    longest: int
    written: str
    described: str
    tasks: tuple[str, ...] = ("t2i",)
    shards: tuple[Shards, ...] = ()

    def write(self, folder: Path) -> None:
        """Write the file into a checkpoint."""
        (folder / NAME).write_text(self.model_dump_json(indent=1) + "\n", "utf-8")

    def sentence(self) -> str:
        """How long was trained, and on what."""
        sizes = self._some_sizes()
        captions = f", captions such as: {_shown(self.frames[0])}" if self.frames else ""
        return f"trained for {self.steps:,} steps on {self.images:,} images, {sizes} px{captions}"

    def beyond(
        self, prompts: Iterable[str], size: tuple[int, int], *, edits: bool = False
    ) -> Iterator[str]:
        """What is asked for, ``edits`` of images or not, and was never trained on: a sentence each,
        most harmful first.
        """
        listed = list(prompts)
        if edits and "ti2i" not in self.tasks:
            yield "it was never trained on edits: it cannot know what images are for"
        if not edits and "t2i" not in self.tasks and "ti2i" in self.tasks:
            yield "it was trained on edits alone: give it images to edit"
        if size not in self.sizes:
            yield f"size {size[0]}x{size[1]} was never trained; it was {self._some_sizes()}"
        texts = [text for prompt in listed for text in quoted(prompt)]
        unseen = _beyond("".join(texts), self.written) if self.quotes else ""
        if unseen:
            yield f"it never learnt to write {_some(unseen)}"
        words = _beyond("".join(frame(prompt) for prompt in listed), self.described)
        if words and not self.frames:
            where = " outside of quotation marks" if self.quotes else ""
            yield f"no caption it learnt from had the characters {_some(words)}{where}"
        long = [text for text in texts if len(text) > self.longest]
        if long and self.quotes:
            yield (
                f"the longest text it learnt has {self.longest} characters;"
                f" {json.dumps(max(long, key=len)[:40], ensure_ascii=False)} is longer"
            )
        yield from self._another_kind(listed)

    def _some_sizes(self) -> str:
        some = ", ".join(f"{width}x{height}" for width, height in self.sizes[:3])
        return some + (", ..." if len(self.sizes) > 3 else "")

    def _another_kind(self, prompts: list[str]) -> Iterator[str]:
        if self.frames:
            other = [prompt for prompt in prompts if frame(prompt) not in self.frames]
        else:
            other = [prompt for prompt in prompts if bool(quoted(prompt)) and not self.quotes]
        if not other:
            return
        count = f"{len(other)} of {len(prompts)} prompts are"
        subject = "the prompt is" if len(prompts) == 1 else count
        yield f"{subject} of another kind than its captions{self._example(other[0])}"

    def _example(self, prompt: str) -> str:
        if not self.frames:
            return ", which ask for no text in quotation marks"
        near = get_close_matches(frame(prompt), self.frames, n=1, cutoff=0) or self.frames[:1]
        return f", such as: {_shown(near[0])}"


def read(folder: Path) -> TrainedOn | None:
    """What a checkpoint says of itself; None where it says nothing. Raises ``ValueError``."""
    path = folder / NAME
    return TrainedOn.model_validate_json(path.read_bytes()) if path.is_file() else None


class Captions:
    """Gathers what captions say, one by one, and the ``shards`` that they are of, by pattern."""

    def __init__(self) -> None:
        self._frames: set[str] = set()
        self._written: set[str] = set()
        self._described: set[str] = set()
        self._languages: set[str] = set()
        self._longest = 0
        self._quotes = False
        self.images = 0  # that they are of, of which several sources may take the same ones
        self.shards: dict[str, Shards] = {}

    def add(self, captions: Iterable[str], languages: Iterable[str]) -> None:
        """The captions of one training image, and their languages."""
        self._languages.update(languages)
        for caption in captions:
            self._add(caption)

    def _add(self, caption: str) -> None:
        texts = quoted(caption)
        outside = frame(caption)
        self._quotes |= bool(texts)
        self._written.update(*texts)
        self._longest = max([self._longest, *map(len, texts)])
        self._described.update(outside)
        if len(self._frames) <= _MOST_FRAMES:
            self._frames.add(outside)

    def summary(
        self,
        *,
        data: str,
        steps: int,
        sizes: tuple[tuple[int, int], ...],
        columns: tuple[str, ...],
        tasks: tuple[str, ...] = ("t2i",),
        later: tuple[str, ...] = (),
    ) -> TrainedOn:
        """All that was gathered; ``later`` are patterns that the plan named while training."""
        few = len(self._frames) <= _MOST_FRAMES
        unread = (Shards(pattern=name) for name in later if name not in self.shards)
        return TrainedOn(
            data=data,
            steps=steps,
            images=self.images,
            sizes=sizes,
            captions=columns,
            languages=tuple(sorted(self._languages)),
            frames=tuple(sorted(self._frames)) if few else (),
            quotes=self._quotes,
            longest=self._longest,
            written="".join(sorted(self._written)),
            described="".join(sorted(self._described)),
            tasks=tasks,
            shards=(*self.shards.values(), *unread),
        )


def _beyond(text: str, known: str) -> str:
    return "".join(
        sorted({character for character in text if not character.isspace()} - set(known))
    )


def _shown(frame: str) -> str:
    return frame.replace('""', '"…"')


def _some(characters: str) -> str:
    shown = " ".join(characters[:_SHOWN])
    rest = len(characters) - _SHOWN
    return f"{shown} and {rest} more" if rest > 0 else shown
