"""Columns are added, and nothing is measured twice: files are told by their inodes and times."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from making.collection import drawing, encoded, make_folder
from making.commands import invoke
from making.in_process import ask_here
from making.pipelines import WITHOUT_MODELS
from making.runs import carry_out, digests, ledger_rows

from curation.command import app
from curation.configuration import loading
from curation.configuration.loading import ConfigurationError
from curation.failures.errors import UsageError
from curation.graphs import judging
from curation.inspect import explain, rejudge
from curation.measuring import choosing, measure
from curation.output import finished
from curation.output.measured import LOOKED, Measured
from curation.picture.decoding import Picture
from curation.signals import discovery
from curation.signals.row import Row
from curation.signals.signal import Column, Settings, Signal

ALONE = ["--direct_num_workers=1", "--direct_running_mode=in_memory"]
FLOAT = {"type": pa.float32(), "unit": "1", "meaning": "of a test"}


class Times(Settings):
    """What a test's model multiplies by."""

    factor: int = 1


def model(name: str, value: Callable[[Row], float], **more: Any) -> Signal:
    def load(settings: Times) -> Callable[[Sequence[Row]], list[dict[str, float]]]:
        return lambda rows: [{name: settings.factor * value(row)} for row in rows]

    return Signal(name, "model", 1, {name: Column(**FLOAT)}, load, settings=Times, **more)


def width(row: Row) -> float:
    return float(row.header.width)


def brightest(picture: Picture) -> dict[str, float]:
    return {"brightest": float(picture.grey.max())}


score, other = model("score", width), model("other", width)
pixel = Signal("brightest", "pixel", 1, {"brightest": Column(**FLOAT)}, brightest)


