"""Edit pairs on the page: counted, side by side, and with what changed outlined."""

from pathlib import Path

import numpy as np
import pytest
from making.collection import drawing, encoded
from making.edit_pairs import Pair, write
from making.pipelines import pipeline_text
from making.runs import run_in_process
from PIL import Image

from curation.report.page import write_report
from curation.report.pair_images import OUTLINE, marked


def repainted(seed: int) -> bytes:
    image = drawing(seed)
    image.paste(drawing(seed + 50, 90), (20, 40))
    return encoded(image)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("pairs")
    stages = {"s1": {"short_side": {"min": 256}, "changed_share": {"min": 0.0007}}}
    (root / "pipelines.yaml").write_text(pipeline_text(stages))
    small, large = encoded(drawing(5, 200)), encoded(drawing(5))
    pairs = [
        Pair("a", repainted(1), [encoded(drawing(1))], "replace the <b>dog</b> with a cat"),
        Pair("b", repainted(2), [encoded(drawing(2)), large], "把背景换成海边"),
        Pair("c", repainted(3), [encoded(drawing(3)), small], "add a hat"),
        Pair("d", encoded(drawing(4)), [encoded(drawing(4), quality=70)], "add a hat"),
    ]
    write("folder", root / "in", pairs)
    (root / "in" / "alone.jpg").write_bytes(large)
    run_in_process(root / "in", root / "out")
    return Path(write_report(str(root / "out"))).read_text(encoding="utf-8")


def test_pairs_are_counted_and_shown_with_all_their_images(page: str) -> None:
    start = page.index('id="pairs"')
    section = page[start : page.index("</section>", start)]
    assert "4 rows are edits" in section and "2 are kept" in section
    assert (
        "replace the &lt;b&gt;dog&lt;/b&gt; with a cat" in section and "把背景换成海边" in section
    )
    for name in ("object", "background", "single", "multi", "object.replace"):
        assert name in section
    assert "short_side.min" in section and "input 2" in section and "changed_share.min" in section
    assert section.count("<img ") == 3 + 4 + 4 + 3, "inputs, result and what changed of each"
    assert section.count(">what changed<") == 4


def test_a_run_without_pairs_has_no_such_section(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(encoded(drawing(1)))
    run_in_process(tmp_path / "in", tmp_path / "out")
    text = Path(write_report(str(tmp_path / "out"))).read_text(encoding="utf-8")
    assert 'id="pairs"' not in text


def test_what_changed_is_outlined_and_the_rest_faded() -> None:
    rgb = np.asarray(Image.new("RGB", (60, 40), (10, 60, 20)))
    changed = np.zeros((40, 60), np.bool_)
    changed[10:20, 15:30] = True
    shown = marked(rgb, changed)
    assert tuple(shown[15, 22]) == (10, 60, 20), "what changed is as it was"
    assert shown[35, 50].min() > 150, "what is the same is faded"
    assert (shown == OUTLINE).all(axis=2).any()
    assert np.array_equal(marked(rgb, np.ones((40, 60), np.bool_)), rgb), "changed all over"
