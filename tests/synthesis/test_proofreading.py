"""Reading back: what counts as an error, what is asked, and that the reader reads our quads."""

import json
import math
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pytest
from making.commands import Ended, invoke

from curation import shard
from curation.failures.errors import UsageError
from synthesis import png, proofreading, raster, reading
from synthesis.characters.table import levels
from synthesis.proofreading import Reading
from synthesis.reading import HEIGHT, Line
from synthesis.sample import Quad, Sample, TextBox, row, upright_quad

RARE = levels()[2][0]


def test_widths_spaces_and_marks_of_one_kind_are_not_errors() -> None:
    assert proofreading.normalised("Ａ, “b” — c…") == proofreading.normalised('A，"b"-c...')
    assert proofreading.normalised("半　角 ﬁ") == "半角fi"
    assert proofreading.normalised("一、二。") != proofreading.normalised("一,二.")
    assert proofreading.normalised("Oo0") == "Oo0"
    assert proofreading.normalised("wait…… ok.") == "wait…ok."
    assert proofreading.normalised("20° C, 7o Mon") == proofreading.normalised("20oC, 7。Mon")
    assert proofreading.normalised("10only") == "10only"


def test_the_share_is_chosen_by_key_alone() -> None:
    keys = [f"pure/zh/1/{index:08d}/Face" for index in range(1000)]
    found = proofreading.chosen(keys, 0.05)
    assert len(found) == 50
    assert found == proofreading.chosen(keys[::-1], 0.05)
    assert found < proofreading.chosen(keys, 0.1)
    assert len(proofreading.chosen(keys[:10], 0.01)) == 1


def sample(boxes: tuple[TextBox, ...], width: int = 200, height: int = 100) -> Sample:
    picture = png.encode(raster.solid(width, height, (255, 255, 255)))
    return Sample(picture, width, height, "text", "caption", "zh", boxes, "Face")


class Deaf:
    """A reader that hears what it is told to, and remembers what it was asked."""

    def __init__(self, page: str, *lines: str) -> None:
        self.told, self.asked = page, [*lines]

    def page(self, rgb: raster.Pixels, lines: list[Line]) -> str:
        return self.told

    def line(self, rgb: raster.Pixels, line: Line) -> str:
        return self.asked.pop(0)

    def plainly(self, line: Line, language: str) -> str:
        return line.text.replace("玄", "亥")


BOXES = (
    TextBox("both", upright_quad(0, 0, 90, 90), "block"),
    TextBox("天地" + RARE, upright_quad(0, 0, 90, 30), "line"),
    TextBox("天", upright_quad(0, 0, 30, 30), "glyph"),
    TextBox("玄黄", upright_quad(0, 40, 60, 70), "line"),
)


@pytest.mark.parametrize(
    ("key", "page", "lines", "wrong", "by_lines"),
    [
        ("pure/zh", f"天地{RARE}玄黄", (), 0, False),
        ("pure/zh", "天地?玄黄", (), 0, False),  # level 3 is not asked
        ("pure/zh", "天玄", ("天地?", "玄黄"), 0, True),
        ("pure/zh", "天地玄", ("天", "玄"), 1, False),  # the better of the two
        ("scene/zh", "", ("天地", "黄"), 1, True),  # never as a whole
    ],
)
def test_pages_are_read_as_a_whole_then_by_lines(
    key: str, page: str, lines: tuple[str, ...], wrong: int, by_lines: bool
) -> None:
    found = proofreading.proofread(
        dict(row(sample(BOXES), f"{key}/1/00000000", None)) | {"annotation": None},
        Deaf(page, *lines),  # type: ignore[arg-type]
    )
    assert (found.errors, found.length, found.by_lines) == (wrong, 4, by_lines)


