"""An edit is the same to the network in training and when it is asked for, token by token."""

import numpy as np
import pytest
import torch
from making import training_shards as shards

from curation import shard
from train import noising
from train.configuration import Configuration
from train.data import latents, loading
from train.data.loading import Sources
from train.generating import Generator, Inputs
from train.parts import assemble

TINY = {
    "preset": "test",
    "batch": 12,
    "precision": "fp32",
    "autoencoder": {"channels": 8},
    "text_encoder": {"width": 16, "view": 16},
    "model": {"layers": 2, "heads": 1, "head_width": 16, "rope_axes": (4, 6, 6)},
    "evaluation": {"steps": 1},
}
TEXTS = [a + b for a in "AEHL" for b in "OT27"]


def pair(text):
    source = {"bytes": shards.png(shards.draw(text, "blue")), "path": None}
    said = [{"text": f'Make "{text}" red.', "language": "en"}]
    name = shard.content_id(text.encode())
    row = shards.row(text, "red", caption_recaption=None, text_boxes=None)
    return row | {"id": name, "inputs": [source], "caption_instruction": said}


def recorded(network):
    """The batches that go into a network from now on."""
    seen = []
    network.register_forward_pre_hook(lambda _module, given: seen.append(given[0]))
    return seen


@pytest.mark.parametrize("references", ["both", "latents", "text"])
def test_training_and_generating_show_an_edit_alike(tmp_path, references):
    shards.write(tmp_path / "part-0.parquet", [pair(text) for text in TEXTS])
    data = {"tasks": {"ti2i": 1}, "references": references, "caption_dropout": 0, "held_out": 0}
    settings = Configuration.model_validate({**TINY, "data": data})
    loaded = loading.load(Sources(str(tmp_path / "part-*.parquet"), looks=True), settings)
    parts = assemble(settings, loaded, "cpu")
    seen = recorded(parts.transformer)
    samples = noising.noised(parts, 1)
    list(noising.through_network(parts, samples))
    modules = (parts.transformer, parts.text_encoder, loaded.autoencoder)
    pages = [np.asarray(shards.draw(each.caption.split('"')[1], "blue")).copy() for each in samples]
    inputs = [
        Inputs(
            () if references == "text" else (latents.encode(loaded.autoencoder, page),),
            () if references == "latents" else (page,),
        )
        for page in pages
    ]
    asked = [each.caption for each in samples]
    Generator(*modules, settings, "cpu").generate(asked, (2, 4), range(len(asked)), inputs)
    trained, generated = seen
    assert trained.layout == generated.layout
    assert torch.equal(trained.text, generated.text)
    kept = ~torch.from_numpy(trained.layout.is_target)
    assert kept.any() == (references != "text")
    assert torch.equal(trained.image[kept], generated.image[kept])
    assert not torch.equal(trained.image[~kept], generated.image[~kept])