class Run:
    """A run of a folder ``in``, again and again, with other signals and rules."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.root, self.output, self._patch = root, root / "out", patch

    def __call__(self, signals: Sequence[Signal] = (), rules: str = "", top: str = "") -> None:
        shipped = [entry for entry in SHIPPED if entry.tier != "model"]
        everything = [*shipped, *signals]
        self._patch.setattr(discovery, "discover", lambda modules=(): everything)
        text = WITHOUT_MODELS + "".join(f"          {rule}\n" for rule in rules.split("; ") if rule)
        text = text.replace("    signals: []\n", top + "    signals: []\n")
        (self.root / "pipelines.yaml").write_text(text)
        carry_out([str(self.root / "in")], str(self.output), ALONE, 8)

    @property
    def measured(self) -> Measured:
        return Measured.of_run(str(self.output), finished.read_run(str(self.output)))

    def files(self) -> dict[str, tuple[int, int]]:
        """Inode and time of every column file."""
        paths = sorted((self.output / "signals").rglob("*.parquet"))
        told = {str(path.relative_to(self.output)): path.stat() for path in paths}
        return {name: (of.st_ino, of.st_mtime_ns) for name, of in told.items()}

    def looked(self, name: str) -> set[str]:
        """The keys of the rows that a model looked at."""
        tables = [
            self.measured.read(unit, ["key", LOOKED + name]) for unit in self.measured.units()
        ]
        rows = pa.concat_tables(tables).to_pylist()
        return {row["key"] for row in rows if row[LOOKED + name]}

    def shard(self) -> pa.Table:
        """The rows of the only shard."""
        (path,) = (self.output / "shards").glob("*.parquet")
        return pq.read_table(path)

    def verdicts(self) -> dict[str, tuple[str, str | None]]:
        return {row["key"]: (row["verdict"], row["rule"]) for row in ledger_rows(self.output)}


SHIPPED = discovery.discover()


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    ask_here(monkeypatch)
    return Run(tmp_path, monkeypatch)


def contrast(columns: Mapping[str, float]) -> dict[str, float]:
    return {"contrast": columns["brightest"] - columns["luma"]}


CONTRAST: dict[str, Any] = {"columns": {"contrast": Column(**FLOAT)}, "function": contrast}


def test_a_derived_column_is_made_of_others_and_explained_by_them(run: Run) -> None:
    make_folder(run.root / "in", 6)
    derived = Signal("contrast", "derived", 1, **CONTRAST, reads=("brightest", "luma"))
    run([pixel, derived], "contrast: {max: 0}")
    dropped = [key for key, (_, rule) in run.verdicts().items() if rule == "contrast.max"]
    (explanation,) = explain.explain(str(run.output), dropped[0])
    values = explanation.signals
    assert values["contrast"] == pytest.approx(values["brightest"] - values["luma"])
    (failed,) = [check for check in explanation.checks if check.outcome == "failed"]
    assert failed.evidence == ("brightest", "luma")
    told = f"because of brightest {values['brightest']:.6g}, luma {values['luma']:.6g}"
    assert told in explain.as_text(explanation)


def test_a_derived_column_is_made_of_cheap_ones_only(run: Run) -> None:
    make_folder(run.root / "in", 1)
    derived = Signal("contrast", "derived", 1, **CONTRAST, reads=("score",))
    with pytest.raises(ConfigurationError, match=r"'contrast' is derived: .* 'score'"):
        run([score, derived])


def test_another_signal_touches_no_column_but_its_own(run: Run) -> None:
    make_folder(run.root / "in", 12)
    run([score], "score: {min: 1}")
    before = run.files()
    run([score, other], "score: {min: 1}; other: {min: 1}")
    with_model = run.files()
    assert {name: with_model[name] for name in before} == before
    assert {name.split("/")[1].split("-")[0] for name in with_model.keys() - before} == {"other"}
    run([score, other, pixel], "score: {min: 1}; other: {min: 1}; brightest: {min: 1}")
    with_pixel = run.files()
    models = {name for name in with_model if not name.startswith("signals/base")}
    assert {name: with_pixel[name] for name in models} == {n: with_model[n] for n in models}
    fresh = with_pixel.keys() - with_model.keys()
    assert (
        len(fresh) == len(run.measured.units()) and not before.keys() & with_pixel.keys() - models
    )


def test_a_model_sees_what_nothing_cheaper_stops(run: Run) -> None:
    expected = make_folder(run.root / "in", 12)
    run([score], "score: {min: 1}")
    kept = {key for key, (verdict, _) in run.verdicts().items() if verdict == "kept"}
    assert kept and {key for key, verdict in expected.items() if verdict == "kept"} == kept
    assert run.looked("score") == kept


@pytest.mark.parametrize("limit", [10**6, 3])
def test_a_copy_takes_the_place_of_one_that_a_model_stops(
    run: Run, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The larger represents the smaller until a model has seen what is wrong with it."""
    monkeypatch.setattr(judging, "ROWS_PER_PARTITION", limit)
    (run.root / "in").mkdir()
    for seed in range(6):
        image = drawing(seed, 400)
        (run.root / "in" / f"{seed}-small.jpg").write_bytes(encoded(image.resize((300, 300))))
        (run.root / "in" / f"{seed}.jpg").write_bytes(encoded(image))
    run([score], "score: {max: 350}")
    verdicts = run.verdicts()
    assert [verdicts[f"{seed}.jpg"][0] for seed in range(6)] == ["dropped"] * 6
    assert [verdicts[f"{seed}-small.jpg"][0] for seed in range(6)] == ["kept"] * 6
    assert run.looked("score") == verdicts.keys()
    run([score], "score: {max: 500}")
    verdicts = run.verdicts()
    assert [verdicts[f"{seed}.jpg"][0] for seed in range(6)] == ["kept"] * 6
    assert {verdicts[f"{seed}-small.jpg"][1] for seed in range(6)} == {"near_better.max"}


def test_the_verdicts_do_not_hang_on_what_was_measured_before(run: Run, tmp_path: Path) -> None:
    make_folder(run.root / "in", 12)
    run([score], "score: {max: 1}")  # all that reaches it falls, and their copies are seen, too
    run([score], "score: {max: 5000}")
    again = digests(run.output, ("ledger", "shards"))
    run.output = tmp_path / "fresh"
    run([score], "score: {max: 5000}")
    assert digests(run.output, ("ledger", "shards")) == again


