"""What an edit names is changed, and not a pixel or a box beside it."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from making import edits

from synthesis.edits import kinds, masks
from synthesis.edits.edit import Change, Edit
from synthesis.edits.kinds import Kind
from synthesis.edits.layouts.moving import CARD, ENTRY, PANEL
from synthesis.job import Job
from synthesis.sample import Rejected, TextBox

COUNT = 4
AROUND = 2 * (masks.MARGIN + 1)  # pixels of a mask beside what differs, both ways
OURS = [kind for kind in kinds.KINDS if kind.family in {"layout", "page"}]
SAME_TEXTS = ("text.recolour", "layout", "background", "attribute", "object")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Job]:
    folder = tmp_path_factory.mktemp("fonts")
    return {language: edits.job(folder, language) for language in ("en", "zh")}


@pytest.fixture(
    scope="module", params=OURS, ids=[f"{kind.operation}-{kind.family}" for kind in OURS]
)
def kind(request: pytest.FixtureRequest) -> Kind:
    assert isinstance(request.param, Kind)
    return request.param


@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_differs_beside_what_is_named(
    made: dict[str, Job], kind: Kind, language: str
) -> None:
    results = list(edits.some(made[language], kind, COUNT))
    pairs = [result for result in results if isinstance(result, Edit)]
    assert len(pairs) == COUNT
    assert "spill" not in {result.reason for result in results if isinstance(result, Rejected)}
    for edit in pairs:
        assert edit.mask is not None
        assert set(np.unique(edit.mask)) <= {0, 255}
        differs = masks.differing(edit.source, edit.target)
        assert differs.any()
        assert not (differs & (edit.mask == 0)).any()
        check_texts(edit)
        check_named(edit)


def check_texts(edit: Edit) -> None:
    """Nothing but the text that is named goes, and nothing but the new one comes."""
    change = edit.change
    before, after = Counter(edits.texts(edit.before)), Counter(edits.texts(edit.after))
    gone, come = list((before - after).elements()), list((after - before).elements())
    if change.operation.startswith(SAME_TEXTS):
        assert (gone, come) == ([], [])
        moved = change.operation in {"layout.swap", "layout.move"}
        texts = (
            [change.old or "", change.new or ""]
            if change.thing not in {CARD, ENTRY, PANEL}
            else None
        )
        if not moved:
            assert edit.before == edit.after
        elif texts:
            assert set(blocks(edit.before, texts)) == set(blocks(edit.after, texts))
        return
    assert gone == ([change.old] if change.old else [])
    new = change.operation != "text.remove"
    assert come == ([change.new] if change.new else come[:new])
    assert blocks(edit.before, gone) == blocks(edit.after, come)
    (written,) = come or [""]
    assert glyphs(edit.after, written) == "".join(written.split())


def blocks(boxes: Sequence[TextBox], without: Sequence[str]) -> list[TextBox]:
    return [box for box in boxes if box.level == "block" and box.text not in without]


def glyphs(boxes: Sequence[TextBox], text: str) -> str:
    """What is rendered of a text, glyph by glyph."""
    shown, inside = "", False
    for box in boxes:
        inside = box.text == text if box.level == "block" else inside
        shown += box.text if inside and box.level == "glyph" else ""
    return shown


def check_named(edit: Edit) -> None:
    """A text that is quoted stands once, unless its place is said."""
    change: Change = edit.change
    if change.old is None or change.place is not None:
        return
    holding = [text for text in edits.texts(edit.before) if change.old in text]
    assert len(holding) == 1


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("operation", ["text.remove", "text.add", "object.remove"])
def test_masks_are_no_larger_than_what_changes(
    made: dict[str, Job], operation: str, language: str
) -> None:
    (kind,) = [of for of in OURS if of.operation == operation and of.family == "layout"]
    ratios = []
    for result in edits.some(made[language], kind, COUNT):
        if isinstance(result, Edit):
            rows, columns = np.nonzero(masks.differing(result.source, result.target))
            bounds = (np.ptp(rows) + 1 + AROUND) * (np.ptp(columns) + 1 + AROUND)
            assert result.mask is not None
            ratios.append(np.count_nonzero(result.mask) / bounds)
    assert np.mean(ratios) < 1.5
    assert operation == "object.remove" or max(ratios) <= 1.0


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_added_text_is_what_is_removed(made: dict[str, Job], language: str) -> None:
    """Two kinds of one random state: one's source is the other's target."""
    removed, added = (
        next(of for of in OURS if of.operation == name and of.family == "layout")
        for name in ("text.remove", "text.add")
    )
    for seed in range(3):
        first, second = (of.make(edits.chance(seed), made[language]) for of in (removed, added))
        assert isinstance(first, Edit)
        assert isinstance(second, Edit)
        assert (first.source == second.target).all()
        assert (first.target == second.source).all()
