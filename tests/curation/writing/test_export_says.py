"""What an export says: of which run it is, so that no other replaces it, and its columns."""

from pathlib import Path

import pyarrow as pa
import pytest
from markdown_it import MarkdownIt

from curation import shard
from curation.failures.errors import UsageError
from curation.writing.export import origin
from curation.writing.export.exporting import export, names

SCHEMA = shard.schema(
    [pa.field(name, pa.float32()) for name in ("luma", "x|`<i>` y")]
    + [pa.field(f"n{number}", pa.int32()) for number in range(100)]
)


def run(folder: Path, *parts: str) -> str:
    """A folder of shards, one row each, of such bytes."""
    infos = []
    for place, content in enumerate(parts):
        row = {"id": content, "key": content, "image": {"bytes": content.encode(), "path": None}}
        name = f"part-{place:05d}-of-{len(parts):05d}-{'0' * 12}.parquet"
        rows = [row | {"synthetic": False, "format": "PNG"}]
        batch = pa.RecordBatch.from_pylist(rows, schema=SCHEMA)
        infos.append(shard.write(str(folder / "shards" / name), [batch], SCHEMA))
    shard.write_manifest(str(folder / "shards"), infos)
    return str(folder)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("name", names())
def test_the_export_of_another_run_is_never_replaced(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, out = (tmp_path / of for of in ("first", "second", "out"))
    export(name, run(first, "a", "b"), str(out))
    before = contents(out)
    with pytest.raises(UsageError, match=f"{out}: holds the export of another run, first .*second"):
        export(name, run(second, "c"), str(out))
    assert contents(out) == before and str(tmp_path).encode() not in b"".join(before.values())
    assert export(name, str(first), str(out)).repeated == 2 and contents(out) == before
    first.rename(tmp_path / "moved")  # the same shards, from elsewhere
    assert export(name, str(tmp_path / "moved"), str(out)).repeated == 2
    monkeypatch.chdir(tmp_path)
    run(tmp_path / "moved", "d")
    assert export(name, "moved", "out").repeated == 0
    (out / ".inkstone.export").unlink()  # as earlier versions left it
    with pytest.raises(UsageError, match="an earlier version"):
        export(name, str(second), str(out))


def test_a_remote_run_is_the_same_with_a_slash_behind_it(tmp_path: Path) -> None:
    origin.settle(str(tmp_path), "s3://bucket/run/", ())
    origin.settle(str(tmp_path), "s3://bucket/run", ["a.parquet"])
    with pytest.raises(UsageError, match="another run, run "):
        origin.settle(str(tmp_path), "s3://bucket/other", ["a.parquet"])


def test_the_card_lists_columns_by_type_and_breaks_by_no_name(tmp_path: Path) -> None:
    export("hf", run(tmp_path / "run", "a"), str(tmp_path / "out"))
    text = (tmp_path / "out" / "README.md").read_text()
    columns = text.partition("## Columns")[2]
    assert "| float | `luma`, ``x\\|`<i>` y`` |" in columns
    assert "| list of {text, language, origin, stage} | `caption_raw`, `caption_rec" in columns
    assert "&" not in columns and len(columns.splitlines()) < 30
    shown = MarkdownIt().enable("table").render(text.split("---\n", 2)[2])
    assert "<code>x|`&lt;i&gt;` y</code>" in shown and "<i>" not in shown
