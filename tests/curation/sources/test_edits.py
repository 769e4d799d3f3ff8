"""Edit pairs: which files and columns make one, and what is told of a pair that is not whole."""

import io
import json
import re
import tarfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from making.edit_pairs import KINDS, Pair, write
from making.folders import put, read_all

from curation import sources
from curation.sources import Caption, Sample, plan
from curation.sources.edits import LACKS_INPUT
from curation.sources.identity import content_id

PAIRS = [
    Pair("a", b"A", [b"A1"], "make it red"),
    Pair("b", b"B", [b"B1", b"B2", b"B3"], "put 图 into it\n"),
    Pair("c", b"C", [b"C1"]),
    Pair("d", b"D", []),
]


def told(samples: list[Sample]) -> dict[str, tuple[bytes | None, list[bytes], list[str]]]:
    """By the name of its result: its bytes, those of its inputs, its instruction."""
    return {
        sample.path.partition(".")[0]: (
            sample.data,
            [image.data for image in sample.inputs or ()],
            [caption.text for caption in sample.caption_instruction or ()],
        )
        for sample in samples
    }


@pytest.mark.parametrize("kind", KINDS)
def test_a_pair_is_one_row_with_its_inputs_in_order(tmp_path: Path, kind: str) -> None:
    samples = read_all(write(kind, tmp_path / "in", PAIRS))
    assert len(samples) == len({sample.uri for sample in samples}) == len(PAIRS)
    assert told(samples) == {
        pair.name: (pair.result, pair.inputs, [pair.instruction] if pair.instruction else [])
        for pair in PAIRS
    }
    assert all(sample.error is None for sample in samples)
    assert [sample.inputs is None for sample in samples] == [False, False, False, True]
    (alone,) = (sample for sample in samples if sample.inputs is None)
    assert content_id(alone) == content_id(Sample("u", "k", b"D", None, "p"))
    for sample in samples:  # each is read again alone, as gathering does
        (unit,) = plan.plan([str(tmp_path / "in")])
        assert list(sources.read(unit, {sample.uri})) == [sample]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("pair", "error"),
    [
        (Pair("e", b"E", [b"E1", None, b"E3"], "x"), "missing: .*input.? 2"),
        (Pair("e", b"E", [None], "x"), "missing: .*input"),
        (Pair("e", None, [b"E1"], "x"), "missing: .*(result|image that was made)"),
        (Pair("e", b"E", [b"1", b"2", b"3", b"4"]), "unreadable: 4 input images; expected 1 to 3"),
    ],
    ids=["one input missing", "no input", "no result", "too many"],
)
def test_a_pair_that_is_not_whole_is_an_error_that_names_the_image(
    tmp_path: Path, kind: str, pair: Pair, error: str
) -> None:
    samples = read_all(write(kind, tmp_path / "in", [PAIRS[0], pair, PAIRS[3]]))
    broken = [sample for sample in samples if sample.error is not None]
    assert len(samples) == 3 and len(broken) == 1
    assert (broken[0].data, broken[0].inputs) == (None, None)
    assert re.match(error, broken[0].error or ""), broken[0].error
    assert {sample.data for sample in samples} == {b"A", b"D", None}


def test_images_that_are_no_pair_are_rows_as_ever(tmp_path: Path) -> None:
    names = ("a.source.jpg", "a.jpg", "b.input.jpg", "c.original.png", "input.jpg", ".input.jpg")
    samples = read_all(put(tmp_path / "in", {name: name.encode() for name in names}))
    assert sorted(sample.key for sample in samples) == sorted(names)
    assert all(sample.inputs is None and sample.error is None for sample in samples)


