"""Whole runs: the same losses, to the bit, with producers, with a cache, and with neither."""

import json
import os
import shutil
import signal
import threading

import pytest
import torch
import yaml
from making import tiny_qwen
from making import training_shards as shards
from making.commands import invoke, wait_for
from making.training_runs import losses

from curation.failures.interruption import Interruption
from train import checkpoint, checkpoint_folder
from train.__main__ import app
from train.change_plan import app as change_app
from train.configuration import PhaseConfiguration
from train.produce import app as produce_app
from train.producers import agreed, prefetching, serving, supply
from train.producers.units import Unit

pytestmark = pytest.mark.slow

STEPS = 24


@pytest.fixture(scope="module")
def pattern(tmp_path_factory):
    return shards.write_all(tmp_path_factory.mktemp("shards"))


def configured(path, data=None, **more):
    """A configuration of a run of a second, in a file."""
    given = yaml.safe_load(shards.TINY) | {"steps": STEPS, "log_every": 4}
    given["data"] |= data or {}
    given["evaluation"] = {"evaluators": []}
    given["checkpoint"] = {"every": 7, "keep": 9}
    path.write_text(yaml.safe_dump(given | more))
    return path


def run(pattern, config, out, code=0):
    before = torch.get_num_threads()
    given = ["--data", pattern, "--config", str(config), "--out", str(out), "--threads", "1"]
    try:
        result = invoke(app, given)
    finally:
        torch.set_num_threads(before)
    assert result.exit_code == code, result.output
    return result


def produce(pattern, config, units, code=0):
    given = ["--data", pattern, "--config", str(config), "--units", str(units), "--threads", "1"]
    result = invoke(produce_app, [*given, "--all"])
    assert result.exit_code == code, result.output
    return result


@pytest.fixture(scope="module")
def plain(pattern, tmp_path_factory):
    folder = tmp_path_factory.mktemp("plain")
    run(pattern, configured(folder / "a.yaml"), folder / "out")
    return folder / "out"


def arrivals(out):
    return [json.loads(line) for line in (out / "arrivals.jsonl").open()]


def test_a_cache_gives_the_same_losses_and_spares_the_second_run_the_work(pattern, plain, tmp_path):
    config = configured(tmp_path / "a.yaml", {"cache": str(tmp_path / "cache")})
    run(pattern, config, tmp_path / "first")
    assert losses(tmp_path / "first") == losses(plain)
    assert arrivals(tmp_path / "first")[-1]["units_made"] == 3
    run(pattern, config, tmp_path / "second")
    assert losses(tmp_path / "second") == losses(plain)
    assert arrivals(tmp_path / "second")[-1]["units_made"] == 0


def test_a_cache_keeps_its_bound(pattern, plain, tmp_path):
    cache = tmp_path / "cache"
    config = configured(tmp_path / "a.yaml", {"cache": str(cache), "cache_bytes": 1})
    run(pattern, config, tmp_path / "out")
    assert losses(tmp_path / "out") == losses(plain)
    assert len(list((cache / "units").iterdir())) == 1


def test_a_run_that_waits_for_units_is_saved_and_ends_when_it_is_asked_to(
    pattern, plain, tmp_path, monkeypatch
):
    monkeypatch.setattr(prefetching, "_STILL", 0.01)
    units, out = tmp_path / "units", tmp_path / "out"
    config = configured(tmp_path / "a.yaml", {"units": str(units)})
    produce(pattern, config, units)
    made = {path: Unit(path) for path in (units / "units").iterdir()}
    (last,) = [path for path, unit in made.items() if unit.places(STEPS)]
    before = min(step for step in range(1, STEPS + 1) if made[last].places(step)) - 1
    last.unlink()

    def interrupt():
        metrics = out / "metrics.jsonl"
        wait_for(lambda: metrics.is_file() and len(losses(out)) == before)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(Interruption):
        run(pattern, config, out)
    thread.join()
    assert checkpoint.read_progress(checkpoint_folder.newest(out)).step == before
    produce(pattern, config, units)
    run(pattern, config, out)
    assert losses(out) == losses(plain)


