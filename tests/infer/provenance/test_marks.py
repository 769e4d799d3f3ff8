"""A mark holds for the image and the facts that were signed, by the key that signed."""

import io
import json

import numpy as np
import pytest
from making.commands import invoke
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from curation.failures.errors import UsageError
from infer.provenance import keys, marks
from infer.provenance.__main__ import app

FACTS = {"prompt": "ein „Wort“ 一字", "seed": 7, "guidance": 4.0}


@pytest.fixture
def key(tmp_path):
    return keys.made(tmp_path / "keys" / "own.pem")


def image(shade=3):
    return Image.fromarray(np.full((8, 16, 3), shade, np.uint8))


def saved(data, change):
    """The file again, with other pixels or texts."""
    with Image.open(io.BytesIO(data)) as opened:
        opened.load()
        texts, pixels = dict(opened.text), np.array(opened)
    texts, pixels = change(texts, pixels)
    chunks, stream = PngInfo(), io.BytesIO()
    for name, text in texts.items():
        chunks.add_text(name, text)
    Image.fromarray(pixels).save(stream, "PNG", pnginfo=chunks)
    return stream.getvalue()


def test_a_mark_says_what_was_signed(key):
    data = marks.signed(image(), FACTS, key)
    assert data == marks.signed(image(), FACTS, key)
    mark = marks.verified(data, key.public_key(), "x.png")
    assert mark.facts == {name: str(value) for name, value in FACTS.items()}
    assert b"trainedAlgorithmicMedia" in data
    edit = marks.signed(image(), FACTS | {"inputs": "1 given"}, key)
    assert b"compositeWithTrainedAlgorithmicMedia" in edit
    same = saved(data, lambda texts, pixels: (dict(reversed(texts.items())), pixels))
    assert marks.verified(same, key.public_key(), "x.png").facts == mark.facts


CHANGES = {
    "a pixel": lambda texts, pixels: (texts, pixels + (np.indices(pixels.shape).sum(0) == 0)),
    "a crop": lambda texts, pixels: (texts, pixels[:, 1:]),
    "a turn": lambda texts, pixels: (texts, pixels.reshape(16, 8, 3)),
    "a fact": lambda texts, pixels: (texts | {"prompt": "other"}, pixels),
    "a fact more": lambda texts, pixels: (texts | {"author": "me"}, pixels),
    "a fact less": lambda texts, pixels: ({k: v for k, v in texts.items() if k != "seed"}, pixels),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_was_changed_does_not_hold(key, name):
    def change(texts, pixels):
        texts, pixels = CHANGES[name](texts, pixels)
        return texts, pixels.astype(np.uint8)

    data = saved(marks.signed(image(), FACTS, key), change)
    with pytest.raises(UsageError, match="not those that were signed"):
        marks.verified(data, key.public_key(), "x.png")


def test_a_mark_of_another_image_or_key_or_none_does_not_hold(key, tmp_path):
    data, public = marks.signed(image(), FACTS, key), key.public_key()
    other = marks.signed(image(4), FACTS, key)
    with Image.open(io.BytesIO(other)) as opened:
        moved = opened.text[marks.CHUNK]
    forged = saved(data, lambda texts, pixels: (texts | {marks.CHUNK: moved}, pixels))
    with pytest.raises(UsageError, match="not those that were signed"):
        marks.verified(forged, public, "x.png")
    with pytest.raises(UsageError, match="signed by the key"):
        marks.verified(data, keys.made(tmp_path / "other.pem").public_key(), "x.png")
    bare = saved(data, lambda texts, pixels: ({}, pixels))
    with pytest.raises(UsageError, match="has no mark; that says nothing"):
        marks.verified(bare, public, "x.png")
    for mark in ("", "{}", "7", '{"key": 1, "signature": "?"}', json.dumps({"signature": [1]})):
        torn = saved(data, lambda texts, pixels: (texts | {marks.CHUNK: mark}, pixels))  # noqa: B023
        with pytest.raises(UsageError, match="not readable"):
            marks.verified(torn, public, "x.png")
    for broken in (b"", b"GIF89a", data[:99]):
        with pytest.raises(UsageError, match=r"x\.png: "):
            marks.verified(broken, public, "x.png")


def test_a_key_is_made_once_and_its_owners_alone(tmp_path, monkeypatch):
    path = tmp_path / "keys" / "own.pem"
    key = keys.made(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert keys.name(keys.made(path).public_key()) == keys.name(key.public_key())
    (tmp_path / "public.pem").write_text(keys.pem(key.public_key()))
    assert keys.name(keys.public(tmp_path / "public.pem")) == keys.name(key.public_key())
    with pytest.raises(UsageError, match="expected the private key"):
        keys.made(tmp_path / "public.pem")
    for content in (b"", b"-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n"):
        path.write_bytes(content)
        with pytest.raises(UsageError, match="not a readable key"):
            keys.made(path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert keys.usual() == tmp_path / "inkstone" / "signing-key.pem"


def test_the_command_verifies(key, tmp_path):
    path, own = tmp_path / "x.png", str(tmp_path / "keys" / "own.pem")
    path.write_bytes(marks.signed(image(), FACTS, key))
    done = invoke(app, [str(path), "--key", own])
    assert done.exit_code == 0 and "not changed since" in done.stdout and "一字" in done.stdout
    image().save(tmp_path / "y.png")
    both = invoke(app, [str(tmp_path / "y.png"), str(path), "--key", own])
    assert both.exit_code == 2 and "has no mark" in both.stderr and "not changed" in both.stdout
    assert invoke(app, [str(path), "--key", str(tmp_path / "none.pem")]).exit_code == 2
    absent = invoke(app, [str(tmp_path / "none.png"), str(path), "--key", own])
    assert absent.exit_code == 2 and "no such file" in absent.stderr
    assert "not changed" in absent.stdout