@pytest.mark.parametrize(
    ("files", "key"),
    [
        (("a.output.png", "a.source.jpg", "a.json"), "a.output.png"),
        (("a.jpg", "a.input_1.png", "a.edit_prompt_en.txt"), "a.jpg"),
        (("sub/a.b.jpg", "sub/a.b.INPUT.webp", "sub/a.b.instruction.txt"), "sub/a.b.jpg"),
        (("a.target.jpg", "a.input.jpg", "a.jpg.txt", "a.instruction.caption"), "a.target.jpg"),
    ],
)
def test_files_of_a_pair_go_by_several_names(
    tmp_path: Path, files: tuple[str, ...], key: str
) -> None:
    text = dict.fromkeys(files, "do it")
    text |= {name: json.dumps({"instruction": "do it"}) for name in files if ".json" in name}
    samples = read_all(put(tmp_path / "in", text))
    (sample,) = (sample for sample in samples if sample.inputs)
    assert (sample.key, len(samples), len(sample.inputs or ())) == (key, 1, 1)
    assert {caption.text for caption in sample.caption_instruction or ()} == {"do it"}


def test_numbers_of_inputs_order_them_and_lack_none(tmp_path: Path) -> None:
    root = put(
        tmp_path / "in",
        {
            **{f"a.{name}.jpg": name for name in ("input2", "input0", "input1")},
            **{f"b.{name}.jpg": name for name in ("input1", "input3")},
            **{f"c.{name}.jpg": name for name in ("input", "input1")},
            **{f"{name}.jpg": name for name in "abc"},
        },
    )
    found = {sample.key: sample for sample in read_all(root)}
    assert [image.data for image in found["a.jpg"].inputs or ()] == [
        b"input0",
        b"input1",
        b"input2",
    ]
    assert found["b.jpg"].error == "missing: input 2, though there is input 3"
    assert found["c.jpg"].error == "unreadable: two images are input 1"


def test_two_files_that_may_both_be_the_result_are_told(tmp_path: Path) -> None:
    root = put(tmp_path / "in", {"a.jpg": b"1", "a.png": b"2", "a.input.jpg": b"3"})
    errors = {sample.key: sample.error for sample in read_all(root)}
    assert errors.keys() == {"a.jpg", "a.png"}
    assert set(errors.values()) == {"unreadable: several results of one edit: a.jpg, a.png"}


def test_captions_beside_an_input_are_not_the_results(tmp_path: Path) -> None:
    files = {"a.jpg": b"A", "a.txt": "result", "a.input.jpg": b"1", "a.input.txt": "before"}
    (in_folder,) = read_all(put(tmp_path / "in", files))
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for name, data in files.items():
            content = data if isinstance(data, bytes) else data.encode()
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    (in_tar,) = read_all(str(tmp_path / "a.tar"))
    assert in_folder.caption_raw == in_tar.caption_raw == (Caption("result"),)


def test_one_result_of_several_edits_is_several_rows(tmp_path: Path) -> None:
    lines = [
        {"edited_image": "b.jpg", "source_image": "a.jpg", "instruction": "add a dog"},
        {"edited_image": "b.jpg", "source_image": "c.jpg", "instruction": "add a dog"},
        {"edited_image": "b.jpg", "source_image": "c.jpg", "instruction": "add a cat"},
        {"edited_image": "b.jpg", "source_image": "c.jpg", "instruction": "add a cat"},
        {"edited_image": "c.jpg", "source_image": "b.jpg", "instruction": "no cat"},
    ]
    files = {name: name for name in ("a.jpg", "b.jpg", "c.jpg", "d.jpg")}
    text = "".join(json.dumps(line) + "\n" for line in lines)
    root = put(tmp_path / "in", {**files, "edits.jsonl": text})
    samples = read_all(root)
    assert len({content_id(sample) for sample in samples}) == len(samples) == 5
    assert sorted(sample.path for sample in samples) == [
        "b.jpg",
        "b.jpg",
        "b.jpg",
        "c.jpg",
        "d.jpg",
    ]
    again = put(tmp_path / "in2", {**files, "edits.jsonl": "".join(text.splitlines(True)[::-1])})
    moved = [sample.uri.replace(again, root) for sample in read_all(again)]
    assert moved == [sample.uri for sample in samples], "whatever the order and the place"
    assert [u.id for u in plan.plan([root])] == [u.id for u in plan.plan([again])]


