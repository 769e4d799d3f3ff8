"""Where things are: the project, and real data beside it that not every machine has."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
SHARED = ROOT.parent / "shared" / "data"
