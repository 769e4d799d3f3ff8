"""A folder of images with captions, trained on as it is: which captions, and what is refused."""

import io
import json
import os
import resource
import shutil
import tarfile

import pytest
from making import training_shards as shards
from making.training_runs import train

from curation import shard
from curation.failures.errors import UsageError
from train.folders import packing

CONFIG = """
steps: 2
batch: 4
precision: fp32
data: {resolution: 0, sizes: [], held_out: 0.2, tasks: {t2i: 1}}
autoencoder: {channels: 8}
text_encoder: {width: 16}
model: {layers: 1, heads: 1, head_width: 16, rope_axes: [4, 6, 6]}
optimiser: {warmup: 0}
evaluation: {images: 2, steps: 1, grid: 2, gradients: false}
"""


def png(text, colour="red"):
    return shards.png(shards.draw(text, colour))


def rows(folder, tmp_path):
    told = []
    packing.packed(str(folder), "--data it", tmp_path / "packed", told.append)
    paths = sorted((tmp_path / "packed").glob(packing.PARTS))
    read = [row for path in paths for batch in shard.read(str(path)) for row in batch.to_pylist()]
    return {row["key"]: row for row in read}, told


def said(row, column="caption_raw"):
    return [(each["text"], each["origin"]) for each in row[column] or []]


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "images"
    (place / "more" / ".hidden").mkdir(parents=True)
    return place


