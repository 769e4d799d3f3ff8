"""Exports: what other tools read is what the shards hold, whole, and nothing else."""

import io
import json
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from making.commands import lines_of_datasets
from making.old_shards import write_version_1
from making.tables import read_all
from PIL import Image

from curation import shard
from curation.failures.errors import UsageError
from curation.output.finished import OutcomeError, digest
from curation.shard import ShardError
from curation.shard.selection import Asked, Bound, bounds
from curation.writing.export.exporting import export, names
from train.configuration import DataConfiguration
from train.data.selection import of_shard

SCHEMA = shard.schema(
    [pa.field("luma", pa.float32()), pa.field("raw_bytes", pa.binary())]
    + [pa.field(f"tells_{of}", pa.int8()) for of in ("place", "person")]
)
STAGES = {
    "s1": {"resolution": 256, "bounds": {"luma": {"min": 0.25}}},
    "s3": {"resolution": 256, "captions": {"raw": {"validity": {"in": ["valid", "short"]}}}},
}
RUN = {
    "counts": {"in": 9, "kept": 3, "dropped": 5, "quarantined": 1, "notes": ["without nsfw"]},
    "configuration": {"stages": STAGES},
}


def encoded(kind: str, number: int, **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.full((4, 5, 3), number * 40, np.uint8)).save(stream, kind, **options)
    return stream.getvalue()


def row(
    number: int, kind: str = "PNG", exif: Image.Exif | None = None, **more: Any
) -> dict[str, Any]:
    data = encoded(kind, number, **({"exif": exif} if exif else {}))
    return {
        "id": shard.content_id(data),
        "image": {"bytes": data, "path": None},
        "key": f"folder/{number}.x",
        "format": kind,
        "synthetic": False,
        "licence": "CC <b>|\n by",
        "source": "https://user:word@example.org/a?b",
        "luma": float("nan"),
        **more,
    }


EDIT = {
    "inputs": [{"bytes": encoded("JPEG", 5), "path": "a.jpg"}, row(6)["image"]],
    "caption_instruction": [{"text": "redder", "language": "en"}],
    **{"edit_kind": "text", "edit_mask": row(0)["image"], "input_boxes": [[], None]},
}
ROWS = [
    row(1, "JPEG", caption_raw=[{"text": "图 one"}, {"text": "two", "language": "en"}]),
    row(2, caption_recaption=[{"text": "long"}], raw_bytes=b"\xff\x00", weight=0.5),
    row(2),  # of the same bytes
    *(row(3, **EDIT), row(4, "TIFF", caption_raw=[])),
]


def shards(folder: Path, *parts: list[dict[str, Any]]) -> str:
    infos = [
        shard.write(
            str(folder / "shards" / f"part-{place:05d}-of-{len(parts):05d}-{'0' * 12}.parquet"),
            [pa.RecordBatch.from_pylist(rows, schema=SCHEMA)],
            SCHEMA,
        )
        for place, rows in enumerate(parts)
    ]
    shard.write_manifest(str(folder / "shards"), infos)
    return str(folder)


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def texts(captions: Sequence[Any] | None) -> list[str]:
    return [of["text"] if isinstance(of, dict) else of.text for of in captions or ()]


