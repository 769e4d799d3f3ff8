"""The command: untrusted inputs in, tracks, a plan and a page out."""

import json
import shlex
import shutil
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from making import training_shards as shards
from making.commands import invoke
from PIL import Image

from curation import shard, strict_yaml
from train.flywheel import attributing, cases, sources, supply, voting
from train.flywheel.__main__ import app

SCRIPT = "<script>alert(1)</script>"


def png(text):
    stream = BytesIO()
    shards.draw(text, "red").save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture(scope="module")
def trained_on(tmp_path_factory):
    """Shards in which no text has a 7, and 2 stands in two."""
    folder = tmp_path_factory.mktemp("shards")
    texts = [a + b for a in "AEHLOT" for b in "AEHLOT"] * 4 + ["2A", "A2"]
    rows = [shards.row(text, colour) for text in texts for colour in ("red", "blue")]
    table = pa.Table.from_pylist(rows, schema=shard.schema())
    shard.write(str(folder / "part-00000.parquet"), table.to_batches(), shard.schema())
    return str(folder / "part-*.parquet")


def evaluation(folder, rows):
    """What an evaluation leaves, of (prompt id, k, prompt, texts, read, score)."""
    (folder / "images").mkdir(parents=True)
    names = ("prompt_id", "k", "prompt", "texts", "read", "score")
    listed = [dict(zip(names, row, strict=True)) | {"group": "", "missing": False} for row in rows]
    columns = {"k": pa.int32(), "score": pa.float64(), "missing": pa.bool_()}
    schema = pa.schema(
        [(name, columns.get(name, pa.string())) for name in (*names, "group", "missing")]
    )
    schema = schema.set(3, pa.field("texts", pa.list_(pa.string())))
    pq.write_table(pa.Table.from_pylist(listed, schema=schema), folder / "prompts.parquet")
    (folder / "result.json").write_text('{"benchmark": "made"}')
    for row in rows:
        (folder / "images" / f"{row[0]}_{row[1]}.png").write_bytes(png(row[4][:2]))
    return folder


def lines(path, rows):
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    return str(path)


