"""The card of a checkpoint says what its files say, no more, and nothing in these breaks it."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from markdown_it import MarkdownIt
from safetensors.numpy import save_file

from curation.shard import cards
from train import configuration_file, model_card
from train.trained_on import Shards, TrainedOn

SEEN = TrainedOn(
    data="0123",
    steps=200,
    images=1234,
    sizes=((64, 32), (32, 32)),
    captions=("caption_raw",),
    languages=("en", "zh"),
    frames=('The text "" in red.',),
    quotes=True,
    longest=4,
    written="AB永",
    described="x",
    shards=(Shards(pattern="/home/me/set/part-*", files=3, digest="4567"),),
)
RESULT = {
    **{"preset": "demo", "step": 200, "checkpoint": "/home/me/x", "samples": "/home/me/y"},
    **{"cpu_seconds": 771.5, "wall_seconds": 882.5, "skipped": {}, "loss": 0.039532716580045715},
    **{
        "held_out_accuracy": None,
        "held_out_label": "seen | glyphs",
        "held_out_images": 64,
        "held_out_loss": 0.019912345678,
    },
}
HOSTILE = '</code><script>alert(1)</script> | `x` ``` \n# Heading\n- item ![](http://x/y) \u202e ""'


def checkpoint(
    folder: Path, seen: TrainedOn = SEEN, kind: object = "InkstonePipeline", **settings: object
) -> Path:
    (folder / "transformer").mkdir(parents=True)
    (folder / "training_state").mkdir()
    weights = {"a": np.zeros((3, 5), np.float32), "b": np.zeros(7, np.float32)}
    save_file(weights, folder / "transformer" / "model.safetensors")
    seen.write(folder)
    configuration = configuration_file.resolve("demo", steps=200).model_copy(update=settings)
    path = folder / "training_state" / "configuration.json"
    path.write_text(configuration.model_dump_json())
    (folder / "model_index.json").write_text(json.dumps({"_class_name": kind}))
    return folder


def card(folder: Path, result: dict[str, object] | None = None) -> tuple[dict[str, object], str]:
    """The head and the text."""
    model_card.write(folder, result)
    _, head, text = (folder / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(head), text


def test_it_says_what_the_files_and_the_result_say(tmp_path: Path) -> None:
    head, text = card(checkpoint(tmp_path / "a"), RESULT)
    assert head["pipeline_tag"] == "text-to-image" and head["language"] == ["en", "zh"]
    assert head["license"] == "other" and head["library_name"] == "diffusers"
    for said in (
        "| shards | `set/part-*`, files: 3, digest: 4567 |",
        *("22 parameters", "for 200 of 200\nsteps", "preset `demo`", "| images | 1,234 |"),
        *("64x32, 32x32", '- `The text "" in red.`', "shown 3 characters", "`AB永`", "at most 4"),
        *("`held_out_loss` | `0.01991`", "`held_out_accuracy` | `null`", "| seed | `0` |"),
        *("edits of images", "Only Inkstone opens", "`held_out_label` | `seen \\| glyphs`"),
    ):
        assert said in text, said
    assert "has to say\nso; until then, this card says `license: other`" in text
    assert "not finished" not in text and "/home/me" not in text
    assert not re.search(r"771|882|seconds", text)  # the clock


def test_from_the_midst_of_a_run_nothing_was_measured(tmp_path: Path) -> None:
    _, text = card(checkpoint(tmp_path / "a", SEEN.model_copy(update={"steps": 7})))
    assert "**Training was not finished**" in text and "Not judged" in text
    assert "held_out_accuracy" not in text


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (["pipeline", "InkstonePipeline"], "trust_remote_code=True"),
        ("QwenImagePipeline", "opens this folder as `QwenImagePipeline`"),
    ],
    ids=["own", "published"],
)
def test_how_it_is_opened_follows_from_its_index(tmp_path: Path, kind: object, says: str) -> None:
    assert says in card(checkpoint(tmp_path / "a", kind=kind))[1]


def test_a_model_of_edits_alone_is_one_of_images_to_images(tmp_path: Path) -> None:
    head, text = card(checkpoint(tmp_path / "a", SEEN.model_copy(update={"tasks": ("ti2i",)})))
    assert head["pipeline_tag"] == "image-to-image"
    assert "prompts without an image" in text and "edits of images by instructions" in text


def shape(text: str) -> list[str]:
    """Which blocks and spans there are, without their words."""
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)
    return [
        each.type for token in tokens for each in (token, *(token.children or ())) if each.tag != ""
    ]


def test_nothing_in_captions_or_figures_breaks_the_page(tmp_path: Path) -> None:
    plain = SEEN.model_copy(update={"frames": ("a", "b")})
    shards = (Shards(pattern=HOSTILE, files=1, digest="d"),)
    update = {
        "shards": shards,
        "frames": (HOSTILE, "`"),
        "written": "`|<b>\u202e",
        "languages": ("en", HOSTILE),
    }
    hostile = SEEN.model_copy(update=update)
    figures = {"held_out_label": HOSTILE, "held_out_loss": float("nan")}
    head, text = card(checkpoint(tmp_path / "a", hostile), figures)
    calm = card(checkpoint(tmp_path / "b", plain), {"held_out_label": "c", "held_out_loss": 1})[1]
    assert shape(text) == shape(calm) and "code_inline" in shape(text)
    assert head["language"] == ["en"] and "\u202e" not in text
    assert "<script>" not in re.sub(r"<code>.*?</code>", "", MarkdownIt().render(text))


@pytest.mark.parametrize(
    ("value", "span"),
    [("a", "`a`"), ("`", "`` ` ``"), ("", "`  `"), ("a\n b", "`a b`"), (1.5, "`1.5`")],
)
def test_a_span_of_code_holds_anything(value: object, span: str) -> None:
    assert cards.code(value) == span