def test_an_input_that_a_list_describes_is_a_row_too(tmp_path: Path) -> None:
    rows = "file_name,text,input_image\na.jpg,a cat,\nb.jpg,a red cat,a.jpg\n"
    root = put(tmp_path / "in", {"a.jpg": b"A", "b.jpg": b"B", "metadata.csv": rows})
    found = {sample.key: sample for sample in read_all(root)}
    assert found.keys() == {"a.jpg", "b.jpg"}
    assert found["a.jpg"].inputs is None
    assert [image.data for image in found["b.jpg"].inputs or ()] == [b"A"]
    assert found["b.jpg"].caption_raw == (Caption("a red cat"),)


def test_an_input_outside_spoils_the_pair(tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"S")
    line = {"image": "a.jpg", "edited_image": "b.jpg", "instruction": "x"}
    lines = [line, line | {"image": "../secret.jpg", "edited_image": "c.jpg"}]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    root = tmp_path / "in"
    put(root, {"a.jpg": b"A", "b.jpg": b"B", "c.jpg": b"C", "edits.jsonl": text, "d.jpg": b"D"})
    (root / "d.input.jpg").symlink_to(tmp_path / "secret.jpg")
    found = {sample.key: sample for sample in read_all(str(root))}
    assert found.keys() == {"b.jpg", "c.jpg", "d.jpg"}
    assert [image.data for image in found["b.jpg"].inputs or ()] == [b"A"]
    assert (found["c.jpg"].error or "").startswith("outside: input 1 (secret.jpg): it leads out")
    assert (found["d.jpg"].error or "").startswith("outside: input 1 (d.input.jpg): it leads out")
    assert b"S" not in {sample.data for sample in found.values()}


BINARY = pa.binary()
IMAGE = pa.struct([("bytes", BINARY), ("path", pa.string())])


@pytest.mark.parametrize(
    ("result", "inputs", "instruction"),
    [
        ("edited_image", ["input_image"], "edit_prompt"),  # InstructPix2Pix
        ("target_img", ["source_img"], "instruction"),  # MagicBrush
        ("output_image", ["input_image"], "edit"),  # HQ-Edit
        ("edited_img", ["src_img"], "edited_prompt_list"),  # OmniEdit
        ("edited_image", ["source_image"], "edit_prompt"),  # UltraEdit
        ("image", ["inputs"], "caption_instruction"),  # our own
        ("image", ["input_image_1", "Input_Image_2"], "instruction_en"),
        ("edited_image", ["image"], "edit_instruction"),
        ("output", ["input", "reference_image"], "instruction"),
    ],
)
@pytest.mark.parametrize("kind", [BINARY, IMAGE], ids=["bytes", "struct"])
def test_columns_of_public_edit_sets_are_known(
    tmp_path: Path, kind: pa.DataType, result: str, inputs: list[str], instruction: str
) -> None:
    def image(data: bytes) -> object:
        return data if kind == BINARY else {"bytes": data, "path": "/home/someone/x.png"}

    columns = {
        "unrelated": pa.array([b"?"], BINARY),
        **{n: pa.array([image(b"%d" % place)], kind) for place, n in enumerate(inputs)},
        result: pa.array([image(b"R")], kind),
        instruction: pa.array([["do it"]] if "list" in instruction else ["do it"]),
    }
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    (sample,) = read_all(str(tmp_path / "a.parquet"))
    assert (sample.data, sample.error) == (b"R", None)
    assert [source.data for source in sample.inputs or ()] == [
        b"%d" % n for n in range(len(inputs))
    ]
    assert [caption.text for caption in sample.caption_instruction or ()] == ["do it"]
    assert not any("home" in source.path for source in sample.inputs or ())


