"""Exact edits: what was to stay, what was to change, and chains, on pages made for the tests."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from making import training_shards as shards
from making.commands import invoke
from PIL import Image, ImageChops, ImageDraw, ImageFont, ImageOps

from curation.failures.errors import UsageError
from curation.picture import likeness
from infer.evaluation import exact_edits
from infer.evaluation.__main__ import app
from infer.harness import edit_pairs, exact_results

SIZE = (320, 160)
FONT = ImageFont.load_default(36)


def page(*lines):
    image = Image.new("RGB", SIZE, "white")
    for place, line in enumerate(lines):
        ImageDraw.Draw(image).text((160, 40 + 80 * place), line, "black", FONT, anchor="mm")
    return image


def boxes(*lines):
    places = [40.0 + 80 * place for place in range(len(lines))]
    quads = [[80.0, down - 20, 240, down - 20, 240, down + 20, 80, down + 20] for down in places]
    return [
        {"text": line, "quad": quad, "level": "line"}
        for line, quad in zip(lines, quads, strict=True)
    ]


def pair(name, before, after, half=1, operation="text.replace", image=None):
    """A row that changes the upper (0) or lower half of a page; no half: all of it."""
    mask = Image.new("L", SIZE)
    ImageDraw.Draw(mask).rectangle((0, 80 * (half or 0), 320, 80 * (half or 0) + 80), 255)
    return shards.row("A", "red") | {
        "id": name,
        "image": {"bytes": shards.png(image or page(*after)), "path": None},
        "inputs": [{"bytes": shards.png(page(*before)), "path": None}],
        "caption_recaption": None,
        "caption_instruction": [
            {"text": f"edit {name}", "language": "en"},
            {"text": f"改 {name}", "language": "mixed" if name == "a2" else "zh"},
        ],
        "edit_operation": operation,
        "edit_mask": None if half is None else {"bytes": shards.png(mask), "path": None},
        "text_boxes": boxes(*after),
        "input_boxes": [boxes(*before)],
    }


def marked(rectangle, colour="blue", lines=("PAPER", "STONE")):
    image = page(*lines)
    ImageDraw.Draw(image).rectangle(rectangle, outline=colour, width=3)
    return image


def white(rectangle):
    image = Image.new("RGB", SIZE)
    ImageDraw.Draw(image).rectangle(rectangle, "white")
    return image


def red(*lines):
    """A page whose lower line is red."""
    image = page(*lines)
    image.paste(
        ImageOps.colorize(image.convert("L"), "red", "white").crop((0, 80, 320, 160)), (0, 80)
    )
    return image


FRAME, AREA = (100, 100, 219, 139), (100, 40, 219, 119)
ROWS = [
    pair("a1", ("PAPER", "STONE"), ("PAPER", "BRUSH")),
    pair("a2", ("PAPER", "BRUSH"), ("PAPER", "CLOUD")),
    pair("b", ("RIVER", "GREEN"), ("RIVER",), operation="text.remove"),
    pair("box", *[("PAPER", "STONE")] * 2, 1, "task.boxes", marked(FRAME)),
    pair("mask", *[("PAPER", "STONE")] * 2, None, "task.mask", white(AREA)),
    pair("edge", *[("PAPER", "STONE")] * 2, None, "task.edges", white((0, 80, 319, 80))),
    pair("red", *[("PAPER", "STONE")] * 2, 1, "text.recolour", red("PAPER", "STONE")),
    pair("up", ("PAPER",), ("PAPER",), None, "task.super_resolution"),
]
PLAIN = page("PAPER", "STONE")
LANGUAGES = ("en", "zh")
LARGER = {
    "box": marked((100, 100, 219, 119)),  # 120 x 20 of 120 x 40
    "mask": white((100, 80, 219, 159)),  # half of it, and as much beside it
    "edge": white((0, 81, 319, 81)),  # off by a pixel
    "red": ImageOps.colorize(PLAIN.convert("L"), "blue", "white"),
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("edits") / "part-00000.parquet"
    shards.write(path, ROWS)
    return str(path)


def result(data, folder, images, *options):
    """The result of one image for each request of a pair, by the pair's name or the request's."""
    folder = folder / "images"
    folder.mkdir(parents=True)
    for request in exact_edits.ExactEdits(None, data).requests():
        image = images.get(request.id) or images.get(request.facts["pair"])
        if image is not None:
            image.save(folder / request.file)
    given = ["exact_edits", "--images", str(folder), "--data", data, "--json"]
    done = invoke(app, [*given, *options])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def figures(data, folder, images):
    out = Path(data).parent / "out"  # for all of them: no image is read twice
    metrics = result(data, folder, images, "--out", str(out))["metrics"]
    return {name: each["value"] for name, each in metrics.items()} | {
        f"ceiling of {name}": each["ceiling"] for name, each in metrics.items()
    }


def true():
    return {row["id"]: exact_results.image(row["image"]["bytes"]) for row in ROWS}


def test_chains_are_told_by_their_bytes_and_asked_for_in_each_language(data):
    pairs = edit_pairs.read([data])
    assert [(each.id, each.step) for each in pairs[:3]] == [("a1", 1), ("a2", 2), ("b", 0)]
    assert edit_pairs.changed(pairs[0], pairs[0]) == (("BRUSH",), ("STONE",))
    assert edit_pairs.changed(pairs[0], pairs[1]) == (("CLOUD",), ("STONE",))
    assert edit_pairs.changed(pairs[2], pairs[2]) == ((), ("GREEN",))
    requests = {each.id: each for each in exact_edits.ExactEdits(None, data).requests()}
    edits = {name: each.edits for name, each in requests.items() if each.edits}
    assert edits == {"a2-en-chain": "a1-en-chain", "a2-zh-chain": "a1-zh-chain"}
    assert all(each.inputs for each in requests.values() if not each.edits)
    assert requests["b-zh"].prompt == "改 b" and requests["b-en"].prompt == "edit b"
    assert requests["a2-zh-chain"].prompt == "改 a2"  # which is mixed
    assert requests["a2-mixed"].group == "text.replace, mixed" and "a2-zh" not in requests
    with pytest.raises(UsageError, match="expected --data: shards of"):
        exact_edits.ExactEdits(None, None).requests()


def test_a_text_that_is_part_of_another_is_neither_new_nor_gone(data):
    first = edit_pairs.read([data])[0]
    rest = replace(first, lines=(edit_pairs.Text("STO", (0, 0)), edit_pairs.Text("“Hi”…", (0, 0))))
    assert edit_pairs.changed(first, rest) == (("“Hi”…",), ("PAPER", "STONE"))
    longer = replace(first, lines=(edit_pairs.Text("A STONE", (0, 0)),))
    assert edit_pairs.changed(first, longer) == (("A STONE",), ("PAPER",))
    assert edit_pairs.plain("“Hi”… １0 º—") == edit_pairs.plain('"Hi".. 10°-')


def test_the_true_results_are_the_ceiling_and_empty_images_nothing(data, tmp_path):
    best = figures(data, tmp_path / "true", true())
    assert best["unchanged_psnr"] == best["target_psnr"] == likeness.MOST
    assert best["unchanged_still"] == best["text (rapidocr)"] == 1
    assert best["text, text.remove (rapidocr)"] == best["text, chain step 2 (rapidocr)"] == 1
    assert best["ceiling of text (rapidocr)"] == 1 and best["unchanged_shift"] < 0.05
    assert best["recoloured (rapidocr)"] == 1 and best["colour_difference"] == 0
    overlaps = [best[f"iou, task.{kind}"] for kind in ("boxes", "mask", "edges")]
    assert overlaps == [1, 1, 1] and best["iou_1px, task.edges"] == 1
    black = figures(data, tmp_path / "none", {"a1": Image.new("RGB", SIZE)})
    assert black["text (rapidocr)"] == black["text, text.remove (rapidocr)"] == 0
    assert black["unchanged_still"] == black["recoloured (rapidocr)"] == 0
    assert black["unchanged_psnr"] < 10 and "unchanged_shift" not in black
    assert {black[f"iou, task.{kind}"] for kind in ("boxes", "mask", "edges")} == {0}


def test_who_changes_nothing_keeps_all_and_gains_nothing(data, tmp_path):
    images = {row["id"]: exact_results.image(row["inputs"][0]["bytes"]) for row in ROWS}
    same = figures(data, tmp_path / "same", images)
    assert same["unchanged_psnr"] == likeness.MOST and same["unchanged_still"] == 1
    assert same["gain"] == 0 and same["target_psnr"] == likeness.MOST
    assert same["text (rapidocr)"] == same["recoloured (rapidocr)"] == 0
    assert same["colour_difference"] > 100  # from black to red
    assert same["iou, task.boxes"] == 0
    assert same["iou, task.mask"] == same["iou_of_inputs, task.mask"] > 0  # white paper


def test_overlaps_and_colours_have_known_answers(data, tmp_path):
    seen = figures(data, tmp_path / "near", {**true(), **LARGER})
    assert seen["iou, task.boxes"] == pytest.approx(0.5, abs=0.02)
    assert seen["iou, task.mask"] == pytest.approx(1 / 3)
    assert seen["iou, task.edges"] == 0 and seen["iou_1px, task.edges"] == 1
    assert seen["recoloured (rapidocr)"] == 0 and seen["unchanged_still, task.boxes"] == 1
    gone = red("PAPER", "STONE").crop((0, 80, 320, 160)).resize((4, 1)).resize((320, 80))
    image = page("PAPER")
    image.paste(gone, (0, 80))
    assert figures(data, tmp_path / "blur", {"red": image})["recoloured (rapidocr)"] == 0


def test_what_was_not_to_change_did(data, tmp_path):
    images = {name: ImageChops.offset(image, 2, 0) for name, image in true().items()}
    images["b"] = page("RIVER", "GREEN")  # as it was
    images |= {f"a2-{language}-chain": page("PAPRR", "CLOUD") for language in LANGUAGES}
    off = figures(data, tmp_path / "off", images)
    assert off["unchanged_shift, text.replace"] == pytest.approx(2, abs=0.3)
    assert off["unchanged_still, text.replace"] == 0 and off["unchanged_still, text.remove"] == 1
    assert off["unchanged_psnr, text.remove"] == likeness.MOST
    assert off["text, text.remove (rapidocr)"] == 0
    assert off["unchanged_psnr, chain step 2"] < 30
    assert "target_psnr, task.edges" not in off and off["target_psnr, task.super_resolution"] < 30


def test_a_chain_is_right_where_all_of_it_is(data, tmp_path):
    images = {**true(), "a2-en-chain": page("PAPER", "CLOUD STONE")}  # what step 1 took is back
    seen = figures(data, tmp_path / "chain", images)
    assert seen["text, chain step 1 (rapidocr)"] == 1
    assert seen["text, chain step 2 (rapidocr)"] == 0.5  # in Chinese it is right


def test_a_sample_has_chains_from_end_to_end(data, tmp_path):
    some = result(data, tmp_path / "some", true(), "--sample", "1")
    names = {path.stem for path in (tmp_path / "some" / "images").iterdir()}
    assert some["of_prompts"] == len(names) and some["prompts"] == len(names) - 1
    steps = [some["metrics"][f"unchanged_psnr, chain step {step}"] for step in (1, 2)]
    assert [each["images"] for each in steps] == [2, 2]  # one chain in each language


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
