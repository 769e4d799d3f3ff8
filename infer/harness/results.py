"""What an evaluation leaves in its folder, written down and read again.

``settings.json`` says what the folder is of, ``images/`` and ``cache/`` are gone on from,
``prompts.parquet`` has a row for each image, with small views of what was to be edited,
``result.json`` the figures: it is there only when the
set is complete.
"""

import json
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from curation import storage
from curation.failures.errors import UsageError
from curation.picture import contact_sheet
from infer.harness import sources
from infer.harness.rows import Request, Row

RESULT, ROWS, PAGE, SETTINGS = "result.json", "prompts.parquet", "report.html", "settings.json"
VIEW = 640  # pixels: the longer side of a view
_SCHEMA = pa.schema(
    [
        ("prompt_id", pa.string()),
        ("k", pa.int32()),
        ("prompt", pa.string()),
        ("group", pa.string()),
        ("texts", pa.list_(pa.string())),
        ("facts", pa.string()),  # JSON, as are the values
        ("seed", pa.int64()),
        ("missing", pa.bool_()),
        ("score", pa.float64()),
        ("read", pa.string()),
        ("values", pa.string()),
        ("inputs", pa.list_(pa.binary())),  # JPEG; empty where nothing was given
    ]
)


def settle(out: Path, settings: Mapping[str, Any]) -> None:
    """Keep what the folder is of, and take away what an earlier run published.

    Raises ``UsageError`` where it is of something else, naming what differs.
    """
    path = out / SETTINGS
    text = json.dumps(settings, ensure_ascii=False, indent=1)
    if path.is_file():
        before, now = _identified(json.loads(path.read_bytes())), _identified(json.loads(text))
        if key := next((key for key in now if before.get(key) != now[key]), None):
            raise UsageError(
                f"{out}: was begun with {key} {_shown(before.get(key))}, not {_shown(now[key])};"
                " choose another --out"
            )
    else:
        storage.write_bytes(str(path), text.encode())
    for name in (RESULT, PAGE, ROWS):
        (out / name).unlink(missing_ok=True)


def _identified(settings: dict[str, Any]) -> dict[str, Any]:
    """The same without the name of what has a hash: a checkpoint may be moved."""
    source = settings.get("source")
    if not isinstance(source, dict) or "hash" not in source:
        return settings
    return settings | {"source": {key: of for key, of in source.items() if key != "name"}}


def write_rows(out: Path, rows: Sequence[Row], requests: Sequence[Request] = ()) -> None:
    """``prompts.parquet``, with views of the images to edit of its ``requests``. Raises
    ``OSError``, and ``UsageError`` for an input that is no image.
    """
    views = {
        request.file: [_view(each) for each in sources.inputs(request)] for request in requests
    }
    listed = [
        {
            "prompt_id": row.id,
            "k": row.k,
            "prompt": row.prompt,
            "group": row.group,
            "texts": list(row.texts),
            "facts": json.dumps(row.facts, ensure_ascii=False),
            "seed": row.seed,
            "missing": row.is_missing,
            "score": row.score,
            "read": row.read,
            "values": json.dumps(row.values, ensure_ascii=False),
            "inputs": views.get(row.file, []),
        }
        for row in rows
    ]
    with storage.atomic_write(str(out / ROWS)) as stream:
        pq.write_table(pa.Table.from_pylist(listed, schema=_SCHEMA), stream)


def read_rows(out: Path) -> list[Row]:
    """What ``write_rows`` wrote. Raises ``UsageError``."""
    try:
        names = [name for name in _SCHEMA.names if name != "inputs"]
        listed = pq.read_table(out / ROWS, columns=names, schema=_SCHEMA).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise UsageError(f"{out / ROWS}: not readable ({error}); evaluate again") from error
    return [
        Row(
            each["prompt_id"],
            each["k"],
            each["prompt"],
            each["group"],
            tuple(each["texts"]),
            json.loads(each["facts"]),
            each["seed"],
            each["missing"],
            each["score"],
            each["read"],
            json.loads(each["values"]),
        )
        for each in listed
    ]


def write_result(out: Path, result: Mapping[str, Any]) -> None:
    """``result.json``, last of all. Raises ``OSError``."""
    text = json.dumps(result, ensure_ascii=False, indent=1) + "\n"
    storage.write_bytes(str(out / RESULT), text.encode("utf-8", "replace"))


def read_result(out: Path) -> dict[str, Any]:
    """The published result of a folder. Raises ``UsageError`` where there is none."""
    path = out / RESULT
    if not path.is_file():
        raise UsageError(
            f"{out}: no {RESULT}; expected the --out of an evaluation that was carried to its end"
        )
    try:
        result = json.loads(path.read_bytes())
    except ValueError as error:
        raise UsageError(f"{path}: not readable ({error})") from error
    if not isinstance(result, dict):
        raise UsageError(f"{path}: expected a JSON object")
    return result


def _view(image: Image.Image) -> bytes:
    """Small, as JPEG."""
    stream = BytesIO()
    contact_sheet.fit(image, VIEW).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 100 else text[:100] + " ..."
