"""The benchmark of a checkpoint's autoencoder: what images, and text in them, lose."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from making import training_shards as shards
from making.commands import invoke
from PIL import Image

from curation.networks import ocr
from infer.evaluation.__main__ import app
from infer.evaluation.autoencoder import Autoencoder, similarity
from infer.harness.rows import Line, Measured, Request, row


def evaluate(*arguments, code=0):
    result = invoke(app, ["autoencoder", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result


class Blind:
    """Reads the same in every image that is not black."""

    def page(self, rgb):
        corners = np.array([[1, 1], [15, 1], [15, 15], [1, 15]], np.float32)
        return [ocr.Region(corners, "A", 0.9)] if rgb.any() else []


@pytest.fixture
def _blind(monkeypatch):
    monkeypatch.setattr(ocr, "TextReader", Blind)


LINE = {"text": "Ink 墨", "box": [10, 10, 110, 30], "height": 20}


def test_what_is_read_in_a_line_is_held_against_it():
    read = (Line("墨", 1, (90, 12, 110, 28)), Line("Ink", 1, (10, 12, 80, 28)))
    assert similarity(LINE, read) == 1  # from left to right, without spaces
    assert similarity(LINE, (*read, Line("below", 1, (10, 50, 110, 70)))) == 1
    assert similarity(LINE, read[1:]) == pytest.approx(3 / 4)
    assert similarity(LINE, ()) == 0
    assert similarity(LINE, (Line("Inkstand", 1, (10, 12, 110, 28)),)) == pytest.approx(3 / 8)


def test_figures_are_by_the_height_of_lines():
    values = ([(14, 1.0), (14, 0.0), (50, 1.0)], [(14, 1.0)], [])
    rows = [
        row(Request(f"{n}", ""), 0, Measured(0, values={"psnr": n, "ssim": 0.5, "lines": lines}))
        for n, lines in enumerate(values)
    ]
    listed = {metric.name: metric for metric in Autoencoder.score(rows)}
    figures = {name: metric.value for name, metric in listed.items()}
    assert listed["NED of lines from 48 px"].interval() == (1, 1)  # of the one image that has some
    assert figures == {
        "PSNR": 1,
        "SSIM": 0.5,
        "NED": 3 / 4,
        "NED of lines of 12 to 16 px": pytest.approx(2 / 3),
        "NED of lines from 48 px": 1,
    }


@pytest.mark.usefixtures("_blind")
def test_images_are_reconstructed_by_a_checkpoint(tiny, undisturbed, tmp_path):
    path = shards.write(
        tmp_path / "part-0.parquet", [shards.row("A", "red"), shards.row("B", "red")]
    )
    given = ["--checkpoint", undisturbed[0], "--data", path]
    result = json.loads(evaluate(*given, "--out", tmp_path / "out", "--json").stdout)
    figures = result["metrics"]
    assert result["source"]["kind"] == "autoencoder" and result["images"] == 2
    assert 5 < figures["PSNR"]["value"] < figures["PSNR"]["ceiling"] == 100
    assert 0 < figures["SSIM"]["value"] < figures["SSIM"]["ceiling"] == pytest.approx(1)
    ned = figures["NED of lines of 16 to 24 px (rapidocr)"]
    assert ned["value"] == ned["ceiling"] == 0.5  # one of two is an A
    written = pq.read_table(tmp_path / "out/prompts.parquet", columns=["inputs"])
    assert written.to_pylist() == [{"inputs": []}] * 2  # nothing is edited
    images = sorted((tmp_path / "out/images").iterdir())
    assert [Image.open(image).size for image in images] == [(32, 16)] * 2
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / images[0].name).write_bytes(images[0].read_bytes())
    half = json.loads(evaluate("--images", theirs, "--data", path, "--json").stdout)
    assert half["missing"] == 1 and half["metrics"]["PSNR"]["value"] < figures["PSNR"]["value"]
    Image.new("RGB", (32, 32)).save(theirs / images[0].name)
    wrong = evaluate("--images", theirs, "--data", path, code=2).stderr
    assert "expected an image of (32, 16) pixels" in wrong


@pytest.mark.usefixtures("_blind")
def test_a_folder_of_images_will_do(undisturbed, tmp_path):
    folder = tmp_path / "images"
    (folder / "below").mkdir(parents=True)
    shards.draw("A", "red").save(folder / "a.png")
    shards.draw("A", "red").save(folder / "below" / "again.png")
    (folder / "bad.png").write_bytes(b"no image")
    given = ["--checkpoint", undisturbed[0], "--data", folder, "--out", tmp_path / "out", "--json"]
    result = json.loads(evaluate(*given).stdout)
    assert result["images"] == 1 and result["metrics"]["PSNR"]["value"] > 5
    assert [line.partition(":")[0] for line in result["facts"]["left_out"]] == ["bad.png"]


def test_what_cannot_be_is_refused(tmp_path):
    server = ["--endpoint", "http://x/v1", "--model", "m", "--out", tmp_path / "out"]
    assert "expected --checkpoint or --images" in evaluate(*server, code=2).stderr
