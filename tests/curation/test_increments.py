"""A collection that grows: what was measured of an image is taken over, and changes no byte."""

import io
import shutil
import tarfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from making.collection import drawing, encoded
from making.in_process import ask_here
from making.pipelines import DUPLICATES, WITHOUT_MODELS, pipeline_text
from making.runs import carry_out, digests, ledger_rows

from curation.output import finished
from curation.report import summary
from curation.signals import discovery
from curation.signals.row import Row
from curation.signals.signal import CAPTIONS, Column, Signal
from curation.sources.sample import SourceError

ALONE = ["--direct_num_workers=1", "--direct_running_mode=in_memory"]
CHEAP = [entry for entry in discovery.discover() if entry.tier != "model"]
PICTURES = [encoded(drawing(seed)) for seed in range(10)]


ASKED: dict[str, list[str]] = {"girth": [], "letters": []}  # ids of images, by model


def model(name: str, value: Callable[[Row], float], **more: Any) -> Signal:
    """A model that notes of which images it was asked."""

    def measure(rows: Sequence[Row]) -> list[Mapping[str, float]]:
        ASKED[name].extend(row.id for row in rows)
        return [{name: value(row)} for row in rows]

    columns = {name: Column(pa.float32(), "1", "of a test")}
    return Signal(name, "model", 1, columns, lambda: measure, **more)


girth = model("girth", lambda row: float(row.header.width))
letters = model(
    "letters",
    lambda row: float(len("".join(row.captions["caption_raw"]))) + row.columns["girth"],
    reads=(CAPTIONS, "girth"),
)


