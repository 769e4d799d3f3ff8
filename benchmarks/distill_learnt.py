"""What students of few steps keep of their teacher: a small model that writes strings of which
captions leave open how they look (``benchmarks.open_strings``), for which plain Euler at as few
steps is worse; students of it by imitation and by DMD, judged on texts that nothing was trained on.

    python -m benchmarks.distill_learnt --out distil --threads 2
    python -m benchmarks.distill_learnt --out distil --judged 128     # settings are chosen on these

It was never run to its end: whether few steps are worse for this teacher is not measured, and the
settings of students are guesses. Without ``--judged`` all are judged on other texts, which no
setting was chosen on. What is finished is not done again.
"""

import argparse
import os
import subprocess
import sys
from math import sqrt
from pathlib import Path

from benchmarks import open_strings
from train import checkpoint_folder
from train.figures import Rate, interval

CHOSEN_ON, FINAL = 512, 1000  # texts
MANY = 32  # steps of the teacher
TEACHER = """
steps: {teacher_steps}
batch: 96
data: {{sizes: [64x32]}}
autoencoder: {{channels: 24, whitening: 0.0}}
flow: {{terminal: 0.0, logit_mean: -1.2, logit_standard_deviation: 1.3}}
evaluation: {{every: 1000, images: 24, steps: 24, gradients: false, held_out: 128}}
checkpoint: {{every: 1000, keep: 1}}
"""
_STUDENT = """
batch: 48
weights: {teacher}
ema: {{decay: 0.9}}
data: {{sizes: [64x32], caption_dropout: 0.0}}
flow: {{terminal: 0.0, logit_mean: -1.2, logit_standard_deviation: 1.3}}
evaluation: {{every: 1000, images: 24, steps: {steps}, gradients: false, held_out: 128}}
checkpoint: {{every: 1000, keep: 1}}
"""
STUDENTS = {
    "imitation": _STUDENT
    + """
steps: {imitation}
optimiser: {{kind: muon, learning_rate: 5.0e-4, muon_learning_rate: 3.0e-3, warmup: 5, decay: 0.7}}
objective: {{name: imitation, steps: {steps}, teacher_steps: {each}, updates: 4}}
""",
    "dmd": _STUDENT
    + """
steps: {dmd}
optimiser: {{kind: adamw, learning_rate: 2.0e-4, warmup: 5, decay: 0.5}}
objective: {{name: dmd, steps: {steps}, fake_updates: 2}}
""",
}


def difference(student: Rate, teacher: Rate) -> str:
    """In percentage points, with its 95 % interval (R. G. Newcombe, 1998, method 10)."""
    shares = [each.right / each.of for each in (student, teacher)]
    (low, high), (low_2, high_2) = (interval(each.right, each.of) for each in (student, teacher))
    apart = shares[0] - shares[1]
    below = sqrt((shares[0] - low) ** 2 + (high_2 - shares[1]) ** 2)
    above = sqrt((high - shares[0]) ** 2 + (shares[1] - low_2) ** 2)
    return f"{100 * apart:+.1f} [{100 * (apart - below):+.1f}, {100 * (apart + above):+.1f}]"


def trained(out: Path, text: str, data: str, seed: int, threads: int) -> Path:
    """The last checkpoint of a run of ``python -m train``."""
    config = out.with_suffix(".yaml")
    config.write_text(text)
    command = [sys.executable, "-m", "train", "--preset", "demo", "--config", str(config)]
    command += ["--data", data, "--seed", str(seed), "--threads", str(threads), "--out", str(out)]
    subprocess.run(command, check=True)
    folder = checkpoint_folder.find(out)
    assert folder
    return folder


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--judged", type=int, help="texts that settings are chosen on")
    parser.add_argument("--teacher-steps", type=int, default=300, help="of its training")
    parser.add_argument(
        "--imitation", type=int, default=120, help="steps of training; 0: leave out"
    )
    parser.add_argument("--dmd", type=int, default=150, help="steps of training; 0: leave it out")
    parser.add_argument("--path", type=int, default=24, help="steps of the teacher's path")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    print(f"load of this machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    data = open_strings.written(options.out / "strings")
    asked = open_strings.prompts(FINAL, skipped=CHOSEN_ON)
    if options.judged:
        asked = open_strings.prompts(min(options.judged, CHOSEN_ON))
    given = vars(options)
    threads = options.threads
    teacher = trained(options.out / "teacher", TEACHER.format(**given), data, 0, threads)
    best = open_strings.judged(teacher, asked, MANY, 1.0)
    print(f"\nteacher, Euler\n  {MANY:>2} steps  {best}")
    for steps in (8, 4, 2):
        plain = open_strings.judged(teacher, asked, steps, 1.0)
        print(f"  {steps:>2} steps  {plain}  {difference(plain, best)} points", flush=True)
    for name, text in STUDENTS.items():
        for steps in (4, 2) if given[name] else ():
            for seed in options.seeds:
                filled = text.format(
                    teacher=teacher, steps=steps, each=options.path // steps, **given
                )
                place = options.out / f"{name}-{steps}-seed-{seed}"
                student = trained(place, filled, data, seed, threads)
                rate = open_strings.judged(student, asked, steps, 1.0)
                print(f"\n{place.name}: {rate}  {difference(rate, best)} points", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
