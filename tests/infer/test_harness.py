"""The harness of evaluation: a benchmark's images, figures, folder and page, and two compared."""

import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from making.brightness_benchmarks import contribute, fill
from making.commands import invoke
from making.places import ROOT
from PIL import Image
from pydantic import BaseModel

from curation import storage
from curation.failures.errors import UsageError
from infer import evaluation, scoring
from infer.evaluation.__main__ import app
from infer.harness import metrics, prompt_files
from infer.harness.rows import Measured, Request, row, seed_of


@pytest.fixture(autouse=True)
def _contributed(monkeypatch):
    contribute(monkeypatch)


def evaluate(*arguments, code=0):
    result = invoke(app, [*map(str, arguments)])
    assert result.exit_code == code, result.output
    return result


def of_images(folder, *more):
    return json.loads(evaluate("shades", "--images", folder, *more, "--json").stdout)


ALL = {f"p{n}_{k}": 255 if n == 0 else 51 * n for n in range(4) for k in (1, 2)}


def made(values, groups=None, repetitions=1):
    """Rows of prompts with a score each, ``repetitions`` of it."""
    groups = groups or [""] * len(values)
    return [
        row(Request(f"p{n}", "", k, group=group), 0, Measured(value, values={"of": n + 1}))
        for n, (value, group) in enumerate(zip(values, groups, strict=True))
        for k in range(repetitions)
    ]


def test_pooled_is_not_the_mean_and_macro_is_not_micro():
    rows = made([1, 0, 0.5], ["a", "b", "b"])
    part, of = (lambda row: row.score * row.values["of"]), (lambda row: row.values["of"])
    assert metrics.pooled("x", rows, part, of).value == pytest.approx(2.5 / 6)
    assert metrics.mean("x", rows, lambda row: row.score).value == pytest.approx(0.5)
    assert metrics.macro("x", rows, lambda row: row.score).value == pytest.approx((1 + 0.25) / 2)
    assert metrics.mean("x", [], lambda row: row.score).value == 0
    assert metrics.macro("x", [], lambda row: row.score).values()["n"] == 0


def test_images_of_a_prompt_are_resampled_together():
    values = [float(n % 2) for n in range(60)]
    alone = metrics.share("x", made(values), lambda row: row.score == 1).values()
    again = metrics.share("x", made(values, repetitions=4), lambda row: row.score == 1).values()
    assert (alone["n"], alone["images"], alone["interval"]) == (60, 60, "Wilson")
    assert (again["n"], again["images"], again["interval"]) == (60, 240, "bootstrap over prompts")
    assert again["high"] - again["low"] == pytest.approx(alone["high"] - alone["low"], abs=0.03)


def test_an_interval_without_width_says_what_it_means():
    right = metrics.share("x", made([1.0] * 10, repetitions=3), lambda row: row.score == 1).values()
    assert right["interval"] == "Wilson" and not right["note"]  # of prompts, not of images
    assert (right["value"], right["high"]) == (1, 1) and right["low"] == pytest.approx(0.7225, 1e-3)
    alike = metrics.mean("x", made([0.5] * 10), lambda row: row.score)
    assert alike.interval() == (0.5, 0.5)
    assert "all 10 prompts agree, and up to 25.9% of other" in alike.values()["note"]
    assert pytest.approx(0.95, abs=1e-3) == 1 - 0.7411**10  # so many others would have shown
    groups = metrics.macro("x", made([0.0, 1.0], ["a", "b"]), lambda row: row.score).values()
    assert "each group's prompts, or its only one, agree" in groups["note"]
    assert not metrics.mean("x", made([0.5, 0.6]), lambda row: row.score).values()["note"]


def test_the_bootstrap_is_as_wide_as_theory_says():
    values = np.random.default_rng(1).normal(0.5, 0.2, 400)
    metric = metrics.mean("x", made(list(values)), lambda row: row.score)
    low, high = metric.interval()
    assert (high - low) / 2 == pytest.approx(1.96 * values.std() / 20, rel=0.1)
    assert metric.interval() == (low, high)
    two = metrics.macro("x", made([0, 1], ["a", "b"]), lambda row: row.score)
    assert two.interval() == (0.5, 0.5)  # each group is resampled by itself


