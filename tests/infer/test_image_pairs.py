"""Benchmarks on a user's pairs of images (depth, novel views), and PSNR and SSIM."""

import json

import numpy as np
import pytest
from making.commands import invoke
from PIL import Image

from curation.picture import likeness
from infer.evaluation.__main__ import app
from infer.evaluation.depth import errors


def evaluate(*arguments, code=0):
    result = invoke(app, [*map(str, arguments)])
    assert result.exit_code == code, result.output
    return result


def figures(name, data, images):
    said = evaluate(name, "--data", data, "--images", images, "--json").stdout
    return json.loads(said)["metrics"]


def pairs(folder, rows):
    folder.mkdir(exist_ok=True)
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "pairs.jsonl").write_text(text)
    return folder


def noise(seed, height=40, width=32):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def test_psnr_and_ssim_have_known_values():
    image = noise(0)
    assert likeness.psnr(image, image) == 100 and likeness.ssim(image, image) == 1
    grey = np.full_like(image, 100)
    assert likeness.psnr(grey + np.uint8(10), grey) == pytest.approx(20 * np.log10(25.5), 1e-6)
    c1 = (0.01 * 255) ** 2  # flat images differ in luminance alone
    expected = (2 * 100 * 200 + c1) / (100**2 + 200**2 + c1)
    assert likeness.ssim(grey, grey * np.uint8(2)) == pytest.approx(expected)
    with pytest.raises(ValueError, match="expected a size"):
        likeness.ssim(image, image[:39])


def test_ssim_is_that_of_scikit_image():
    metrics = pytest.importorskip("skimage.metrics")
    image, other = noise(0), (noise(0) // 2 + noise(1) // 2).astype(np.uint8)
    known = metrics.structural_similarity(
        image, other, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert likeness.ssim(image, other) == pytest.approx(known, abs=1e-6)


def test_depth_errors_after_alignment_have_known_answers():
    truth = np.array([[1.0, 2, 3, 4, 0, np.nan, np.inf, -1]])
    depth = np.array([[10.0, 20, 30, 40, 250, 3, 7, 9]])
    right = errors(depth, truth)
    assert right["abs_rel"] == pytest.approx(0) and right["delta1"] == 1
    assert right["scale"] == pytest.approx(0.1)
    inverted = errors(-depth, truth)
    assert inverted["delta1"] == 1 and inverted["scale"] < 0
    # A step: truth 1, 1, 3, 3 against 0, 1, 1, 1 is aligned to 1, 7/3, 7/3, 7/3.
    step = errors(np.array([[0.0, 1, 1, 1]]), np.array([[1.0, 1, 3, 3]]))
    assert step["abs_rel"] == pytest.approx((0 + 4 / 3 + 2 / 9 + 2 / 9) / 4)
    assert step["delta1"] == pytest.approx(0.25)
    assert errors(np.ones((1, 4)), np.array([[1.0, 2, 3, 4]]))["delta1"] == 0  # says nothing


def test_depth_of_a_folder_of_images(tmp_path):
    data = pairs(
        tmp_path / "data",
        [
            {"input": "in.png", "truth": "a.npy", "group": "indoors"},
            {"input": "in.png", "truth": "b.png", "group": "outdoors"},
        ],
    )
    Image.fromarray(noise(0)).save(data / "in.png")
    truth = np.linspace(1, 5, 64 * 64).reshape(64, 64)
    np.save(data / "a.npy", truth)
    Image.fromarray((truth * 1000).astype(np.uint16)).save(data / "b.png")
    images = tmp_path / "theirs"
    images.mkdir()
    levels = ((truth - 1) / 4 * 255).round().astype(np.uint8)
    Image.fromarray(levels).convert("RGB").save(images / "00000_0.png")
    result = figures("depth", data, images)
    assert result["AbsRel, indoors"]["value"] == pytest.approx(0, abs=2e-3)
    assert result["delta1, indoors"]["value"] == result["delta1"]["ceiling"] == 1
    assert result["AbsRel, outdoors"]["value"] == 1  # its image is missing
    assert result["delta1"]["value"] == 0.5 and result["delta1, outdoors"]["value"] == 0
    (data / "in.png").write_bytes(b"no image")
    done = evaluate("depth", "--data", data, "--images", images, code=2)
    assert "--data: an input of 00000: " in done.stderr


def test_novel_views_of_a_folder_of_images(tmp_path):
    row = {"input": "in.png", "prompt": "turn left 90 degrees, a dog"}
    data = pairs(tmp_path / "data", [{**row, "truth": "a.png"}, {**row, "truth": "b.png"}])
    for seed, name in enumerate(("in.png", "a.png", "b.png")):
        Image.fromarray(noise(seed)).save(data / name)
    images = tmp_path / "theirs"
    images.mkdir()
    Image.fromarray(noise(1)).save(images / "00000_0.png")
    result = figures("novel_view", data, images)
    assert result["PSNR"]["value"] == 50 and result["SSIM"]["value"] == pytest.approx(0.5)
    assert result["PSNR"]["ceiling"] == 100 and result["SSIM"]["ceiling"] == pytest.approx(1)


def test_pairs_are_checked(tmp_path):
    Image.fromarray(noise(0)).save(tmp_path / "in.png")
    (tmp_path / "out.npy").write_bytes(b"\x93NUMPY")
    for row, said in (
        ({"input": "in.png"}, "row 1: truth"),
        ({"input": "../in.png", "truth": "a.npy"}, "expected a file below"),
        ({"input": "in.png", "truth": "out.npy"}, "out.npy: not readable"),
        ({"input": "in.png", "truth": "in.png"}, "16 bits are expected"),
    ):
        data = pairs(tmp_path, [row])
        images = tmp_path / "theirs"
        images.mkdir(exist_ok=True)
        Image.fromarray(noise(0)).save(images / "00000_0.png")
        assert said in evaluate("depth", "--data", data, "--images", images, code=2).stderr
    missing = evaluate("novel_view", "--images", tmp_path / "theirs", code=2).stderr
    assert "expected --data: pairs.jsonl" in missing
