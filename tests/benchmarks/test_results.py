"""``docs/results.md``: what its records give, by commands that exist."""

import ast
import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
from making.places import ROOT

from benchmarks.results import features, page, records, running
from benchmarks.results.chapters import CHAPTERS, SECTIONS
from benchmarks.results.records import Machine, Record
from benchmarks.results.section import Column, Section, Table, number, share, text
from curation.failures.errors import UsageError

OURS = ("benchmarks", "captioning", "curation", "examples", "infer", "synthesis", "train")
RECORDS = records.read()
COMMANDS = {
    command
    for made in (*map(running.commands, SECTIONS.values()), *(r.commands for r in RECORDS.values()))
    for command in made
}


def test_the_page_is_what_the_records_give() -> None:
    shown = (ROOT / "docs" / "results.md").read_text("utf-8")
    assert shown == page.render(RECORDS), "`python -m benchmarks.results` writes it anew"


def test_every_record_is_of_a_section_and_of_committed_code() -> None:
    assert set(RECORDS) <= set(SECTIONS)
    assert not [name for name, record in RECORDS.items() if record.commit.endswith("+")]
    assert all(record.name == name for name, record in RECORDS.items())


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_a_command_names_a_module_and_options_that_exist(command: str) -> None:
    assert unknown(command) == []


def test_what_does_not_exist_is_seen() -> None:
    assert unknown("python -m benchmarks.nothing --out a") == ["benchmarks.nothing"]
    assert unknown("python -m benchmarks.filters a --onto b --json c") == ["--onto"]
    assert unknown("python -m benchmarks.peers.curation --turnings 5 --count 3") == ["--turnings"]


def unknown(command: str) -> list[str]:
    """The module, or the options, that are nowhere in the source."""
    words = shlex.split(command)
    assert words[:2] == ["python", "-m"], f"{command}: expected python -m MODULE"
    path = source(words[2])
    if path is None:
        return [words[2]]
    known = {name for file in (path, *imported(path)) for name in options(file)}
    return [word for word in words if word.startswith("--") and word not in known]


def source(module: str) -> Path | None:
    """The file that ``python -m`` carries out."""
    try:
        spec = find_spec(module)
    except ModuleNotFoundError:
        return None
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin)
    return path.with_name("__main__.py") if path.name == "__init__.py" else path


def imported(path: Path) -> Iterator[Path]:
    """Files of ours that a file imports names from."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in OURS:
            base = ROOT.joinpath(*str(node.module).split("."))
            places = [base.with_suffix(".py"), *(base / f"{name.name}.py" for name in node.names)]
            yield from (place for place in places if place.is_file())


def options(path: Path) -> Iterator[str]:
    """Texts that begin as options do, and parameters, which typer makes options of."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and str(node.value).startswith("--"):
            yield str(node.value).split("/")[0].split(" ")[0]
        if isinstance(node, ast.arg):
            yield "--" + node.arg.replace("_", "-")


def figures(out: Path) -> dict[str, list[dict[str, object]]]:
    return {"rows": [json.loads((out / "rows.json").read_text())]}


MADE = Section(
    name="made",
    title="A title",
    commands=(
        """python -c "import pathlib; pathlib.Path('{out}/rows.json')"""
        """.write_text('{{\\"a\\": 3, \\"of\\": 4}}')" """,
    ),
    take=figures,
    tables=(Table("rows", (Column("a|b", share("a", "of")), Column("of", number("of", ".1f")))),),
    reads="How to read it.",
    silent="All else.",
    gist=lambda tables: "",
    packages=("numpy",),
)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(running, "ROOT", tmp_path)
    monkeypatch.setattr(running, "_commit", lambda: "abcdef12")
    return tmp_path


def test_a_run_makes_a_record_that_is_read_again_and_shown(elsewhere: Path) -> None:
    record = running.run(MADE, "data")
    records.write(record, elsewhere)
    [again] = records.read(elsewhere).values()
    assert again == replace(record, commands=list(record.commands))
    assert again.tables == {"rows": [{"a": 3, "of": 4}]} and again.commit == "abcdef12"
    shown = page._table(MADE.tables[0], again)
    assert "| a\\|b | of |" in shown and "| 75.0 % (30.1 to 95.4) of 4 | 4.0 |" in shown


@pytest.mark.parametrize(("code", "judges"), [(1, False), (2, True)])
def test_a_command_that_fails_leaves_no_record(elsewhere: Path, code: int, judges: bool) -> None:
    failing = replace(MADE, commands=(f'python -c "exit({code})"',), judges=judges)
    with pytest.raises(UsageError, match=f"ended with {code}"):
        running.run(failing, "data")


def test_a_section_without_a_record_says_so_and_how_to_run_it() -> None:
    shown = page.render({})
    assert shown.count("**Not run.**") == len(SECTIONS)
    for name, section in SECTIONS.items():
        assert f"--run {name}`" in shown
        assert all(command in shown for command in running.commands(section))


def test_links_of_the_contents_lead_to_headings() -> None:
    shown = page.render({"packing": record()})
    headings = [page.anchor(line.lstrip("# ")) for line in shown.splitlines() if line[:1] == "#"]
    links = [part.split(")")[0] for part in shown.split("](#")[1:]]
    assert len(links) > len(CHAPTERS) and set(links) <= set(headings)
    assert len(set(headings)) == len(headings), "a second heading of a name has another link"


@pytest.mark.parametrize("of", features.comparisons(), ids=lambda of: of.title)
def test_answers_about_peers_are_of_pages_that_are_named(of: features.Comparison) -> None:
    seen = set()
    for row in of.features:
        assert features.OURS in row.answers and set(row.answers) <= {features.OURS, *of.peers}
        for key, answer in row.answers.items():
            if key == features.OURS:
                assert (ROOT / "docs" / answer.see).is_file(), f"{row.feature}: {answer.see}"
            else:
                assert answer.see in of.peers[key].pages, f"{row.feature}: {key}: {answer.see}"
                seen.add((key, answer.see))
    assert seen == {(key, name) for key, peer in of.peers.items() for name in peer.pages}
    shown = {link.split("]: ")[0] + "]" for link in of.links()}
    cells = [of.cell(row, key) for row in of.features for key in (features.OURS, *of.peers)]
    assert any(cell == features.UNKNOWN for cell in cells)
    assert {
        "[" + cell.split("][")[1].split("]")[0] + "]" for cell in cells if "][" in cell
    } == shown


def record(commands: Sequence[str] = ("python -m a",)) -> Record:
    row = {"network": "n", "padded_to": 8, "packed_s": 1.0, "padded_s": 2.0, "times": 2.0}
    own = {"steps": [row]}
    machine = Machine(2, "a processor", 8)
    return Record("packing", "2026-01-01", "abc", commands, machine, (0.1, 2.0), 12, {}, own)


def test_cells_of_what_is_not_there_are_dashes() -> None:
    assert share("a", "of")({"a": 0, "of": 0}) == "–"
    assert number("a", ".1f")({}) == "–" and text("a")({"a": 1}) == "1"
