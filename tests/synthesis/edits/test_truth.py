"""What an edit names is changed, and not a pixel or a box beside it."""

import numpy as np
import pytest
from making import edits

from synthesis.edits import kinds, masks
from synthesis.edits.edit import Edit
from synthesis.job import Job
from synthesis.sample import Rejected

COUNT = 4
OURS = [
    operation
    for operation in kinds.OPERATIONS
    if operation.startswith(("text.", "layout.", "background.", "attribute.colour", "object."))
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Job]:
    folder = tmp_path_factory.mktemp("fonts")
    return {language: edits.job(folder, language) for language in ("en", "zh")}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("operation", OURS)
def test_nothing_differs_outside_the_mask(
    made: dict[str, Job], operation: str, language: str
) -> None:
    results = list(edits.some(made[language], operation, COUNT))
    pairs = [result for result in results if isinstance(result, Edit)]
    assert len(pairs) == COUNT
    assert "spill" not in {result.reason for result in results if isinstance(result, Rejected)}
    for edit in pairs:
        assert edit.mask is not None
        differs = masks.differing(edit.source, edit.target)
        assert differs.any()
        assert not (differs & (edit.mask == 0)).any()
        check_words(edit)


def check_words(edit: Edit) -> None:
    """The texts that an instruction quotes are there and not there, as it says."""
    change, before, after = edit.change, edits.texts(edit.before), edits.texts(edit.after)
    if edit.change.operation in {"layout.swap", "layout.move"} or change.kind in {
        *("background", "attribute", "object"),
        *(["text"] if change.operation == "text.recolour" else []),
    }:
        assert sorted(before) == sorted(after)
        return
    gone, come = list(before), list(after)
    for text in before:
        if text in come:
            come.remove(text)
            gone.remove(text)
    assert len(gone) == (change.operation != "text.add")
    assert len(come) == (change.operation != "text.remove")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_masks_are_no_larger_than_what_changes(made: dict[str, Job], language: str) -> None:
    """Of what is replaced, the mask is at most a little larger than the bounds of what differs."""
    of_layouts = next(kind for kind in kinds.KINDS if kind.operation == "text.remove")
    for result in edits.some(made[language], "text.remove", COUNT, of_layouts):
        if isinstance(result, Edit):
            rows, columns = np.nonzero(masks.differing(result.source, result.target))
            bounds = (np.ptp(rows) + 1 + 2 * 3) * (np.ptp(columns) + 1 + 2 * 3)
            assert result.mask is not None
            assert np.count_nonzero(result.mask) <= bounds