def test_our_own_sources_read_the_same_images_and_captions_from_tars(tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    told = export("webdataset", shards(tmp_path / "run", ROWS[:2], ROWS[2:]), out)
    assert (told.files, told.rows, told.repeated) == (2, 5, 0)
    samples = read_all(out)
    assert [sample.error for sample in samples] == [None] * 5
    for expected in ROWS:
        sample = next(of for of in samples if of.data == expected["image"]["bytes"])
        samples.remove(sample)
        for split in ("caption_raw", "caption_recaption", "caption_instruction"):
            assert "raw" in split or texts(getattr(sample, split)) == texts(expected.get(split))
        images = [image["bytes"] for image in expected.get("inputs") or ()]
        assert [image.data for image in sample.inputs or ()] == images
        for name in ("licence", "edit_kind", "edit_mask", "input_boxes"):
            assert getattr(sample, name) == expected.get(name)


def test_the_members_of_a_sample_are_those_that_loaders_expect(tmp_path: Path) -> None:
    export("webdataset", shards(tmp_path / "run", ROWS), str(tmp_path / "out"))
    (path,) = (tmp_path / "out").glob("part-*.tar")
    with tarfile.open(path) as tar:
        members = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    ids = [entry["id"] for entry in ROWS]
    assert list(members) == [
        *(f"{ids[0]}.{suffix}" for suffix in ("jpg", "txt", "json")),
        *(f"{ids[1]}.{suffix}" for suffix in ("png", "txt", "json")),
        *(f"{ids[2]}_2.{suffix}" for suffix in ("png", "json")),
        *(f"{ids[3]}.{suffix}" for suffix in ("png", "input.jpg", "input2.png", "txt", "json")),
        *(f"{ids[4]}.{suffix}" for suffix in ("tif", "json")),
    ]
    said_first = [members[f"{ids[place]}.txt"].decode() for place in (0, 1, 3)]
    assert said_first == ["图 one", "long", "redder"]
    said = json.loads(members[f"{ids[1]}.json"])
    assert said["raw_bytes"] == "/wA=" and said["weight"] == 0.5 and "luma" not in said


def test_a_split_of_captions_may_be_chosen_and_is_part_of_the_name(tmp_path: Path) -> None:
    run, out = shards(tmp_path / "run", ROWS), tmp_path / "out"
    export("webdataset", run, str(out))
    before = set(contents(out))
    export("webdataset", run, str(out), ["recaption"])
    after = set(contents(out))
    assert len(after) == len(before) and after != before
    (path,) = out.glob("part-*.tar")
    with tarfile.open(path) as tar:
        assert [name for name in tar.getnames() if name.endswith("txt")] == [f"{ROWS[1]['id']}.txt"]
    with pytest.raises(UsageError, match="recaption"):
        export("webdataset", run, str(out), ["fusion"])


@pytest.mark.parametrize("name", names())
def test_an_interrupted_export_goes_on_to_the_same_bytes(tmp_path: Path, name: str) -> None:
    run, out = shards(tmp_path / "run", ROWS[:2], ROWS[2:]), tmp_path / "out"
    export(name, run, str(out))
    before = contents(out)
    lost = next(file for file in before if "-00001-of-" in file)
    (out / lost).unlink()
    (out / lost).with_name(f".{Path(lost).name}.0.tmp").write_bytes(b"half")
    assert export(name, run, str(out)).repeated == 1
    assert {name: data for name, data in contents(out).items() if ".tmp" not in name} == before


@pytest.mark.parametrize("name", names())
def test_files_of_another_state_of_the_shards_go_and_those_of_others_stay(
    tmp_path: Path, name: str
) -> None:
    out = tmp_path / "out"
    export(name, shards(tmp_path / "run", ROWS[:2], ROWS[2:]), str(out))
    (out / "notes.txt").write_text("mine")
    export(name, shards(tmp_path / "run", ROWS[:1]), str(out))
    left = [file for file in contents(out) if "-of-" in file]
    assert len(left) == 1 and "-of-00001-" in left[0] and (out / "notes.txt").exists()


_LOAD = """
import sys
from datasets import Image, load_dataset
loaded = load_dataset(sys.argv[1], split="train", cache_dir=sys.argv[2])
assert isinstance(loaded.features["image"], Image), loaded.features
for entry in loaded:
    print(entry["key"], entry["image"].convert("RGB").size, len(entry["inputs"] or ()))
"""


def test_hugging_face_opens_the_folder(tmp_path: Path) -> None:
    run, out = shards(tmp_path / "run", ROWS[:2], ROWS[2:]), tmp_path / "out"
    export("hf", run, str(out))
    assert lines_of_datasets(_LOAD, out, tmp_path) == [
        f"{entry['key']} (5, 4) {len(entry.get('inputs') or ())}" for entry in ROWS
    ]


def test_the_card_says_what_the_data_set_is_and_breaks_by_nothing_in_it(tmp_path: Path) -> None:
    run, out = shards(tmp_path / "run", ROWS), tmp_path / "out"
    data = json.dumps(RUN).encode()
    (tmp_path / "run" / "run.json").write_bytes(data)
    (tmp_path / "run" / "_SUCCESS").write_text(json.dumps({"run": digest(data)}))
    export("hf", run, str(out))
    _, head, text = (out / "README.md").read_text().split("---\n", 2)
    assert yaml.safe_load(head)["language"] == ["en"]
    assert yaml.safe_load(head)["task_categories"] == ["image-to-image"]
    assert "Of 9 inputs 3 were kept" in text and "without nsfw" in text
    assert "| `luma` | min 0.25 |" in text and "captions: `validity` | in valid, short |" in text
    assert "| CC &lt;b&gt;\\| by | 5 |" in text and "<b>" not in text
    assert "| example.org | 5 |" in text and "word" not in text


@pytest.mark.parametrize("name", names())
def test_damaged_shards_are_never_passed_on(tmp_path: Path, name: str) -> None:
    run, out = shards(tmp_path / "run", ROWS), tmp_path / "out"
    (path,) = (tmp_path / "run" / "shards").glob("*.parquet")
    data = bytearray(path.read_bytes())
    data[data.index(ROWS[1]["image"]["bytes"]) + 20] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(ShardError, match=path.name):
        export(name, run, str(out))
    assert not [file for file in contents(out) if "-of-" in file]


@pytest.mark.parametrize("name", names())
def test_metadata_are_stripped_on_request_and_their_number_told(tmp_path: Path, name: str) -> None:
    artist = Image.Exif()
    artist[0x013B] = "A. Person"
    tells = {"tells_place": 0, "tells_person": 1}
    rows = [row(1, "JPEG", exif=artist, **tells), row(2), row(3, "TIFF", exif=artist, **tells)]
    rows[1]["inputs"] = [rows[0]["image"]]
    run, out = shards(tmp_path / "run", rows), tmp_path / "out"
    told = export(name, run, str(out))
    assert (told.rows, told.telling, told.left_out) == (3, 2, 0)
    assert "--strip-metadata" in told.as_text()
    assert any(b"A. Person" in data for data in contents(out).values())
    told = export(name, run, str(out), strip=True)
    assert (told.rows, told.telling, told.left_out) == (2, 0, 1)
    assert not any(b"A. Person" in data for data in contents(out).values())


@pytest.mark.parametrize("name", names())
def test_a_shard_of_which_nothing_can_be_stripped_is_an_empty_file(
    tmp_path: Path, name: str
) -> None:
    artist = Image.Exif()
    artist[0x013B] = "A. Person"
    tells = {"tells_place": 0, "tells_person": 1}
    telling = [row(number, "TIFF", exif=artist, **tells) for number in (1, 2)]
    run, out = shards(tmp_path / "run", telling, [row(3)]), tmp_path / "out"
    told = export(name, run, str(out), strip=True)
    assert (told.files, told.rows, told.left_out, told.repeated) == (2, 1, 2, 0)
    assert "left out: 2, of formats that cannot be stripped" in told.as_text()
    assert not any(b"A. Person" in data for data in contents(out).values())
    before = contents(out)
    assert export(name, run, str(out), strip=True).repeated == 2
    assert contents(out) == before


def is_asked(row: dict[str, Any], asked: Asked) -> bool:
    """What is asked of a row, without Arrow."""
    deep = ["s1", "s2", "s3"]
    if asked.stage and row["stage"] not in deep[deep.index(asked.stage) :]:
        return False
    for name, bound in asked.where.items():
        value = row[name]
        low = -np.inf if bound.min is None else bound.min
        high = np.inf if bound.max is None else bound.max
        ranged = bound.min is not None or bound.max is not None
        if value is None or (ranged and not low <= value <= high):
            return False
        if bound.among is not None and value not in bound.among:
            return False
    return True


NUMBER = st.floats(-2, 2, width=32)
BOUND = st.builds(Bound, min=NUMBER | st.none(), max=NUMBER) | st.builds(Bound, min=NUMBER)
NAMED = st.lists(st.sampled_from(["PNG", "JPEG", "TIFF"]), min_size=1, max_size=2)
ASKED = st.builds(
    Asked,
    stage=st.sampled_from(["", "s1", "s2", "s3"]),
    where=st.fixed_dictionaries(
        {}, optional={"luma": BOUND, "format": NAMED.map(lambda of: Bound(**{"in": tuple(of)}))}
    ),
)
CHOSEN = [
    row(number, kind, luma=luma, stage=stage)
    for number, (kind, luma, stage) in enumerate(
        [
            ("PNG", None, "s1"), ("PNG", 0.5, None), ("JPEG", 1.5, "s3"), ("PNG", -1.0, "s2"),
            ("JPEG", float("nan"), "s3"), ("TIFF", 0.5, "s3"), ("PNG", 2.0, "s1"),
        ]
    )
]  # fmt: skip


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("staged")
    shards(run, CHOSEN[:3], CHOSEN[3:5], CHOSEN[5:])
    configured = {"configuration": {"stages": {f"s{n}": {"bounds": {}} for n in (1, 2, 3)}}}
    content = json.dumps(configured).encode()
    (run / "run.json").write_bytes(content)
    (run / "_SUCCESS").write_text(json.dumps({"run": digest(content)}))
    return run


@given(asked=ASKED)
@settings(max_examples=40, deadline=None)
def test_rows_asked_for_are_those_that_the_trainer_takes(staged: Path, asked: Asked) -> None:
    """By hand, by the trainer's own selection, and in the files of both formats."""
    expected = sorted(of["id"] for of in CHOSEN if is_asked(of, asked))
    trained = []
    paths = sorted(str(path) for path in (staged / "shards").glob("*.parquet"))
    configuration = DataConfiguration(stage=asked.stage, where=asked.where)
    for path in paths:
        wanted = of_shard(path, list(shard.outline(path).columns), configuration)
        for batch in shard.read(path):
            taken, _ = wanted.rows(batch, lambda *_: None)
            trained += batch.filter(pa.array(taken)).column("id").to_pylist()
    assert sorted(trained) == expected
    for name in ("hf", "webdataset"):
        with tempfile.TemporaryDirectory() as folder:
            if not expected:
                with pytest.raises(UsageError, match="none of its rows"):
                    export(name, str(staged), folder + "/out", asked=asked)
                continue
            told = export(name, str(staged), folder + "/out", asked=asked)
            assert (told.rows, told.total, told.left_out) == (len(expected), len(CHOSEN), 0)
            files = sorted(Path(folder, "out").rglob("*-of-*"))
            assert len(files) == told.files
            there = []
            for file in files:
                if name == "hf":
                    there += [
                        of["id"] for batch in shard.read(str(file)) for of in batch.to_pylist()
                    ]
                else:
                    with tarfile.open(file) as tar:
                        names_of = [of.partition(".") for of in tar.getnames()]
                    there += [stem for stem, _, suffix in names_of if suffix == "json"]
            assert sorted(there) == expected
            assert all(Path(file).stat().st_size for file in files)


def test_the_card_says_which_rows_were_asked_for(staged: Path, tmp_path: Path) -> None:
    asked = Asked("s2", {"luma": Bound(min=0, max=1.5)})
    told = export("hf", str(staged), str(tmp_path / "out"), asked=asked)
    assert told.as_text().startswith("hf: 2 of 7 samples in 2 files, ")
    card = (tmp_path / "out" / "README.md").read_text()
    assert "2 samples in 2 Parquet files" in card
    again = export("hf", str(staged), str(tmp_path / "out"), asked=asked)
    assert (again.repeated, again.rows, again.left_out) == (2, 2, 0)
    every = export("hf", str(staged), str(tmp_path / "out"))  # and nothing of before stays
    assert (every.rows, every.repeated) == (7, 0)
    assert len(list((tmp_path / "out" / "data").iterdir())) == 3


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "luma>=1",
            "--where:1: expected bounds by column, as 'width: {min: 512}', found 'luma>=1'",
        ),
        ("luma: {mn: 1}", "unknown key 'luma.mn': expected one of in, max, min; did you mean"),
        ("luma: 3", "'luma': expected a mapping, found 3"),
        ("{luma: {min: 1}, luma: {max: 2}}", "duplicate key 'luma'"),
    ],
)
def test_bounds_that_cannot_be_read_are_told(text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        bounds([text])
    assert says in str(caught.value)


def test_bounds_may_be_said_together_or_one_by_one() -> None:
    both = {"luma": Bound(min=0.5), "format": Bound(**{"in": ("PNG",)})}
    assert bounds(["{luma: {min: 0.5}, format: {in: [PNG]}}"]) == both
    assert bounds(["luma: {min: 0.5}", "format: {in: [PNG]}"]) == both
    with pytest.raises(UsageError, match="bounded twice"):
        bounds(["luma: {min: 0.5}", "luma: {max: 0.7}"])


def test_older_shards_are_no_data_set_of_today(tmp_path: Path) -> None:
    run = shards(tmp_path / "run", ROWS[:1])
    (path,) = (tmp_path / "run" / "shards").glob("*.parquet")
    write_version_1(path, pa.Table.from_batches(list(shard.read(str(path)))))
    with pytest.raises(ShardError, match="version"):
        export("hf", run, str(tmp_path / "out"))


def test_what_no_run_finished_is_not_exported(tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    with pytest.raises(OutcomeError, match="no run has finished"):
        export("hf", str(tmp_path / "nothing"), out)
    run = shards(tmp_path / "run", ROWS)
    (tmp_path / "run" / "run.json").write_text(json.dumps(RUN))
    with pytest.raises(OutcomeError, match="did not finish"):
        export("hf", run, out)
    with pytest.raises(UsageError, match="webdataset"):
        export("parquet", run, out)