def test_producers_give_the_same_losses_and_counts_are_written(pattern, plain, tmp_path):
    units = tmp_path / "units"
    config = configured(tmp_path / "a.yaml", {"units": str(units)})
    produced = produce(pattern, config, units)
    assert "3 units" in produced.stdout
    run(pattern, config, tmp_path / "out")
    assert losses(tmp_path / "out") == losses(plain)
    assert [line["step"] for line in arrivals(tmp_path / "out")] == list(range(4, 25, 4))
    last = arrivals(tmp_path / "out")[-1]
    assert last["ids_missed"] == last["ids_doubled"] == last["units_damaged"] == 0
    assert last["producers/samples"] == 16 * STEPS
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    board = EventAccumulator(str(tmp_path / "out" / "tensorboard"))
    board.Reload()
    names = {f"data/{name}" for name in last if name != "step"}
    assert names <= set(board.Tags()["scalars"])


def test_a_consumer_goes_on_from_its_checkpoint_over_http(pattern, plain, tmp_path):
    units, out = tmp_path / "units", tmp_path / "out"
    config = configured(tmp_path / "a.yaml", {"units": str(units)})
    produce(pattern, config, units)
    shutil.copytree(plain, out)
    back_to(out, 14)
    with serving.bound("127.0.0.1", 0, units, "") as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        again = configured(tmp_path / "b.yaml", {"units": url})
        result = run(pattern, again, out)
        server.shutdown()
        thread.join()
    assert "after step 14" in result.stderr
    assert losses(out) == losses(plain)


def back_to(out, step):
    """As if the run had been killed after the checkpoint of a step."""
    (out / "result.json").unlink()
    for path in out.glob("checkpoint-*"):
        if int(path.name.rpartition("-")[2]) > step:
            shutil.rmtree(path)
    (out / "latest").write_text(f"checkpoint-{step}\n")


def propose(folder, phases, step, code=0, **more):
    path = folder.with_name("more.yaml")
    path.write_text(yaml.safe_dump({"phases": phases, **more}))
    given = ["--units", str(folder), "--config", str(path), "--from-step", str(step)]
    result = invoke(change_app, given)
    assert result.exit_code == code, result.output
    return result


def proposed_elsewhere(folder, phases, step):
    """By who did not look whether it can be."""
    agreed.propose(folder, tuple(map(PhaseConfiguration.model_validate, phases)), step)


def test_another_plan_begins_where_all_agree_and_a_continued_run_replays_it(
    pattern, plain, tmp_path
):
    cache, out = tmp_path / "cache", tmp_path / "out"
    data = {"cache": str(cache)}
    run(pattern, configured(tmp_path / "short.yaml", data, steps=1), tmp_path / "short")
    said = propose(cache, [{"batch": 4, "label": "small"}], 2).stdout
    assert said == "version 2 is proposed from step 2 on\n"
    config = configured(tmp_path / "a.yaml", data)
    result = run(pattern, config, out)
    assert "plan: version 2 from step 6 on" in result.stderr  # 1, where it was seen, and prefetch
    assert "phase small: steps 6 to 24" in result.stderr
    assert losses(out)[:5] == losses(plain)[:5]
    assert losses(out)[5:] != losses(plain)[5:]
    again = tmp_path / "again"
    shutil.copytree(out, again)
    back_to(again, 14)
    run(pattern, config, again)
    assert losses(again) == losses(out)


def test_a_plan_that_cannot_be_is_told_and_training_goes_on_until_it_is_mended(
    pattern, plain, tmp_path, monkeypatch
):
    cache = tmp_path / "cache"
    data = {"cache": str(cache)}
    run(pattern, configured(tmp_path / "short.yaml", data, steps=1), tmp_path / "short")
    proposed_elsewhere(cache, [{"tasks": {"ti2i": 1}}], 11)
    advance = supply.Supply.advance

    def mended(self, parts, step, tell):
        if step == 10:
            proposed_elsewhere(cache, [{"frozen": ["nothing"]}], 11)
        if step == 18:
            propose(cache, [{"batch": 4}], 11)
        return advance(self, parts, step, tell)

    monkeypatch.setattr(supply.Supply, "advance", mended)
    result = run(pattern, configured(tmp_path / "a.yaml", data, log_every=24), tmp_path / "out")
    refused = [line for line in result.stderr.splitlines() if "plan: version" in line]
    assert [line[:37] for line in refused[:2]] == 2 * [
        "plan: version 2 is refused, the plan g"[:37]
    ]
    assert "ti2i" in refused[0]
    assert "no weight begins with 'nothing'" in refused[1]
    assert len(refused) == 2  # that of step 18 is seen at 24, and would begin behind the last
    assert losses(tmp_path / "out") == losses(plain)