def test_captions_are_beside_images_or_in_the_lists_of_their_folders(folder, tmp_path):
    for name in ("a.png", "b.PNG", "c.png", "more/d.png", "more/e.png", "more/.hidden/f.png"):
        (folder / name).write_bytes(png("AE"))
    (folder / "a.txt").write_text("\ufeff one cat \n", "utf-8")
    (folder / "b.caption").write_text("two")
    (folder / "c.json").write_text('{"caption": "three", "url": "x"}')
    lines = [{"file_name": "d.png", "text": "四"}, {"file_name": "e.png", "prompt": "five"}]
    (folder / "more" / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    read, told = rows(folder, tmp_path)
    assert {key: said(row) for key, row in read.items()} == {
        "a.png": [("one cat", "a.txt")],
        "b.PNG": [("two", "b.caption")],
        "c.png": [("three", "c.json")],
        "more/d.png": [("四", "metadata.jsonl")],
        "more/e.png": [("five", "metadata.jsonl")],
    }
    assert told == ["packing 5 images"]
    row = read["a.png"]
    assert row["image"]["bytes"] == (folder / "a.png").read_bytes()
    assert (row["width"], row["height"], row["format"]) == (32, 16, "PNG")


def test_what_has_no_caption_or_cannot_be_read_is_left_out_and_said(folder, tmp_path):
    for name in ("a.png", "b.png", "c.png"):
        (folder / name).write_bytes(png("AE"))
    (folder / "a.txt").write_text("one")
    (folder / "c.txt").write_text("  \n")
    (folder / "d.png").write_text("<html>")
    (folder / "d.txt").write_text("no image")
    read, told = rows(folder, tmp_path)
    assert list(read) == ["a.png"]
    place = tmp_path / "packed" / "left-out.jsonl"
    assert told[1:] == [
        f"--data it: 2 images without a caption: b.png, c.png; see {place}",
        f"--data it: 1 images that cannot be read: d.png (html: an HTML page); see {place}",
    ]
    again = rows(folder, tmp_path)[1]
    assert again == told[1:], "said each time"


def test_edits_have_their_inputs_and_instructions(folder, tmp_path):
    for name in ("a.png", "a.input.png", "a.input2.png", "more/out.png", "more/in.png"):
        (folder / name).write_bytes(png("AE" if "in" in name else "HL", "blue"))
    (folder / "a.txt").write_text("make it HL")
    (folder / "more" / "metadata.csv").write_text(
        "file_name,input_file_name,instruction,text\nout.png,in.png,swap it,a page\n"
    )
    read, _ = rows(folder, tmp_path)
    assert sorted(read) == ["a.png", "more/out.png"]
    assert said(read["a.png"], "caption_instruction") == [("make it HL", "a.txt")]
    assert len(read["a.png"]["inputs"]) == 2
    own = read["more/out.png"]
    assert said(own, "caption_instruction") == [("swap it", "metadata.csv")]
    assert own["inputs"][0]["bytes"] == (folder / "more" / "in.png").read_bytes()
    assert not own["caption_raw"]


def test_tars_of_img2dataset_are_read_with_their_list_beside_them(folder, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    with tarfile.open(folder / "00000.tar", "w") as tar:
        for name, data in (("./0.jpg", png("AE")), ("./0.txt", b"one"), ("./1.jpg", png("L"))):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    pq.write_table(pa.table({"url": ["x"], "caption": ["one"]}), folder / "00000.parquet")
    assert packing.is_folder(str(folder))
    read, told = rows(folder, tmp_path)
    assert said(read["0.jpg"]) == [("one", "0.txt")]
    assert "1 images without a caption: 1.jpg" in told[-2]
    assert "1 files that are no images, captions or tars: 1 .parquet" in told[-1]


def test_an_image_is_known_by_its_ending_in_any_case_and_below_links(folder, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a.jfif").write_bytes(png("AE"))
    (elsewhere / "a.TXT").write_text("one")
    (folder / "linked").symlink_to(elsewhere)
    (folder / "lost.png").symlink_to(tmp_path / "nowhere.png")
    for name in ("b.png", "b.input.PNG", "user.input.png"):
        (folder / name).write_bytes(png("HL" if name == "b.png" else "AE"))
    (folder / "b.txt").write_text("make it HL")
    (folder / "user.input.txt").write_text("a dialogue")
    (folder / "more.tar.gz").write_bytes(b"x")
    read, told = rows(folder, tmp_path)
    assert sorted(read) == ["b.png", "linked/a.jfif", "user.input.png"]
    assert read["b.png"]["inputs"][0]["bytes"] == (folder / "b.input.PNG").read_bytes()
    assert said(read["user.input.png"]) == [("a dialogue", "user.input.txt")]
    assert "2 files that are no images, captions or tars: 1 .tar.gz, 1 links that" in told[-1]
    left = (tmp_path / "packed" / "left-out.jsonl").read_text().splitlines()
    assert [json.loads(line)["key"] for line in left] == ["more.tar.gz", "lost.png"]


def test_every_line_of_an_image_is_a_caption_and_an_edit_has_its_instruction(folder, tmp_path):
    for name in ("a.png", "b.png", "b.input.png", "c.png", "c.input.png"):
        (folder / name).write_bytes(png("AE" if "in" in name else "HL"))
    lines = [
        {"file_name": "a.png", "text": "one\u2028line"},
        {"file_name": "a.png", "text": "two"},
        {"file_name": "b.png", "text": "a page", "instruction": "make it HL"},
    ]
    text = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    (folder / "metadata.jsonl").write_text(text, "utf-8")
    (folder / "metadata.csv").write_bytes(b"file_name,text\ra.png,three\ra.png,two\r")
    (folder / "c.json").write_text('{"caption": "a page", "instruction": "swap it"}')
    read, _ = rows(folder, tmp_path)
    assert said(read["a.png"]) == [
        ("three", "metadata.csv"),
        ("two", "metadata.csv"),
        ("one\u2028line", "metadata.jsonl"),
        ("two", "metadata.jsonl"),
    ]
    assert said(read["b.png"], "caption_instruction") == [("make it HL", "metadata.jsonl")]
    assert said(read["c.png"], "caption_instruction") == [("swap it", "c.json")]


def test_an_image_that_an_edit_made_may_be_the_input_of_the_next(folder, tmp_path):
    for name in "abc":
        (folder / f"{name}.png").write_bytes(png(name.upper()))
    lines = ["file_name,input_file_name,text", "b.png,a.png,to b", "c.png,b.png,to c"]
    (folder / "metadata.csv").write_text("\n".join(lines))
    assert sorted(rows(folder, tmp_path)[0]) == ["b.png", "c.png"]


def test_of_many_tars_a_few_are_open_at_a_time(folder, tmp_path):
    for number in range(30):
        with tarfile.open(folder / f"{number}.tar", "w") as tar:
            for name, data in ((f"{number}.png", png("AE")), (f"{number}.txt", b"one")):
                member = tarfile.TarInfo(name)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.open(os.devnull, os.O_RDONLY)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + 20, hard))
    try:
        read, _ = rows(folder, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(read) == 30


def test_an_output_in_the_folder_is_refused(folder, tmp_path):
    (folder / "a.png").write_bytes(png("AE"))
    config = tmp_path / "run.yaml"
    config.write_text(CONFIG)
    refused = train((folder, str(folder), config), folder / "more" / "out", code=2)
    assert "the folder of images: name a folder outside it" in refused.stderr
    assert not (folder / "more" / "out").exists()


WRONG = {
    "no caption": ({}, "1 images and not one caption: put cat.txt beside cat.jpg"),
    "unreadable": (
        {"a.txt": "one", "a.png": "x"},
        "none of 1 images can be trained on: 1 images that cannot",
    ),
    "no such file": (
        {"metadata.jsonl": '{"file_name": "../../etc/b.png", "text": "x"}'},
        "metadata.jsonl:1: no file ../../etc/b.png in",
    ),
    "no name": ({"metadata.csv": "text\nx\n"}, "metadata.csv:2: expected file_name"),
    "no JSON": ({"metadata.jsonl": "{"}, "metadata.jsonl:1: no JSON"),
    "no object": ({"a.json": "[1]"}, "a.json: expected a JSON object"),
    "no UTF-8": ({"a.txt": b"\xe9t\xe9"}, "1 images whose caption is not UTF-8: a.png"),
    "no UTF-8 list": ({"metadata.csv": b"text\n\xe9\n"}, "metadata.csv: not UTF-8 (invalid"),
    "no CSV": (
        {"metadata.csv": f"file_name,text\na.png,{'x' * 132_000}\n"},
        "no CSV (field larger",
    ),
    "inputs differ": (
        {
            "b.png": "",
            "metadata.jsonl": '{"file_name": "a.png", "text": "x"}\n'
            '{"file_name": "a.png", "input_file_name": "b.png", "instruction": "y"}\n',
        },
        "metadata.jsonl:2: a.png has other inputs in a line before",
    ),
    "half a character": ({"a.json": '{"caption": "\\ud83d"}'}, "caption is not UTF-8: a.png"),
    "too many inputs": (
        {"a.txt": "x"} | {f"a.input{number}.png": "" for number in range(1, 5)},
        "a.png (unsupported: 4 inputs; expected 3 at most)",
    ),
    "an input lacks": (
        {"a.txt": "x", "a.input.png": "", "a.input3.png": ""},
        "a.png (unsupported: inputs of numbers [1, 3]; expected 1, 2, 3 in turn)",
    ),
    "no tar": ({"b.tar": "x"}, "b.tar: no tar that can be read"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_with_a_folder_is_said_in_a_sentence(case, folder, tmp_path):
    files, says = WRONG[case]
    (folder / "a.png").write_bytes(png("AE"))
    for name, text in files.items():
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UsageError) as raised:
        rows(folder, tmp_path)
    assert says in str(raised.value)


def test_shards_and_what_a_run_left_are_no_folders_of_images(folder, tmp_path):
    assert not packing.is_folder(str(folder))
    (folder / "a.png").write_bytes(png("AE"))
    assert packing.is_folder(str(folder))
    shards.write(folder / "part-00000.parquet", shards.rows(2))
    assert not packing.is_folder(str(folder))
    assert not packing.is_folder(str(folder / "part-*.parquet"))
    assert not packing.is_folder("gs://bucket/folder")


def test_a_run_trains_on_a_folder_and_goes_on_with_the_same_alone(folder, tmp_path):
    for number, row in enumerate(shards.rows(12)):
        (folder / f"{number}.png").write_bytes(row["image"]["bytes"])
        (folder / f"{number}.txt").write_text(row["caption_recaption"][0]["text"])
    config = tmp_path / "run.yaml"
    config.write_text(CONFIG)
    out = tmp_path / "out"
    given = (folder, str(folder), config)
    told = train(given, out).stderr
    assert "packing 12 images" in told
    again = train(given, out, steps=4).stderr
    assert "after step" in again
    assert "packing" not in again
    (folder / "3.txt").write_text("another text")
    refused = train(given, out, code=2, steps=6).stderr.splitlines()[-1]
    assert "--data: not the images that" in refused
    shutil.rmtree(folder)
    folder.mkdir()
    refused = train(given, out, code=2, steps=6).stderr
    assert "no .parquet file matches" in refused and "or a folder of images" in refused
