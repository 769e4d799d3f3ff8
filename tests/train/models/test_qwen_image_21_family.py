"""The family Qwen-Image-2.1: its settings, the order of its samples, its folders."""

import json

import pytest
import torch

from curation.failures.errors import UsageError
from train import families
from train.models.qwen_image_21 import QwenImage21
from train.models.qwen_image_21.sizes import QwenImage21Sizes
from train.packing.layout import ImageSpan, TextSpan
from train.packing.packed import Item, pack

SMALL = QwenImage21(layers=2, heads=2, head_width=16, rope_axes=(4, 6, 6), causal_condition=False)


def item(*stretches, references=()):
    random = torch.Generator().manual_seed(0)
    text = tuple(torch.randn(count, 24, generator=random) for count in stretches)
    latents = [torch.randn(4, *size, generator=random) for size in ((2, 3), *references)]
    return Item(text, latents[0], tuple(latents[1:]))


def test_references_stand_where_the_text_has_places_for_them():
    target = ImageSpan(2, 3, target=True)
    first, second = ImageSpan(1, 2, target=False), ImageSpan(4, 4, target=False)
    for text, references, expected in (
        ((5,), (), (TextSpan(5), target)),
        ((5, 0, 3), ((1, 2), (4, 4)), (TextSpan(5), first, second, TextSpan(3), target)),
        ((0, 2, 3), ((1, 2), (4, 4)), (first, TextSpan(2), second, TextSpan(3), target)),
        ((5,), ((1, 2), (4, 4)), (TextSpan(5), first, second, target)),
    ):
        assert SMALL.order(item(*text, references=references)) == expected


def test_settings_come_back_from_a_folder_with_the_network(tmp_path):
    torch.manual_seed(0)
    network = SMALL.build(channels=4, text_width=24)
    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    lines = SMALL.save(network, tmp_path)
    assert lines == {"transformer": ("diffusers", "QwenImage21Transformer2DModel")}
    family = families.of_folder(tmp_path)
    assert family == SMALL
    items = [item(3, 4, references=[(2, 2)]), item(6)]
    batch = pack(items, [family.order(each) for each in items], torch.rand(2), family.patch)
    again = family.load(tmp_path / "transformer", 4, 24)
    assert torch.equal(again(batch), network(batch))
    assert again(batch).shape == (12, 4)


def test_matrices_are_those_of_blocks():
    network = SMALL.build(channels=4, text_width=24)
    assert {
        name: len(source.parts)
        for name, source in SMALL.matrices(network).items()
        if name.startswith("blocks.1.")
    } == {
        "blocks.1.qkv.weight": 3,
        "blocks.1.attended.weight": 1,
        "blocks.1.mlp_in.weight": 2,
        "blocks.1.mlp_out.weight": 1,
    }
    assert len(SMALL.matrices(network)) == 8


def test_as_published_by_default():
    assert QwenImage21().sizes(channels=64, text_width=4096) == QwenImage21Sizes()
    content = json.loads(json.dumps(QwenImage21Sizes().content()))
    assert QwenImage21.recognised(content) == QwenImage21()
    assert QwenImage21.recognised({"_class_name": "QwenImageTransformer2DModel"}) is None


def test_axes_that_do_not_sum_up_are_refused():
    with pytest.raises(UsageError, match=r"model: axes_dims_rope \(4, 6, 4\): expected even"):
        SMALL.model_copy(update={"rope_axes": (4, 6, 4)}).build(channels=4, text_width=24)
