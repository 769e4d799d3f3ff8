"""LoRAs beside folders of the published classes, tiny and random: images of captions and edits."""

import pytest
import torch
from making import training_shards as shards
from making.commands import invoke
from making.training_runs import frozen_base, tensors

from train.__main__ import app
from train.adapters.adapter_folder import NAME

CONFIG = """
steps: 3
batch: 4
precision: fp32
recompute: none
adapter: {{rank: 2, base: {base}}}
data: {{resolution: 0, sizes: [32x32], resize: true, held_out: 0.2, tasks: {tasks}}}
text_encoder: {{device: run}}
optimiser: {{warmup: 0, learning_rate: 0.01}}
evaluation: {{every: 3, images: 2, steps: 2, grid: 2, batch: 2}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Images with captions, of which half were made from another one."""
    place = tmp_path_factory.mktemp("images")
    for number, row in enumerate(shards.rows(24)):
        (place / f"{number}.png").write_bytes(row["image"]["bytes"])
        (place / f"{number}.txt").write_text(row["caption_recaption"][0]["text"])
        if number % 2:
            source = shards.png(shards.draw("HL", "blue"))
            (place / f"{number}.input.png").write_bytes(source)
    return place


@pytest.mark.parametrize("base", ["qwen_folder", "qwen_edit_folder", "qwen_21_folder"])
def test_beside_a_published_folder_only_the_lora_is_trained(base, folder, tmp_path, request):
    pipeline, edits = request.getfixturevalue(base), base != "qwen_folder"
    tasks = "{t2i: 1, ti2i: 1}" if edits else "{t2i: 1}"
    config = tmp_path / "lora.yaml"
    numbers = "stored" if base == "qwen_folder" else "nf4"
    config.write_text(CONFIG.format(base=numbers, tasks=tasks))
    given = ["--preset", "lora", "--config", str(config), "--weights", str(pipeline)]
    with frozen_base():
        result = invoke(app, [*given, "--data", str(folder), "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    metrics = (tmp_path / "out" / "metrics.jsonl").read_text()
    assert ("task/ti2i" in metrics) == edits
    read_by_diffusers(base, pipeline, tmp_path / "out" / "checkpoint-3")


def read_by_diffusers(base, pipeline, folder):
    """The class of pipeline that the folder names reads the checkpoint, and each of its numbers."""
    from diffusers import DiffusionPipeline

    loaded = DiffusionPipeline.from_pretrained(pipeline)
    loaded.load_lora_weights(folder)
    modules = dict(loaded.transformer.named_modules())
    stored = tensors(folder)
    names = [name.split(":")[1] for name in stored if name.startswith(NAME)]
    assert len(names) > 20
    for name in names:
        layer, part, _ = name.removeprefix("transformer.").rsplit(".", 2)
        (own,) = getattr(modules[layer], part).values()
        assert torch.equal(own.weight, stored[f"{NAME}:{name}"]), name
