"""Benchmarks by a judge: their formulas by cases with known answers, and their files."""

import json
from math import sqrt

import pytest
from making.benchmark_files import gedit_file, questions_csv
from PIL import Image

from curation.failures.errors import UsageError
from infer.evaluation import dpg_bench, gedit_bench, imgedit, oneig_alignment, tiif
from infer.harness import tiif_groups
from infer.harness.rows import Row, Seen, row

GREY = Image.new("RGB", (8, 8), (90, 90, 90))


def rows(benchmark, answers):
    """Rows of all requests, whose answers are those of its id and k, or of its id."""
    made = []
    for request in benchmark.requests():
        said = answers.get((request.id, request.k), answers.get(request.id))
        count = len(benchmark.questions(request, GREY))
        seen = Seen(GREY, (), tuple(said or [""] * count), is_missing=said is None)
        assert len(seen.answers) == count
        made.append(row(request, 0, benchmark.measure(request, seen), seen.is_missing))
    return made


def values(benchmark, answers):
    return {each.name: each.value for each in benchmark.score(rows(benchmark, answers))}


def test_a_no_of_a_parent_makes_a_no_and_cascades_in_dpg_alone():
    given = {1: False, 2: True, 3: True, 4: True}
    parents = {1: [0], 2: [1], 3: [2], 4: [0]}
    cascading = dpg_bench.zeroed(given, parents, cascade=True)
    assert cascading == {1: False, 2: False, 3: False, 4: True}
    plain = dpg_bench.zeroed(given, parents, cascade=False)
    assert plain == {1: False, 2: False, 3: True, 4: True}
    late = dpg_bench.zeroed({1: True, 2: True, 3: False}, {1: [2], 2: [3], 3: [0]}, cascade=True)
    assert late == {1: True, 2: False, 3: False}  # in the order of the questions


def test_dpg_is_a_mean_of_prompts_with_categories_before_zeroing(tmp_path, monkeypatch):
    path = tmp_path / "dpg_bench.csv"
    questions_csv(path, ["0"])
    with pytest.raises(UsageError, match="no questions about 1064 of 1065 prompts, such as 1"):
        dpg_bench.DpgBench(None, str(path)).requests()
    with pytest.raises(UsageError, match=r"expected --data: dpg_bench\.csv"):
        dpg_bench.DpgBench(None, None).requests()
    read = dpg_bench.prompt_files.read

    def two(expected, data, record):
        listed = read(expected, data, record)
        return listed[:2] if record is dpg_bench.Prompt else listed

    monkeypatch.setattr(dpg_bench.prompt_files, "read", two)
    questions_csv(path, ["0", "1"])
    benchmark = dpg_bench.DpgBench(None, str(tmp_path))
    said = {("0", k): ["yes", "Yes.", "yes"] for k in range(3)}
    said |= {("0", 3): ["no", "yes", "yes"], "1": ["yes", "no", "yes"]}
    figures = values(benchmark, said)
    # prompt 0: 1, 1, 1 and 0 of 3, prompt 1: 1 of 3 each
    assert figures["score"] == pytest.approx(100 * (0.75 + 1 / 3) / 2)
    assert figures["entity"] == 50 and figures["attribute"] == 50  # the last images alone
    assert figures["relation"] == 100 and "other" not in figures