def test_a_table_may_hold_edits_and_other_rows(tmp_path: Path) -> None:
    columns = {
        "jpg": pa.array([b"A", b"B", b"C", b"D"], BINARY),
        "input_image_1": pa.array([None, b"B1", None, None], BINARY),
        "input_image_2": pa.array([None, None, b"C2", None], BINARY),
        "instruction": pa.array([None, "x", "x", "x"]),
        "caption": pa.array(["a", "b", "c", "d"]),
    }
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    samples = read_all(str(tmp_path / "a.parquet"))
    assert [sample.error for sample in samples] == [
        None,
        None,
        "missing: input_image 1, though there is input_image 2",
        LACKS_INPUT,
    ]
    assert samples[0].inputs is None
    assert [sample.caption_raw for sample in samples] == [(Caption(text),) for text in "abcd"]


def test_a_glob_of_results_finds_their_inputs_and_one_of_inputs_images(tmp_path: Path) -> None:
    put(tmp_path, {"a.png": b"A", "a.input.jpg": b"1", "b.input.jpg": b"2"})
    (pair,) = read_all(f"{tmp_path}/*.png")
    assert [image.data for image in pair.inputs or ()] == [b"1"]
    images = read_all(f"{tmp_path}/*.input.jpg")
    assert [(image.data, image.inputs) for image in images] == [(b"1", None), (b"2", None)]


@pytest.mark.parametrize("more", [{}, {"input_image": "other.png"}], ids=str)
def test_an_instruction_without_its_input_is_told_wherever_it_is_said(
    tmp_path: Path, more: dict[str, str]
) -> None:
    said = json.dumps({"instruction": "make it red", **more})
    folder = put(tmp_path / "folder", {"a.jpg": b"A", "a.json": said.encode(), "other.png": b"O"})
    listed = put(tmp_path / "list", {"a.jpg": b"A"})
    line = {"target_image": "a.jpg", "instruction": "make it red"}
    (tmp_path / "list" / "edits.jsonl").write_text(json.dumps(line) + "\n")
    tar = tmp_path / "0.tar"
    with tarfile.open(tar, "w") as stream:
        for name, data in (("a.jpg", b"A"), ("a.json", said.encode())):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            stream.addfile(info, io.BytesIO(data))
    for place in (folder, listed, tar):
        (row,) = (sample for sample in read_all(str(place)) if sample.path.endswith("a.jpg"))
        assert row.data is None
        assert re.match("missing: an edit without its input image; .*a.input.png", row.error or "")


PNG = b"\x89PNG\r\n\x1a\n mask"


def _masked(kind: str, place: Path) -> list[Sample]:
    """A pair with a mask, a pair whose mask is none, an image that has no inputs."""
    files = [
        *(("a.input.jpg", b"A1"), ("a.jpg", b"A"), ("a.mask.png", PNG), ("a.txt", b"of a")),
        *(("b.input.jpg", b"B1"), ("b.jpg", b"B"), ("b.mask.png", b"no PNG")),
        *(("c.jpg", b"C"), ("c.mask.png", PNG + b"c")),
    ]
    place.mkdir()
    if kind == "folder":
        for name, data in files:
            (place / name).write_bytes(data)
        return read_all(str(place))
    with tarfile.open(place / "0.tar", "w") as tar:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return read_all(str(place))


@pytest.mark.parametrize("kind", ["folder", "tar"])
def test_a_file_beside_a_pair_may_be_its_mask(tmp_path: Path, kind: str) -> None:
    samples = _masked(kind, tmp_path / "in")
    by_path = {sample.path: sample for sample in samples}
    assert set(by_path) == {"a.jpg", "b.jpg", "c.jpg", "c.mask.png"}, "of c it is an image"
    assert by_path["a.jpg"].edit_mask == {"bytes": PNG, "path": "a.mask.png"}
    assert [of.text for of in by_path["a.jpg"].caption_raw or ()] == ["of a"]
    assert by_path["b.jpg"].edit_mask is None and by_path["b.jpg"].error is None
    assert (by_path["b.jpg"].problem or "").startswith("b.mask.png: no PNG")
    assert by_path["c.jpg"].edit_mask is by_path["c.jpg"].problem is None
    for sample in samples:  # each is read again alone, as gathering does
        (unit,) = plan.plan([str(tmp_path / "in")])
        assert list(sources.read(unit, {sample.uri})) == [sample]
