"""Training runs killed again and again: what is finished has the bits of what nobody disturbed.

    PYTHONPATH=.:tests python -m benchmarks.training_kills 1:12 2:12 1+units:13 2+units:13

So many kills of a run of one process and of a run of two, each also supplied with units by a
producer that is killed, too, while the plan changes twice: between phases, between the gradients of
two portions, in a save, while the processes agree on another plan, when they have and no checkpoint
knows it, anywhere; of two also of one alone, and SIGTERM. A run that came to its end begins anew.
What is counted is where a run was when it had ended, not where it was to be.
"""

import json
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from making import exact_resume, training_runs, training_shards
from making.places import ENVIRONMENT, ROOT

_WHERE = {
    "summing": "between the gradients of two portions",
    "saving": "while a checkpoint was written",
    "agreeing": "while another plan was looked for or agreed on",
    "agreed": "with a plan agreed on that the checkpoint does not know",
}


def main(cases: Sequence[str]) -> None:
    """Kill, finish, compare, and print what happened."""
    seed = random.randrange(1 << 30)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pattern = training_shards.write_all(folder)
        (folder / "run.yaml").write_text(exact_resume.CONFIG)
        given = [pattern, str(folder / "run.yaml"), name, str(seed), *cases]
        command = [sys.executable, "-m", "making.forked_runs", *given]
        done = subprocess.run(
            command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True, env=ENVIRONMENT
        )
        happened = json.loads(done.stdout)
        for case in (each.partition(":")[0] for each in cases):
            sys.stdout.write(f"{case}, seed {seed}: {_said(happened[case])}")
            training_runs.assert_same_state(
                folder / f"{case}-killed", folder / case, exact_resume.STEPS
            )
            sys.stdout.write(": the same bits\n")


def _said(happened: Mapping[str, Any]) -> str:
    kills = [each for each in happened["kills"] if any(each["codes"])]
    moments = Counter(each["moment"] for each in kills)
    ends = [f"{count} {moment}" for moment, count in moments.items()]
    where = [
        f"{count} {words}"
        for key, words in _WHERE.items()
        if (count := sum(each[key] for each in kills))
    ]
    producers = happened.get("producers killed")
    more = f"; {producers} of producers" if producers else ""
    return f"{len(kills)} kills ({', '.join(ends)}){more}; they met it {', '.join(where)}"


if __name__ == "__main__":
    main(sys.argv[1:])
