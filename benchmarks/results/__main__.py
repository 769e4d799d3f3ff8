"""``docs/results.md`` of what was measured: features, costs, truth, ablations, scores.

    python -m benchmarks.results                              # the page, of the records
    python -m benchmarks.results --run filters --run packing  # runs these sections before
    python -m benchmarks.results --run missing                # those that have no record

A section is a file in ``sections``: commands, what is taken of them, how that is read. Its record
is written only by its run. Commands run one after another from the repository's root, each on one
thread, and leave what they make in ``runs/results/NAME``.
"""

import argparse
import sys
from pathlib import Path

from benchmarks.results import page, records, running
from benchmarks.results.chapters import SECTIONS
from curation import storage
from curation.failures.errors import UsageError

PAGE = running.ROOT / "docs" / "results.md"


def main() -> int:
    """Exit code 2 where a section cannot be run; those before it have their records."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--run", action="append", metavar="NAME", default=[], help="may be repeated"
    )
    parser.add_argument("--data", default=running.DATA, help="a folder with a manifest.csv")
    parser.add_argument("--out", type=Path, default=PAGE, help="where the page is written")
    parser.add_argument("--list", action="store_true", help="name the sections, write nothing")
    options = parser.parse_args()
    there = records.read()
    if options.list:
        for name in SECTIONS:
            print(f"{name:18} {there[name].date if name in there else 'not run'}")
        return 0
    try:
        for name in _asked(options.run, set(there)):
            records.write(running.run(SECTIONS[name], options.data))
    except UsageError as error:
        print(f"benchmarks.results: {error}", file=sys.stderr)
        return 2
    finally:
        storage.write_bytes(str(options.out), page.render(records.read()).encode())
    return 0


def _asked(names: list[str], there: set[str]) -> list[str]:
    asked: list[str] = []
    for name in names:
        if name != "missing" and name not in SECTIONS:
            raise UsageError(f"--run {name}: expected missing or one of {', '.join(SECTIONS)}")
        asked += [each for each in SECTIONS if each not in there] if name == "missing" else [name]
    return asked


if __name__ == "__main__":
    sys.exit(main())