def test_seeds_are_those_of_benchmark_prompt_and_repetition():
    seeds = {seed_of(name, Request(id, "", k)) for name in "ab" for id in "cd" for k in (0, 1)}
    assert len(seeds) == 8 and all(0 <= seed < 2**63 for seed in seeds)
    assert seed_of("shades", Request("p0", "x", 1)) == 8863951094007254725
    assert seed_of("shades", Request("p0", "x", 1, seed=7)) == 7


def test_a_folder_of_images_is_scored_and_its_page_escapes(tmp_path):
    folder = fill(tmp_path / "theirs", ALL)
    result = of_images(folder)
    figures = result["metrics"]
    assert figures["brightness"]["value"] == pytest.approx((1 + 0.2 + 0.4 + 0.6) / 4)
    assert figures["of_groups"]["n"] == 4 and figures["of_groups"]["images"] == 8
    assert result["settings"]["steps"] is None and result["missing"] == 0
    out = tmp_path / "evaluation/theirs/shades"
    assert json.loads((out / "result.json").read_text())["metrics"] == figures
    page = (out / "report.html").read_text()
    assert "<script>" not in page and "<b>p1</b>" not in page  # prompt and what was read
    assert "&lt;script&gt;" in page and "&lt;b&gt;p1" in page
    assert page.index("p1_1.png") < page.index("p3_1.png") < page.index("p0_1.png")


def test_missing_images_are_empty_ones_and_said(tmp_path):
    folder = fill(tmp_path / "theirs", {"p0_1": 255})
    said = evaluate("shades", "--images", folder)
    assert "missing: 7 of 8 images, as empty ones" in said.stdout
    assert "brightness: 0.1250" in said.stdout and "n = 4" in said.stdout
    assert "not checked for this benchmark: no shards are known" in said.stdout
    empty = fill(tmp_path / "none", {"other": 255})
    wrong = evaluate("shades", "--images", empty, code=2).stderr
    assert "expected files named <prompt id>_<k>.png, such as p0_1.png" in wrong
    (folder / "p0_2.png").write_bytes(b"no image")
    assert "p0_2.png: " in evaluate("shades", "--images", folder, code=2).stderr
    assert not (tmp_path / "evaluation/theirs/shades/result.json").exists()


def test_two_outputs_are_compared_over_the_same_prompts(tmp_path):
    for name, more in (("a", 0), ("b", 25)):
        shades = {key: min(255, shade + more) for key, shade in ALL.items()}
        of_images(fill(tmp_path / name, shades), "--out", tmp_path / f"out-{name}")
    outs = [tmp_path / "out-a", tmp_path / "out-b"]
    compared = json.loads(evaluate("--compare", *outs, "--json").stdout)["differences"]
    each = compared["brightness"]
    assert each["difference"] == pytest.approx(3 * 25 / 255 / 4)
    assert 0 <= each["low"] < each["difference"] < each["high"] and each["n"] == 4
    same = evaluate("--compare", outs[0], outs[0]).stdout
    assert "brightness: +0.0000 [+0.0000, +0.0000]" in same and "not told apart" in same
    assert (
        same.startswith(f"a ({outs[0]}) minus a ({outs[0]}):\n") and "all 4 prompts agree" in same
    )
    of_images(tmp_path / "b", "--out", tmp_path / "some", "--sample", "1")
    assert "sample" in evaluate("--compare", outs[0], tmp_path / "some", code=2).stderr
    assert "no result.json" in evaluate("--compare", outs[0], tmp_path, code=2).stderr
    for out, steps in zip(outs, (30, 20), strict=True):
        assert evaluate("--compare", *outs).exit_code == 0  # what nobody knows is not compared
        changed = json.loads((out / "result.json").read_text())
        changed["settings"]["steps"] = steps
        (out / "result.json").write_text(json.dumps(changed))
    assert "steps 30 and 20; only what was asked" in evaluate("--compare", *outs, code=2).stderr


def test_a_sample_is_of_each_group_and_says_so(tmp_path):
    folder = fill(tmp_path / "theirs", ALL)
    result = of_images(folder, "--sample", "1", "--sample-seed", "3")
    assert result["sample"] == {"prompts_of_a_group": 1, "seed": 3}
    assert (result["prompts"], result["of_prompts"], result["images"]) == (2, 4, 4)
    assert "begun with sample" in evaluate("shades", "--images", folder, code=2).stderr


