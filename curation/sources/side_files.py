"""Side files, text or JSON beside an image and named after it, and the inputs of an edit."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

from curation.sources import edits
from curation.sources.confines import OUTSIDE
from curation.sources.edits import Group
from curation.sources.kind import kind, side_file_order, stem_of
from curation.sources.sample import Part
from curation.storage import FileEntry

Refusal = Callable[[FileEntry], str | None]


class Beside:
    """What lies beside the images ``given`` by their paths, among the files of their folders.

    ``parts`` are the paths of images that an edit sample among these was made from.
    """

    def __init__(self, entries: Iterable[FileEntry], given: Collection[str]) -> None:
        self.parts: set[str] = set()
        self._side_files: dict[str, list[FileEntry]] = {}  # by the path without extension
        self._images: dict[str, FileEntry] = {}
        self._edits: dict[str, Group] = {}  # by the path of the row
        instructed = set()
        for entry in entries:
            what = kind(entry.path)
            if what == "image":
                self._images[entry.path] = entry
            elif what == "sidecar":
                stem, is_instruction = _stem(entry.path)
                self._side_files.setdefault(stem, []).append(entry)
                if is_instruction:
                    instructed.add(stem)
        for group in edits.groups(self._images, instructed):
            rows = [path for path in group.rows if path in given]
            self._edits.update(dict.fromkeys(rows, group))
            self.parts.update(group.parts if rows else ())

    def described(self, part: Part, refusal: Refusal) -> Part:
        """The image with its side files, in the order of their captions, and with its inputs.

        Problems name the side files that are refused; an input that is refused spoils the sample.
        """
        part = self._with_side_files(part, refusal)
        group = self._edits.get(part.path)
        if group is None:
            return part
        part = _with_masks(part, [self._images[path] for path in group.masks], refusal)
        inputs = [self._images[path] for path in group.inputs]
        for number, entry in enumerate(inputs, 1):
            if problem := refusal(entry):
                return replace(part, error=edits.named(problem, f"input {number}", _name(entry)))
        return replace(
            part,
            inputs=tuple((entry.path, entry.size) for entry in inputs),
            stamps=part.stamps + tuple(entry.times for entry in inputs),
            error=group.problem,
        )

    def _with_side_files(self, part: Part, refusal: Refusal) -> Part:
        every = {
            _name(entry): entry
            for stem in {part.path, stem_of(part.path), edits.stem_of_result(part.path)}
            for entry in self._side_files.get(stem, ())
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


def _with_masks(part: Part, masks: Sequence[FileEntry], refusal: Refusal) -> Part:
    """The image with its masks, which are read as side files are."""
    refused = [entry for entry in masks if refusal(entry)]
    read = [entry for entry in masks if entry not in refused]
    return replace(
        part,
        sidecars=(*part.sidecars, *((_name(entry), entry.size) for entry in read)),
        problems=(*part.problems, *(f"{_name(entry)}: {OUTSIDE}" for entry in refused)),
        stamps=part.stamps + tuple(entry.times for entry in read),
    )


def _stem(name: str) -> tuple[str, bool]:
    """What a side file is named after, and whether it is an instruction."""
    instruction = edits.instruction_of(name)
    return (instruction[0], True) if instruction else (stem_of(name), False)


def strays(names: Sequence[str]) -> list[str]:
    """Which of the files of a folder are side files of no image there: nobody hears what they say.

    Statistics that img2dataset leaves beside its tars are none.
    """
    images: set[str] = set()
    stem_of_file: dict[str, str] = {}
    for name in names:
        what = kind(name)
        if what == "image":
            images.update((name, stem_of(name), edits.stem_of_result(name)))
        elif what == "sidecar":
            stem_of_file[name] = _stem(name)[0]
    strays = (name for name, stem in stem_of_file.items() if stem not in images)
    return sorted(name for name in strays if not name.endswith("_stats.json"))


def _name(entry: FileEntry) -> str:
    return entry.path.rpartition("/")[2]