def run(*arguments, code=0):
    result = invoke(app, ["attribute", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def prepared(tmp_path, trained_on):
    """Two evaluations, bad cases, votes, and what the command makes of them."""
    first = [
        ("a", 0, shards.caption("7A", "red"), ["7A"], "LA", 0.5),
        ("b", 0, shards.caption("AE", "red"), ["AE"], "AE", 1.0),
        ("b", 1, shards.caption("AE", "red"), ["AE"], "HE", 0.5),
        ("c", 0, shards.caption("HHH", "red"), ["HHH"], "HH", 0.6),
        ("d", 0, shards.caption("EA", "red"), ["EA"], "EA", float("nan")),
        ("../e", 0, shards.caption("EA", "red"), ["EA"], "EA", 1.0),
    ]
    ours = evaluation(tmp_path / "first", first[:5])
    table = pq.read_table(ours / "prompts.parquet")
    extra = table.slice(1, 1).set_column(0, "prompt_id", pa.array(["../e"]))
    doubled, high = table.slice(0, 1), table.slice(0, 1).set_column(1, "k", pa.array([2**31]))
    high = high.cast(table.schema.set(1, pa.field("k", pa.int64())))
    table = pa.concat_tables([table, extra, doubled]).cast(high.schema)
    pq.write_table(pa.concat_tables([table, high]), ours / "prompts.parquet")
    theirs = evaluation(tmp_path / "second", [(*first[1][:4], "OO", 0.0)])
    (tmp_path / "x.png").write_bytes(png("EA"))
    (tmp_path / "y.png").write_bytes(png("TT"))
    said = shards.caption("EA", "red")
    bad = [
        {"prompt": "The text in red on a white background.", "expected": "AE", "read": "TT"},
        {"prompt": 'The text "AE" on a white background.', "read": "AE", "note": SCRIPT},
        {"prompt": said, "image": "x.png", "read": "EA", "score": 1, "rewards": {"r": 0.5}},
        {"prompt": said, "image": "y.png", "read": "TT", "rewards": {"r": 0.9}},
        {"prompt": 'A narwhal beside the text "AE" in red on a white background.', "read": "AE"},
        {"prompt": said, "image": "../../etc/passwd"},
        {"prompt": said, "image": "https://example.org/a.png"},
        {"prompt": said, "score": float("inf")},
        {"image": "x.png"},
        {"prompt": said, "note": "\ud800"},
        [1],
    ]
    picked = shard.content_id((ours / "images" / "b_0.png").read_bytes())
    votes = [
        {"prompt": first[1][2], "prompt_id": "b", "a": "first", "b": "second", "vote": "a"},
        {"duel": "d1", "vote": "a"},
        {"duel": "d2", "vote": "a"},
        {"id": picked, "pick": "reject"},
        {"id": picked, "rating": 5},
        {"id": "none", "pick": "keep"},
        {"source": "first", "prompt_id": "a", "rewards": {"r": 0.2}},
        {"vote": "maybe"},
        {"images": 5},
        {"source": "first", "prompt_id": "a", "rewards": {"\udc80": 0.2}},
    ]
    duel = {"id": "d1", "prompt": first[1][2], "a": "first", "b": "second", "k": 0}
    given = [ours, theirs, "--cases", lines(tmp_path / "bad.jsonl", bad)]
    given += ["--votes", lines(tmp_path / "votes.jsonl", votes), "--shards", trained_on]
    given += ["--duels", lines(tmp_path / "duels.jsonl", [duel | {"prompt_id": "b"}])]
    return given


def test_failures_go_to_their_tracks_and_bad_lines_to_quarantine(prepared, tmp_path):
    out = tmp_path / "out"
    given = [*prepared, "--out", out]
    record = json.loads(run(*given, "--json").stdout)
    rows = {
        (row["source"], row["prompt_id"], row["k"]): row
        for row in cases.read(out / "cases.parquet")
    }
    causes = {key: f"{row['track']}: {row['cause']}" for key, row in rows.items() if row["track"]}
    assert causes == {
        ("first", "a", 0): "data: characters",
        ("first", "c", 0): "data: layout",
        ("bad.jsonl", "00000", 0): "prompt: unsaid",
        ("bad.jsonl", "00001", 0): "prompt: vague",
        ("bad.jsonl", "00002", 1): "rl: unstable",
        ("bad.jsonl", "00003", 0): "data: concept",
    }
    undecided = {key for key, row in rows.items() if row["left_out"] == "no rule decides"}
    assert undecided == {("first", "b", 0), ("first", "b", 1), ("second", "b", 0)}  # 0: rejected
    assert rows["first", "../e", 0]["image"] == ""
    assert (rows["first", "b", 0]["wins"], rows["second", "b", 0]["losses"]) == (1, 1)
    assert rows["first", "b", 0]["pick"] == "reject"
    reasons = [each["reason"] for each in record["quarantined"]]
    assert record["cases"]["quarantined"] == 9
    assert record["cases"]["in"] == 9 + len(rows) == 8 + 1 + 11
    assert len(reasons) == 12
    assert "prompt_id 'a', k 0 stands in a row before" in reasons
    assert any("https://example.org" in reason for reason in reasons)
    left = record["votes"]["left_out"]
    assert left == {
        "its duel is in no --duels": 1,
        "it does not say which of several images of a prompt it is on": 1,
        "one of its images is no case": 1,
    }
    heard = record["votes"]
    assert heard["lines"] == heard["counted"] + heard["quarantined"] + sum(left.values()) == 10
    page = (out / "report.html").read_text("utf-8")
    assert SCRIPT not in page
    assert "&lt;script&gt;" in page
    assert "http" not in page.replace("http-equiv", "").replace("https://example.org", "")


def test_each_track_has_files_for_whoever_goes_on_with_it(prepared, tmp_path):
    out = tmp_path / "out"
    run(*prepared, "--out", out, "--pool", "POOL")
    assert (out / "data" / "need.tsv").read_text("utf-8") == "7\t88\n"
    assert json.loads((out / "plan.json").read_text())["layouts"] == [
        {"characters": 3, "lines": 1, "prompts": 1}
    ]
    assert (out / "data" / "queries.txt").read_text() == "beside\nnarwhal\n"
    texts = [json.loads(line)["text"] for line in (out / "data" / "texts.jsonl").open()]
    assert texts
    assert not {"7A", "HHH", "AE"} & set(texts)  # nothing that was asked for is trained on
    rewrites = [json.loads(line) for line in (out / "prompt" / "rewrites.jsonl").open()]
    assert 'The text reads "AE".' in rewrites[0]["fine"]
    [pair] = [json.loads(line) for line in (out / "rl" / "pairs.jsonl").open()]
    assert Image.open(out / "rl" / pair["chosen"]).size == (32, 16)
    from train.data import pairs

    assert len(pairs.read(str(out / "rl" / "pairs.jsonl"))) == 1
    script = (out / "commands.sh").read_text()
    assert "taxonomy.retrieve POOL --failed" in script
    assert "--preset dpo" in script
    for name in ("trained/step-1", "images/0.png", "retrieved.jsonl", "rendered/texts"):
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_text("what the commands made")
    for name in ("trained", "images", "retrieved.jsonl", "rendered/texts"):
        assert f" {out / name}\n" in script
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    run(*prepared, "--out", out, "--pool", "POOL")
    assert before == {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_a_rewritten_prompt_that_is_right_blames_the_prompt(tmp_path, trained_on):
    prompt = shards.caption("7A", "red")
    ours = evaluation(tmp_path / "ours", [("a", 0, prompt, ["7A"], "LA", 0.5)])
    better = evaluation(tmp_path / "better", [("a", 0, f"Large. {prompt}", ["7A"], "7A", 1.0)])
    out = tmp_path / "out"
    run(ours, "--rewritten", f"ours={better}", "--shards", trained_on, "--out", out)
    [row] = cases.read(out / "cases.parquet")
    assert (row["track"], row["cause"], row["also"]) == (
        "prompt",
        "rewritten",
        ["data: characters"],
    )
    [rewrite] = [json.loads(line) for line in (out / "prompt" / "rewrites.jsonl").open()]
    assert (rewrite["degraded"], rewrite["fine"]) == (prompt, f"Large. {prompt}")


def test_what_is_wrong_is_said_in_a_sentence(tmp_path, trained_on):
    out, bad = tmp_path / "out", tmp_path / "bad.jsonl"
    assert "expected folders of evaluations, or --cases" in run("--out", out, code=2).stderr
    assert not out.exists()
    given = ["--cases", bad, "--out", out]
    bad.write_text("x\n")
    assert "--shards" in run(*given, code=2).stderr
    given += ["--shards", trained_on]
    assert "all 1 cases are quarantined" in run(*given, code=3).stderr
    assert json.loads((out / attributing.LEDGER).read_text())["cases"]["in"] == 1
    config = tmp_path / "bounds.yaml"
    config.write_text("data:\n  fewer: 3\n")
    assert "bounds.yaml:2" in run(*given, "--config", config, code=2).stderr
    assert (
        "carried to its end" in run(tmp_path, "--out", out, "--shards", trained_on, code=2).stderr
    )
    ours = evaluation(tmp_path / "ours", [("a", 0, "A wall", [], "", 0.5)])
    given = [ours, "--shards", trained_on, "--out", out, "--rewritten", f"x={ours}"]
    assert "NAME one of ours" in run(*given, code=2).stderr
    (ours / "result.json").write_text("[" * 100_000)
    assert "carried to its end" in run(*given, code=2).stderr


def test_commands_and_settings_hold_any_path(prepared, tmp_path):
    out, pool = tmp_path / "a, b: $(x)", "p; q"
    run(*prepared, "--out", out, "--pool", pool)
    listed = [shlex.split(line, comments=True) for line in (out / "commands.sh").open()]
    words = [word for line in listed for word in line]
    for name in ("rendered/texts", "images", "trained", "retrieved.jsonl", "rl/dpo.yaml"):
        assert str(out / name) in words
    assert words.count(pool) == 2
    dpo = strict_yaml.read(str(out / "rl" / "dpo.yaml")).value
    assert dpo == {"objective": {"name": "dpo", "file": str(out / "rl" / "pairs.jsonl")}}
    retrieved = strict_yaml.read(str(out / "data" / "retrieved.yaml")).value
    assert retrieved["settings"] == {"retrieved": {"rows": str(out / "retrieved.jsonl")}}


@pytest.mark.parametrize(
    ("benchmark", "said", "read"),
    [
        ("geneval", "no dog", None),
        ("dpg_bench", "", None),
        ("chinese_word", "龙 / 尤", "龙"),
        ("chinese_word", " / 尤", ""),
        ("longtext_bench_en", "a / b", "a / b"),
    ],
)
def test_what_was_read_is_text(benchmark, said, read):
    assert sources.text_of(benchmark, said) == read


def test_a_pick_counts_more_than_a_rating(tmp_path):
    path = tmp_path / "x.png"
    path.write_bytes(png("EA"))
    case = cases.Case(cases.CASE, "a", "0", 0, "p", score=1.0, image=str(path))
    content = shard.content_id(path.read_bytes())
    for said, pick in (
        ([{"pick": "reject"}, {"rating": 5}], "reject"),
        ([{"rating": 1}, {"pick": "keep"}], "keep"),
        ([{"pick": "reject"}, {"rating": 5}, {"pick": None}], "keep"),
        ([{"rating": 2}], "reject"),
        ([{"rating": 2}, {"rating": None}], ""),
    ):
        own = voting.Votes([case])
        own.read(
            sources.Intake(), Path(lines(tmp_path / "v", [{"id": content} | of for of in said]))
        )
        assert [each.pick for each in own.cases()] == [pick]


def test_shards_are_counted_again_where_they_are_others_or_the_count_is_none(tmp_path, trained_on):
    kept, shards_of = tmp_path / "supply.json", tmp_path / "a" / "part-0.parquet"
    shards_of.parent.mkdir()
    shutil.copy(Path(trained_on).parent / "part-00000.parquet", shards_of)
    first = supply.count([str(shards_of)], kept)
    for wrong in ("{", "[]", '{"digest": 1}', "[" * 100_000):
        kept.write_text(wrong)
        assert supply.count([str(shards_of)], kept) == first
    before = kept.read_bytes()
    assert supply.count([str(shards_of)], kept) == first
    other = tmp_path / "b" / "part-0.parquet"
    shutil.copytree(shards_of.parent, other.parent)
    assert supply.count([str(other)], kept) == first
    assert json.loads(kept.read_bytes())["digest"] != json.loads(before)["digest"]
