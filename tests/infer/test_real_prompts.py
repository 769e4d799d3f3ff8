"""The loaders of prompts on the real files of their sources, where these are beside the project."""

import csv
import json
from collections import Counter

import pytest
from making.chat_server import completion, serving
from making.commands import invoke
from making.places import SHARED
from PIL import Image

from infer.evaluation.__main__ import app
from infer.evaluation.dpg_bench import DpgBench
from infer.evaluation.geneval import GenEval
from infer.evaluation.oneig_alignment import SETS, OneIgAlignment
from synthesis.characters import table

PROMPTS = SHARED / "prompts"
SIZES = {"Anime_Stylization": 245, "Portrait": 244, "General_Object": 206, "Multilingualism": 200}
needs_prompts = pytest.mark.skipif(
    not (PROMPTS / "OneIG-Bench.csv").is_file(), reason=f"no files of prompts in {PROMPTS}"
)
pytestmark = needs_prompts


def csv_rows(name):
    with (PROMPTS / name).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def asked(folder, name, ending=""):
    """A folder with a csv of the source, and a question of ours about each of its prompts."""
    (folder / name).write_bytes((PROMPTS / name).read_bytes())
    rows = csv_rows(name)
    for category, short in SETS.items():
        ids = [row["id"] for row in rows if row["category"] == category]
        questions = {id_: {"question": {"1": "Is it?"}, "dependency": {"1": [0]}} for id_ in ids}
        (folder / f"{short}{ending}.json").write_text(json.dumps(questions))
    return rows


def nothing(folder, *arguments):
    """The figures of a folder with a single, black image."""
    with serving() as server:
        server.said = completion("no")
        judge = ["--judge", server.url, "--judge-model", "vlm"]
        done = invoke(app, [*arguments, "--images", str(folder), *judge, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("name", "ending", "rows", "sets"),
    [("OneIG-Bench.csv", "", 1120, 3), ("OneIG-Bench-ZH.csv", "_zh", 1320, 4)],
)
def test_oneig_has_its_sets_and_no_image_scores_nothing(tmp_path, name, ending, rows, sets):
    data, images = tmp_path / "data", tmp_path / "images"
    data.mkdir()
    images.mkdir()
    listed = asked(data, name, ending)
    assert len(listed) == rows
    requests = OneIgAlignment(None, str(data)).requests()
    expected = dict(list(SIZES.items())[:sets])
    assert Counter(each.group for each in requests if each.k == 0) == expected
    column = "prompt_cn" if ending else "prompt_en"
    own = {row[column] for row in listed if row["category"] in expected}
    assert {each.prompt for each in requests} == own
    if not ending:
        return
    Image.new("RGB", (8, 8)).save(images / requests[0].file)
    result = nothing(images, "oneig_alignment", "--data", str(data))
    assert result["of_prompts"] == sum(expected.values())
    assert result["missing"] == 4 * result["prompts"] - 1
    assert {each["value"] for each in result["metrics"].values()} == {0.0}


def test_shipped_prompts_are_those_of_the_sources(tmp_path):
    geneval = [
        json.loads(line)["prompt"]
        for line in (PROMPTS / "geneval_evaluation_metadata.jsonl").read_text().splitlines()
    ]
    shipped = GenEval(None, None).requests()
    assert [each.prompt for each in shipped if each.k == 0] == geneval and len(geneval) == 553
    lines = (PROMPTS / "dpg_bench.jsonl").read_text().splitlines()
    dpg = {row["id"]: row["prompt"] for row in map(json.loads, lines)}
    header = "item_id,proposition_id,dependency,tuple,question_natural_language\n"
    rows = [f"{name},1,0,entity - whole (a),Is it?\n" for name in ["0", *dpg]]
    (tmp_path / "dpg_bench.csv").write_text(header + "".join(rows))
    asked = DpgBench(None, str(tmp_path)).requests()
    assert {each.id: each.prompt for each in asked} == dpg and len(dpg) == 1065


def test_no_image_of_geneval_scores_nothing(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "00000_0.png")
    result = nothing(tmp_path, "geneval_vlm")
    assert (result["of_prompts"], result["missing"]) == (553, 4 * 553 - 1)
    assert {each["value"] for each in result["metrics"].values()} == {0.0}


def test_characters_of_the_table_are_those_of_the_standard():
    for level, characters in enumerate(table.levels(), 1):
        listed = (PROMPTS / f"tongyong_guifan_hanzi_level{level}.txt").read_text("utf-8").split()
        assert sorted(characters) == sorted("".join(listed))