def test_a_plan_that_cannot_be_is_refused_before_it_is_proposed(pattern, tmp_path):
    cache = tmp_path / "cache"
    config = configured(tmp_path / "short.yaml", {"cache": str(cache)}, steps=1)
    run(pattern, config, tmp_path / "short")
    shards.write(tmp_path / "bare.parquet", [shards.row("A", "red", caption_recaption=None)])
    missing, bare = ({"data": str(tmp_path / name)} for name in ("none.parquet", "bare.parquet"))
    for phases, more, expected in (
        ([{"steps": 4}, {"sources": [{}, missing]}], {}, "phases[1].sources[1].data"),
        ([{"sources": [bare]}], {}, f"[0].data {bare['data']}: nothing to train on: 1 without a"),
        ([{"sources": [{"stage": "x"}]}], {}, f"phases[0].sources[0]: --data {pattern}: nothing"),
        ([{"tasks": {"ti2i": 1}}], {}, "tasks asks for ti2i"),
        ([{"frozen": ["nothing"]}], {}, "frozen: no weight begins with 'nothing'"),
        ([{"repa": True}], {}, "repa"),
        ([{}], {"autoencoder": {"channels": 4}}, "autoencoder: not that of the run"),
        ([{}], {"data": {"sizes": ["64x64"], "resize": True}}, "data: not that of the run"),
        ([{}], {"model": {"name": "qwen_image_21"}}, "model: not that of the run"),
        ([], {}, "expected phases"),
    ):
        assert expected in propose(cache, phases, 2, code=2, **more).stderr
    assert agreed.version(cache, 2) is None


def test_units_of_something_else_are_refused_by_name(pattern, tmp_path):
    cache = tmp_path / "cache"
    run(pattern, configured(tmp_path / "a.yaml", {"cache": str(cache)}, steps=1), tmp_path / "a")
    other = configured(tmp_path / "b.yaml", {"cache": str(cache)}, steps=1, seed=1)
    result = run(pattern, other, tmp_path / "b", code=2)
    assert "plan.json: seed: its units are of 0, expected 1" in result.stderr
    channels = {"autoencoder": {"channels": 4}}
    other = configured(tmp_path / "c.yaml", {"units": str(cache)}, steps=1, **channels)
    result = run(pattern, other, tmp_path / "c", code=2)
    assert "autoencoder: its units are made with fingerprint" in result.stderr
    both = configured(tmp_path / "d.yaml", {"units": "x", "cache": "y"})
    assert "expected one of them" in run(pattern, both, tmp_path / "d", code=2).stderr


def test_a_consumer_has_no_encoder_and_needs_none(pattern, tmp_path):
    """The real classes, small: their folders are gone where units are read."""
    base = tiny_qwen.save_pipeline(tmp_path / "base")
    parts = {
        "steps": 3,
        "batch": 4,
        "autoencoder": {"kind": "qwen", "path": str(base)},
        "text_encoder": {"kind": "qwen", "path": str(base)},
    }
    run(pattern, configured(tmp_path / "plain.yaml", **parts), tmp_path / "plain")
    units = tmp_path / "units"
    config = configured(tmp_path / "a.yaml", {"units": str(units)}, **parts)
    produce(pattern, config, units)
    base.rename(tmp_path / "elsewhere")
    result = run(pattern, config, tmp_path / "out")
    assert "held out by text: 0" in result.stderr
    assert "samples/" not in result.stderr and not (tmp_path / "out" / "samples").exists()
    assert losses(tmp_path / "out") == losses(tmp_path / "plain")
    index = json.loads((tmp_path / "out" / "checkpoint-3" / "model_index.json").read_text())
    assert index["vae"] == ["diffusers", "AutoencoderKLQwenImage"]
    assert index["_class_name"] == "QwenImagePipeline"
    (tmp_path / "out" / "result.json").unlink()
    run(pattern, config, tmp_path / "out")  # a continued run needs none either
    judged = configured(tmp_path / "b.yaml", {"units": str(units)}, **parts)
    judged.write_text(judged.read_text().replace("evaluators: []", "images: 2"))
    told = run(pattern, judged, tmp_path / "b", code=2).stderr
    assert "evaluation.evaluators: a run with data.units has no encoders" in told