def test_what_cannot_be_is_refused_before_any_work(tmp_path):
    assert "did you mean 'shades'" in evaluate("shadez", code=2).stderr
    assert re.search("which benchmark.*held_out_strings", evaluate(code=2).stderr)
    both = ["shades", "--images", tmp_path, "--endpoint", "http://x/v1"]
    assert "--images and --endpoint" in evaluate(*both, code=2).stderr
    judged = evaluate("judged", "--images", tmp_path, code=2).stderr
    assert "judged: expected --judge URL and --judge-model NAME" in judged
    both = evaluate("dpg_bench", "--images", tmp_path, code=2).stderr
    assert re.search("dpg_bench: expected --data: .*; and expected --judge URL", both)
    reader = evaluate("shades", "--images", tmp_path, "--reader", "rapidorc", code=2).stderr
    assert "did you mean 'rapidocr'?" in reader


def test_figures_that_one_output_alone_has_are_named_and_not_compared(tmp_path, monkeypatch):
    outs = [tmp_path / "a", tmp_path / "b"]
    for out in outs:
        of_images(fill(tmp_path / "theirs", ALL), "--out", out)
    kind = scoring.benchmark("shades")
    score, calls = kind.score, []

    def other(rows):
        calls.append(rows)
        return score(rows) if len(calls) == 1 else score(rows)[:0:-1]  # one less, and turned

    monkeypatch.setattr(kind, "score", staticmethod(other))
    said = evaluate("--compare", *outs).stdout
    assert "of_groups: +0.0000" in said and "bright: +0.0000" in said
    assert "not compared, as one of both alone has them: brightness" in said


def test_a_ceiling_is_of_images_for_all_prompts(tmp_path, monkeypatch):
    folder = fill(tmp_path / "theirs", ALL)
    kind = scoring.benchmark("shades")
    white = Image.new("RGB", (8, 8), "white")
    monkeypatch.setattr(kind, "perfect", lambda self, request: white)
    assert of_images(folder)["metrics"]["brightness"]["ceiling"] == 1
    monkeypatch.setattr(
        kind, "perfect", lambda self, request: None if request.id == "p2" else white
    )
    done = evaluate("shades", "--images", folder, "--json")
    assert "no ceiling: 1 of 4 prompts have no perfect image here" in done.stderr
    assert "ceiling" not in json.loads(done.stdout)["metrics"]["brightness"]


class Ended(BaseException):
    """As a kill: nothing runs after it."""


def test_a_run_that_was_killed_goes_on_to_the_same_bytes(undisturbed, tmp_path, monkeypatch):
    def run(out, **environment):
        given = ["--checkpoint", undisturbed[0], "--size", "32x16", "--steps", "2"]
        return evaluate("shades", *given, "--batch-size", "3", "--out", tmp_path / out)

    run("straight")
    written, write = [], storage.write_bytes

    def writes(path, data):
        if path.endswith(".png"):
            if len(written) == 4:  # in the midst of a batch
                raise Ended
            written.append(Path(path))
        write(path, data)

    monkeypatch.setattr(storage, "write_bytes", writes)
    with pytest.raises(Ended):
        run("killed")
    monkeypatch.setattr(storage, "write_bytes", write)
    assert not (tmp_path / "killed/result.json").exists()
    before = {path: path.stat().st_mtime_ns for path in written}
    run("killed")
    assert {path: path.stat().st_mtime_ns for path in written} == before
    names = sorted(path.name for path in (tmp_path / "straight/images").iterdir())
    assert len(names) == 8
    for name in (*(f"images/{each}" for each in names), "result.json", "report.html"):
        assert (tmp_path / "killed" / name).read_bytes() == (
            tmp_path / "straight" / name
        ).read_bytes()
    with Image.open(tmp_path / "killed/images/p1_2.png") as image:
        facts = image.info
    assert (facts["steps"], facts["size"], facts["prompt_id"]) == ("2", "32x16", "p1")
    assert facts["seed"] == str(seed_of("shades", Request("p1", "", 2)))
    assert re.fullmatch("[0-9a-f]{32}", facts["checkpoint_hash"])
    other = ["--checkpoint", undisturbed[0], "--size", "32x16", "--steps", "3"]
    refused = evaluate("shades", *other, "--out", tmp_path / "killed", code=2).stderr
    assert "was begun with steps 2, not 3" in refused
    moved = shutil.copytree(undisturbed[0], tmp_path / "moved")  # the same weights by another name
    known = json.loads((tmp_path / "killed/settings.json").read_bytes())["source"]["name"]
    again = [
        "--checkpoint",
        moved,
        "--size",
        "32x16",
        "--steps",
        "2",
        "--batch-size",
        "3",
        "--json",
    ]
    name = json.loads(evaluate("shades", *again, "--out", tmp_path / "killed").stdout)["source"]
    assert known.endswith("/checkpoint-40") and name["name"] == "moved/checkpoint-40"


