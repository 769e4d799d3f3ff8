"""Training folders are safe: damage is told, nothing begins anew, one trainer writes at a time."""

import os
import shutil

import pytest
from making.training_runs import assert_same_run, train

from curation.storage.ownership import MARKER, held


def test_what_a_crash_leaves_behind_is_cleared_away(tiny, undisturbed, tmp_path):
    """A half-written checkpoint, and a whole one that ``latest`` does not name yet."""
    out = tmp_path / "out"
    shutil.copytree(undisturbed[0], out)
    (out / "result.json").unlink()
    (out / "latest").write_text("checkpoint-35\n")
    partial = out / ".checkpoint-42.partial"
    (partial / "transformer").mkdir(parents=True)
    (out / f".result.json.{'0f' * 16}.partial").write_text("{")
    mine = {out / name: name for name in (".notes.partial", "checkpoint-100-keep", "README.md")}
    for path, content in mine.items():
        path.write_text(content)
    train(tiny, out)
    assert {path: path.read_text() for path in mine} == mine
    assert {path.name for path in out.glob(".*")} == {MARKER, ".notes.partial"}
    assert_same_run(out, undisturbed[0])


def copied(undisturbed, tmp_path):
    """A run that went on to its end, as if it had not told so."""
    out = tmp_path / "out"
    shutil.copytree(undisturbed[0], out)
    (out / "result.json").unlink()
    return out


def everything(out):
    return {path: path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


@pytest.mark.parametrize(
    "named", ["", "\0\0\0", "checkpoint-41\n", "../out/checkpoint-40\n", "checkpoint-35/.."]
)
def test_a_corrupt_latest_is_told_and_nothing_begins_anew(tiny, undisturbed, tmp_path, named):
    out = copied(undisturbed, tmp_path)
    (out / "latest").write_text(named)
    before = everything(out)
    result = train(tiny, out, code=4)
    assert f"train: {out / 'latest'}: names" in result.stderr
    assert f"the newest whole one is checkpoint-40: remove {out / 'latest'}" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert everything(out) == before


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("training_state/shard-00001-model-00001-of-00001.safetensors", 5000),
        ("training_state/files.json", 1),
        ("transformer/diffusion_pytorch_model.safetensors", 3),
        ("training_state/progress.json", 10),
        ("training_state/configuration.json", None),
        ("model_index.json", 1),
    ],
)
def test_a_damaged_checkpoint_is_told_and_the_one_before_goes_on(
    tiny, undisturbed, tmp_path, name, size
):
    out = copied(undisturbed, tmp_path)
    path = out / "checkpoint-40" / name
    if size is None:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:size])
    before = everything(out)
    result = train(tiny, out, code=4)
    assert f"train: {path}: " in result.stderr
    assert "the newest whole one is checkpoint-35" in result.stderr
    assert everything(out) == before
    if name.startswith("training_state/shard"):  # and the advice works
        (out / "latest").unlink()
        assert "continuing" in train(tiny, out).stderr
        assert_same_run(out, undisturbed[0])


def test_without_a_whole_checkpoint_the_advice_is_another_folder(tiny, undisturbed, tmp_path):
    out = copied(undisturbed, tmp_path)
    for folder in out.glob("checkpoint-*"):
        (folder / "model_index.json").write_text("{")
    for name in ("latest", None):
        result = train(tiny, out, code=4)
        assert "no checkpoint there is whole: train into another --out" in result.stderr
        if name:
            (out / name).unlink()


def test_a_run_killed_before_its_first_latest_goes_on(tiny, undisturbed, tmp_path):
    out = copied(undisturbed, tmp_path)
    (out / "latest").unlink()
    assert "continuing" in train(tiny, out).stderr
    assert_same_run(out, undisturbed[0])


def test_a_strangers_folder_and_a_second_trainer_are_refused(tiny, tmp_path):
    (tmp_path / "photos").mkdir()
    mine = tmp_path / "photos" / "metrics.jsonl"
    mine.write_text("mine")
    result = train(tiny, tmp_path / "photos", code=2)
    assert "photos: holds files that no run of ours wrote" in result.stderr
    assert everything(tmp_path / "photos") == {mine: b"mine"}
    with held(str(tmp_path / "out"), "training"):
        result = train(tiny, tmp_path / "out", code=2)
    assert f"process {os.getpid()} on" in result.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == [MARKER]


def test_a_run_killed_after_its_last_evaluation_does_not_tell_it_twice(tiny, undisturbed, tmp_path):
    out = copied(undisturbed, tmp_path)
    train(tiny, out)
    assert_same_run(out, undisturbed[0])
