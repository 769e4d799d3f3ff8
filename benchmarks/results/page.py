"""The page of sections and records, as Markdown: the same bytes for the same records."""

import re
from collections.abc import Iterator, Mapping, Sequence

from benchmarks.results import features, running
from benchmarks.results.chapters import CHAPTERS, SECTIONS, Chapter
from benchmarks.results.features import Comparison
from benchmarks.results.records import Machine, Record
from benchmarks.results.section import Section, Table

_FEATURES = "Features beside peers"
_SHORT = "In short"
_RUNS = "How each table was made"
_COMPARED = """\
No measurement: what the pages behind the links say, looked at on the day below each table, and
`not checked` where we looked at none that says it. Peers do more than these rows, which are those
that matter to text-writing image models; corrections are welcome in
`benchmarks/results/features/`.
"""
_HEAD = """\
# Results

Made by `python -m benchmarks.results` of records that only a run writes (`--run NAME`): no figure
here was typed. What was not run has no figure and says so.
"""
_AT = """\
Commands are run from the repository's root, one after another, each on one thread
(`OMP_NUM_THREADS=1`). CPU time is user and system time of a command and all it starts. The machine
was shared: read ratios and medians, not milliseconds, which are longer where processes share caches
and memory. `Load` is the mean number of busy processes in the minute before the first command, and
after the last: far above the number of cores, CPU time is too long, for all that were compared."""


def render(records: Mapping[str, Record]) -> str:
    """The page; sections without a record say that they were not run."""
    parts = [_HEAD, *_contents(), *_short(records), f"## {_FEATURES}\n", _COMPARED]
    parts += [_compared(of) for of in features.comparisons()]
    for chapter in CHAPTERS:
        parts += _chapter(chapter, records)
    parts += [f"## {_RUNS}\n", _AT + "\n", *_runs(records)]
    return "\n".join(parts)


def anchor(heading: str) -> str:
    """The name that a heading gets in a link."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _contents() -> Iterator[str]:
    for heading in (_SHORT, _FEATURES, *(chapter.title for chapter in CHAPTERS), _RUNS):
        yield f"- [{heading}](#{anchor(heading)})"
    yield ""


def _short(records: Mapping[str, Record]) -> Iterator[str]:
    yield f"## {_SHORT}\n"
    for name, section in SECTIONS.items():
        said = section.gist(records[name].tables) if name in records else "not run"
        yield f"- [{section.title}](#{anchor(section.title)}): {said}."
    yield ""


def _compared(of: Comparison) -> str:
    names = {features.OURS: "Inkstone", **{key: peer.name for key, peer in of.peers.items()}}
    lines = [["", *names.values()], ["---"] * (1 + len(names))]
    lines += [[row.feature, *(of.cell(row, key) for key in names)] for row in of.features]
    versions = ", ".join(f"{peer.name} ({peer.version})" for peer in of.peers.values())
    table = "\n".join(markdown(line) for line in lines)
    looked_at = f"<sub>Looked at on {of.looked_at}: {versions}.</sub>"
    return "\n\n".join((f"### {of.title}", table, looked_at, "\n".join(of.links()))) + "\n"


def _chapter(chapter: Chapter, records: Mapping[str, Record]) -> Iterator[str]:
    yield f"## {chapter.title}\n"
    for section in chapter.sections:
        yield f"### {section.title}\n"
        record = records.get(section.name)
        if record is None:
            yield f"**Not run.** `python -m benchmarks.results --run {section.name}` runs it.\n"
            continue
        yield f"{section.reads}\n"
        for table in section.tables:
            yield _table(table, record)
        yield f"*What this does not say.* {section.silent}\n"
        yield _made(record)


def _table(table: Table, record: Record) -> str:
    title = f"{table.title}:\n\n" if table.title else ""
    lines = [[column.heading for column in table.columns], ["---"] * len(table.columns)]
    lines += [[column.cell(row) for column in table.columns] for row in record.tables[table.rows]]
    return title + "\n".join(markdown(line) for line in lines) + "\n"


def markdown(cells: Sequence[str]) -> str:
    """A line of a table."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _made(record: Record) -> str:
    own = anchor(f"Run {record.name}")
    return f"<sub>Run of {record.date} at `{record.commit}`, {_cpu(record)}: [how](#{own}).</sub>\n"


def _cpu(record: Record) -> str:
    return f"{record.seconds:,.0f} CPU-s"


def _runs(records: Mapping[str, Record]) -> Iterator[str]:
    ran = [records[name] for name in SECTIONS if name in records]
    machines = list(dict.fromkeys(record.machine for record in ran))
    for number, machine in enumerate(machines, 1):
        yield f"Machine {number}: {machine}.\n"
    for section in SECTIONS.values():
        yield f"### Run {section.name}\n"
        yield _run(section, records.get(section.name), machines)


def _run(section: Section, record: Record | None, machines: Sequence[Machine]) -> str:
    if record is None:
        return f"Not run.\n\n{_block(running.commands(section))}"
    versions = ", ".join(f"{name} {version}" for name, version in record.versions.items())
    facts = [
        record.date,
        f"commit `{record.commit}`",
        f"machine {machines.index(record.machine) + 1}",
        f"load {record.load[0]:g} before, {record.load[1]:g} after",
        _cpu(record),
        versions,
    ]
    return f"{'; '.join(fact for fact in facts if fact)}.\n\n{_block(record.commands)}"


def _block(commands: Sequence[str]) -> str:
    return "\n".join(f"    {command}" for command in commands) + "\n"
