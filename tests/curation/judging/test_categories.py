"""Bounds on categories and on what scales: through a run, its ledger, and all that read it."""

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from making.collection import drawing, encoded
from making.pipelines import WITHOUT_MODELS
from making.runs import carry_out, ledger_rows

from curation.configuration import loading
from curation.configuration.loading import ConfigurationError
from curation.groupings.duplicates.grouping import Duplicates
from curation.inspect import explain, gate, rejudge
from curation.judging import rules
from curation.picture.decoding import Picture
from curation.report import write_report
from curation.signals import discovery
from curation.signals.signal import Column, Signal

ALONE = ["--direct_num_workers=1", "--direct_running_mode=in_memory"]
KIND = Column(pa.string(), "warm, cold", "which of red and blue there is more of")
LINE = Column(pa.float32(), "of the short side", "height of the upper third", scales=True)


def kind(picture: Picture) -> dict[str, str | None]:
    red, _, blue = picture.small.reshape(-1, 3).mean(0)
    return {"kind": "warm" if red > blue else "cold"}


def line(picture: Picture) -> dict[str, float]:
    return {"line": picture.header.height / 1000}


OWN = (
    Signal("kind", "pixel", 1, {"kind": KIND}, kind),
    Signal("line", "pixel", 1, {"line": LINE}, line),
)
SHIPPED = [entry for entry in discovery.discover() if entry.tier != "model"]


@pytest.fixture(autouse=True)
def own_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "discover", lambda modules=(): [*SHIPPED, *OWN])


def image(seed: int, side: int, *, warm: bool) -> bytes:
    pixels = np.asarray(drawing(seed, side)).copy()
    pixels[..., 2 if warm else 0] //= 2
    from PIL import Image

    return encoded(Image.fromarray(pixels))


def run(root: Path, more: str, resolution: int = 256) -> Path:
    text = WITHOUT_MODELS.replace(
        "      s2:\n        resolution: 256", f"      s2:\n        resolution: {resolution}"
    )
    (root / "pipelines.yaml").write_text(text + more)
    carry_out([str(root / "in")], str(root / "out"), ALONE, 8)
    return root / "out"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    for seed, (side, warm) in enumerate([(300, True), (310, False), (400, True), (500, True)]):
        (tmp_path / "in" / f"{seed}.jpg").write_bytes(image(seed, side, warm=warm))
    return tmp_path


def test_a_category_that_no_row_was_looked_at_for_is_null() -> None:
    check = rules.Check(0, "kind", "in", np.nan, among=("warm",))
    seen = rules.categories(check, pa.chunked_array([pa.nulls(2)]))
    assert seen.null.all()
    assert not seen.passed.any()


def test_what_is_not_among_the_categories_is_dropped_with_its_category(root: Path) -> None:
    output = run(root, "          kind: {in: [warm, hot]}\n")
    rows = {row["key"]: row for row in ledger_rows(output)}
    assert {key: row["verdict"] for key, row in rows.items()} == {
        "0.jpg": "kept", "1.jpg": "dropped", "2.jpg": "kept", "3.jpg": "kept",
    }  # fmt: skip
    fallen = rows["1.jpg"]
    assert (fallen["rule"], fallen["value"], fallen["bound"]) == ("kind.in", None, None)
    assert fallen["reason"] == "kind is cold; expected one of warm, hot"
    (explanation,) = explain.explain(str(output), "1.jpg")
    told = explain.as_text(explanation)
    assert "dropped at stage s2 by kind.in: kind is cold" in told
    assert "failed       kind.in" in told and "in warm, hot" in told
    assert "kind not among warm, hot" in Path(write_report(str(output))).read_text()
    assert any(entry.column == "kind" for entry in gate.check(str(output)))
    looser = root / "looser.yaml"
    looser.write_text((root / "pipelines.yaml").read_text().replace("[warm, hot]", "[warm, cold]"))
    judged = rejudge.compare(str(output), str(looser))
    assert (judged.gained, judged.rules_before["s2 kind.in"]) == (1, 1)


def test_what_scales_is_ruled_in_pixels_at_the_resolution_of_the_stage(root: Path) -> None:
    """0.3 to 0.5 of a side are 384 to 640 pixels at 1280."""
    output = run(root, "          line: {min: 448}\n", resolution=1280)
    rows = {row["key"]: row for row in ledger_rows(output)}
    assert rows["0.jpg"]["rule"] == "line.min"
    assert rows["0.jpg"]["value"] == pytest.approx(384) and rows["0.jpg"]["bound"] == 448
    assert {key for key, row in rows.items() if row["verdict"] == "kept"} == {"2.jpg", "3.jpg"}
    (explanation,) = explain.explain(str(output), "0.jpg")
    (check,) = [check for check in explanation.checks if check.rule == "line.min"]
    assert (check.value, check.bound) == (pytest.approx(384), pytest.approx(448))
    told = explain.as_text(explanation)
    assert "by line.min: 384 is below 448 px at 1280" in told
    assert re.search(r"failed +line.min +384 >= 448 px at 1280\n", told)
    assert re.search(r"\n    line +0.3 +of the short side", told)
    assert gate.check(str(output))
    page = Path(write_report(str(output))).read_text()
    assert "line below 448 px at 1280" in page and "line ≥ 448 px at 1280" in page
    assert "s2: min 448 px at 1280" in page


def test_a_category_that_a_column_never_holds_is_refused(root: Path) -> None:
    with pytest.raises(ConfigurationError, match=r":\d+: .*format is never 'JPG': .*'JPEG'"):
        run(root, "          format: {in: [JPG]}\n")


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ("line: {min: 10}", "line: {min: 52}", None),  # 10 px at 256 are 51.9 at 1328
        ("line: {min: 10}", "line: {min: 50}", "looser than 51.875 at 1328 px"),
        ("clarity: {min: 0.4}", "clarity: {min: 0.3}", "looser than 0.4"),
        ("kind: {in: [warm]}", "kind: {in: [warm, cold]}", "in 'cold' is looser"),
        ("kind: {in: [warm, cold]}", "kind: {in: [warm]}", None),
        ("kind: {in: [warm], min: 1}", "kind: {in: [warm]}", "either 'in', or"),
        ("kind: {min: 1}", "kind: {in: [warm]}", "expected a column of numbers"),
        ("clarity: {in: [1]}", "kind: {in: [warm]}", "expected categories"),
        ("knid: {in: [a]}", "kind: {in: [warm]}", "unknown column 'knid'"),
    ],
)
def test_later_stages_only_tighten_at_the_same_scale(
    first: str, second: str, told: str | None, tmp_path: Path
) -> None:
    text = WITHOUT_MODELS.replace("          short_side: {min: 256}", f"          {first}")
    text = text.replace("      s2:\n        resolution: 256", "      s2:\n        resolution: 1328")
    text = text.replace("          clarity: {min: 0.3}", f"          {second}")
    (tmp_path / "pipelines.yaml").write_text(text)

    def load() -> None:
        pipeline = loading.load(str(tmp_path / "pipelines.yaml"))
        known = {name: of.type for entry in OWN for name, of in entry.columns.items()}
        known |= {n: of.type for entry in SHIPPED for n, of in entry.columns.items()}
        known |= {name: of.type for name, of in Duplicates(4, ()).columns.items()}
        loading.check_columns(pipeline, known)

    if told is None:
        load()
    else:
        with pytest.raises(ConfigurationError, match=told):
            load()
