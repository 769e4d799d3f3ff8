"""What the inputs hold when all of them are known: which images are samples, which parts of one.

An image that an edit sample was made from is no row of its own, unless a list says something about
it. A result that lists name with several inputs or instructions is several samples.
"""

import hashlib
import json
import os
from dataclasses import replace

from curation.sources import annotation
from curation.sources.fields import Columns
from curation.sources.sample import Part
from curation.sources.scan import Collection, identity, united

_Edit = tuple[tuple[str, ...], tuple[str, ...]]  # the locations of inputs, the instruction's texts


def settle(collection: Collection) -> None:
    """Put the edit samples of lists among the images, and take out what is part of one."""
    by_result: dict[str, dict[_Edit, Part]] = {}
    for part in collection.edits:
        edits = by_result.setdefault(identity(part.path), {})
        edit = _edit(part, collection.columns)
        edits[edit] = united(edits[edit], part) if edit in edits else part
    for place, edits in by_result.items():
        _settle_result(collection, place, edits)
    for place in collection.inputs:
        alone = collection.images.get(place)
        if alone is not None and not (alone.inputs or alone.described):
            del collection.images[place]


def _settle_result(collection: Collection, place: str, edits: dict[_Edit, Part]) -> None:
    """The samples of one result. The file itself is one more only if a list tells of it alone."""
    alone = collection.images.get(place)
    if alone is not None and not alone.described:
        del collection.images[place]
        beside = replace(alone, inputs=(), stamps=alone.stamps[: 1 + len(alone.sidecars)])
        edits = {edit: _with_all_stamps(beside, part) for edit, part in edits.items()}
        alone = None
    if alone is None and len(edits) == 1:
        (collection.images[place],) = edits.values()
        return
    for edit, part in edits.items():
        folder = place.rpartition("/")[0] or "/"  # wherever the collection lies, the same variant
        inputs = [os.path.relpath(name, folder) for name in edit[0]]
        digest = hashlib.blake2b(json.dumps([inputs, edit[1]]).encode(), digest_size=4)
        variant = f"edit-{digest.hexdigest()}"
        collection.images[f"{place}#{variant}"] = replace(part, variant=variant)


def _with_all_stamps(beside: Part, part: Part) -> Part:
    """The edit that a list names, with the side files of its result, and the times of all."""
    stamps = dict.fromkeys((*part.stamps, *beside.stamps))
    return replace(united(beside, part), stamps=tuple(stamps))


def _edit(part: Part, columns: Columns) -> _Edit:
    said = [annotation.from_json(text, "", columns) for _, text in part.described]
    instruction = annotation.merge(said).caption_instruction or ()
    return (
        tuple(identity(path) for path, _ in part.inputs),
        tuple(caption.text for caption in instruction),
    )
