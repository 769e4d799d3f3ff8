"""``python -m infer`` with weights from elsewhere, fewer bits, and what it would take of a GPU."""

import json
import shutil

import gguf
import numpy as np
import pytest
import torch
from making import tiny_qwen
from making.commands import invoke
from PIL import Image
from safetensors.torch import load_file

from curation.failures.errors import TooLargeError
from infer import generating
from infer.__main__ import app
from infer.engine import engine
from infer.engine.conditions import Condition
from infer.engine.engine import Engine
from infer.export import app as export
from train.adapters import adapter_folder

QWEN_IMAGE = {  # as published
    "_class_name": "QwenImageTransformer2DModel",
    "attention_head_dim": 128,
    "axes_dims_rope": [16, 56, 56],
    "in_channels": 64,
    "joint_attention_dim": 3584,
    "num_attention_heads": 24,
    "num_layers": 60,
    "out_channels": 16,
    "patch_size": 2,
}

QWEN_2_5_VL_7B = {  # as published
    "model_type": "qwen2_5_vl",
    "text_config": {
        "model_type": "qwen2_5_vl_text",
        "vocab_size": 152064,
        "hidden_size": 3584,
        "intermediate_size": 18944,
        "num_hidden_layers": 28,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
    },
    "tie_word_embeddings": False,
    "vision_config": {
        "model_type": "qwen2_5_vl",
        "depth": 32,
        "hidden_size": 1280,
        "intermediate_size": 3420,
        "num_heads": 16,
        "out_hidden_size": 3584,
    },
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_qwen.save_pipeline(tmp_path_factory.mktemp("qwen"))


@pytest.fixture
def run(folder, tmp_path, monkeypatch):
    """Call the command in ``tmp_path``; the pixels it made."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments, code=0):
        given = ["hello", "--checkpoint", str(folder), "--size", "32x16", "--steps", "2"]
        result = invoke(app, [*given, *map(str, arguments), "-o", "x.png"])
        assert result.exit_code == code, result.output
        if code:
            return result.stderr
        with Image.open(tmp_path / "x.png") as image:
            return image.text, np.asarray(image.convert("RGB")).astype(int)

    return call


def write_gguf(path, tensors, kind):
    """A file as ComfyUI-GGUF has it: matrices quantised, all else as it was."""
    writer = gguf.GGUFWriter(str(path), "qwen_image")
    for name, tensor in tensors.items():
        values = tensor.float().numpy()
        if values.ndim == 2 and values.shape[1] % 32 == 0 and kind:
            data = gguf.quantize(values, kind)
            writer.add_tensor(name, data, raw_shape=data.shape, raw_dtype=kind)
        else:
            writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def stored(folder):
    return load_file(folder / "transformer" / "diffusion_pytorch_model.safetensors")


def test_a_gguf_file_in_place_of_the_weights(run, folder, tmp_path):
    tensors = stored(folder)
    _, expected = run()
    write_gguf(tmp_path / "same.gguf", tensors, None)
    facts, pixels = run("--weights", "same.gguf")
    assert (pixels == expected).all()
    assert facts["weights"] == "same.gguf"
    write_gguf(tmp_path / "q8.gguf", tensors, gguf.GGMLQuantizationType.Q8_0)
    _, pixels = run("--weights", "q8.gguf")
    assert 0 < np.abs(pixels - expected).max() <= 24
    write_gguf(tmp_path / "other.gguf", {"img_in.weight": tensors["img_in.weight"]}, None)
    assert "of another network" in run("--weights", "other.gguf", code=2)
    (tmp_path / "broken.gguf").write_bytes((tmp_path / "q8.gguf").read_bytes()[:2000])
    assert "broken.gguf" in run("--weights", "broken.gguf", code=2)
    (tmp_path / "no.gguf").write_bytes(b"not one")
    assert "no GGUF file" in run("--weights", "no.gguf", code=2)
    assert "no such file" in run("--weights", "absent.gguf", code=2)


def test_precision_and_offload_are_options(run):
    _, expected = run()
    facts, pixels = run("--precision", "int8")
    assert facts["precision"] == "int8"
    assert 0 < np.abs(pixels - expected).max() <= 24
    facts, pixels = run("--offload", "--encode-on-cpu")
    assert "precision" not in facts
    assert (pixels == expected).all()
    assert "did you mean 'int8'" in run("--precision", "int9", code=2)


def save_lora(path, folder):
    """A LoRA of one matrix, and the weights with it."""
    from safetensors.torch import save_file

    generator = torch.Generator().manual_seed(0)
    down, up = (torch.randn(*shape, generator=generator) for shape in ((4, 32), (32, 4)))
    layer = "transformer_blocks.0.attn.to_v"
    names = {f"{layer}.lora_A.weight": down, f"{layer}.lora_B.weight": up}
    save_file({f"transformer.{name}": value for name, value in names.items()}, str(path))
    return {f"{layer}.weight": stored(folder)[f"{layer}.weight"] + 0.5 * up @ down}


def test_a_lora_with_its_factor_also_when_exported(run, folder, tmp_path):
    _, expected = run()
    changed = save_lora(tmp_path / "a:b.safetensors", folder)  # a name with a colon, too
    (tmp_path / "a:b.safetensors").rename(tmp_path / "style.safetensors")
    facts, pixels = run("--lora", "style.safetensors:0.5")
    assert facts["loras"] == "style.safetensors:0.5"
    assert np.abs(pixels - expected).max() > 0
    _, none = run("--lora", "style.safetensors:0")
    assert (none == expected).all()
    given = ["--checkpoint", str(folder), "--lora", "style.safetensors:0.5"]
    result = invoke(export, [*given, "--to", "comfyui", "-o", "new/one.safetensors"])
    assert result.exit_code == 0, result.output
    one = load_file(tmp_path / "new" / "one.safetensors")
    assert one.keys() == stored(folder).keys()
    for name, tensor in one.items():
        torch.testing.assert_close(tensor, changed.get(name, stored(folder)[name]))
    assert invoke(export, [*given, "-o", "merged"]).exit_code == 0
    monkey = invoke(
        app,
        ["hello", "--checkpoint", "merged", "--size", "32x16", "--steps", "2", "-o", "y.png"],
    )
    assert monkey.exit_code == 0, monkey.output
    with Image.open(tmp_path / "y.png") as image:
        again = np.asarray(image.convert("RGB")).astype(int)
    assert np.abs(again - pixels).max() <= 1
    again_there = invoke(export, [*given, "-o", "merged"])
    assert again_there.exit_code == 2
    assert "is there" in again_there.stderr
    assert "no such file" in run("--lora", "absent.safetensors", code=2)


def test_too_little_memory_to_load_says_what_takes_less(folder, monkeypatch):
    def poor(_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")

    monkeypatch.setattr(engine, "load_for_inference", poor)
    with pytest.raises(TooLargeError, match=r"20 GiB.*--offload and --encode-on-cpu \(--plan"):
        Engine.load(folder, "cpu")


def test_what_latest_names_is_settled_once(tmp_path):
    for number in (1, 2):
        (tmp_path / f"checkpoint-{number}").mkdir()
        (tmp_path / f"checkpoint-{number}" / "model_index.json").write_text("{}")
        (tmp_path / f"checkpoint-{number}" / adapter_folder.NAME).write_text("")
    (tmp_path / "latest").write_text("checkpoint-1")
    carried = generating.execution(loras=[f"{tmp_path}:0.5"], controlnet=tmp_path)
    (tmp_path / "latest").write_text("checkpoint-2")
    assert generating.execution(**generating.resolved(carried)) == carried
    assert carried.controlnet == tmp_path / "checkpoint-1"
    assert carried.adapters == ((tmp_path / "checkpoint-1" / adapter_folder.NAME, 0.5),)
    condition = Condition(np.zeros((8, 8, 3), np.uint8))
    named = generating.following_of(condition, carried.controlnet)["controlnet"]
    assert named == f"{tmp_path.name}/checkpoint-1"


def test_what_the_published_network_takes(tmp_path):
    """By its configurations alone: no weight is there."""
    from diffusers import AutoencoderKLQwenImage

    for name in ("transformer", "text_encoder"):
        (tmp_path / name).mkdir()
    (tmp_path / "transformer" / "config.json").write_text(json.dumps(QWEN_IMAGE))
    (tmp_path / "text_encoder" / "config.json").write_text(json.dumps(QWEN_2_5_VL_7B))
    (tmp_path / "model_index.json").write_text('{"_class_name": "QwenImagePipeline"}')
    with torch.device("meta"):
        AutoencoderKLQwenImage().save_config(tmp_path / "vae")
    given = ["--plan", "--checkpoint", str(tmp_path), "--size", "1328x1328"]
    result = invoke(app, [*given, "--json"])
    assert result.exit_code == 0, result.output
    plan = json.loads(result.stdout)
    assert plan["parameters"] == 20_430_401_088
    rows = {row["precision"]: row for row in plan["rows"]}
    tabled = 60 * 12 * 3072 * (3072 + 1)  # parameters that there is a table for
    assert rows["bfloat16"]["weights"] == 2 * (plan["parameters"] - tabled)
    bits = [rows[name]["weights"] for name in ("float32", "bfloat16", "int8", "int4")]
    assert bits == sorted(bits, reverse=True)
    assert all(row["smallest"] < row["offloaded"] < row["resident"] for row in rows.values())
    assert 1e9 < plan["steps"] < 3e9 < plan["decoding"] < 9e9
    assert plan["encoder"] == 2 * 8_292_166_656
    assert plan["autoencoder"] == 2 * 126_892_531
    table = [line.split() for line in invoke(app, given).stdout.splitlines()]
    held = {words[0]: words[5:] for words in table[2:-1]}
    assert held["bfloat16"] == ["cpu", "off.", "all"] and held["int4"] == ["cpu", "off.", "all"]
    (tmp_path / "text_encoder" / "config.json").write_text('{"hidden_size": 3584}')
    assert "unknown, and not counted" in invoke(app, given).stdout
    config = tmp_path / "text_encoder" / "config.json"
    said = {"hidden_size": 3584, "auto_map": {"AutoConfig": "code.Config"}}  # nothing of it is run
    (tmp_path / "text_encoder" / "code.py").write_text("raise SystemExit(9)")
    heads = {"text_config": QWEN_2_5_VL_7B["text_config"] | {"num_attention_heads": 0}}
    for odd in ({"model_type": "x"}, QWEN_2_5_VL_7B | {"vision_config": 7}, QWEN_2_5_VL_7B | heads):
        config.write_text(json.dumps(odd | said))
        assert "unknown, and not counted" in invoke(app, given).stdout
    odd = QWEN_IMAGE | {"num_attention_heads": 0}
    (tmp_path / "transformer" / "config.json").write_text(json.dumps(odd))
    wrong = invoke(app, given)
    assert wrong.exit_code == 2 and str(tmp_path) in wrong.stderr


def test_the_height_of_memory_is_that_of_what_is_there_together():
    from infer.engine.peaks import peak

    def compute(device):
        def run():
            a = torch.zeros(1000, device=device)  # 4000 bytes
            b = a + 1
            del a
            c = b + b
            return c[0]  # a view, which takes nothing

        return run

    assert peak(compute("cpu")) == peak(compute("meta")) == 8000


def test_a_condition_needs_a_controlnet_and_its_own_words(run, folder, tmp_path):
    Image.new("RGB", (40, 30), "red").save(tmp_path / "photo.png")
    assert "name a --controlnet" in run("--control", "canny:photo.png", code=2)
    assert "expected KIND:FILE" in run("--control", "photo.png", code=2)
    assert "did you mean 'canny'" in run("--control", "cany:photo.png", code=2)
    assert "no such file" in run("--control", "canny:absent.png", code=2)
    assert "needs a --mask" in run("--control", "inpaint:photo.png", code=2)
    assert "takes no --mask" in run("--control", "canny:photo.png", "--mask", "photo.png", code=2)
    assert "--control inpaint:FILE" in run("--mask", "photo.png", code=2)
    span = ["--control-span", 0.8, 0.2]
    assert "from <= to" in run("--control", "canny:photo.png", *span, code=2)
    assert "no ControlNet" in run("--controlnet", folder, "--control", "canny:photo.png", code=2)


def test_an_image_taken_apart_into_layers(tmp_path, monkeypatch, folder):
    from infer.layers import app as layers

    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (50, 40), "red").save("poster.png")
    whole = tiny_qwen.save_layered_pipeline(tmp_path / "layered")
    given = ["a red poster", "--input", "poster.png", "-o", "out", "--side", "64", "--steps", "2"]
    result = invoke(layers, [*given, "--layers", "2", "--checkpoint", str(whole)])
    assert result.exit_code == 0, result.output
    assert {path.name for path in (tmp_path / "out").glob("*.png")} == {
        *("1.png", "2.png", "composite.png")
    }
    with Image.open("out/1.png") as image:
        assert (image.mode, image.size) == ("RGBA", (64, 64))
        assert image.text["prompt"] == "a red poster"
    before = (tmp_path / "out" / "2.png").read_bytes()
    invoke(layers, [*given, "--layers", "2", "--checkpoint", str(whole)])
    assert (tmp_path / "out" / "2.png").read_bytes() == before
    monkeypatch.setattr("train.text_encoders.qwen_captions._LONGEST", 9)
    undescribed = [*given[1:], "--layers", "2", "--english", "--json", "--checkpoint", str(whole)]
    described = invoke(layers, undescribed)
    assert described.exit_code == 0, described.output
    caption = json.loads(described.stdout)["prompt"]
    assert caption and f"the text encoder says of it: {caption!r}" in described.stderr
    with Image.open("out/1.png") as image:
        assert image.text["prompt"] == caption
        assert image.text["prompt_by"] == "the text encoder"
    again = invoke(layers, [caption, *undescribed])
    assert json.loads(again.stdout)["prompt"] == caption
    shutil.rmtree(whole / "processor")
    refused = invoke(layers, undescribed)
    assert refused.exit_code == 2
    assert "writes no prompts, it has not a processor/" in refused.stderr
    refused = invoke(layers, [*given, "--checkpoint", str(folder)])
    assert refused.exit_code == 2
    assert "no layered model" in refused.stderr
