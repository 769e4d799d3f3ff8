"""Prompts, seeds, schedules and contact sheets, without a model."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.failures.errors import UsageError
from curation.picture import sizes
from infer import checkpoints, job, prompts

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
        ("p.jsonl", b'{"prompt": " "}', "p.jsonl:1: is empty"),
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


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("prompts")


PIECES = [b'{"prompt": "x"}', b'{"prompt": "\\ud800"}', b'"seed": 1e999', b"\xff", b"\r\n", b"\n"]
PIECES += [b"\xef\xbb\xbf", b"\0", b'{"prompt": "x", "seed": ' + b"9" * 5000 + b"}", b"{}", b"x"]


@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=5), max_size=6).map(b"".join))
def test_any_file_is_prompts_or_a_mistake_with_its_place(scratch, content):
    for name in ("p.txt", "p.jsonl"):
        path = scratch / name
        path.write_bytes(content)
        try:
            read = prompts.read(str(path))
        except UsageError as error:
            assert str(error).startswith(f"{path}:") and len(str(error)) < 400
        else:
            assert read and all(prompt.text.encode() for prompt in read)
            assert all(prompt.seed is None or prompt.seed >= 0 for prompt in read)


@given(st.integers(0, prompts.LARGEST_SEED), st.integers(0, 10_000))
def test_seeds(seed, index):
    found = prompts.image_seed(seed, index)
    assert 0 <= found <= prompts.LARGEST_SEED
    assert prompts.image_seed(seed, 0) == seed
    assert found == prompts.image_seed(seed, index)
    assert found != prompts.image_seed(seed, index + 1)


def test_a_prompts_own_seed_is_kept_and_later_ones_change_nothing():
    some = [prompts.Prompt("a"), prompts.Prompt("b", 5), prompts.Prompt("c")]
    short, long = prompts.with_seeds(some[:2], 3), prompts.with_seeds(some, 3)
    assert [prompt.seed for prompt in short] == [3, 5]
    assert long[:2] == short
    assert long[2].seed == prompts.image_seed(3, 2)


def test_names_of_files(tmp_path):
    assert job.name_files(tmp_path / "x.png", 1) == (tmp_path / "x.png",)
    assert job.name_files(tmp_path / "x.png", 2)[1] == tmp_path / "x-0002.png"
    assert job.name_files(tmp_path / "x", 1) == (tmp_path / "x" / "0001.png",)


def test_a_checkpoint_of_an_earlier_version_is_refused_with_a_sentence(tmp_path):
    folder = tmp_path / "checkpoint-4"
    (folder / "codec").mkdir(parents=True)
    (folder / "model_index.json").write_text("{}")
    (tmp_path / "latest").write_text("checkpoint-4\n")
    for asked in (folder, tmp_path):
        with pytest.raises(UsageError, match="a checkpoint of an earlier version, with codec/"):
            checkpoints.find(asked)


def test_a_checkpoint_of_a_run_is_called_by_both_folders(tmp_path, monkeypatch):
    (tmp_path / "train" / "checkpoint-200").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "train")
    for folder in ("checkpoint-200", tmp_path / "train/checkpoint-200", "../train/checkpoint-200"):
        assert checkpoints.name(Path(folder)) == "train/checkpoint-200"
    assert checkpoints.name(tmp_path / "a" / "Qwen-Image") == "Qwen-Image"


def test_without_a_record_the_size_is_the_first_of_the_largest_class(tmp_path):
    usual = checkpoints.defaults(tmp_path)
    assert (usual.width, usual.height) == sizes.of_class(sizes.CLASSES[-1])[0]


def test_latest_of_a_training_output_is_followed(tmp_path):
    (tmp_path / "checkpoint-9").mkdir()
    (tmp_path / "latest").write_text("checkpoint-9\n")
    with pytest.raises(UsageError, match="names checkpoint-9, which holds no"):
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
