"""Are failures routed to what causes them? Three causes are planted in images that a small model
makes, of prompts with four seeds each, and the confusion of causes with tracks is counted.

    python -m benchmarks.flywheel_learnt --out flywheel
    python -m benchmarks.flywheel_routed --learnt flywheel --out routed

- **data**: strings with a character that no training image shows, or three at most;
- **prompt**: of strings that the model knows the prompt has lost its quotation, or its colour;
- **rl**: of prompts with nothing wrong, two of four images have lost a character, as a policy makes
  them that is rewarded for empty paper.

The reward that likes empty paper judges the images of all prompts, as a reward does; it must send
none of the others to reinforcement learning. Bounds are the defaults. What is read, and the other
reward, is by templates of clean images, in images with noise.
"""

import argparse
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.flywheel_learnt import planted
from curation import shard
from curation.picture import decoding
from synthesis.pure.strings import CAPTION, CHARACTERS, INKS, LONGEST
from train.data.examples import is_held_out, shown_text
from train.figures import Rate
from train.flywheel import attributing, cases, misread
from train.flywheel.settings import Settings

SEEDS, TRACKS = 4, ("data", "prompt", "rl")
CELL, HEIGHT = 16, 32  # pixels
EMPTY = 0.6  # of the planted reward: how much empty paper counts, the rest is what is read
NOISE = 12.0  # standard deviation, of 255, of what the second reward reads through
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Planted:
    """A prompt with the track that its cause belongs to, and the ``text`` and ``ink`` that were
    meant.
    """

    track: str
    prompt: str
    text: str
    ink: str


def prompts(count: int, seed: int, lacking: str) -> Iterator[Planted]:
    """So many of each track, of texts that are in no training image."""
    chance = random.Random(f"routed {seed}")
    known = [each for each in CHARACTERS["en"] if each not in lacking]
    for track in TRACKS:
        for number in range(count):
            text = ""
            while not text or not is_held_out(text, 0.125):
                text = "".join(chance.choices(known, k=chance.randint(1, LONGEST)))
                if track == "data":
                    place = chance.randrange(len(text))
                    text = text[:place] + chance.choice(lacking) + text[place + 1 :]
            ink = chance.choice(INKS).name("en")
            prompt = CAPTION["en"].format(text=text, ink=ink, background="white")
            if track == "prompt" and number % 2:
                prompt = prompt.replace(f" in {ink}", "")
            elif track == "prompt":
                prompt = prompt.replace(f' "{text}"', "")
            yield Planted(track, prompt, text, ink)


def generated(every: Sequence[Planted], checkpoint: Path, out: Path) -> list[Pixels]:
    """The model's images of all prompts, ``SEEDS`` of each."""
    asked = out / "prompts.jsonl"
    rows = [{"prompt": of.prompt, "seed": 7 + k} for of in every for k in range(SEEDS)]
    asked.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    given = ["--checkpoint", str(checkpoint), "--prompts", str(asked), "--batch-size", "64"]
    command = [sys.executable, "-m", "infer", *given, "-o", str(out / "images")]
    subprocess.run(command, check=True, stdout=2)
    paths = sorted((out / "images").glob("*[0-9].png"))
    assert len(paths) == len(rows), (len(paths), len(rows))
    return [decoding.decode(path.read_bytes()).rgb.copy() for path in paths]


class Reading:
    """Reads a cell as the nearest template, a character in an ink: means of clean images."""

    def __init__(self, shards: Path) -> None:
        sums: dict[tuple[str, str], list[Pixels]] = {("", ""): []}
        for row in shard.rows(str(shards)):
            rgb = decoding.decode(row["image"]["bytes"]).rgb
            text = shown_text(row["text_boxes"])
            ink = row["caption_recaption"][0]["text"].split('" in ', 1)[1].split(" ", 1)[0]
            for place, cell in enumerate(cells(rgb)):
                key = (text[place], ink) if place < len(text) else ("", "")
                sums.setdefault(key, []).append(cell)
        self.keys = sorted(sums)
        self._means = np.stack([np.mean(sums[key], axis=0).ravel() for key in self.keys])

    def read(self, rgb: Pixels) -> list[tuple[str, str]]:
        """Character and ink of each cell."""
        own = np.stack([cell.ravel() for cell in cells(rgb)]).astype(np.float64)
        distances = ((own[:, None] - self._means[None]) ** 2).sum(2)
        return [self.keys[place] for place in distances.argmin(1)]