def test_images_are_edited_in_chains(undisturbed, tmp_path):
    given = ["chains", "--checkpoint", undisturbed[0], "--steps", "2", "--size", "32x16", "--json"]
    done = evaluate(*given, "--out", tmp_path / "out")
    assert json.loads(done.stdout)["metrics"]["there"]["value"] == 1
    assert "was never trained on edits" in done.stderr
    sizes = {}
    for path in (tmp_path / "out/images").iterdir():
        with Image.open(path) as image:
            sizes[path.stem] = (image.size, image.info["size"])
    assert sizes.pop("brought_0") == ((48, 16), "48x16")  # as large as what it was made of
    assert set(sizes.values()) == {((32, 16), "32x16")} and len(sizes) == 3


class Prompt(BaseModel):
    prompt: str


def test_files_of_prompts_are_checked_and_read(tmp_path):
    content = b'{"prompt": "a"}\n{"prompt": "b"}\n'
    expected = prompt_files.PromptFile(
        name="p.jsonl",
        whence="https://example.org/p.jsonl",
        sha256="5c8e3cba2c1c0b4bb8ee9a0f5a4b0b1b",
        rows=2,
    )
    with pytest.raises(UsageError, match=r"expected --data: p\.jsonl.*example\.org"):
        prompt_files.read(expected, None, Prompt)
    (tmp_path / "p.jsonl").write_bytes(content)
    with pytest.raises(UsageError, match="another version, or damaged"):
        prompt_files.read(expected, str(tmp_path), Prompt)
    known = expected.model_copy(update={"sha256": None})
    known = known.model_copy(update={"sha256": prompt_files.digest(known, str(tmp_path))})
    read = prompt_files.read(known, str(tmp_path / "p.jsonl"), Prompt)
    assert [each.prompt for each in read] == ["a", "b"]
    with pytest.raises(UsageError, match="2 rows, expected 3"):
        prompt_files.read(known.model_copy(update={"rows": 3}), str(tmp_path), Prompt)
    for name, text, key in (
        ("p.json", '{"l": [{"prompt": "a"}]}', "l"),
        ("p.csv", "prompt\na", ""),
    ):
        (tmp_path / name).write_text(text)
        some = prompt_files.PromptFile(name=name, whence="x", key=key)
        assert prompt_files.read(some, str(tmp_path), Prompt) == [Prompt(prompt="a")]
    (tmp_path / "p.csv").write_text("text\na")
    with pytest.raises(UsageError, match=r"p\.csv, row 1: prompt: Field required"):
        prompt_files.read(some, str(tmp_path), Prompt)


def test_the_example_of_the_documentation_is_a_benchmark(tmp_path, monkeypatch):
    text = (ROOT / "docs/evaluation.md").read_text()
    [code] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (tmp_path / "three_words.py").write_text(code)
    monkeypatch.setattr(evaluation, "__path__", [*evaluation.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "infer.evaluation.three_words", raising=False)
    folder = fill(tmp_path / "theirs", {"stone_0": 255})
    given = ["three_words", "--images", folder, "--json"]
    [(name, figure)] = json.loads(evaluate(*given).stdout)["metrics"].items()
    assert name == "words (rapidocr)"
    assert (figure["value"], figure["n"], figure["ceiling"]) == (0, 3, 1)
    monkeypatch.delitem(sys.modules, "infer.evaluation.three_words")