def test_a_finished_run_of_other_signals_is_not_finished(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_folder(run.root / "in", 2)
    run([score], "score: {min: 1}")
    before = run.measured.folders
    monkeypatch.setattr(measure, "VERSION", measure.VERSION + 1)
    run([score], "score: {min: 1}")
    assert run.measured.base != before[0] and run.measured.folders[1:] == before[1:]
    assert rejudge.compare(str(run.output), str(run.root / "pipelines.yaml")).gained == 0


def test_settings_name_other_files_and_change_values(run: Run) -> None:
    make_folder(run.root / "in", 2)
    run([score], "score: {min: 1}")
    before = run.measured.models["score"].folder
    run([score], "score: {min: 1}", "    settings: {score: {factor: 2}}\n")
    assert run.measured.models["score"].folder != before
    values = run.measured.read(run.measured.units()[0], ["score"]).column("score").to_pylist()
    assert 2 * 288.0 in values
    assert not list((run.output / "signals" / before).glob("*.parquet"))  # superseded


@pytest.mark.parametrize(
    ("top", "told"),
    [
        ("    settings: {scroe: {factor: 2}}\n", "unknown signal or grouping 'scroe': .*'score'"),
        ("    settings: {score: {fctor: 2}}\n", "no such setting: .*'factor'"),
        ("    settings: {score: {factor: two}}\n", "'factor': expected a whole number"),
        ("    settings: {phash: {bits: 2}}\n", "phash has no settings"),
        ("    without: [phash]\n", "'phash' cannot be left out"),
        ("    without: [scroe]\n", "unknown signal 'scroe'"),
    ],
)
def test_mistakes_in_settings_are_told_at_their_line(run: Run, top: str, told: str) -> None:
    make_folder(run.root / "in", 1)
    with pytest.raises(ConfigurationError, match=rf"pipelines\.yaml:\d+: .*{told}"):
        run([score], "", top)
    assert not run.output.exists()


def test_a_signal_is_left_out_with_its_rules_and_the_run_says_so(run: Run) -> None:
    make_folder(run.root / "in", 2)
    run([score, other], "score: {max: 1}; other: {min: 1}", "    without: [score]\n")
    assert {verdict for verdict, rule in run.verdicts().values() if rule == "score.max"} == set()
    assert "kept" in {verdict for verdict, _ in run.verdicts().values()}
    told = finished.read_run(str(run.output))
    assert told["configuration"]["without"] == ["score"]
    assert told["counts"]["notes"] == ["without score: no rule on what it measures"]
    assert "score" not in run.measured.models


def test_the_command_leaves_out_what_it_is_told_to(tmp_path: Path) -> None:
    make_folder(tmp_path / "in", 2)
    config = tmp_path / "pipelines.yaml"
    config.write_text(WITHOUT_MODELS + "          nsfw_open: {max: 0.5}\n")
    words = ["run", "-i", str(tmp_path / "in"), "-o", str(tmp_path / "out")]
    done = invoke(
        app, [*words, "--config", str(config), "--without", "nsfw_open", "--workers", "1"]
    )
    assert done.exit_code == 0, done.stderr
    assert "note: without nsfw_open" in done.stdout
    assert not list((tmp_path / "out" / "signals").glob("nsfw_open-*"))
    with pytest.raises(UsageError, match="--without nsfw_open judges by all other rules"):
        rejudge.compare(str(tmp_path / "out"), str(config))
    assert rejudge.compare(str(tmp_path / "out"), str(config), ["nsfw_open"]).unmeasured == 0
    wrong = invoke(app, [*words, "--config", str(config), "--without", "nsfw_opn"])
    assert wrong.exit_code == 2 and "'nsfw_open'" in wrong.stderr


def test_a_cheap_signal_is_left_out_of_what_is_stored(run: Run) -> None:
    make_folder(run.root / "in", 4)
    run(rules="texture: {max: 0}")
    before = run.files()
    assert "kept" not in {verdict for verdict, _ in run.verdicts().values()}
    judged = rejudge.compare(str(run.output), str(run.root / "pipelines.yaml"), ["texture"])
    assert judged.rules_before["s2 texture.max"] == judged.gained == judged.after["kept"] > 0
    run(rules="texture: {max: 0}", top="    without: [texture]\n")
    assert run.files() == before
    assert "texture" not in run.shard().column_names


def test_rows_that_a_looser_bound_would_need_measured_are_counted(run: Run) -> None:
    (run.root / "in").mkdir()
    for seed, side in enumerate((260, 270, 300, 310, 320)):
        (run.root / "in" / f"{seed}.jpg").write_bytes(encoded(drawing(seed, side)))
    run([score], "score: {min: 290}; pixels: {min: 85000}")
    assert run.looked("score") == {"2.jpg", "3.jpg", "4.jpg"}
    config = run.root / "looser.yaml"
    text = (run.root / "pipelines.yaml").read_text().replace("{min: 85000}", "{min: 1}")
    config.write_text(text)
    judged = rejudge.compare(str(run.output), str(config))
    assert judged.unmeasured == 2
    assert "2 rows need measuring" in judged.as_text()


def test_an_embedding_is_measured_and_written_for_kept_rows_on_request(run: Run) -> None:
    make_folder(run.root / "in", 12)
    column = Column(pa.list_(pa.float32(), 2), "1", "of a test", in_shards=False)
    embed = Signal(
        "embed",
        "model",
        1,
        {"vector": column},
        lambda: lambda rows: [{"vector": [width(row), 0.5]} for row in rows],
    )
    run([embed])
    assert "vector" not in run.shard().column_names and run.looked("embed") == set()
    before = run.files()
    run([embed], "", "    measure: [vector]\n")
    kept = {key for key, (verdict, _) in run.verdicts().items() if verdict == "kept"}
    assert run.looked("embed") == kept
    assert run.shard().column("vector").to_pylist() == [[288.0, 0.5]] * len(kept)
    assert {name: run.files()[name] for name in before} == before
    datasets = pytest.importorskip("datasets")
    files = [str(path) for path in (run.output / "shards").glob("*.parquet")]
    rows = datasets.Dataset.from_parquet(files, cache_dir=str(run.root / "cache"))
    assert rows[0]["vector"] == [288.0, 0.5]
    with pytest.raises(ConfigurationError, match=r"unknown column 'vectr': .*'vector'"):
        run([embed], "", "    measure: [vectr]\n")


def test_the_shipped_pipeline_asks_for_its_models_in_order() -> None:
    signals = choosing.chosen(loading.load(None))
    placed = signals.models
    stages = [{name for name, (at, _) in placed.items() if at == stage} for stage in range(5)]
    of_text = {"embedding", "classes", "alignment", "pair_similarity"}
    assert stages[:4] == [{"nsfw_open"}, set(), of_text, {"text", "raw_quotes"}]
    assert {"codes", "watermarks", "borders"} <= stages[4]
    assert placed["alignment"] > max(placed["embedding"], placed["classes"])  # which it reads


def test_what_a_model_reads_of_another_is_measured_although_no_rule_names_it(run: Run) -> None:
    make_folder(run.root / "in", 6)
    twice = model("twice", lambda row: 2 * row.columns["score"], reads=("score",))
    last = model("last", lambda row: row.columns["twice"] + 1, reads=("twice",))
    run([score, twice, last], "last: {min: 1}")
    assert run.looked("score") == run.looked("twice") == run.looked("last") != set()
    assert "unmeasurable" not in {row["reason"] for row in ledger_rows(run.output)}
    kept = run.shard()
    assert kept.column("last").to_pylist() == [2 * of + 1 for of in kept["score"].to_pylist()]
    run([score, twice, last], "", "    measure: [last]\n")
    kept_keys = {key for key, (verdict, _) in run.verdicts().items() if verdict == "kept"}
    assert run.looked("last") >= kept_keys
