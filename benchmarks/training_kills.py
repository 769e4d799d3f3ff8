"""Training runs killed again and again: what is finished has the bits of what nobody disturbed.

    PYTHONPATH=.:tests python benchmarks/training_kills.py 25 25

So many kills of a run of one process and of a run of two: between phases, in a save, anywhere; of
two also of one alone, and SIGTERM. A run that came to its end begins anew.
"""

import json
import random
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from making import training_shards as shards
from making.exact_resume import CONFIG, STEPS
from making.places import ROOT
from making.training_runs import assert_same_state


def main(alone: int, two: int) -> None:
    """Kill, finish, compare, and print what happened."""
    seed = random.randrange(1 << 30)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pattern = shards.write_all(folder)
        (folder / "run.yaml").write_text(CONFIG)
        given = [pattern, str(folder / "run.yaml"), name, str(seed), f"1:{alone}", f"2:{two}"]
        command = [sys.executable, "-m", "making.forked_runs", *given]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        happened = json.loads(done.stdout)
        for size in ("1", "2"):
            assert_same_state(folder / f"{size}-killed", folder / size, STEPS)
            kills = happened[size]["kills"]
            moments = dict(Counter(each["moment"] for each in kills))
            saving = sum(each["saving"] for each in kills)
            sys.stdout.write(
                f"{size} processes, seed {seed}: {len(kills)} kills ({moments}; {saving} while a"
                " checkpoint was written): the same bits\n"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
