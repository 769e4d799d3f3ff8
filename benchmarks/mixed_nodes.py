"""How often nodes are right of what is no photograph of ImageNet's: for benchmarks.taxonomy.

What an image truly shows follows from the manifest: of captioned images the nouns of their captions
(which the node is then told without), of codes that they are such, of what has text the words that
say which kind it is. A node is *false* if it is neither above nor below any of these.
"""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from taxonomy.nodes import nouns
from taxonomy.tree import ROOT, tree
from train.figures import interval

# what the column ``expected`` says of an image with text, and the branches that this may be
KINDS_OF_TEXT: Mapping[str, tuple[str, ...]] = {
    "slide/diagram/screenshot": ("slide", "infographic", "user_interface", "document"),
    "ui screenshot": ("user_interface", "infographic", "document"),
    "slide": ("slide", "infographic"),
    "book cover": ("cover",),
    "poster": ("poster",),
    "document": ("document", "text"),
    "formula": ("document", "text"),
    "dense text": ("document", "text"),
    "receipt": ("document",),
    "sign": ("sign",),
    "diagram": ("infographic",),
}
SOME_PHOTOGRAPHS = "poster/photo"  # says of neither which


@dataclass(frozen=True)
class Mixed:
    """An image of a ``group`` of the manifest, the nodes that are ``true`` of it, and what models
    see.
    """

    file: str
    group: str
    true: tuple[int, ...]
    seen: Mapping[str, Any]


def true_nodes(row: Mapping[str, str]) -> tuple[int, ...]:
    """The nodes that the manifest says of an image; none where it does not say."""
    number, expected = tree().number, row["expected"].lower()
    if row["kind"] in ("captioned", "photo-open"):
        return tuple(nouns([row["caption_en"] or expected], {}))
    if row["kind"] == "code":
        return (number["machine_code"],)
    if row["kind"] != "text-rich" or SOME_PHOTOGRAPHS in expected:
        return ()
    named = [of for words, of in KINDS_OF_TEXT.items() if words in expected]
    return tuple(number[node] for node in (named[0] if named else ()))


def mixed(folder: Path, measure: Callable[[bytes], Mapping[str, Any]]) -> Iterator[Mixed]:
    """The images whose nodes are known from the manifest of a folder."""
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if true := true_nodes(row):
                seen = measure((folder / row["file"]).read_bytes())
                yield Mixed(row["file"], row["kind"], true, seen)


def is_false(node: int, true: Sequence[int]) -> bool:
    """Whether a node is on no way to or from what is true; the root never is."""
    above = tree().above(node)
    return not any(of in above or node in tree().above(of) for of in true)


def table(images: Sequence[Mixed], assign: Callable[[Mixed], tuple[int, float]]) -> list[str]:
    """By group: how many nodes are false, and how many say nothing."""
    lines = [f"{'':14} {'images':>6}  {'false':24} {'no node':>8}"]
    root = tree().number[ROOT]
    for group in dict.fromkeys(image.group for image in images):
        own = [(image, assign(image)[0]) for image in images if image.group == group]
        wrong = sum(is_false(node, image.true) for image, node in own)
        low, high = interval(wrong, len(own))
        none = sum(node == root for _, node in own) / len(own)
        share = f"{wrong / len(own):.3f} ({low:.3f} to {high:.3f})"
        lines.append(f"{group:14} {len(own):6}  {share:24} {none:8.3f}")
    return lines


def reliability(images: Sequence[Mixed], assign: Callable[[Mixed], tuple[int, float]]) -> list[str]:
    """By how sure a node is said to be: how many there are, and how many are not false."""
    lines = [f"{'sure':14} {'nodes':>6}  {'mean':>6} {'true':>6}"]
    root, every = tree().number[ROOT], [(image, *assign(image)) for image in images]
    for low in (0.0, 0.5, 0.6, 0.7, 0.8, 0.9):
        high = low + 0.1 if low else 0.5
        own = [
            (not is_false(node, image.true), sure)
            for image, node, sure in every
            if node != root and (low <= sure < high or (low == 0.9 and sure >= low))
        ]
        if own:
            true, mean = (sum(of) / len(own) for of in zip(*own, strict=True))
            lines.append(f"{low:.1f} to {high:.1f}     {len(own):6}  {mean:6.3f} {true:6.3f}")
    return lines
