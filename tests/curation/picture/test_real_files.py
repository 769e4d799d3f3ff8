"""Decoding every shared real file: what the manifest says of it is what happens."""

import csv

import pytest
from making.places import SHARED

from curation.picture import decoding
from curation.picture.decoding import PictureError

MUST_PASS = {
    *("photo", "photo-open", "captioned", "quality-clean", "quality-degraded", "text-rich"),
    *("code", "watermark", "edit-source", "edit-target", "edit-mask", "edit-reference"),
}
# Pictures of our formats that Pillow alone would let through, and should not: looked at by hand.
RIGHTLY_REFUSED = {
    "bad/fuzzing_corpus__5482a54657765056f1a94116a8dbffe7.jpg": "truncated",  # coloured rubble
    "bad/ljt_seeds__id_000678_src_000131_op_havoc_rep_16.gif": "corrupt",  # 68 Mpx in 425 bytes
    "bad/pillow_tests__broken_data_stream.png": "corrupt",  # random bytes behind the first chunk
}
FOREIGN = ("ICO", "PSD", "DDS", "QOI")
FOREIGN_ENDINGS = (".tga", ".cur", ".pcx", ".pgm")


def _expectation(row: dict[str, str]) -> str:
    """What the manifest says of a file: ``pass``, ``refuse`` or ``foreign`` (not our formats)."""
    kind, says, name = row["kind"], row["expected"], row["file"]
    if kind in MUST_PASS or (kind == "dup" and says != "corrupt"):
        return "pass"
    if kind in ("prompts", "taxonomy") or says == "corrupt":
        return "refuse"
    if any(f"format:{entry}" in says for entry in FOREIGN) or name.endswith(FOREIGN_ENDINGS):
        return "foreign"
    if "pil-error" in says or says.startswith(("truncated", "corrupt")):
        return "refuse"
    return "refuse" if _fuzzed_png(row) or name in RIGHTLY_REFUSED else "pass"


def _fuzzed_png(row: dict[str, str]) -> bool:
    """Chunks cut short or with wrong checksums, which Pillow forgives where it need not look."""
    return row["file"].startswith("bad/fuzzing_corpus") and "PNG" in row["notes"]


@pytest.mark.shared
@pytest.mark.filterwarnings("ignore")  # pytest takes our own filter away
@pytest.mark.skipif(not SHARED.exists(), reason="the shared real data are not on this machine")
def test_real_files_do_what_the_manifest_says() -> None:
    with (SHARED / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 1400
    wrong = []
    for row in rows:
        expected = _expectation(row)
        try:
            decoding.decode((SHARED / row["file"]).read_bytes())
            found = "pass"
        except PictureError as error:
            found = "foreign" if error.reason in ("unsupported", "not-a-picture") else "refuse"
            if expected == "refuse":
                found = "refuse"
            if row["file"] in RIGHTLY_REFUSED:
                assert error.reason == RIGHTLY_REFUSED[row["file"]]
        if found != expected:
            wrong.append(f"{row['file']}: {expected} but {found}")
    assert wrong == []
