"""The benchmark of Chinese characters, and its reader of glyph templates."""

import json

import numpy as np
import pytest
from making.commands import invoke
from PIL import Image, ImageOps

from curation.networks import ocr
from infer.evaluation.__main__ import app
from infer.evaluation.chinese_word import ChineseWord
from infer.harness.glyphs import Glyphs, design
from infer.harness.rows import Measured, Request, row
from synthesis.characters import table

LEVELS = ("一口日人永国我", "乂尢彳夔", "亍亓")


@pytest.fixture
def _few(monkeypatch, font_cache):
    monkeypatch.setattr(table, "levels", lambda: LEVELS)
    monkeypatch.setattr(ocr, "TextReader", Blind)


class Blind:
    """Reads 永 in every image that has contrast."""

    def page(self, rgb):
        box = np.array([[20, 20], [236, 20], [236, 236], [20, 236]], np.float32)
        return [ocr.Region(box, "永", 0.9)] if rgb.std() else []


def test_overall_is_weighted_by_the_characters_of_levels():
    first, second, third = 9729, 4053, 648
    rows = [
        row(
            Request(f"{level}-{n}", "", group=f"level {level}"),
            0,
            Measured(0, values={"read": n < right, "nearest": False, "glyphs": "x"}),
        )
        for level, right in enumerate((first, second, third), 1)
        for n in range(10000)
    ]
    figures = {metric.name: metric for metric in ChineseWord.score(rows)}
    assert figures["level 1"].value == 0.9729
    assert figures["level 3"].values()["interval"] == "Wilson"
    assert round(100 * figures["overall"].value, 2) == 58.30  # as reported of Qwen-Image
    assert figures["overall (nearest glyph template x)"].value == 0


@pytest.mark.usefixtures("_few")
def test_the_nearest_glyph_is_read_whatever_its_colours_and_place():
    glyphs = Glyphs("".join(LEVELS))
    designs = {design(face) for face in glyphs.faces}
    assert len(designs) > 1 and not any("Mono" in face.family for face in glyphs.faces)
    for character in "永夔一亓":
        page, own = glyphs.render(character, 128)
        assert glyphs.read(page, without=own) == character
        inverse = ImageOps.invert(page)
        assert glyphs.read(inverse) == character
        large = Image.new("RGB", (300, 200), (200, 40, 30))
        mask = ImageOps.invert(page.convert("L"))
        large.paste((250, 220, 90), (150, 60), mask)
        assert glyphs.read(large) == character
    assert glyphs.read(Image.new("RGB", (64, 64), "white")) == ""
    again = Glyphs("".join(LEVELS))
    page, _ = again.render("国", 128)
    assert again.digest == glyphs.digest and again.read(page) == "国"


@pytest.mark.usefixtures("_few")
def test_a_folder_is_scored_beside_its_ceiling(tmp_path):
    made = ChineseWord(None, None)
    requests = made.requests()
    assert len({request.id for request in requests}) == 13
    assert all(request.texts[0] in request.prompt for request in requests)
    folder = tmp_path / "theirs"
    folder.mkdir()
    for request in requests:
        if request.group != "level 3":  # these are missing
            made.perfect(request).save(folder / request.file)
    first = next(request for request in requests if request.group == "level 1")
    Image.new("RGB", (256, 256)).save(folder / first.file)  # and this one is empty
    result = invoke(app, ["chinese_word", "--images", str(folder), "--json"])
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)["metrics"]
    name = f"nearest glyph template {made.facts['templates']}"
    assert figures["level 1 (rapidocr)"]["value"] == pytest.approx(1 / 7)  # the 永
    assert figures["level 1 (rapidocr)"]["ceiling"] == pytest.approx(1 / 7)
    assert figures[f"level 1 ({name})"]["value"] == pytest.approx(6 / 7)
    assert figures[f"level 3 ({name})"]["value"] == 0
    assert figures[f"overall ({name})"]["value"] == pytest.approx(10 / 13)
    assert figures[f"overall ({name})"]["ceiling"] == 1
