"""The commands of ``make demo``, in order: each is what a user would type."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DEMO = Path("demo")
RAW = "train-raw"
PYTHON = [sys.executable, "-m"]
BEAM = [*PYTHON, "curation.command"]
RENDER = [*PYTHON, "synthesis.render", "--workers", "2", "--json", "--seed", "1"]


@dataclass(frozen=True)
class Step:
    """A command and the heading it is announced under; its last line on stdout is JSON."""

    name: str
    heading: str
    command: list[str]


def steps(collection: Path | None) -> list[Step]:
    """The whole way: a collection (the user's, else a gathered one), text images, strings."""
    raw = str(collection or DEMO / "raw")
    gathered = _gathering() if collection is None else ()
    output = curated(collection)
    return [*gathered, *_curation(raw, output), *_text_images(), *_strings(), *_model()]


def curated(collection: Path | None) -> Path:
    """Where the curated collection goes: the user's beside the gathered one."""
    return DEMO / ("curated" if collection is None else "curated-input")


def _gathering() -> Iterator[Step]:
    documents = [DEMO / "documents-en", DEMO / "documents-zh"]
    for folder in documents:
        language = folder.name[-2:]
        options = ["--lang", language, "--n", "40", "--size", "768x768", "--out", str(folder)]
        yield Step(folder.name, f"render {language} documents", [*RENDER, *options])
    given = [argument for folder in documents for argument in ("--documents", str(folder))]
    gather = [*PYTHON, "examples.gather", "--out", str(DEMO / "raw"), *given]
    yield Step("gather", "gather a raw collection", gather)


def _curation(raw: str, folder: Path) -> Iterator[Step]:
    output = ["--output", str(folder), "--json"]
    run = [*BEAM, "run", "curate", "--input", raw, *output]
    yield Step("curate", "curate it: stages S1 to S7", run)
    yield Step("gate", "check the shards against what was promised", [*BEAM, "gate", *output])


def _text_images() -> Iterator[Step]:
    for language, name in (("en", "English"), ("zh", "Chinese")):
        out = ["--lang", language, "--n", "64", "--out", str(DEMO / f"text-{language}")]
        yield Step(f"text-{language}", f"render {name} text images", [*RENDER, *out])


def _strings() -> Iterator[Step]:
    strings, raw, curated = (DEMO / f"strings-{name}" for name in ("en", "raw", "curated"))
    asked = ["--lang", "en", "--mode", "strings", "--size", "512x256", "--n", "8192"]
    yield Step("strings", "render strings to learn", [*RENDER, *asked, "--out", str(strings)])
    damage = [*PYTHON, "examples.damaged_strings", "--strings", str(strings), "--out", str(raw)]
    yield Step("damage", "damage a share of them, as a crawl would", damage)
    run = [*BEAM, "run", "strings", "--input", str(raw), "--output", str(curated), "--json"]
    yield Step("curate-strings", "curate them", run)
    export = [*BEAM, "export", "hf", "--output", str(curated), "--to", str(DEMO / "dataset")]
    yield Step("dataset", "export what was kept, with its card", [*export, "--json"])


def _model() -> Iterator[Step]:
    judged = ["--evaluate-on", str(DEMO / "strings-en" / "part-*.parquet"), "--json"]
    train = [*PYTHON, "train", "--preset", "demo", *judged]
    curated = ["--data", str(DEMO / "strings-curated" / "shards"), "--out", str(DEMO / "train")]
    yield Step("train", "train from scratch on what was kept", [*train, *curated])
    raw = ["--data", str(DEMO / "strings-raw"), "--out", str(DEMO / RAW)]
    yield Step(RAW, "for comparison, train on all of them", [*train, *raw])
    infer = [*PYTHON, "infer", "--prompts", str(DEMO / "prompts.txt"), "--columns", "4", "--json"]
    infer += ["--batch-size", "16", "--checkpoint", str(DEMO / "train")]
    infer += ["-o", str(DEMO / "generated"), "--sheet", str(DEMO / "generated.png")]
    yield Step("infer", "generate images of prompts it never saw", infer)
