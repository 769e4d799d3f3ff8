"""Mode template: every layout of ours filled in both languages on every canvas it claims."""

from functools import cache
from pathlib import Path
from random import Random

import cv2
import numpy as np
import pytest

from curation.failures.errors import UsageError
from curation.picture.colours import contrast_ratio, names, nearest
from synthesis import corpus, image_sizes
from synthesis.fonts import files as font_files
from synthesis.fonts.files import FontFile
from synthesis.job import Job
from synthesis.pure import limits
from synthesis.sample import Rejected, Sample, TextBox
from synthesis.template import backdrops, filled, laying, loading, resources
from synthesis.template.backdrops import Backdrop
from synthesis.template.colouring import Colours, least_contrast
from synthesis.template.laying import Placed
from synthesis.template.models import RATIOS, Palette

NAMES = [Path(path).stem for path in loading.shipped_paths()]
LANGUAGES = ("en", "zh")
ATTEMPTS = 6
LEAST_INK_CONTRAST = 3.0


@cache
def fonts(language: str) -> tuple[FontFile, ...]:
    try:
        return font_files.find(language)
    except UsageError as error:
        pytest.skip(f"no font for {language}: {error}")


@cache
def job(language: str, size: str = "640") -> Job:
    texts = corpus.load(language)
    paragraphs, digest = texts.paragraphs, texts.digest
    sizes = image_sizes.sizes(size)
    return Job(language, "template", 1, sizes, fonts(language), paragraphs, digest, None)


def path_of(name: str) -> str:
    return next(path for path in loading.shipped_paths() if Path(path).stem == name)


def drawn(name: str, language: str, ratio: str) -> Sample:
    """The first attempt that is not rejected."""
    loaded = loading.template(path_of(name), language)
    size = next(one for one in image_sizes.sizes("640") if loading.ratio_of(one) == ratio)
    for attempt in range(ATTEMPTS):
        random = Random(f"{name} {language} {ratio} {attempt}")
        sample = filled.render_template(random, job(language), loaded, size)
        if isinstance(sample, Sample):
            return sample
        assert isinstance(sample, Rejected)
    raise AssertionError(f"{ATTEMPTS} attempts rejected, the last: {sample}")


def extent(box: TextBox) -> tuple[float, float, float, float]:
    return min(box.quad[::2]), min(box.quad[1::2]), max(box.quad[::2]), max(box.quad[1::2])


def check_boxes(sample: Sample) -> None:
    """Blocks stay on the canvas and apart, hold what they contain, and their texts are all."""
    blocks = [box for box in sample.boxes if box.level == "block"]
    assert "\n".join(box.text for box in blocks) == sample.text
    earlier: list[tuple[float, float, float, float]] = []
    outer = (0.0, 0.0, 0.0, 0.0)
    for box in sample.boxes:
        left, top, right, bottom = extent(box)
        if box.level == "block":
            outer = extent(box)
            assert 0 <= left < right <= sample.width
            assert 0 <= top < bottom <= sample.height
            for other in earlier:
                apart = left >= other[2] or right <= other[0]
                assert apart or top >= other[3] or bottom <= other[1], box.text
            earlier.append(outer)
        else:
            assert left >= outer[0] - 0.5
            assert top >= outer[1] - 0.5
            assert right <= outer[2] + 0.5
            assert bottom <= outer[3] + 0.5