class Runs:
    """Runs over the folder ``in``; models ``girth`` and ``letters`` note what they are asked."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.root, self.source = root, root / "in"
        self.source.mkdir()
        patch.setattr(discovery, "discover", lambda modules=(): [*CHEAP, girth, letters])
        ask_here(patch)
        self.rules("")

    def rules(self, more: str) -> None:
        """Bounds of the pipeline, beside duplicates and those of the models."""
        bounds = "          girth: {min: 1}\n          letters: {min: 0}\n"
        text = WITHOUT_MODELS.replace("      s2:", f"{bounds}      s2:", 1) + more
        (self.root / "pipelines.yaml").write_text(text)

    def put(self, name: str, picture: int, said: str = "") -> None:
        """An image, and a caption beside it."""
        path = self.source / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(PICTURES[picture])
        if said:
            path.with_suffix(".txt").write_text(said)

    def pack(self, name: str, files: Mapping[str, bytes]) -> None:
        """A tar of these files."""
        with tarfile.open(self.source / name, "w") as tar:
            for member, data in files.items():
                entry = tarfile.TarInfo(member)
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))

    def __call__(self, output: str = "out", **more: Any) -> dict[str, int]:
        """Run; of how many images each model was asked."""
        for asked in ASKED.values():
            asked.clear()
        more = {"unit_rows": 8} | more
        carry_out([str(self.source)], str(self.root / output), ALONE, **more)
        return {name: len(asked) for name, asked in ASKED.items()}

    def measured(self, output: str = "out") -> dict[str, dict[str, int]]:
        """What ``run.json`` says was asked and taken over."""
        said: dict[str, dict[str, int]] = finished.read_run(str(self.root / output))["measured"]
        return said

    def is_as_fresh(self, output: str = "out") -> bool:
        """Whether shards and ledger are, byte for byte, those of a run into a new output."""
        self("fresh")
        folders = ("shards", "ledger")
        same = digests(self.root / output, folders) == digests(self.root / "fresh", folders)
        shutil.rmtree(self.root / "fresh")
        return same


def stamps(folder: Path) -> dict[Path, tuple[int, int]]:
    """Size and time of all that lies in a folder."""
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*")}


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    return Runs(tmp_path, monkeypatch)


def test_what_is_there_is_not_measured_again_when_files_come_go_change_and_move(runs: Runs) -> None:
    for number in range(6):
        runs.put(f"{number}.jpg", number, f"picture {number}")
    assert runs() == {"girth": 6, "letters": 6}
    runs.put("0a.jpg", 6)  # among them
    (runs.source / "5.jpg").unlink()
    assert runs() == {"girth": 1, "letters": 1}
    assert runs.measured() == {
        "base": {"asked": 1, "taken": 5},
        "girth": {"asked": 1, "taken": 5},
        "letters": {"asked": 1, "taken": 5},
    }
    assert runs.is_as_fresh()
    for number in range(5):  # into another folder; one caption and one image are others
        (runs.source / "deep").mkdir(exist_ok=True)
        for kind in ("jpg", "txt"):
            (runs.source / f"{number}.{kind}").rename(runs.source / f"deep/{number}.{kind}")
    runs.put("deep/0.jpg", 0, "another text")
    runs.put("deep/1.jpg", 7)
    assert runs() == {"girth": 1, "letters": 2}
    assert runs(unit_rows=2) == {"girth": 0, "letters": 0}
    assert not [*runs.root.glob("out/earlier/*/*"), *runs.root.glob("out/reusable.json")]


def test_another_output_is_read_and_nothing_else_of_it_touched(runs: Runs) -> None:
    for number in range(3):
        runs.put(f"{number}.jpg", number, f"picture {number}")
    runs()
    there = stamps(runs.root / "out")
    assert runs("alone") == {"girth": 3, "letters": 3}  # two outputs know nothing of one another
    runs.put("3.jpg", 3)
    assert runs("second", reuse=(str(runs.root / "out"),)) == {"girth": 1, "letters": 1}
    assert stamps(runs.root / "out") == there
    assert runs("third", reuse=(str(runs.root / "second"),)) == {"girth": 0, "letters": 0}
    every = digests(runs.root / "second")
    assert digests(runs.root / "third") == every
    assert runs("fresh") == {"girth": 4, "letters": 4}
    assert digests(runs.root / "fresh") == every
    for path in (runs.root / "second" / "signals").rglob("girth-*/*"):
        path.write_bytes(path.read_bytes()[:-9])  # damaged: as if it were not there
    assert runs("fourth", reuse=(str(runs.root / "second"),)) == {"girth": 4, "letters": 0}
    assert digests(runs.root / "fourth") == every


def test_what_is_no_other_output_is_refused(runs: Runs) -> None:
    runs.put("0.jpg", 0)
    with pytest.raises(SourceError, match="not the output of a run"):
        runs(reuse=(str(runs.source),))
    with pytest.raises(SourceError, match="own output"):
        runs()
        runs(reuse=(str(runs.root / "out"),), verify=True)


def test_what_a_model_saw_of_rows_that_do_not_reach_it_now_is_in_no_shard(runs: Runs) -> None:
    """Yesterday they had no duplicate of higher rank."""
    stages = {"s1": {"short_side": {"min": 1}}, "s2": DUPLICATES, "s3": {"girth": {"min": 1}}}
    (runs.root / "pipelines.yaml").write_text(pipeline_text(stages, keep="s1"))
    for number in range(3):
        runs.put(f"{number}.jpg", number)
    assert runs()["girth"] == 3
    runs.pack("a.tar", {"larger.jpg": encoded(drawing(0), quality=99)})  # a unit of its own
    assert runs()["girth"] == 1
    assert runs.is_as_fresh()


def test_verdicts_change_by_duplicates_and_quotas_alone_and_the_run_says_how(runs: Runs) -> None:
    stages = {"s1": DUPLICATES, "s2": {"luma": {"min": 0.3}}}
    quota = ["quotas:", "  few: {by: format, count: 3, since: s2}"]
    (runs.root / "pipelines.yaml").write_text(pipeline_text(stages, top=quota))
    for number in range(6):
        runs.put(f"{number}.jpg", number)
    runs()
    before = {row["id"]: row for row in ledger_rows(runs.root / "out")}
    assert finished.read_run(str(runs.root / "out"))["since_last_run"] is None
    kept = next(row["key"] for row in before.values() if row["verdict"] == "kept")
    (runs.source / "a.jpg").write_bytes(encoded(drawing(int(kept[0])), quality=99))
    for number in (6, 7, 8):
        runs.put(f"{number}.jpg", number)
    runs()
    after = {row["id"]: row for row in ledger_rows(runs.root / "out")}
    changed = [name for name in before if after[name]["verdict"] != before[name]["verdict"]]
    assert changed
    for name in changed:
        rules = before[name]["rule"], after[name]["rule"]
        assert {"few.max", "near_better.max"}.intersection(rules)
    said = finished.read_run(str(runs.root / "out"))["since_last_run"]
    is_kept = {name for name in before if before[name]["verdict"] == "kept"}
    stay = {name for name in after if after[name]["verdict"] == "kept"}
    assert said["dropped"]["near_better.max"] == 1 and said["gone"] == 0
    assert said["kept"] == len(is_kept) and said["still"] == len(is_kept & stay)
    assert said["still"] + sum(said["dropped"].values()) == said["kept"]
    assert said["now_kept"] == len((before.keys() - is_kept) & stay)
    assert said["new"] == 4 and said["new_kept"] == len(stay - before.keys())


def test_an_image_with_several_captions_is_looked_at_once_by_what_reads_none(runs: Runs) -> None:
    runs.rules("")
    text = (runs.root / "pipelines.yaml").read_text().replace("exact_better", "pair_better")
    (runs.root / "pipelines.yaml").write_text(text)
    for number in range(3):
        runs.put(f"{number}.jpg", 0, f"picture {number}")
    assert runs() == {"girth": 1, "letters": 3}


def test_images_that_change_places_between_tars_are_known(runs: Runs) -> None:
    def put(*tars: Sequence[int]) -> None:
        for name, numbers in zip("ab", tars, strict=True):
            runs.pack(f"{name}.tar", {f"{number}.jpg": PICTURES[number] for number in numbers})

    put([0, 1], [2, 3])
    assert runs() == {"girth": 4, "letters": 4}
    put([2, 3, 4], [0, 1])
    assert runs() == {"girth": 1, "letters": 1}
    assert runs.is_as_fresh()


def test_what_was_taken_over_and_what_changed_is_said_in_a_line() -> None:
    measured = {"base": {"asked": 100, "taken": 1000}, "girth": {"asked": 9, "taken": 0}}
    assert summary.taken_over(measured) == "measured before and taken over: base 1000 of 1100"
    assert summary.taken_over({"girth": measured["girth"]}) == summary.since_last_run(None) == ""
    changes = {"kept": 9, "still": 7, "dropped": {"few.max": 1}, "gone": 1, "others": 4}
    said = summary.since_last_run(changes | {"now_kept": 2, "new": 5, "new_kept": 3})
    assert said == (
        "of 9 images that the last run kept, 7 are kept still, 1 dropped (few.max), 1 gone from the"
        " input; of 4 others 2 are kept now; of 5 new ones 3"
    )
