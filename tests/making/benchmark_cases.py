"""A tiny case of every benchmark: its files, what is all right, and what that scores.

A case is a function named as its benchmark; ``made`` calls it, and fails for one without.
"""

import csv
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from making import training_shards as shards
from making.benchmark_files import (
    cvtg_files,
    gedit_file,
    perfect_detections,
    questions_csv,
    write_jsonl,
)
from making.exact_pairs import ROWS
from PIL import Image

from curation.networks import class_posterior
from curation.networks.weights import MissingModelError
from infer.evaluation import cvtg_2k, dpg_bench, geneval, geneval_vlm
from infer.evaluation.longtext_bench_en import LongTextBenchEn
from infer.evaluation.longtext_bench_zh import LongTextBenchZh
from infer.evaluation.oneig_text_en import OneIgTextEn
from infer.evaluation.oneig_text_zh import OneIgTextZh
from synthesis.characters import table

BETWEEN = None  # neither end is known beforehand: it is only worse than the best


def _asked_for(chosen, request):
    return request.texts


def _plain(chosen, request):
    """Any image will do where a judge or a detector is who looks."""
    return Image.new("RGB", (32, 32), (90, 90, 90))


@dataclass(frozen=True)
class Case:
    """``data`` as ``--data``; of images that are all right the ``lines`` that are read and the
    judge's ``answers``, and the images, where the benchmark makes none. ``best`` and ``worst`` are
    what all figures are of images that are all right, and of empty ones; but ``others``, by name.
    """

    data: Any = None
    lines: Callable[..., Sequence[str]] = _asked_for
    answers: Callable[..., Sequence[str]] = lambda chosen, request: ()
    images: Callable[..., Any] = _plain
    best: float = 1.0
    worst: float = 0.0
    others: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    said: str = "yes"  # by a judge of generated images


def made(name, folder, monkeypatch, pattern) -> Case:
    """The case of a benchmark. ``pattern`` are shards that its checkpoint was trained on."""
    cases = vars(sys.modules[__name__])
    prepare = cases.get(f"{name}_", cases.get(name))  # modules of benchmarks bear their names
    assert prepare is not None, f"{name}: no case in {__file__}"
    folder.mkdir(exist_ok=True)
    case: Case = prepare(folder, monkeypatch, pattern)
    return case


def _yes(chosen, request):
    return ["yes"] * len(chosen.questions(request, _plain(chosen, request)))


def autoencoder(folder, monkeypatch, pattern):
    path = shards.write(folder / "part-0.parquet", [shards.row(text, "red") for text in "AE"])

    def lines(chosen, request):
        return [(each["text"], each["box"]) for each in request.facts["lines"]]

    return Case(path, lines=lines, others={"PSNR": (100, 0)})


def chinese_word(folder, monkeypatch, pattern):
    monkeypatch.setattr(table, "levels", lambda: ("一口日人", "彳", "亍"))
    return Case()


def cvtg_2k_(folder, monkeypatch, pattern):
    monkeypatch.setattr(cvtg_2k, "PROMPTS", 8)
    return Case(cvtg_files(folder))


def depth(folder, monkeypatch, pattern):
    np.save(folder / "a.npy", np.linspace(1, 5, 64 * 64).reshape(64, 64))
    return Case(_pairs(folder, truth="a.npy"), others={"AbsRel": (0, 1)})


def novel_view(folder, monkeypatch, pattern):
    others = {"PSNR": (100, 0)}
    return Case(_pairs(folder, truth="in.png", prompt="turn left"), others=others)


def _pairs(folder, **more):
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    Image.fromarray(pixels).save(folder / "in.png")
    write_jsonl(folder / "pairs.jsonl", {"input": "in.png", **more})
    return folder


def diversity(folder, monkeypatch, pattern):
    class Missing:
        def __init__(self):
            raise MissingModelError("left out, for its time")

    monkeypatch.setattr(class_posterior, "Classifier", Missing)
    write_jsonl(folder / "mine.jsonl", {"prompt": 'a cup "TEA"'})
    return Case(folder / "mine.jsonl")


def dpg_bench_(folder, monkeypatch, pattern):
    read = dpg_bench.prompt_files.read

    def two(expected, data, record):
        listed = read(expected, data, record)
        return listed[:2] if record is dpg_bench.Prompt else listed

    monkeypatch.setattr(dpg_bench.prompt_files, "read", two)
    questions_csv(folder / "dpg_bench.csv", ["0", "1"])
    return Case(folder, answers=_yes, best=100)


def exact_edits(folder, monkeypatch, pattern):
    shards.write(folder / "part-00000.parquet", ROWS)
    psnr, shift = (100, BETWEEN), (0, BETWEEN)  # a black image is not 0 dB from a page
    others = {"unchanged_psnr": psnr, "unchanged_shift": shift, "gain": (BETWEEN, BETWEEN)}
    return Case(folder, others=others)


