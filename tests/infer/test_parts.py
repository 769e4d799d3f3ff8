"""Prompts, seeds, schedules and contact sheets, without a model."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFont

from curation.failures.errors import UsageError
from infer import caption_font, checkpoints, contact_sheet, job, prompts

CHINESE = "一行字写在蓝色的背景上"


def test_reading_lines(tmp_path):
    path = tmp_path / "p.txt"
    path.write_bytes("\ufeffone\r\n\r\n  two  \n你好\u2028still the same line\n".encode())
    found = [prompt.text for prompt in prompts.read(str(path))]
    assert found == ["one", "two", "你好\u2028still the same line"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("p.txt", b"\n \n", "holds no prompt"),
        ("p.txt", b"ok\n\xff\xfe", "byte 3 is not UTF-8"),
        ("p.jsonl", b'{"prompt": "x"}\n{"prompt": ', "p.jsonl:2: not JSON"),
        ("p.jsonl", b'\n["x"]', "p.jsonl:2: expected an object"),
        ("p.jsonl", b'{"prompt": 3}', "p.jsonl:1: expected an object with a string"),
        ("p.jsonl", b'{"prompt": "x", "seed": "7"}', "p.jsonl:1: `seed` is '7'"),
        ("p.jsonl", b'{"prompt": "x", "seed": true}', "`seed` is True"),
        ("p.jsonl", b'{"prompt": "x", "seed": -1}', "`seed` is -1"),
        ("p.jsonl", b'{"prompt": "\\ud800"}', "p.jsonl:1: holds a character"),
        ("p.jsonl", b"[" * 100_000, "p.jsonl:1: not JSON"),
    ],
)
def test_a_wrong_file_is_named_with_its_line(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UsageError, match=message.replace("[", r"\[")) as caught:
        prompts.read(str(path))
    assert str(path) in str(caught.value)


@given(st.integers(0, prompts.LARGEST_SEED), st.integers(0, 10_000))
def test_seeds(seed, index):
    found = prompts.picture_seed(seed, index)
    assert 0 <= found <= prompts.LARGEST_SEED
    assert prompts.picture_seed(seed, 0) == seed
    assert found == prompts.picture_seed(seed, index)
    assert found != prompts.picture_seed(seed, index + 1)


def test_a_prompts_own_seed_is_kept_and_later_ones_change_nothing():
    some = [prompts.Prompt("a"), prompts.Prompt("b", 5), prompts.Prompt("c")]
    short, long = prompts.with_seeds(some[:2], 3), prompts.with_seeds(some, 3)
    assert [prompt.seed for prompt in short] == [3, 5]
    assert long[:2] == short
    assert long[2].seed == prompts.picture_seed(3, 2)


def test_names_of_files(tmp_path):
    assert job.name_files(tmp_path / "x.png", 1) == (tmp_path / "x.png",)
    assert job.name_files(tmp_path / "x.png", 2)[1] == tmp_path / "x-0002.png"
    assert job.name_files(tmp_path / "x", 1) == (tmp_path / "x" / "0001.png",)


def test_latest_of_a_training_output_is_followed(tmp_path):
    (tmp_path / "checkpoint-9").mkdir()
    (tmp_path / "latest").write_text("checkpoint-9\n")
    with pytest.raises(UsageError, match="names 'checkpoint-9', which holds no"):
        checkpoints.find(tmp_path)
    (tmp_path / "checkpoint-9" / "model_index.json").write_text("{}")
    assert checkpoints.find(tmp_path) == tmp_path / "checkpoint-9"
    assert checkpoints.find(tmp_path / "checkpoint-9") == tmp_path / "checkpoint-9"


def test_a_foreign_folder_is_drawn_as_qwen_image_is(tmp_path):
    found = checkpoints.defaults(tmp_path)
    assert (found.width, found.height, found.steps, found.guidance) == (1328, 1328, 50, 4.0)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"shift_terminal": None},
        {"use_dynamic_shifting": False, "shift": 3.0},
        {"base_shift": 0.3, "max_shift": 1.4, "base_image_seq_len": 64, "max_image_seq_len": 1000},
    ],
)
@pytest.mark.parametrize(("steps", "tokens"), [(2, 16), (7, 256), (50, 6889)])
def test_our_schedule_is_that_of_diffusers(tmp_path, changes, steps, tokens):
    from diffusers import FlowMatchEulerDiscreteScheduler
    from diffusers.pipelines.qwenimage.pipeline_qwenimage import calculate_shift
    from making import tiny_qwen

    scheduler = FlowMatchEulerDiscreteScheduler(**{**tiny_qwen.SCHEDULER, **changes})
    scheduler.save_pretrained(tmp_path / "scheduler")
    settings = scheduler.config
    scheduler.set_timesteps(
        sigmas=np.linspace(1.0, 1 / steps, steps),
        mu=calculate_shift(
            tokens,
            settings.base_image_seq_len,
            settings.max_image_seq_len,
            settings.base_shift,
            settings.max_shift,
        ),
    )
    ours = checkpoints.schedule(tmp_path).schedule(steps, tokens)
    assert np.allclose(ours, scheduler.sigmas.numpy(), atol=2e-6)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"use_karras_sigmas": True}, "use_karras_sigmas is set"),
        ({"invert_sigmas": True}, "invert_sigmas is set"),
        ({"time_shift_type": "linear"}, "time_shift_type"),
        ([], "expected a JSON object"),
    ],
)
def test_a_schedule_we_do_not_have_is_refused(tmp_path, content, message):
    (tmp_path / "scheduler").mkdir()
    (tmp_path / "scheduler" / "scheduler_config.json").write_text(json.dumps(content))
    with pytest.raises(UsageError, match=message):
        checkpoints.schedule(tmp_path)


def coloured(count, size=(64, 32)):
    return [Image.new("RGB", size, (10 + 20 * index, 200, 30)) for index in range(count)]


def test_every_picture_is_on_the_sheet_with_ink_below_it():
    pictures = coloured(7)
    sheet = np.asarray(contact_sheet.compose(pictures, ["caption"] * 7, 3).image)
    for picture in pictures:
        place = np.argwhere((sheet == picture.getpixel((0, 0))).all(-1))
        (top, left), (bottom, right) = place.min(0), place.max(0)
        assert (right - left + 1, bottom - top + 1) == contact_sheet.fit(picture).size
        below = sheet[bottom + 1 : bottom + 50, left : right + 1]
        assert below.min() < 100  # caption
    rows = {
        int(np.argwhere((sheet == picture.getpixel((0, 0))).all(-1))[0, 0]) for picture in pictures
    }
    assert len(rows) == 3


@given(st.text(max_size=300), st.integers(20, 400))
def test_wrapped_lines_fit_and_are_few(text, width):
    font = ImageFont.load_default(14)
    lines = contact_sheet.wrap(" ".join(text.split()), font, width)
    assert 1 <= len(lines) <= 5
    assert all(font.getlength(line) <= width or len(line) == 1 for line in lines)


def test_wrapping_keeps_every_character_while_there_is_room():
    font = ImageFont.load_default(14)
    text = 'the word "ink" in red, ' + "x" * 60
    assert "".join(contact_sheet.wrap(text, font, 200)).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize("caption", ["", "\x00\x07\x1b[31m<b>&amp;\n\t", "w" * 1_000_000, "\ud800"])
def test_odd_captions_are_drawn_all_the_same(caption):
    sheet = contact_sheet.compose(coloured(1), [caption]).image
    assert sheet.height < 400


def test_tall_and_large_pictures_are_reduced():
    assert contact_sheet.fit(Image.new("RGB", (1328, 1328))).size == (400, 400)
    assert contact_sheet.fit(Image.new("RGB", (16, 1600))).size == (4, 400)
    assert contact_sheet.fit(Image.new("RGB", (16, 32))).size == (80, 160)


def test_without_fontconfig_a_chinese_caption_is_boxes_and_said_so(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    sheet = contact_sheet.compose(coloured(1), [CHINESE + " abc"])
    assert sheet.missing == set(CHINESE)


def test_with_a_chinese_font_nothing_is_missing():
    answer = caption_font.find([CHINESE, "abc"], 14)
    if answer.missing:
        pytest.skip("no font with Chinese on this machine")
    drawn = {bytes(answer.font.getmask(character)) for character in CHINESE}
    assert len(drawn) == len(set(CHINESE))


def test_latin_captions_do_not_depend_on_the_machines_fonts(monkeypatch, tmp_path):
    captions = ['the word "ink" in red']
    here = contact_sheet.compose(coloured(1), captions).image.tobytes()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert contact_sheet.compose(coloured(1), captions).image.tobytes() == here