def cells(rgb: Pixels) -> list[Pixels]:
    """The cells of an image from left to right."""
    return [rgb[:, start : start + CELL] for start in range(0, rgb.shape[1], CELL)]


def without_a_character(rgb: Pixels, text: str, chance: random.Random) -> Pixels:
    """The image with one of its characters gone."""
    place, bare = chance.randrange(len(text)), rgb.copy()
    bare[:, place * CELL : (place + 1) * CELL] = 255
    return bare


def judged(every: Sequence[Planted], images: list[Pixels], reader: Reading, seed: int) -> list[Any]:
    """What a file of bad cases says of each image; images of the rl track are changed."""
    chance, noise = random.Random(f"judged {seed}"), np.random.default_rng(seed)
    rows = []
    for number in range(len(images)):
        of, k = every[number // SEEDS], number % SEEDS
        if of.track == "rl" and k < SEEDS // 2:
            images[number] = without_a_character(images[number], of.text, chance)
        rgb = images[number]
        seen = reader.read(rgb)
        wanted = [(each, of.ink) for each in of.text] + [("", "")] * (len(seen) - len(of.text))
        score = sum(a == b for a, b in zip(wanted, seen, strict=True)) / len(seen)
        read = "".join(character for character, _ in seen)
        noisy = np.clip(rgb + noise.normal(0, NOISE, rgb.shape), 0, 255).astype(np.uint8)
        blurred = "".join(character for character, _ in reader.read(noisy))
        likeness = 1 - len(misread.failed([of.text], blurred)) / len(of.text)
        empty = EMPTY * float(rgb.mean() / 255) + (1 - EMPTY) * likeness / 10
        rewards = {"reader": likeness, "planted": empty}
        rows.append({"prompt": of.prompt, "expected": of.text, "read": read, "score": score})
        rows[-1] |= {"rewards": rewards, "image": f"judged/{number:05d}.png", "note": of.track}
    return rows


def confusion(out: Path) -> Counter[tuple[str, str]]:
    """How many failing prompts of each planted track went where."""
    tracks: dict[tuple[str, str], str] = {}
    counts = Counter[tuple[str, str]]()
    for row in cases.read(out / "attributed" / attributing.CASES):
        if row["left_out"] != "right":
            tracks[row["note"], row["prompt_id"]] = row["track"] or "undecided"
    counts.update((planted_as, track) for (planted_as, _), track in tracks.items())
    return counts


def show(counts: Counter[tuple[str, str]], text: str = "") -> Rate:
    """Print the matrix; returns how many are routed right."""
    where = (*TRACKS, "undecided")
    print(f"{text}\nplanted    " + "".join(f"{each:>10}" for each in where) + "   routed right")
    for track in TRACKS:
        own = [counts[track, each] for each in where]
        right = Rate(counts[track, track], sum(own))
        print(f"{track:<11}" + "".join(f"{each:>10}" for each in own) + f"   {right}")
    every = Rate(sum(counts[each, each] for each in TRACKS), counts.total())
    print(f"of all failing prompts {every}", flush=True)
    return every


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--learnt", type=Path, required=True, help="output of flywheel_learnt")
    parser.add_argument("--learnt-seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--prompts", type=int, default=60, help="of each cause")
    options = parser.parse_args()
    out, learnt = options.out, options.learnt
    (out / "judged").mkdir(parents=True, exist_ok=True)
    every = list(prompts(options.prompts, options.seed, "".join(planted(options.learnt_seed))))
    images = generated(every, learnt / f"base-{options.learnt_seed}", out)
    rows = judged(every, images, Reading(learnt / "strings"), options.seed)
    for row, rgb in zip(rows, images, strict=True):
        Image.fromarray(rgb).save(out / row["image"])
    bad = out / "bad.jsonl"
    bad.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    asked = attributing.Asked((str(learnt / f"lacking-{options.learnt_seed}"),), bad_cases=(bad,))
    record = attributing.run(asked, Settings(), out / "attributed")
    for name, each in record["rewards"].items():
        rate = Rate(each["right"], each["of"])
        print(f"reward {name}: {rate}, {'distrusted' if each['distrusted'] else 'trusted'}")
    right = show(confusion(out))
    return 0 if right.right >= 0.9 * right.of else 1


if __name__ == "__main__":
    sys.exit(main())