def gedit_bench(folder, monkeypatch, pattern):
    gedit_file(folder / "part-0.parquet", ["colour", "text"], (32, 16))
    return Case(folder, answers=lambda *_: ["[10, 10]"] * 2, best=10, said="[7, 9]")


def _few_prompts(monkeypatch):
    """One of each tag."""
    by_tag = {each.tag: (name, each) for name, each in reversed(geneval.prompts().items())}
    some = dict(by_tag.values())
    monkeypatch.setattr(geneval, "prompts", lambda: some)
    return some


def geneval_(folder, monkeypatch, pattern):
    for name, each in _few_prompts(monkeypatch).items():
        for k in range(geneval.IMAGES):
            (folder / f"{name}_{k}.json").write_text(json.dumps(perfect_detections(each)))
    return Case(folder)


def geneval_vlm_(folder, monkeypatch, pattern):
    some = _few_prompts(monkeypatch)

    def answers(chosen, request):
        return ["yes" if right else "no" for _, right in geneval_vlm.clauses(some[request.id])]

    return Case(answers=answers)


def held_out_strings(folder, monkeypatch, pattern):
    def images(chosen, request):
        colour, columns = request.prompt.split()[4], request.size[0] // shards.CELL
        return shards.draw(request.texts[0], colour, columns)

    # Black cells are nearest to one template or other, which now and then is the right one.
    return Case(pattern, images=images, others={"cells": (1, BETWEEN)})


def imgedit(folder, monkeypatch, pattern):
    edits = {
        str(n): {"id": "p.png", "prompt": "a cup", "edit_type": kind}
        for n, kind in enumerate(["add", "style"])
    }
    (folder / "basic_edit.json").write_text(json.dumps(edits))
    (folder / "prompts.json").write_text(json.dumps({"add": "Do: <edit_prompt>", "style": "S"}))
    _plain(None, None).save(folder / "p.png")
    best = "A: 5\nB: 5\nC: 5"
    return Case(folder, answers=lambda *_: [best], best=5, said="A: 3\nB: 2\nC: 5")


def longtext_bench_en(folder, monkeypatch, pattern, kind=LongTextBenchEn, text="Ink and stone"):
    monkeypatch.setattr(kind, "file", kind.file.model_copy(update={"rows": 1}))
    record = {"prompt_id": 7, "prompt": "a sign", "text": [text], "category": "sign"}
    write_jsonl(folder / kind.file.name, record)
    return Case(folder)


def longtext_bench_zh(folder, monkeypatch, pattern):
    return longtext_bench_en(folder, monkeypatch, pattern, LongTextBenchZh, "水火")


def oneig_alignment(folder, monkeypatch, pattern):
    (folder / "OneIG-Bench.csv").write_text(
        "category,id,prompt_en,type,prompt_length,class\nPortrait,000,a man,T,short,\n"
    )
    asked = {"question": {"1": "a?", "2": "b?"}, "dependency": {"1": [0], "2": [1]}}
    (folder / "human.json").write_text(json.dumps({"000": asked}))
    return Case(folder, answers=_yes)


def oneig_text_en(folder, monkeypatch, pattern, kind=OneIgTextEn, text="Ink and stone"):
    monkeypatch.setattr(kind, "file", kind.file.model_copy(update={"rows": 1}))
    column = "prompt_cn" if kind is OneIgTextZh else "prompt_en"
    with (folder / kind.file.name).open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerows([["id", column, "text_content"], ["000", "a sign", repr([text])]])
    # Where texts are shorter than M its formula gives empty images more than 0.
    of_empty = BETWEEN, BETWEEN
    others = {"text_score": (1, BETWEEN), "text_score_of_empty_images": of_empty}
    return Case(folder, others=others | {"edit_distance": (0, BETWEEN)})


def oneig_text_zh(folder, monkeypatch, pattern):
    return oneig_text_en(folder, monkeypatch, pattern, OneIgTextZh, "水火 ink")


def tiif(folder, monkeypatch, pattern):
    prompt = {"type": "color", "short_description": "a cup", "long_description": "a red cup"}
    asked = {"yn_question_list": ["q0?", "q1?"], "yn_answer_list": ["yes", "no"]}
    write_jsonl(folder / "color_prompts.jsonl", prompt)
    write_jsonl(folder / "color_eval_prompts.jsonl", asked)
    return Case(folder, answers=lambda *_: ["yes\nno"], said="yes\nyes")


def tiif_text(folder, monkeypatch, pattern):
    row = {"short_description": 'a sign "Drink Tea"', "long_description": 'a cup "Tea"'}
    write_jsonl(folder / "text_prompts.jsonl", row)
    return Case(folder, others={"gned": (0, 1)})
