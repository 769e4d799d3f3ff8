"""Exact edits: what was to stay, what was to change, and chains, on pages made for the tests."""

import json

import numpy as np
import pytest
from making import training_shards as shards
from making.commands import invoke
from PIL import Image, ImageChops, ImageDraw, ImageFont

from curation.failures.errors import UsageError
from infer.evaluation import exact_edits
from infer.evaluation.__main__ import app
from infer.harness import likeness

SIZE = (320, 160)
FONT = ImageFont.load_default(36)


def page(*lines):
    image = Image.new("RGB", SIZE, "white")
    for place, line in enumerate(lines):
        ImageDraw.Draw(image).text((160, 40 + 80 * place), line, "black", FONT, anchor="mm")
    return image


def boxes(*lines):
    return [{"text": line, "quad": [0.0] * 8, "level": "line"} for line in lines]


def pair(name, before, after, half=1, operation="text.replace"):
    """A row that changes the upper (0) or lower half of a page; no half: all of it."""
    mask = Image.new("L", SIZE)
    ImageDraw.Draw(mask).rectangle((0, 80 * (half or 0), 320, 80 * (half or 0) + 80), 255)
    return shards.row("A", "red") | {
        "id": name,
        "image": {"bytes": shards.png(page(*after)), "path": None},
        "inputs": [{"bytes": shards.png(page(*before)), "path": None}],
        "caption_recaption": None,
        "caption_instruction": [{"text": f"edit {name}", "language": "en"}],
        "edit_operation": operation,
        "edit_mask": None if half is None else {"bytes": shards.png(mask), "path": None},
        "text_boxes": boxes(*after),
        "input_boxes": [boxes(*before)],
    }


ROWS = [
    pair("a1", ("PAPER", "STONE"), ("PAPER", "BRUSH")),
    pair("a2", ("PAPER", "BRUSH"), ("PAPER", "CLOUD")),
    pair("b", ("RIVER", "GREEN"), ("RIVER",), operation="text.remove"),
    pair("c", ("PAPER",), ("PAPER",), None, "task.edges"),
]
TRUTH = {"a1": ("PAPER", "BRUSH"), "a2": ("PAPER", "CLOUD"), "b": ("RIVER",), "c": ("PAPER",)}
FILES = {**TRUTH, "a2-chain": TRUTH["a2"]}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("edits") / "part-00000.parquet"
    shards.write(path, ROWS)
    return str(path)


def figures(data, folder, images):
    folder.mkdir()
    for name, image in images.items():
        image.save(folder / f"{name}_0.png")
    done = invoke(app, ["exact_edits", "--images", str(folder), "--data", data, "--json"])
    assert done.exit_code == 0, done.output
    metrics = json.loads(done.stdout)["metrics"]
    return {name: each["value"] for name, each in metrics.items()} | {
        f"ceiling of {name}": each["ceiling"] for name, each in metrics.items()
    }


def test_chains_are_told_by_their_bytes(data):
    pairs = exact_edits.read([data])
    assert [(each.id, each.step) for each in pairs] == [("a1", 1), ("a2", 2), ("b", 0), ("c", 0)]
    assert (pairs[0].new, pairs[0].gone) == (("BRUSH",), ("STONE",))
    assert (pairs[2].new, pairs[2].gone) == ((), ("GREEN",))
    requests = exact_edits.ExactEdits(None, data).requests()
    assert [(each.id, each.edits) for each in requests if each.edits] == [("a2-chain", "a1")]
    assert all(each.inputs for each in requests if not each.edits)
    with pytest.raises(UsageError, match="expected --data: shards of"):
        exact_edits.ExactEdits(None, None).requests()


def test_the_true_results_are_the_ceiling_and_empty_images_nothing(data, tmp_path):
    true = figures(data, tmp_path / "true", {name: page(*text) for name, text in FILES.items()})
    assert true["unchanged_psnr"] == true["target_psnr"] == likeness.MOST
    assert true["unchanged_still"] == true["text (rapidocr)"] == 1
    assert true["text, text.remove (rapidocr)"] == true["text, chain step 2 (rapidocr)"] == 1
    assert true["ceiling of text (rapidocr)"] == 1 and true["unchanged_shift"] < 0.05
    black = figures(data, tmp_path / "none", {"a1": Image.new("RGB", SIZE)})
    assert black["text (rapidocr)"] == black["text, text.remove (rapidocr)"] == 0
    assert black["unchanged_still"] == 0 and black["unchanged_psnr"] < 10


def test_what_was_not_to_change_did(data, tmp_path):
    images = {name: ImageChops.offset(page(*text), 2, 0) for name, text in FILES.items()}
    images["b"] = page("RIVER", "GREEN")  # as it was
    images["a2-chain"] = page("PAPRR", "CLOUD")
    off = figures(data, tmp_path / "off", images)
    assert off["unchanged_shift, text.replace"] == pytest.approx(2, abs=0.3)
    assert off["unchanged_still, text.replace"] == 0 and off["unchanged_still, text.remove"] == 1
    assert off["unchanged_psnr, text.remove"] == likeness.MOST
    assert off["text, text.remove (rapidocr)"] == 0
    assert off["unchanged_psnr, chain step 2"] < 30
    assert "unchanged_psnr, task.edges" not in off and off["target_psnr, task.edges"] < 30


def test_psnr_is_that_of_bytes_under_the_mask():
    truth = np.zeros((8, 8, 3), np.uint8)
    image = truth.copy()
    image[:4] = 16
    mask = np.zeros((8, 8), bool)
    mask[2:6] = True
    assert likeness.psnr(image, truth) == pytest.approx(10 * np.log10(255**2 / 128))
    assert likeness.psnr(image, truth, mask) == pytest.approx(10 * np.log10(255**2 / 128))
    assert likeness.psnr(image, truth, ~mask) == pytest.approx(10 * np.log10(255**2 / 128))
    mask[4:] = False
    assert likeness.psnr(image, truth, mask) == pytest.approx(10 * np.log10(255**2 / 256))
    assert likeness.shift(truth, truth, mask) is None
    with pytest.raises(ValueError, match="no pixels"):
        likeness.psnr(image, truth, mask & ~mask)


@pytest.mark.parametrize("size", [(320, 160), (368, 368), (368, 1104)])  # 375 and 1125 are odd
def test_a_shift_is_that_of_pixels_whatever_the_size(size):
    image = Image.new("RGB", size, "white")
    for place in range(40, size[1] - 40, 40):
        ImageDraw.Draw(image).text((size[0] // 2, place), "STONE", "black", FONT, anchor="mm")
    truth, mask = np.array(image), np.ones(size[::-1], bool)
    mask[:20] = False
    assert likeness.shift(truth, truth, mask) == pytest.approx(0, abs=0.02)
    for down, across in ((0, 1), (2, 3)):
        moved = np.roll(truth, (down, across), (0, 1))
        seen = likeness.shift(moved, truth, mask)
        assert seen == pytest.approx(np.hypot(down, across), abs=0.1)
