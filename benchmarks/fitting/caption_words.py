"""The weights of ``caption_words``: python -m benchmarks.fitting.caption_words DATA

Softmax regression with a quadratic penalty, by scipy's L-BFGS from zero: the same every time. It is
fitted to the development texts of ``caption_texts/validity.tsv`` (held-out ones are never read) and
to captions of real images, all valid, that lie in DATA: ``prompts/flickr8k_*.txt`` (images the
CRC-32 of whose name is even) and those of ``manifest.csv`` (whose own CRC-32 is). The others of
these say how many valid captions are lost, which is printed, and the F1 of each fifth of the
development texts by a fit to the rest (``--folds``).
"""

import argparse
import csv
import json
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.optimize import minimize

from benchmarks import captions
from curation.signals import caption_words
from curation.signals.caption_validity import VALID, unquoted

LABELS = (VALID, *caption_words.KINDS)
PENALTY = 1 / 30
REAL = 1.0  # weight of a real caption beside a text of ours
THRESHOLDS = (0.4, 0.5, 0.6, 0.7)


def features(texts: Sequence[str]) -> sp.csr_matrix:
    """(N, ``SIZE``): how often n-grams of N texts fall into each place, over sqrt of how many."""
    rows = [caption_words.places(caption_words.ngrams(unquoted(text))) for text in texts]
    values = np.concatenate([np.full(len(row), len(row) ** -0.5, np.float64) for row in rows])
    starts = np.cumsum([0, *map(len, rows)])
    return sp.csr_matrix((values, np.concatenate(rows), starts), (len(rows), caption_words.SIZE))


def fit(
    inputs: sp.csr_matrix, labels: NDArray[np.int64], importance: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights (``SIZE``, 3) and biases (3,) of the kinds beside valid."""
    used = np.unique(inputs.indices)
    small = inputs[:, used]
    truth = np.eye(len(LABELS))[labels]

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights = flat.reshape(-1, len(LABELS))
        scores = small @ weights[:-1] + weights[-1]
        scores -= scores.max(axis=1, keepdims=True)
        logs = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        rest = (np.exp(logs) - truth) * importance[:, None]
        slope = np.vstack([small.T @ rest + PENALTY * weights[:-1], rest.sum(axis=0)])
        value = -(logs[np.arange(len(labels)), labels] * importance).sum()
        return value + PENALTY / 2 * (weights[:-1] ** 2).sum(), slope.ravel()

    start = np.zeros((len(used) + 1) * len(LABELS))
    solved = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300})
    weights_by_label = solved.x.reshape(-1, len(LABELS))
    weights_by_label = weights_by_label[:, 1:] - weights_by_label[:, :1]
    weights = np.zeros((caption_words.SIZE, len(LABELS) - 1))
    weights[used] = weights_by_label[:-1]
    return weights, weights_by_label[-1]


def probability(
    inputs: sp.csr_matrix, fitted: tuple[NDArray[np.float64], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """That each of N texts is no caption, (N,)."""
    scores = np.exp(inputs @ fitted[0] + fitted[1]).sum(axis=1)
    return np.asarray(scores / (1 + scores))


def real(data: Path) -> tuple[list[str], list[str]]:
    """Captions of real images to fit to, and others; raises ``OSError`` where they are missing."""
    known: list[str] = []
    others: list[str] = []
    for name, gap in (("flickr8k_en_test", " "), ("flickr8k_cn_human_test", "")):
        text = (data / "prompts" / f"{name}.txt").read_text(encoding="utf-8")
        for line in filter(str.strip, text.splitlines()):
            key, *said = line.split()  # which image and which of its five captions, then the words
            image = key.partition("#")[0]
            (others if zlib.crc32(image.encode()) % 2 else known).append(gap.join(said))
    with (data / "manifest.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    named = {row[f"caption_{of}"] for row in rows for of in ("en", "zh")} - {""}
    even = sorted(text for text in named if zlib.crc32(text.encode()) % 2 == 0)
    return known + even, others + sorted(named - set(even))


def prompts(data: Path) -> list[str]:
    """Long descriptions that text-to-image benchmarks ask for; none is fitted to."""
    stored = (data / "prompts" / "dpg_bench.jsonl").read_text(encoding="utf-8").splitlines()
    return [str(list(json.loads(line).values())[-1]) for line in stored]


def main() -> None:
    """Fit, print what is lost of valid captions and by fold, and write the weights."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--folds", type=int, default=0, help="cross-validate and write nothing")
    asked = parser.parse_args()
    rows = [row for row in captions.rows("validity.tsv") if row["half"] == "development"]
    own = [row for row in rows if row["category"] in LABELS]
    known, others = real(asked.data)
    texts = [row["text"] for row in own] + known
    inputs = features(texts)
    labels = np.array([LABELS.index(row["category"]) for row in own] + [0] * len(known))
    importance = np.array([1.0] * len(own) + [REAL] * len(known))
    if asked.folds:
        _folds(asked.folds, rows, own, inputs, labels, importance)
        return
    fitted = fit(inputs, labels, importance)
    for name, of in (("captions", others), ("descriptions", prompts(asked.data))):
        lost = probability(features(of), fitted)
        counts = ", ".join(f"{(lost > least).sum()} above {least}" for least in THRESHOLDS)
        print(f"of {len(of)} valid {name} not fitted to: {counts}")
    scale = np.abs(fitted[0]).max(axis=0) / 127
    target = Path(caption_words.__file__).with_name(caption_words.FILE)
    stored = {"scale": scale.astype(np.float32), "bias": fitted[1].astype(np.float32)}
    np.savez_compressed(target, weights=np.rint(fitted[0] / scale).astype(np.int8), **stored)
    print(f"{target}: {target.stat().st_size} bytes")


def _folds(
    count: int,
    rows: Sequence[dict[str, str]],
    own: Sequence[dict[str, str]],
    inputs: sp.csr_matrix,
    labels: NDArray[np.int64],
    importance: NDArray[np.float64],
) -> None:
    """F1 of the patterns with the classifier on the last round's development texts."""
    from curation.signals.caption_validity import by_patterns

    fold = np.array([zlib.crc32(row["text"].encode()) % count for row in own])
    fold = np.concatenate([fold, np.full(len(labels) - len(own), count)])
    said: dict[str, float] = {}
    for number in range(count):
        rest = fold != number
        fitted = fit(inputs[rest], labels[rest], importance[rest])
        of = np.flatnonzero(~rest)
        values = probability(inputs[of], fitted)
        said |= {own[row]["text"]: value for row, value in zip(of.tolist(), values, strict=True)}
    last = max(row["round"] for row in rows)
    for least in THRESHOLDS:
        for language in ("en", "zh"):
            mine = [r for r in rows if (r["round"], r["language"]) == (last, language)]

            def measure(text: str, least: float = least) -> str:
                kind = by_patterns(text)
                return "words" if kind == VALID and said.get(text, 0.0) > least else kind

            counts = captions.outcomes(mine, measure)
            print(least, language, f"{captions.f1(counts):.3f}", dict(counts), flush=True)
            if least == 0.5:
                for row in mine:
                    if (measure(row["text"]) != VALID) != (row["category"] != VALID):
                        print(f"    {row['category']} {said.get(row['text'], 0):.2f} {row['text']}")


if __name__ == "__main__":
    main()
