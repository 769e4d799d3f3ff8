"""``examples/tour.ipynb`` runs from end to end in an empty folder, and is stored without outputs.

Its code is run in a fresh process, in one namespace, as a kernel would; nothing of Jupyter's is
needed for it.
"""

import json
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from making.places import ENVIRONMENT, ROOT

TOUR = ROOT / "examples" / "tour.ipynb"
CODE, TEXT = {"cell_type", "execution_count", "id", "metadata", "outputs", "source"}, "markdown"
RUN = """
import json, sys
cells = json.load(open(sys.argv[1], encoding="utf-8"))["cells"]
names = {"__name__": "__main__"}
for cell in cells:
    if cell["cell_type"] == "code":
        exec(compile("".join(cell["source"]), f"cell {cell['id']}", "exec"), names)
counts, stages = names["curated"].counts, names["curated"].counts["stages"]
came = {
    "counts": [counts[name] for name in ("in", "kept", "dropped", "quarantined")],
    "blurred": stages["s2"]["dropped"]["clarity.min"],
    "losses": [names["losses"][0], names["losses"][-1]],
    "images": [image.size for image in names["images"]],
    "metrics": sorted(names["score"]["metrics"]),
}
print(json.dumps(came))
"""


@pytest.fixture(scope="module")
def tour() -> dict[str, Any]:
    return json.loads(TOUR.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def test_it_is_a_notebook_of_format_4_without_outputs(tour: dict[str, Any]) -> None:
    assert tour.keys() == {"cells", "metadata", "nbformat", "nbformat_minor"}
    assert (tour["nbformat"], tour["nbformat_minor"]) == (4, 5)
    assert tour["metadata"]["kernelspec"]["name"] == "python3"
    for cell in tour["cells"]:
        is_code = cell["cell_type"] == "code"
        assert cell.keys() == (CODE if is_code else {"cell_type", "id", "metadata", "source"})
        assert is_code or cell["cell_type"] == TEXT
        assert not is_code or (cell["outputs"] == [] and cell["execution_count"] is None)
        assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", cell["id"]) and cell["metadata"] == {}
        assert all(isinstance(line, str) for line in cell["source"])
        assert all(line.endswith("\n") for line in cell["source"][:-1])
    assert len({cell["id"] for cell in tour["cells"]}) == len(tour["cells"])


def test_its_cells_are_short_with_prose_between(tour: dict[str, Any]) -> None:
    kinds = [cell["cell_type"] for cell in tour["cells"]]
    assert kinds[0] == TEXT and all(TEXT in pair for pair in pairwise(kinds))
    assert max(len(cell["source"]) for cell in tour["cells"]) <= 16


@pytest.mark.slow
def test_it_runs_in_an_empty_folder(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(TOUR)],
        cwd=tmp_path,
        env=ENVIRONMENT | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    came = json.loads(done.stdout.splitlines()[-1])
    total, kept, dropped, quarantined = came["counts"]
    assert total == 512 + 21 == kept + dropped + quarantined
    assert (came["blurred"], quarantined) == (8, 5)  # four cut off, and the page
    assert came["losses"][1] < came["losses"][0]
    assert came["images"] == [[64, 32]] * 4
    assert came["metrics"] == ["cells", "exact"]
