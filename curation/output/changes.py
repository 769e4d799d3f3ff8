"""What became of the images of the last finished run: how many are kept still, which rules fell.

``remember`` writes down of each image, by the first 64 bits of its id, whether it was kept.
"""

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation import storage
from curation.output import column_files
from curation.output.layout import Layout

_DIGITS = 16
_UNREADABLE = "unreadable"  # in place of a rule


def remember(layout: Layout) -> None:
    """Write down what the last finished run kept, before its ledger goes. Raises ``OSError``.

    Nothing is known where that ledger is damaged.
    """
    try:
        column_files.write(layout.before, _images(layout).select(["token", "kept"]))
    except column_files.ColumnFileError:
        storage.delete([layout.before])


def since(layout: Layout) -> dict[str, Any] | None:
    """What changed since then, in images; None where no run finished here before.

    Of those that were ``kept``: how many are ``still``, by which rules others are ``dropped``, how
    many are ``gone`` from the input. Of the ``others`` how many are ``now_kept``; how many images
    are ``new``, and ``new_kept`` of these.
    """
    if not storage.exists(layout.before):
        return None
    before, now = column_files.read(layout.before), _images(layout)
    earlier, kept = (np.asarray(before.column(name)) for name in ("token", "kept"))
    tokens, kept_now = (np.asarray(now.column(name)) for name in ("token", "kept"))
    was_kept, was_there = np.isin(tokens, earlier[kept]), np.isin(tokens, earlier)
    dropped = now.column("rule").filter(pa.array(was_kept & ~kept_now)).to_pylist()
    return {
        "kept": int(kept.sum()),
        "still": int((was_kept & kept_now).sum()),
        "dropped": dict(sorted(Counter(dropped).items())),
        "gone": int((~np.isin(earlier[kept], tokens)).sum()),
        "others": int((~kept).sum()),
        "now_kept": int((was_there & ~was_kept & kept_now).sum()),
        "new": int((~was_there).sum()),
        "new_kept": int((~was_there & kept_now).sum()),
    }


def _images(layout: Layout) -> pa.Table:
    """The images of the ledger, by ``token`` ascending: whether ``kept``, else by which ``rule``
    its row of least name fell.
    """
    tables = [_rows(layout, unit) for unit in layout.units("ledger")]
    rows = pa.concat_tables(tables) if tables else _SCHEMA.empty_table()
    order = [("token", "ascending"), ("kept", "descending"), ("rule", "ascending")]
    rows = rows.sort_by(order)
    tokens = np.asarray(rows.column("token"))
    return rows.filter(pa.array(np.diff(tokens, prepend=tokens[:1] + np.uint64(1)) != 0))


_SCHEMA = pa.schema({"token": pa.uint64(), "kept": pa.bool_(), "rule": pa.string()})


def _rows(layout: Layout, unit: str) -> pa.Table:
    """The rows of a unit's ledger that have an id."""
    ledger = column_files.read(layout.ledger(unit), ("id", "verdict", "rule"))
    ledger = ledger.filter(pc.is_valid(ledger.column("id")))
    tokens = [int(name[:_DIGITS], 16) for name in ledger.column("id").to_pylist()]
    kept = pc.equal(ledger.column("verdict"), "kept")
    rule = pc.fill_null(ledger.column("rule"), _UNREADABLE)
    return pa.table([pa.array(tokens, pa.uint64()), kept, rule], schema=_SCHEMA)
