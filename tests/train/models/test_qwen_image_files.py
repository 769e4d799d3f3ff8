"""Published files of Qwen-Image: loaded, saved, and generated from by the pipeline."""

import json
import shutil
from dataclasses import replace

import pytest
import torch
from making.packed_qwen import OPTIONS, TINY, ours, theirs

from train.models.qwen_image.config import Config
from train.models.qwen_image.keys import keys
from train.models.qwen_image.network import PackedQwenImage, load
from train.packing.keys import parted
from train.packing.layout import ImageSpan, Layout, TextSpan

PUBLISHED = {
    "text to image": Config(),
    "edit": Config(zero_cond_t=True),
    "layered": Config(use_layer3d_rope=True, use_additional_t_cond=True),
}


def on_meta(config):
    with torch.device("meta"):
        return PackedQwenImage(config)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("option", OPTIONS)
def test_what_was_loaded_is_saved_byte_for_byte(option, dtype, tmp_path):
    from diffusers import QwenImageTransformer2DModel

    published = theirs(OPTIONS[option], dtype=dtype)
    network = ours(published, tmp_path / "theirs")
    (tmp_path / "ours").mkdir()
    network.save(tmp_path / "ours", largest_part=30_000)
    assert len(list((tmp_path / "ours").glob("*.safetensors"))) > 5
    again = QwenImageTransformer2DModel.from_pretrained(tmp_path / "ours", torch_dtype=dtype)
    assert Config.of({**again.config, "_class_name": type(again).__name__}) == OPTIONS[option]
    expected, measured = published.state_dict(), again.state_dict()
    assert list(measured) == list(expected)
    for key, tensor in expected.items():
        assert measured[key].dtype == dtype
        assert torch.equal(measured[key], tensor), key


@pytest.mark.parametrize("option", PUBLISHED)
def test_names_shapes_and_count_are_the_published_ones(option):
    from accelerate import init_empty_weights
    from diffusers import QwenImageTransformer2DModel

    config = PUBLISHED[option]
    settings = {name: v for name, v in config.content().items() if not name.startswith("_")}
    with init_empty_weights():
        published = QwenImageTransformer2DModel(**settings)
    network = on_meta(config)
    sources = keys(config)
    parameters = dict(network.named_parameters())
    assert parameters.keys() == sources.keys()
    shapes = {
        key: tensor.shape
        for name, parameter in parameters.items()
        for key, tensor in parted(sources[name], parameter)
    }
    assert shapes == {key: tensor.shape for key, tensor in published.state_dict().items()}
    layered = option == "layered"
    assert len(shapes) == 1933 + layered
    assert network.parameter_count() == 20_430_401_088 + 2 * 3072 * layered


def test_training_flops_are_those_of_the_published_network():
    network = on_meta(Config())
    for side, expected in ((16, 16.0), (40, 77), (64, 212), (83, 395)):
        layout = Layout(((TextSpan(128), ImageSpan(side, side, True)),))
        assert 3 * network.flops(layout) / 1e12 == pytest.approx(expected, rel=0.01)


def test_flops_are_summed_over_samples():
    network = on_meta(TINY)
    first = ((TextSpan(3), ImageSpan(2, 2, True)),)
    second = ((TextSpan(1), ImageSpan(3, 4, True), ImageSpan(1, 2, False)),)
    apart = network.flops(Layout(first)) + network.flops(Layout(second))
    assert network.flops(Layout(first + second)) == apart


def test_a_pipeline_generates_the_same_from_what_we_saved(qwen_folder, qwen_pipeline, tmp_path):
    from diffusers import QwenImagePipeline

    shutil.copytree(qwen_folder, tmp_path / "saved")
    shutil.rmtree(tmp_path / "saved" / "transformer")
    (tmp_path / "saved" / "transformer").mkdir()
    load(qwen_folder / "transformer").save(tmp_path / "saved" / "transformer", 60_000)
    pipeline = QwenImagePipeline.from_pretrained(tmp_path / "saved")
    pipeline.set_progress_bar_config(disable=True)
    images = [
        each(
            "ink",
            negative_prompt=" ",
            true_cfg_scale=4.0,
            num_inference_steps=2,
            width=32,
            height=32,
            generator=torch.Generator().manual_seed(6),
            output_type="np",
        ).images[0]
        for each in (pipeline, qwen_pipeline)
    ]
    assert images[0].std() > 0.01
    assert (images[0] == images[1]).all()


def test_a_new_network_predicts_zero_and_its_matrices_are_xavier():
    config = replace(TINY, use_additional_t_cond=True)
    network = PackedQwenImage(config)
    network.initialise()
    parameters = dict(network.named_parameters())
    for name, parameter in parameters.items():
        if "modulation" in name or name.startswith("out.") or name.endswith("bias"):
            assert not parameter.any(), name
        elif parameter.ndim == 1:
            assert (parameter == 1).all(), name
    query_key_value = parameters["blocks.0.image.qkv.weight"]
    bound = (6 / (config.width * 2)) ** 0.5  # of each of the three
    assert 0.98 * bound < query_key_value.abs().max() <= bound


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"num_layers": 2}, "32 tensors.* does not have"),
        ({"num_layers": 4}, "no tensor transformer_blocks"),
        ({"joint_attention_dim": 10}, r"txt_norm.weight is \(12,\).*expected \(10,\)"),
        ({"_class_name": "FluxTransformer2DModel"}, "FluxTransformer2DModel; expected Qwen"),
        ({"axes_dims_rope": [4, 4, 4]}, "sum up to attention_head_dim, 16"),
    ],
)
def test_files_of_another_network_are_refused(change, says, tmp_path):
    theirs(TINY).save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ValueError, match=says):
        load(tmp_path)
