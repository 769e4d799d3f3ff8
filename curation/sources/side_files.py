"""Side files: text or JSON beside an image, named after it, that say more about it."""

from collections.abc import Callable, Iterable, Sequence

from curation.sources.confines import OUTSIDE
from curation.sources.kind import kind, side_file_order, stem_of
from curation.sources.sample import Part
from curation.storage import FileEntry

SideFiles = dict[str, list[FileEntry]]  # by what they describe: their path without extension


def by_stem(entries: Iterable[FileEntry]) -> SideFiles:
    """The side files among these files."""
    found: SideFiles = {}
    for entry in entries:
        if kind(entry.path) == "sidecar":
            found.setdefault(stem_of(entry.path), []).append(entry)
    return found


def described(part: Part, beside: SideFiles, refusal: Callable[[FileEntry], str | None]) -> Part:
    """The image with its side files, in the order of their captions; problems name the refused."""
    every = {
        _name(entry): entry
        for stem in (part.path, stem_of(part.path))
        for entry in beside.get(stem, ())
    }
    if not every:
        return part
    ordered = [every[name] for name in sorted(every, key=side_file_order)]
    refused = [entry for entry in ordered if refusal(entry)]
    read = [entry for entry in ordered if entry not in refused]
    return Part(  # of an image alone: dataclasses.replace takes longer than all the rest here
        part.path,
        part.size,
        part.key,
        sidecars=tuple((_name(entry), entry.size) for entry in read),
        problems=tuple(f"{_name(entry)}: {OUTSIDE}" for entry in refused),
        stamps=part.stamps + tuple(entry.times for entry in read),
    )


def strays(names: Sequence[str]) -> list[str]:
    """Which of the files of a folder are side files of no image there: nobody hears what they say.

    Statistics that img2dataset leaves beside its tars are none.
    """
    images: set[str] = set()
    beside: list[str] = []
    for name in names:
        what = kind(name)
        if what == "picture":
            images.update((name, stem_of(name)))
        elif what == "sidecar":
            beside.append(name)
    return sorted(
        name for name in beside if stem_of(name) not in images and not name.endswith("_stats.json")
    )


def _name(entry: FileEntry) -> str:
    return entry.path.rpartition("/")[2]
