"""Prompts as bytes of quoted text and words, encoded together or alone."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from train.text_encoders.byte_text import ByteTextEncoder
from train.text_encoders.text_encoder import load_text_encoder


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(1)
    return ByteTextEncoder(24)


def test_quoted_text_is_spelled_and_the_rest_is_words(encoder):
    found = encoder.tokens('The text "K7A" in red.')
    assert [token for token, _, _ in found[:1]] == [0]
    assert found[3:6] == [(1 + ord("K"), 1, 1), (1 + ord("7"), 2, 1), (1 + ord("A"), 3, 1)]
    words = [token for token, place, _ in found[1:] if place == 0]
    assert len(words) == 5  # The, text, in, red, full stop
    assert all(257 <= token < 257 + encoder.words for token in words)
    assert encoder.tokens("RED") == encoder.tokens("red")
    assert encoder.tokens("") == [(0, 0, 0)]


def test_hanzi_are_bytes_of_one_place_in_quotes_and_words_outside(encoder):
    found = encoder.tokens("写“你好”")
    assert [place for _, place, _ in found] == [0, 0, 1, 1, 1, 2, 2, 2]
    assert [offset for _, _, offset in found] == [0, 0, 1, 2, 3, 1, 2, 3]
    assert len(encoder.tokens("写着文字")) == 5


def test_with_a_table_of_characters_a_hanzi_in_quotes_is_one_token(tmp_path):
    encoder = ByteTextEncoder(4, words=8, characters=20_992)
    found = encoder.tokens("写“你好A”")
    assert [place for _, place, _ in found] == [0, 0, 1, 2, 3]
    assert found[2][0] != found[3][0]
    assert min(found[2][0], found[3][0]) >= 257 + 8
    assert found[4] == (1 + ord("A"), 3, 1)
    assert found[1] == ByteTextEncoder(4, words=8).tokens("写")[1]
    encoder.save(tmp_path)
    loaded = load_text_encoder(str(tmp_path))
    assert torch.equal(loaded.encode(["“好”"])[0][0], encoder.encode(["“好”"])[0][0])


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_prompts_can_be_encoded_together(first, second):
    encoder = ByteTextEncoder(4, words=8, places=4, longest=32)
    both = encoder.encode([first, second])
    assert all(0 < len(text) <= 32 and text.shape[1] == 4 for (text,) in both)
    for (together,), prompt in zip(both, (first, second), strict=True):
        assert torch.equal(together, encoder.encode([prompt])[0][0])


def test_lone_surrogates_and_long_prompts_do_no_harm(encoder):
    texts = [text for (text,) in encoder.encode(['"\ud800"', "word " * 100_000])]
    assert all(text.isfinite().all() for text in texts)
    assert [len(text) for text in texts] == [2, 1024]
    with pytest.raises(ValueError, match="no prompts"):
        encoder.encode([])


@pytest.fixture(scope="module")
def seeing():
    torch.manual_seed(2)
    return ByteTextEncoder(24, words=16, view=16)


def test_images_are_seen_before_the_prompt_each_at_its_place(seeing):
    random = np.random.default_rng(0)
    wide, high = (random.integers(0, 256, size, np.uint8) for size in ((32, 64, 3), (64, 16, 3)))
    prompts = ["a", "b c", ""]
    images = [(wide,), (wide, high), ()]
    together = seeing.encode(prompts, images)
    cells = [3, 3 + 4, 0]  # 23x11 px and 8x32 px, in cells of 8 px
    for (text,), own, prompt, count in zip(together, images, prompts, cells, strict=True):
        assert torch.equal(text, seeing.encode([prompt], [own])[0][0])
        assert len(text) == count + len(seeing.tokens(prompt))
        assert torch.equal(text[count:], seeing.encode([prompt])[0][0])
    other = seeing.encode(["a"], [(255 - wide,)])[0][0]
    assert not torch.equal(other[:3], together[0][0][:3])
    swapped = seeing.encode(["b c"], [(high, wide)])[0][0]
    assert not torch.equal(swapped[:4], together[1][0][3:7])  # the number of an image counts
    other.sum().backward()
    assert seeing.cell.weight.grad.abs().sum() > 0


def test_what_is_cut_is_counted(seeing):
    short = ByteTextEncoder(4, words=8, longest=3)
    short.encode(["a b", "a b c", "a b c d"])
    assert short.cut == 2
    assert len(seeing.encode(["word " * 1023])[0][0]) == 1024
    assert seeing.cut == 0
    assert not short.sees_images
    assert seeing.sees_images


def test_what_sees_is_saved(seeing, tmp_path):
    seeing.save(tmp_path)
    image = [(np.full((16, 16, 3), 7, np.uint8),)]
    loaded = load_text_encoder(str(tmp_path))
    assert torch.equal(loaded.encode(["a"], image)[0][0], seeing.encode(["a"], image)[0][0])
    with pytest.raises(ValueError, match="1 prompts with images for 2"):
        loaded.encode(["a"], image * 2)


def test_a_saved_text_encoder_is_the_same(encoder, tmp_path):
    assert encoder.save(tmp_path) == {"text_encoder": ("byte_text", "ByteTextEncoder")}
    loaded = load_text_encoder(str(tmp_path))
    prompt = ['a "word"']
    assert torch.equal(loaded.encode(prompt)[0][0], encoder.encode(prompt)[0][0])
    with pytest.raises(FileNotFoundError, match="no text encoder here"):
        load_text_encoder(str(tmp_path / "elsewhere"))