def check_ink(sample: Sample) -> None:
    """In every block some pixels stand out from most pixels: the text is drawn, and legible."""
    pixels = cv2.imdecode(np.frombuffer(sample.image, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    assert pixels.shape == (sample.height, sample.width, 3)
    for box in (one for one in sample.boxes if one.level == "block"):
        left, top, right, bottom = map(round, extent(box))
        around = pixels[max(top - 2, 0) : bottom + 2, max(left - 2, 0) : right + 2, ::-1]
        inside = around.reshape(-1, 3)
        colours, counts = np.unique(inside, axis=0, return_counts=True)
        ground = tuple(int(value) for value in colours[counts.argmax()])
        contrasts = (contrast_ratio(tuple(map(int, one)), ground) for one in colours)
        assert max(contrasts) >= LEAST_INK_CONTRAST, box.text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_every_template_fills_every_canvas_it_claims(name: str, language: str) -> None:
    ratios = loading.template(path_of(name), language).template.ratios
    for number, ratio in enumerate(ratios):
        sample = drawn(name, language, ratio)
        check_boxes(sample)
        if number == 0:
            check_ink(sample)
            for box in (one for one in sample.boxes if one.level == "block"):
                assert box.text in sample.caption


def test_there_are_enough_templates_for_every_ratio() -> None:
    templates = [loading.template(path, "en").template for path in loading.shipped_paths()]
    assert len(templates) >= 60
    for ratio in RATIOS:
        assert sum(ratio in one.ratios for one in templates) >= 8
    assert len({one.family for one in templates}) >= 12


def test_same_seed_same_picture_and_another_seed_another() -> None:
    one, again, other = (filled.render(Random(seed), job("en")) for seed in (5, 5, 6))
    assert one == again
    assert one != other


def test_a_picture_has_few_families_and_one_size_for_a_style() -> None:
    loaded = loading.template(path_of("slide-bullets"), "en")
    random, size = Random(3), (848, 480)
    colours = Colours.of(resources.palettes()["paper"])
    pairing = filled.faces.choose(random, job("en").fonts, loaded.template.faces)
    record = resources.contents("en").topics["slide"][0]
    filling = laying.Filling(loaded, size, colours, pairing, record, 1)
    placed = laying.as_full_as_fits(filling, "en")
    by_style: dict[str, set[int]] = {}
    for part, text in placed.texts:
        by_style.setdefault(part.node.style, set()).add(text.block.size)
    assert all(len(sizes) == 1 for sizes in by_style.values())
    assert len({run.font.file.family for _, text in placed.texts for run in text.runs}) <= 2
    bullets = [text for part, text in placed.texts if part.node.style == "item"]
    assert len({text.runs[0].origins[0][0] // 4 for text in bullets}) == 1  # one left edge
    least = limits.smallest_em("en", size)
    assert min(text.block.size for _, text in placed.texts) >= least
    title = next(text for part, text in placed.texts if part.node.style == "title")
    assert title.block.size > 1.5 * bullets[0].block.size


def test_ratios_are_the_nearest_in_proportion() -> None:
    assert loading.ratio_of((1000, 1010)) == "1:1"
    assert loading.ratio_of((640, 360)) == "16:9"
    assert loading.ratio_of((100, 400)) == "1:3"


def test_palettes_can_be_read() -> None:
    assert len(resources.palettes()) >= 25
    for palette in resources.palettes().values():
        roles = Colours.of(palette).roles
        assert contrast_ratio(roles["text"], roles["background"]) >= 4.5
        assert contrast_ratio(roles["muted"], roles["background"]) >= 4.5


def test_ink_that_cannot_be_read_is_replaced() -> None:
    same = "#777777"
    greys = Palette(
        background="#808080", surface=same, primary=same, accent=same, text=same, muted=same
    )
    ground = ((128, 128, 128),)
    assert least_contrast(Colours.of(greys).ink("primary", ground, 4.5), ground) >= 4.5


def test_colours_are_named_by_the_nearest() -> None:
    assert nearest((255, 255, 255)).english == "white"
    assert nearest((200, 20, 40)).english == "red"


def test_contents_are_the_same_shape_in_both_languages() -> None:
    english, chinese = (resources.contents(language) for language in LANGUAGES)
    assert english.topics.keys() == chinese.topics.keys()
    assert english.pools.keys() == chinese.pools.keys()
    for topic, records in english.topics.items():
        assert {frozenset(one) for one in records} == {
            frozenset(one) for one in chinese.topics[topic]
        }


def test_a_ground_is_named_by_what_forms_cover_and_what_they_leave() -> None:
    """No name is true of more of the canvas; a shade is named by its middle."""
    seen = set()
    for seed in range(24):
        random = Random(seed)
        first = random.choice([(255, 255, 255), (16, 16, 18), (247, 238, 214)])
        forms = random.choice([("disc", "side"), ("band",), ("shade",), ("hill", "corner")])
        backdrop = Backdrop(forms, (196, 24, 36), 0.2, seed)
        size = (640, 480)
        small = backdrops.ground((size[0] // 4, size[1] // 4), first, backdrop)
        ground = small[:, :, :3].reshape(-1, 3)
        named = filled._named(size, (first,), Placed((), (), backdrop))
        seen.add(named.english)
        if forms == ("shade",):
            middle = np.rint(ground.mean(axis=0)).astype(int).tolist()
            assert named in names((middle[0], middle[1], middle[2]))
            continue
        colours, counts = np.unique(ground, axis=0, return_counts=True)
        areas: dict[str, int] = {}
        for (red, green, blue), count in zip(colours.tolist(), counts.tolist(), strict=True):
            name = nearest((red, green, blue)).english
            areas[name] = areas.get(name, 0) + count
        assert areas[named.english] >= 0.9 * max(areas.values())
    assert len(seen) > 3
    assert filled._named((320, 240), ((255, 255, 255), (0, 0, 0)), Placed((), ())).english == "grey"
