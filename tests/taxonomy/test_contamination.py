"""Benchmarks in the data: exact texts, parts of them, near images; and what is everybody's."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from making import runs as runs_of_tests
from making.pipelines import pipeline_text
from PIL import Image

from curation.configuration import loading
from curation.measuring import choosing
from curation.output.layout import Layout
from curation.signals.row import Row
from curation.signals.signal import check, ready
from curation.strict_yaml import ConfigurationError
from taxonomy import benchmarks
from taxonomy.contamination import Benchmarks, contamination

LONG = "A brown dog wearing a red scarf jumps over three blue barrels at night"
CHINESE = "一只戴着红围巾的棕色小狗在夜里跳过三只蓝色的木桶"


def value(captions: Any = (), phash: int | None = None, **settings: Any) -> dict[str, Any]:
    row = Row("a", b"", {"caption_raw": list(captions)}, {"phash": phash})
    (measured,) = ready(contamination, Benchmarks(**settings))([row])
    return dict(measured)


@pytest.fixture
def prompts(tmp_path: Path) -> str:
    path = tmp_path / "prompts.txt"
    path.write_text(f"a photo of a cat\n{LONG}\n\n{CHINESE}\n", encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("caption", "least", "most", "place"),
    [
        (LONG.upper() + "!!", 1, 1, 2),
        (f"Look here: {LONG}, photographed for our calendar by a friend of ours", 1, 1, 2),
        (" ".join(LONG.split()[:9]), 1, 1, 2),  # a part of it
        (LONG.replace("blue", "green"), 0.1, 0.5, 2),
        (f"照片：{CHINESE}。", 1, 1, 3),
        ("a photo of a cat", 0, 0, None),  # everybody's
        ("a photo of a cat on a sofa in the evening sun", 0, 0, None),
        ("一只小狗", 0, 0, None),
        ("", 0, 0, None),
    ],
)
def test_captions_that_stand_in_a_benchmark(
    prompts: str, caption: str, least: float, most: float, place: int | None
) -> None:
    measured = value([caption, "something else"], prompts=[prompts])
    assert least <= measured["contamination"] <= most
    assert measured["contaminated_by"] == (place and f"prompts.txt:{place}")


def picture(path: Path, seed: int, mirrored: bool = False) -> str:
    random = np.random.default_rng(seed)
    pixels = np.kron(random.integers(0, 255, (8, 8, 3)), np.ones((32, 32, 1))).astype(np.uint8)
    Image.fromarray(np.ascontiguousarray(pixels[:, ::-1] if mirrored else pixels)).save(path)
    return str(path)


def test_an_image_counts_whatever_its_caption_mirrored_too(tmp_path: Path) -> None:
    (tmp_path / "of").mkdir()
    folder = str(tmp_path / "of")
    picture(tmp_path / "of/b.png", 1)
    picture(tmp_path / "of/c.png", 2)
    Image.new("RGB", (64, 64), "white").save(tmp_path / "of/blank.png")
    told = benchmarks.hashes([folder])
    by_name = dict(told)
    mirrored = dict(benchmarks.hashes([picture(tmp_path / "m.png", 2, mirrored=True)]))["m.png"]
    assert value(["x"], by_name["b.png"], images=[folder])["contaminated_by"] == "b.png"
    near = by_name["b.png"] ^ 0b1001000100001  # four bits, of rows and columns
    assert value([], near, images=[folder])["contamination"] == 1.0
    assert value([], near ^ (1 << 40), images=[folder])["contamination"] == 0.0
    assert value([], mirrored, images=[folder])["contaminated_by"] == "c.png"
    assert value([], by_name["blank.png"], images=[folder])["contamination"] == 0.0  # all alike
    command = [sys.executable, "-m", "taxonomy.benchmarks", folder]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (tmp_path / "hashes.txt").write_text(printed)
    assert benchmarks.hashes([str(tmp_path / "hashes.txt")]) == told


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.jsonl", '{"tag": "x", "prompt": "one"}\n{"Prompt": "two", "include": [{"class": "z"}]}',
         ["one", "two"]),
        ("a.json", json.dumps({"items": ["one", {"prompt_zh": "二", "id": "7"}]}), ["one", "二"]),
        ("a.csv", 'id,prompt_en\n1,"one, more"\n2,two\n', ["one, more", "two"]),
        ("a.tsv", "Prompt\tCategory\none\tx\n", ["one"]),
    ],
)  # fmt: skip
def test_lists_of_all_kinds(tmp_path: Path, name: str, text: str, expected: list[str]) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert [of.text for of in benchmarks.prompts([str(tmp_path)])] == expected


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("a.csv", b"id,class\n1,2\n", "no prompt in it"),
        ("a.jsonl", b"{", "not jsonl"),
        ("a.txt", b"\xff\xfe\x00", "not txt in UTF-8"),
        ("a.doc", b"x", "expected a file of prompts"),
    ],
)
def test_a_list_that_is_none_ends_the_run_before_any_work(
    tmp_path: Path, name: str, content: bytes, match: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ImportError, match=match):
        check(contamination, Benchmarks(prompts=[str(tmp_path / name)]))
    with pytest.raises(ImportError, match="needs files of benchmarks: settings"):
        check(contamination, Benchmarks())


def test_an_edited_list_is_measured_anew_and_a_missing_one_is_named(
    tmp_path: Path, prompts: str
) -> None:
    top = [
        "signals: [taxonomy.contamination]",
        f"settings: {{contamination: {{prompts: [{prompts}]}}}}",
    ]
    config = tmp_path / "pipelines.yaml"
    text = pipeline_text({"s1": {"contamination": {"max": 0.5}}}, top=top)
    config.write_text(text.replace("    signals: []\n", ""), encoding="utf-8")

    def folder() -> str:
        made = choosing.chosen(loading.load(str(config), "curate"))
        return made.measured(Layout(str(tmp_path))).models["contamination"].folder

    before = folder()
    assert folder() == before
    Path(prompts).write_text("another list of prompts\n", encoding="utf-8")
    assert folder() != before
    Path(prompts).unlink()
    with pytest.raises(ConfigurationError, match=r"pipelines.yaml.*no such file"):
        folder()


def test_a_run_drops_what_stands_in_a_benchmark_and_says_so(tmp_path: Path, prompts: str) -> None:
    inputs, output = tmp_path / "in", tmp_path / "out"
    inputs.mkdir()
    (tmp_path / "of").mkdir()
    for number in range(4):
        picture(inputs / f"{number}.png", number)
        (inputs / f"{number}.txt").write_text("squares of all colours", encoding="utf-8")
    (inputs / "2.txt").write_text(LONG, encoding="utf-8")
    picture(tmp_path / "of/bench.png", 3, mirrored=True)
    top = ["signals: [taxonomy.contamination]", "settings:", "  contamination:"]
    top += [f"    prompts: [{prompts}]", f"    images: [{tmp_path / 'of'}]"]
    text = pipeline_text({"s1": {"contamination": {"max": 0.5}}}, top=top)
    (tmp_path / "pipelines.yaml").write_text(text.replace("    signals: []\n", ""))
    runs_of_tests.finish([inputs], output)
    rows = runs_of_tests.ledger_rows(output)
    assert [row["rule"] for row in rows] == [None, None, "contamination.max", "contamination.max"]