def test_oneig_zeroes_by_what_was_answered(tmp_path):
    (tmp_path / "OneIG-Bench.csv").write_text(
        "category,id,prompt_en,type,prompt_length,class\n"
        "Portrait,000,a man,T,short,\nText_Rendering,000,text,T,short,\n"
        "General_Object,000,a cup,T,short,\n"
    )
    asked = {"question": {"1": "a?", "2": "b?", "3": "c?"}}
    asked["dependency"] = {"1": [0], "2": [1], "3": [2]}
    as_text = {key: json.dumps(value) for key, value in asked.items()}
    (tmp_path / "human.json").write_text(json.dumps({"000": asked}))
    benchmark = oneig_alignment.OneIgAlignment(None, str(tmp_path))
    with pytest.raises(UsageError, match=r"no object\.json here"):
        benchmark.requests()
    (tmp_path / "object.json").write_text(json.dumps({"000": as_text}))
    figures = values(benchmark, {"human-000": ["no", "yes", "yes"], ("object-000", 0): ["yes"] * 3})
    assert figures["Portrait"] == pytest.approx(1 / 3)  # the third: its own parent said yes
    assert figures["General_Object"] == 0.25
    assert figures["alignment"] == pytest.approx((1 / 3 + 0.25) / 2)


def test_viescore_is_a_root_of_minima_for_each_picture_and_macro_over_kinds(tmp_path):
    gedit_file(tmp_path / "part-0.parquet", ["colour", "text", "text"])
    benchmark = gedit_bench.GEditBench(None, str(tmp_path))
    judged = '{\n"score" : [9, 4],\n"reasoning" : "3 of 10\ncups"\n}'
    said = {"en-k0": [judged, "[9, 9]"], "en-k1": ["[1, 10]", "```json\n[10, 4]\n``` 2"]}
    said |= {"en-k2": ["[10, 10]", "well"]}
    figures = values(benchmark, said)
    assert figures["SC en"] == pytest.approx((4 + (1 + 10) / 2) / 2)
    assert figures["PQ en"] == pytest.approx((9 + (4 + 0) / 2) / 2)
    assert figures["O en"] == pytest.approx((6 + (2 + 0) / 2) / 2)
    assert figures["O en"] != pytest.approx(sqrt(figures["SC en"] * figures["PQ en"]))
    assert figures["O en text"] == 1 and figures["O cn"] == 0
    assert figures["unclear"] == pytest.approx(1 / 3)  # of those there are
    request = benchmark.requests()[0]
    pair, alone = benchmark.questions(request, GREY)
    assert [image.size for image in pair.images] == [(16, 12)] * 2  # as large as the source
    assert alone.images == (GREY,) and pair.text.endswith("Editing instruction: edit 0\n")
    assert "intersection" not in "".join(figures)
    gedit_file(tmp_path / "part-0.parquet", ["colour", "text", "text"], meets=2)
    meeting = values(gedit_bench.GEditBench(None, str(tmp_path)), said)
    assert meeting["O en"] == figures["O en"]
    assert meeting["O en, intersection"] == pytest.approx((6 + 2) / 2)


def test_marks_of_viescore_are_read_of_json_or_of_a_list():
    assert gedit_bench.marks('{"score": [7, 8.5], "reasoning": "[1, 2]"}') == [7, 8.5]
    assert gedit_bench.marks("I say [7, 8].") == [7, 8]
    for wrong in ('{"score": 7}', '{"score": [7, 11]}', "7 and 8", '{"score": [7]} {', ""):
        assert gedit_bench.marks(wrong) is None