@pytest.mark.parametrize(
    ("page", "wrong", "blind"),
    [
        (f"天地{RARE}亥黄", 1, 1),  # it cannot tell 玄 from 亥 anywhere
        (f"天他{RARE}玄黄", 1, 0),
        (f"天他{RARE}亥黄", 2, 1),
        (f"天地{RARE}黄", 1, 1),
        (f"天地{RARE}玄黄黄", 1, 0),
    ],
)
def test_what_the_reader_misreads_in_plain_setting_is_its_own(
    page: str, wrong: int, blind: int
) -> None:
    found = proofreading.proofread(
        dict(row(sample(BOXES), "pure/zh/1/00000000", None)) | {"annotation": None},
        Deaf(page, "?", "?"),  # type: ignore[arg-type]
    )
    assert (found.errors, found.blind) == (wrong, blind)
    told = proofreading.summary([found])["modes"]["pure"]
    assert told["read"] == 1 - wrong / 4
    assert told["accuracy"] == 1 - (wrong - blind) / 4
    assert [one["key"] for one in told["worst"]] == [found.key] * (wrong > blind)


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("photograph", "scene"), ("graphic design", "template"), ("text rendering", "pure")],
)
def test_a_mix_is_told_apart_by_its_annotation(kind: str, mode: str) -> None:
    told = json.dumps({"Image Type": kind})
    assert proofreading.mode_of({"key": "mix/zh/1/00000000/F", "annotation": told}) == mode


def test_each_mode_has_its_bar_and_its_worst() -> None:
    pages = [Reading(f"pure/{k}", "pure", "w", "r", k, 1000, False) for k in range(3)]
    scenes = [Reading("scene/0", "scene", "w", "r", 5, 1000, True)]
    told = proofreading.summary([*pages, *scenes])
    assert told["modes"]["pure"]["accuracy"] == 0.999
    assert [one["key"] for one in told["modes"]["pure"]["worst"]] == ["pure/2", "pure/1"]
    assert told["passed"]
    scenes[0] = Reading("scene/0", "scene", "w", "r", 11, 1000, True)
    assert not proofreading.summary([*pages, *scenes])["passed"]
    assert not proofreading.summary([Reading("p", "pure", "w", "r", 3, 1000, False)])["passed"]


