"""The parts of mode pure: sizes and densities, columns, textures, faces, every language."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np
import pytest
from making.made_fonts import all_characters, make

from curation.failures.errors import UsageError
from curation.picture import colours
from synthesis import corpus, image_sizes, jobs, modes, raster
from synthesis.corpus import Paragraph
from synthesis.fonts.files import FontFile, is_handwriting
from synthesis.job import Job
from synthesis.pure import (
    backgrounds,
    columns,
    faces,
    limits,
    manner,
    pairs,
    paragraph,
    scripts,
    texts,
)
from synthesis.pure.backgrounds import GROUNDS
from synthesis.pure.manner import Kind
from synthesis.pure.textures import Rhythm
from synthesis.sample import Rejected, Sample, TextBox, upright_quad
from synthesis.text.block import Typography
from synthesis.text.layout import Frame, Setting

SIZES = [size for name in map(str, image_sizes.CLASSES) for size in image_sizes.sizes(name)]
SENTENCE = "The tide tables are pinned beside the door, and nobody reads them twice. "


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory) -> Job:
    path = tmp_path_factory.mktemp("fonts") / "test.ttf"
    return jobs.prepare("en", "pure", seed=5, fonts=make(path, all_characters("en")))


@pytest.fixture(scope="module")
def chinese(tmp_path_factory: pytest.TempPathFactory) -> Job:
    path = tmp_path_factory.mktemp("fonts") / "test.ttf"
    return jobs.prepare("zh", "pure", seed=5, fonts=make(path, all_characters("zh")))


# limits


def line(height: float, text: str = "abcdefghij", width: float = 100.0) -> list[TextBox]:
    glyphs = [TextBox(one, upright_quad(0, 0, 20, height), "glyph") for one in text]
    return [TextBox(text, upright_quad(0, 0, width, height), "line"), *glyphs]


def broken(language: str, boxes: Sequence[TextBox], size: image_sizes.Size) -> str | None:
    return limits.broken(language, limits.measure(language, boxes, size), size)


def test_text_that_is_too_small_dense_or_sparse_breaks_a_limit() -> None:
    size = (256, 256)
    assert broken("en", line(8), size) is None
    assert broken("en", line(3), size) == "too_small"
    assert broken("zh", line(8, "中文文字排得很小了"), size) == "too_small"
    assert broken("zh", line(12, "中文文字排得刚刚好"), size) is None
    assert broken("en", line(8) * 50, size) == "too_dense"
    assert broken("en", line(240, width=250), size) == "too_dense"
    assert broken("en", line(8, "a few"), size) == "too_sparse"


def test_letters_of_another_script_do_not_count_in_chinese() -> None:
    assert broken("zh", line(6, "PARAGRAPHS"), (256, 256)) is None


@pytest.mark.parametrize("language", ["en", "zh", "ko", "ar", "th"])
def test_limits_rise_with_the_canvas(language: str) -> None:
    for limit in (limits.smallest_em, limits.least_letter, limits.most_characters):
        found = [limit(language, (side, side)) for side in (64, 256, 400, 640, 1000, 1328, 2000)]
        assert found == sorted(found)
        assert found[0] == found[1] < found[3] < found[5] == found[6]


@pytest.mark.parametrize("name", ["english", "chinese"])
@pytest.mark.parametrize("size", SIZES[::5], ids=str)
def test_no_page_breaks_a_limit_or_leaves_the_canvas(
    name: str, size: image_sizes.Size, request: pytest.FixtureRequest
) -> None:
    """The fullest pages there are, in every class and many ratios."""
    job: Job = replace(request.getfixturevalue(name), sizes=(size,))
    drawn = 0
    for seed in range(3):
        random = Random(seed)
        prose = [
            one.text for one in job.paragraphs if manner.kind_of(job.language, one.text) == "prose"
        ]
        text = texts.page(random, job, random.choice(prose), size)
        sample = paragraph.render(random, job, text)
        if isinstance(sample, Rejected):
            assert sample.reason == "does_not_fit"
            continue
        drawn += 1
        assert sample.text == text
        assert broken(job.language, sample.boxes, size) is None
        corners = np.array([box.quad for box in sample.boxes]).reshape(-1, 2)
        assert corners.min() >= 0 and (corners.max(axis=0) <= size).all()
    assert drawn > 1


def test_a_page_may_hold_a_thousand_tokens(english: Job, chinese: Job) -> None:
    """Four letters or one and a half hanzi are about a token."""
    size = (1328, 1328)
    for job, count in ((english, 4000), (chinese, 1500)):
        unit = SENTENCE if job is english else "潮汐表钉在门边，没有人会再读第二遍。"
        text = "\n\n".join([(unit * 12).strip()] * (count // len(unit * 12)))
        samples = [
            paragraph.render(Random(seed), replace(job, sizes=(size,)), text) for seed in range(2)
        ]
        assert any(isinstance(one, Sample) for one in samples), samples


# columns


def columns_of(found: columns.Columns) -> list[list[float]]:
    """The baselines of every column, from the left."""
    starts: dict[int, list[float]] = {}
    for one in found.block.lines:
        start = min(starts, key=lambda left: abs(left - one.box[0]), default=None)
        if start is None or abs(start - one.box[0]) > 100:
            start = round(one.box[0])
        starts.setdefault(start, []).append(one.clusters[0].origins[0][1])
    return [starts[left] for left in sorted(starts)]


def set_in_columns(job: Job, text: str, frame: Frame, share: float = 1.0) -> columns.Columns:
    typography = Typography("en", job.fonts, Setting("left", 1.4, vertical=0.0))
    return columns.fit(text, typography, frame, range(14, 60), scripts.ALPHABET, share)


def test_wide_pages_have_columns_of_readable_lines(english: Job) -> None:
    text = (SENTENCE * 24).strip()
    found = set_in_columns(english, text, Frame(50, 40, 1000, 300))
    assert found.count >= 2
    assert len(columns_of(found)) == found.count
    longest = max(len(one.text) for one in found.block.lines)
    assert longest <= 100
    assert " ".join(one.text for one in found.block.lines) == text
    left, top, right, bottom = found.block.box
    assert left >= 50 and top >= 39 and right <= 1051 and bottom <= 341


def test_columns_are_of_even_height_and_start_at_the_top(english: Job) -> None:
    found = set_in_columns(english, (SENTENCE * 24).strip(), Frame(50, 40, 1000, 300))
    heights = [len(one) for one in columns_of(found)]
    assert max(heights) - min(heights) <= 2
    assert len({one[0] for one in columns_of(found)}) == 1


def test_paragraphs_stand_apart_by_half_a_line(english: Job) -> None:
    text = "\n\n".join([SENTENCE.strip()] * 3)
    found = set_in_columns(english, text, Frame(20, 20, 400, 400))
    baselines = columns_of(found)[0]
    pitch = 1.4 * found.block.size
    gaps = {round((after - before) / pitch * 4) / 4 for before, after in pairwise(baselines)}
    assert gaps == {1.0, 1.5}


def test_no_paragraph_leaves_a_line_alone() -> None:
    paragraph_of_three = [0.0, 1.0, 2.0]
    offsets = [start * 3.5 + one for start in range(6) for one in paragraph_of_three]
    for most in np.arange(3.0, 12.0, 0.5):
        places = columns._places(offsets, float(most))
        for number, (before, after) in enumerate(pairwise(places)):
            if before[0] != after[0]:
                in_paragraph = (number + 1) % 3
                assert in_paragraph == 0, (most, number)


# grounds


@pytest.mark.parametrize("name", [name for name, one in GROUNDS.items() if one.levels])
@pytest.mark.parametrize("size", [(256, 256), (1104, 368), (64, 32), (2304, 768)], ids=str)
def test_textures_show_are_true_to_their_colour_and_repeat(
    name: str, size: image_sizes.Size
) -> None:
    ground = GROUNDS[name]
    for seed in range(2):
        pair = backgrounds.choose_pair(Random(seed), ground)
        rhythm = Rhythm(20.0, 30.0)
        painted, again = (
            backgrounds.paint(Random(seed), ground, pair, size, rhythm) for _ in range(2)
        )
        assert painted.shape == (size[1], size[0], 4) and (painted == again).all()
        packed, counts = np.unique(painted.view(np.uint32), return_counts=True)
        seen = packed.view(np.uint8).reshape(-1, 4)[:, :3]
        assert len(seen) > 1
        assert np.ptp(seen.astype(int), axis=0).max() >= 4, "too faint to be named"
        named = [colours.nearest(tuple(one)) == pair.background for one in seen.tolist()]
        assert counts[np.array(named)].sum() > 0.9 * counts.sum()
        for one in seen.tolist():
            assert colours.contrast_ratio(tuple(one), pair.ink_rgb) >= 3.4


def test_grounds_are_chosen_by_weight() -> None:
    random = Random(0)
    found = [backgrounds.choose(random) for _ in range(4000)]
    assert {id(one) for one in found} == {id(one) for one in GROUNDS.values()}
    assert sum(one.weight for one in GROUNDS.values()) == pytest.approx(1.0)
    assert 0.4 < found.count(GROUNDS["plain"]) / 4000 < 0.52


def test_ruled_lines_run_below_the_baselines() -> None:
    ground, pair = GROUNDS["ruled"], pairs.choose(Random(1), gradient=False)
    painted = backgrounds.paint(Random(0), ground, pair, (200, 200), Rhythm(50.0, 30.0))
    rows = np.flatnonzero((painted[:, 0, :3] != painted[0, 0, :3]).any(axis=1))
    assert set(np.diff(rows)) == {30}
    assert 1 <= (rows - 50).min() % 30 <= 10


# faces


def face(family: str) -> FontFile:
    return FontFile(f"{family}.ttf", 0, family, "Regular", family.replace(" ", ""), 400)


def test_handwriting_has_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"Caveat": "abc", "Kalam": "abc", "Sans": "abcd", "Serif": "abc", "Sans Mono": "abcd"}
    monkeypatch.setattr(faces, "_renderable", lambda one: frozenset(map(ord, known[one.family])))
    every = [face(family) for family in known]
    first = [faces.choose(Random(seed), every, "a b c")[0] for seed in range(1500)]
    by_hand = sum(map(is_handwriting, first)) / len(first)
    assert abs(by_hand - faces.HANDWRITTEN_SHARE) < 0.04
    names = [one.family for one in first]
    assert names.count("Sans Mono") < names.count("Serif") / 2
    assert {faces.choose(Random(seed), every, "abcd")[0].family for seed in range(60)} == {
        "Sans",
        "Sans Mono",
    }


def test_faces_help_each_other_only_where_none_can_do_it_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = {"One": "abc", "Two": "cde", "Three": "abcd"}
    monkeypatch.setattr(faces, "_renderable", lambda one: frozenset(map(ord, known[one.family])))
    every = [face(family) for family in known]
    for seed in range(30):
        assert [one.family for one in faces.choose(Random(seed), every, "a d")] == ["Three"]
        several = faces.choose(Random(seed), every, "ae")
        assert len(several) == 2 and "Two" in {one.family for one in several}


# manners and languages


@pytest.mark.parametrize(
    ("language", "text", "kind"),
    [
        ("en", "Open all day", Kind.SIGN),
        ("zh", "今天不营业", Kind.SIGN),
        ("de", "Bitte die Türe leise schließen, das Baby schläft.", Kind.SHORT),
        ("ja", "祖母の料理の覚え書きは、古い封筒の裏に残っています。", Kind.SHORT),
        ("th", "ก" * 200, Kind.PROSE),
        ("ko", "장 볼 것\n우유\n달걀", Kind.LINES),
        ("en", "One.\n\nTwo.", Kind.PAGE),
    ],
)
def test_kinds(language: str, text: str, kind: Kind) -> None:
    assert manner.kind_of(language, text) == kind


def test_only_chinese_and_japanese_are_set_in_columns_and_more_often_on_tall_canvases() -> None:
    def share(language: str, size: image_sizes.Size) -> float:
        told = [manner.choose(Random(seed), language, "山高水长", size) for seed in range(600)]
        return sum(one.vertical for one in told) / 600

    assert share("en", (256, 768)) == share("ko", (256, 768)) == 0
    assert 0.05 < share("zh", (256, 256)) < 0.25 < share("ja", (256, 768)) < 0.8


LANGUAGES = sorted({path.name.split(".")[0] for path in corpus.SHIPPED.glob("*.jsonl")})


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_there_is_a_corpus_for_can_be_drawn(language: str) -> None:
    try:
        job = jobs.prepare(language, "pure", seed=2, size="640x480")
    except UsageError as problem:
        pytest.skip(str(problem))
    samples = [modes.render_until_kept(job, index)[0] for index in range(8)]
    assert all(one is not None for one in samples)
    for sample in samples:
        assert sample is not None
        assert sample.caption.count(sample.text) == 1
        assert broken(language, sample.boxes, job.sizes[0]) is None
        assert sample.annotation is not None


def test_a_given_text_is_drawn(english: Job) -> None:
    sample = paragraph.render(Random(0), english, "Keep off the grass")
    assert isinstance(sample, Sample) and sample.text == "Keep off the grass"


def test_pages_are_made_of_the_corpus_on_larger_canvases_only(english: Job) -> None:
    long = [Paragraph((SENTENCE * 2).strip()), Paragraph(SENTENCE.strip() * 2)]
    job = replace(english, paragraphs=tuple(long), pages=())
    small = {texts.choose(Random(seed), job, (256, 256)) for seed in range(60)}
    large = {texts.choose(Random(seed), job, (1328, 1328)) for seed in range(60)}
    known = {one.text for one in long}
    assert small == known
    assert any("\n\n" in one for one in large)
    assert {part for one in large for part in one.split("\n\n")} == known


def test_same_random_numbers_same_bytes(english: Job) -> None:
    job = replace(english, sizes=tuple(SIZES[:9]))
    for seed in range(12):
        one, other = (paragraph.render(Random(seed), job) for _ in range(2))
        assert one == other


def test_a_gradient_goes_evenly_from_end_to_end() -> None:
    pair = pairs.choose(Random(3), gradient=True)
    for seed in range(6):
        painted = backgrounds.paint(Random(seed), GROUNDS["gradient"], pair, (90, 60), Rhythm(9, 9))
        assert tuple(painted[0, 0, :3]) == pair.near_end
        assert tuple(painted[-1, -1, :3]) == pair.far_end
        steps = np.abs(np.diff(painted[..., :3].astype(int), axis=0))
        assert steps.max() <= 1 + math.ceil(2 * pairs.GRADIENT / 60)
    plain = backgrounds.paint(
        Random(0), GROUNDS["plain"], replace(pair, far_end=pair.near_end), (9, 6), Rhythm(9, 9)
    )
    assert (plain == raster.solid(9, 6, pair.near_end)).all()


def test_large_canvases_hold_whole_texts_of_many_paragraphs(tmp_path: Path) -> None:
    job = jobs.prepare(
        "en", "pure", size="1328", fonts=make(tmp_path / "t.ttf", all_characters("en"))
    )
    wholes = {page.text.replace("\n", "\n\n") for page in job.pages}
    chosen = [texts.choose(Random(seed), job, (1328, 1328)) for seed in range(200)]
    pages = [text for text in chosen if text in wholes]
    assert 5 < len(pages) < 100
    assert all(len(text) <= limits.most_characters("en", (1328, 1328)) for text in pages)
    small = [texts.choose(Random(seed), job, (256, 256)) for seed in range(200)]
    assert not wholes & {*small}