def test_imgedit_caps_by_the_first_mark(tmp_path):
    answer = "Brief reasoning: fine: really\nPrompt Compliance: 3\nSeamless: 5\nDetail: 2"
    assert imgedit.marks(answer) == [3, 5, 2]
    assert imgedit.marks("A: 3\nB: 5") is None and imgedit.marks("A: 3\nB: 5\nC: 6") is None
    assert imgedit.average([3, 5, 2], is_capped=True) == 2.67
    assert imgedit.average([3, 5, 2], is_capped=False) == 3.33
    edits = {
        str(n): {"id": "a/p.png", "prompt": "a <cup>", "edit_type": kind}
        for n, kind in enumerate(["add", "style", "style"])
    }
    (tmp_path / "basic_edit.json").write_text(json.dumps(edits))
    (tmp_path / "prompts.json").write_text(json.dumps({"add": "Do: <edit_prompt>", "style": "S"}))
    benchmark = imgedit.ImgEdit(None, str(tmp_path))
    with pytest.raises(UsageError, match=r"no picture a/p\.png here"):
        benchmark.requests()
    (tmp_path / "a").mkdir()
    GREY.save(tmp_path / "a/p.png")
    best = "A: 5\nB: 5\nC: 5"
    figures = values(benchmark, {"0": [answer], "1": [best], "2": ["well"]})
    assert figures["add"] == 2.67 and figures["style"] == 3
    assert figures["overall"] == pytest.approx((2.67 + 3) / 2)  # kinds, not pictures
    assert figures["overall as_answered"] == pytest.approx((3.33 + 3) / 2)
    assert figures["unclear"] == pytest.approx(1 / 3)
    [question] = benchmark.questions(benchmark.requests()[0], GREY)
    assert question.text == "Do: a <cup>" and len(question.images) == 2
    edits["0"]["id"] = "../secret.png"
    (tmp_path / "basic_edit.json").write_text(json.dumps(edits))
    with pytest.raises(UsageError, match="no picture"):
        benchmark.requests()


def test_tiif_is_a_mean_of_groups_of_kinds():
    kinds = [
        kind for groups in tiif_groups.GROUPS.values() for of in groups.values() for kind in of
    ]
    assert len(kinds) == len(set(kinds)) == 39
    right = {"numeracy": 1, "negation": 0, "action+2d": 1, "style": 0, "numeracy+2d": 1}
    rows = [
        Row(
            f"{kind}{n}",
            0,
            "",
            kind,
            (),
            {"kind": kind},
            0,
            False,
            0.0,
            "",
            {"right": own, "of": n},
        )
        for kind, own in right.items()
        for n in (1, 3)  # pooled: 2 of 4, not the mean of 1 and 1 / 3
    ]
    named = tiif_groups.named(right.keys())
    figures = {name: tiif_groups.mean(name, rows, of).value for name, of in named.items()}
    assert figures == pytest.approx(
        {
            "overall": (1 / 2 + 1 / 4 + 1 / 2 + 0) / 4,
            "basic": (1 / 2 + 1 / 2 + 0) / 3,  # of kinds, not of groups
            "basic relation": 1 / 2,
            "basic reasoning": (1 / 2 + 0) / 2,
            "advanced": (1 / 2 + 0) / 2,
            "advanced relation+reasoning": 1 / 2,
            "advanced style": 0,
        }
    )


def test_tiif_pools_the_answers_of_a_kind(tmp_path):
    for kind, lists in (("color", (["yes"], ["yes", "no", "yes"])), ("text", (["yes", "yes"],))):
        lines = [
            {"type": kind, "short_description": f"s{n}", "long_description": f"l{n}"}
            for n in range(len(lists))
        ]
        asked = [
            {"yn_question_list": [f"q{n}?" for n in range(len(own))], "yn_answer_list": own}
            for own in lists
        ]
        for name, of in ((f"{kind}_prompts", lines), (f"{kind}_eval_prompts", asked)):
            (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, of)))
    benchmark = tiif.Tiif(None, str(tmp_path))
    said = {"color-000-short": ["no"], "color-001-short": ["Yes\n\nno.\nYES"]}
    figures = values(benchmark, said | {"text-000-short": ["yes"], "text-000-long": ["yes\nno"]})
    assert figures["color, short"] == 3 / 4 and figures["text, short"] == 0  # a line is missing
    assert figures["kinds of no group, short"] == 3 / 4  # color, which is none of theirs
    assert figures["overall, long"] == figures["advanced text, long"] == 1 / 2
    assert figures["unclear"] == 1 / 4
    assert {each.prompt for each in benchmark.requests()} == {"s0", "s1", "l0", "l1"}
    (tmp_path / "text_prompts.jsonl").write_text("")
    with pytest.raises(UsageError, match="1 lines, of 0 prompts"):
        benchmark.requests()