def striped(width: int, height: int, angle: float) -> tuple[raster.Pixels, Quad]:
    """A white bar with a black left and a red right end, turned on grey; and its quad."""
    bar = np.full((height, width, 3), 255, np.uint8)
    bar[:, : width // 4] = 0
    bar[:, -width // 4 :] = (200, 0, 0)
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    cosine, sine = math.cos(angle), math.sin(angle)
    turn = np.array([[cosine, -sine], [sine, cosine]], np.float32)
    placed = (corners - corners.mean(0)) @ turn.T + 200
    warp = cv2.getPerspectiveTransform(corners, placed.astype(np.float32))
    canvas = np.full((400, 400, 3), 128, np.uint8)
    cv2.warpPerspective(bar, warp, (400, 400), canvas, cv2.INTER_LINEAR, cv2.BORDER_TRANSPARENT)
    return canvas, tuple(placed.reshape(-1).tolist())


@pytest.mark.parametrize("angle", [0.0, 0.4, -1.2, 3.0])
@pytest.mark.parametrize("height", [12, 40, 120])
def test_a_line_is_cut_out_upright_whatever_its_angle(angle: float, height: int) -> None:
    canvas, quad = striped(height * 2, height, angle)
    strip = reading.rectified(canvas, Line("ab", quad, ()), 0.12)
    assert strip.shape[0] == HEIGHT
    assert strip.shape[1] == pytest.approx(2 * 0.76 * HEIGHT + 0.24 * HEIGHT, abs=2)
    row = strip[HEIGHT // 2].astype(int)
    left, middle, right = (row[int(len(row) * share)] for share in (0.2, 0.5, 0.8))
    assert left.max() < 40
    assert middle.min() > 220
    assert right[0] > 160
    assert right[1] < 40


def test_a_line_that_runs_downwards_is_laid_down_glyph_by_glyph() -> None:
    canvas = np.full((200, 60, 3), 255, np.uint8)
    glyphs = [upright_quad(10, 10 + 60 * k, 50, 50 + 60 * k) for k in range(3)]
    for number, colour in enumerate([(255, 0, 0), (0, 255, 0), (0, 0, 255)]):
        canvas[10 + 60 * number : 50 + 60 * number, 10:50] = colour
    line = Line("三个字", upright_quad(10, 10, 50, 170), tuple(glyphs))
    strip = reading.rectified(canvas, line, 0.12)
    assert strip.shape[0] == HEIGHT
    for number in range(3):
        column = strip.shape[1] * (2 * number + 1) // 6
        assert strip[HEIGHT // 2, column].argmax() == number


def set_line(text: str, angle: float) -> tuple[raster.Pixels, Quad]:
    """Latin text in OpenCV's own face, turned about the middle; and its quad."""
    (width, height), base = cv2.getTextSize(text, cv2.FONT_HERSHEY_COMPLEX, 1.0, 2)
    canvas = np.full((400, 640, 3), 245, np.uint8)
    left, bottom = (640 - width) // 2, 200
    cv2.putText(
        canvas, text, (left, bottom), cv2.FONT_HERSHEY_COMPLEX, 1.0, (20, 20, 60), 2, cv2.LINE_AA
    )
    quad = np.array(upright_quad(left, bottom - height, left + width, bottom + base)).reshape(4, 2)
    turn = cv2.getRotationMatrix2D((320, 200), angle, 1.0)
    turned = cv2.warpAffine(canvas, turn, (640, 400), borderValue=(245, 245, 245))
    placed = quad @ turn[:, :2].T + turn[:, 2]
    return np.asarray(turned, np.uint8), tuple(placed.reshape(-1).tolist())


@pytest.fixture(scope="module")
def reader() -> reading.Proofreader:
    pytest.importorskip("rapidocr")
    return reading.Proofreader()


@pytest.mark.parametrize("angle", [0, 25, -40])
def test_the_reader_reads_a_line_by_its_quad(reader: reading.Proofreader, angle: float) -> None:
    canvas, quad = set_line("Quiet reading room", angle)
    read = reader.line(canvas, Line("Quiet reading room", quad, ()))
    assert proofreading.normalised(read) == "Quietreadingroom"


def test_the_reader_finds_what_is_on_a_page_in_our_order(reader: reading.Proofreader) -> None:
    canvas, quad = set_line("Quiet reading room", 0)
    lines = [Line("Quiet reading room", quad, ())]
    assert proofreading.normalised(reader.page(canvas, lines)) == "Quietreadingroom"
    blank = np.full((200, 300, 3), 250, np.uint8)
    assert reader.page(blank, lines) == ""


def test_the_reader_reads_what_is_set_plainly(reader: reading.Proofreader) -> None:
    try:
        line = Line("Mind the step", upright_quad(0, 0, 90, 10), ())
        assert proofreading.normalised(reader.plainly(line, "en")) == "Mindthestep"
        cells = tuple(upright_quad(0, 20 * k, 20, 20 * k + 20) for k in range(4))
        column = Line("山高水长", upright_quad(0, 0, 20, 80), cells)
        assert reader.plainly(column, "zh") == "山高水长"
    except UsageError as problem:
        pytest.skip(str(problem))


def command(*arguments: str) -> Ended:
    return invoke(proofreading.app, arguments)


def test_the_command_tells_figures_and_ends_with_3_below_the_bar(
    reader: reading.Proofreader, tmp_path: Path
) -> None:
    assert reader
    canvas, quad = set_line("Quiet reading room", 0)
    picture = png.encode(np.dstack([canvas, np.full(canvas.shape[:2], 255, np.uint8)]))
    for name, text in (("true", "Quiet reading room"), ("false", "Loud reading room")):
        boxes = (TextBox(text, quad, "line"),)
        one = Sample(picture, 640, 400, text, "caption", "en", boxes, "Face")
        schema = shard.schema()
        keys = ("pure/en/1/00000000", "pure/ar/1/00000000", "pure/ar/1/00000001")
        batch = pa.RecordBatch.from_pylist([row(one, key, None) for key in keys], schema)
        shard.write(str(tmp_path / name / "part-00000.parquet"), [batch], schema)
    true = command(str(tmp_path / "true"), "--json")
    assert true.exit_code == 0, true.stderr
    told = json.loads(true.stdout)
    assert told["modes"]["pure"]["accuracy"] == 1
    assert (told["modes"]["pure"]["samples"], told["unread"]) == (1, {"ar": 2})
    false = command(str(tmp_path / "false"))
    assert false.exit_code == 3
    assert "pure/en/1/00000000/Face" in false.stdout
    assert "languages the reader does not know: ar 2" in false.stdout


def test_a_folder_without_shards_is_wrong_usage(tmp_path: Path) -> None:
    done = command(str(tmp_path))
    assert done.exit_code == 2
    assert "no shards there" in done.stderr
    assert "Traceback" not in done.stderr
