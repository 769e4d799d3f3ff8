"""Contact sheets: images in a grid, with their captions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFont

from curation.picture import contact_sheet
from curation.picture.contact_sheet import font, lettering

CHINESE = "一行字写在蓝色的背景上"


def coloured(count, size=(64, 32)):
    return [Image.new("RGB", size, (10 + 20 * index, 200, 30)) for index in range(count)]


def test_every_image_is_on_the_sheet_with_ink_below_it():
    images = coloured(7)
    sheet = np.asarray(contact_sheet.compose(images, ["caption"] * 7, 3).image)
    for image in images:
        place = np.argwhere((sheet == image.getpixel((0, 0))).all(-1))
        (top, left), (bottom, right) = place.min(0), place.max(0)
        assert (right - left + 1, bottom - top + 1) == contact_sheet.fit(image).size
        below = sheet[bottom + 1 : bottom + 50, left : right + 1]
        assert below.min() < 100  # caption
    rows = {int(np.argwhere((sheet == image.getpixel((0, 0))).all(-1))[0, 0]) for image in images}
    assert len(rows) == 3


@given(st.text(max_size=300), st.integers(20, 400))
def test_wrapped_lines_fit_and_are_few(text, width):
    face = ImageFont.load_default(14)
    lines = lettering.wrap(" ".join(text.split()), face, width)
    assert 1 <= len(lines) <= 5
    assert all(face.getlength(line) <= width or len(line) == 1 for line in lines)


def test_wrapping_keeps_every_character_while_there_is_room():
    face = ImageFont.load_default(14)
    text = 'the word "ink" in red, ' + "x" * 60
    assert "".join(lettering.wrap(text, face, 200)).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize("caption", ["", "\x00\x07\x1b[31m<b>&amp;\n\t", "w" * 1_000_000, "\ud800"])
def test_odd_captions_make_a_sheet_all_the_same(caption):
    sheet = contact_sheet.compose(coloured(1), [caption]).image
    assert sheet.height < 400


def test_images_are_shown_at_readable_sizes():
    assert contact_sheet.fit(Image.new("RGB", (1328, 1328))).size == (400, 400)
    assert contact_sheet.fit(Image.new("RGB", (16, 1600))).size == (4, 400)
    assert contact_sheet.fit(Image.new("RGB", (16, 32))).size == (128, 256)
    assert contact_sheet.fit(Image.new("RGB", (300, 200))).size == (300, 200)
    assert contact_sheet.fit(Image.new("RGB", (64, 32)), 192).size == (192, 96)
    assert contact_sheet.fit(Image.new("RGB", (400, 10)), 192).size == (192, 5)


def test_a_wrong_image_has_a_red_frame():
    sheet = contact_sheet.compose(coloured(3), ["a"] * 3, columns=2, side=192, framed=[1]).image
    red = np.argwhere((np.asarray(sheet) == (205, 30, 40)).all(-1))
    assert len(red) == 3 * 2 * (192 + 96) + 4 * 3 * 3
    assert red[:, 1].min() == 14 + 192 + 14 - 3


def test_letters_may_be_the_callers_own():
    def letter(caption, width):
        return Image.new("RGB", (width, 30), {"a": (1, 2, 3), "b\n": (4, 5, 6)}[caption])

    sheet = contact_sheet.compose(coloured(2), ["a", "b\n"], letter=letter)
    found = np.asarray(sheet.image)
    for colour in ((1, 2, 3), (4, 5, 6)):
        assert (found == colour).all(-1).sum() == 30 * 256
    assert sheet.missing == frozenset()


@pytest.mark.parametrize("captions", [[], ["a"], ["a"] * 3])
def test_counts_that_differ_are_refused(captions):
    with pytest.raises(ValueError, match=f"2 images with {len(captions)} captions"):
        contact_sheet.compose(coloured(2), captions)


def test_without_fontconfig_a_chinese_caption_is_boxes_and_said_so(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    sheet = contact_sheet.compose(coloured(1), [CHINESE + " abc"])
    assert sheet.missing == set(CHINESE)


def test_with_a_chinese_font_nothing_is_missing():
    answer = font.choose([CHINESE, "abc"], 14)
    if answer.missing:
        pytest.skip("no font with Chinese on this machine")
    inks = {bytes(answer.font.getmask(character)) for character in CHINESE}
    assert len(inks) == len(set(CHINESE))


def test_latin_captions_do_not_depend_on_the_machines_fonts(monkeypatch, tmp_path):
    captions = ['the word "ink" in red']
    here = contact_sheet.compose(coloured(1), captions).image.tobytes()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert contact_sheet.compose(coloured(1), captions).image.tobytes() == here
