"""LoRA files by whatever names, merged into both families as diffusers computes them."""

import copy

import pytest
import torch
from making import loras, packed_21
from making.commands import invoke
from making.packed_qwen import MIXED, TINY, off, ours, packed, theirs, velocity
from safetensors.torch import load_file, save_file

from curation.failures.errors import UsageError
from infer.export import app as export_app
from train.adapters import reading, writing
from train.adapters.lora import Pair, matrices
from train.adapters.merging import merge
from train.models.qwen_image.tabled import Tables
from train.packing.keys import parted


@pytest.fixture(scope="module")
def published():
    return theirs(TINY)


@pytest.fixture(scope="module")
def network(published, tmp_path_factory):
    return ours(published, tmp_path_factory.mktemp("network"))


@pytest.fixture(scope="module")
def expected(published, network, tmp_path_factory):
    """The velocity by diffusers, with all pairs beside its matrices."""
    path = tmp_path_factory.mktemp("lora") / "lora.safetensors"
    loras.save(path, loras.pairs(network), "diffusers")
    changed = loras.into_diffusers(copy.deepcopy(published), path)
    with torch.no_grad():
        return velocity(changed, packed(MIXED))


def saved(folder, network, naming):
    made = loras.pairs(network)
    if naming in loras.WITHOUT_ALPHA:
        made = loras.folded(made)
    return loras.save(folder / "lora.safetensors", made, naming)


@torch.no_grad()
@pytest.mark.parametrize("naming", loras.NAMINGS)
def test_what_is_merged_is_what_diffusers_computes(naming, network, expected, tmp_path):
    path, changed = saved(tmp_path, network, naming), copy.deepcopy(network)
    assert off(changed(packed(MIXED)), expected) > 0.1
    reading.apply(changed, [(path, 1.0)])
    assert off(changed(packed(MIXED)), expected) < 1e-4


@torch.no_grad()
@pytest.mark.parametrize("naming", sorted(loras.NAMINGS.keys() - loras.NOT_READ_BY_DIFFUSERS))
def test_diffusers_reads_the_same_from_files_of_these_names(
    naming, published, network, expected, tmp_path
):
    path = saved(tmp_path, network, naming)
    changed = loras.into_diffusers(copy.deepcopy(published), path)
    assert off(velocity(changed, packed(MIXED)), expected) < 1e-4


@torch.no_grad()
@pytest.mark.filterwarnings("ignore:Already found a `peft_config`")
def test_several_files_are_merged_as_a_pipeline_fuses_them(qwen_folder, tmp_path):
    from diffusers import QwenImagePipeline

    from train.models.qwen_image.network import load

    pipeline = QwenImagePipeline.from_pretrained(qwen_folder)
    mine, factors = load(qwen_folder / "transformer"), (0.7, -0.4)
    before = {name: weight.clone() for name, weight in mine.named_parameters()}
    files = []
    for number, (only, factor) in enumerate(zip(("attn", "0."), factors, strict=True)):
        path = tmp_path / f"{number}.safetensors"
        naming = "diffusers" if number else "kohya"
        loras.save(path, loras.pairs(mine, number, only=only), naming)
        pipeline.load_lora_weights(tmp_path, weight_name=path.name, adapter_name=str(number))
        files.append((path, factor))
    pipeline.set_adapters(["0", "1"], list(factors))
    pipeline.fuse_lora(adapter_names=["0", "1"])
    pipeline.unload_lora_weights()
    reading.apply(mine, files)
    fused, sources = pipeline.transformer.state_dict(), mine.sources()
    changed = 0
    for name, weight in mine.named_parameters():
        changed += not torch.equal(weight, before[name])
        for key, tensor in parted(sources[name], weight):
            assert torch.allclose(tensor, fused[key], atol=1e-5, rtol=1e-5), key
    assert changed > 10
    again = dict(load(qwen_folder / "transformer").named_parameters())
    assert all(torch.equal(again[name], weight) for name, weight in before.items())


@pytest.mark.parametrize("family", ["qwen_image", "qwen_image_21"])
def test_it_is_exported_without_the_weights_of_its_network(family, network, published, tmp_path):
    if family == "qwen_image_21":
        published = packed_21.diffusers_network()
        network = packed_21.packed_network(published)
    made = loras.pairs(network)
    path = loras.save(tmp_path / "lora.safetensors", made, "diffusers")
    published.save_config(tmp_path / "base/transformer")
    (tmp_path / "base/model_index.json").write_text("{}")
    out = tmp_path / "out.safetensors"
    given = ["--checkpoint", str(tmp_path / "base"), "--to", "comfyui-lora", "--lora", str(path)]
    done = invoke(export_app, [*given, "-o", str(out)])
    assert done.exit_code == 0, done.output
    again = reading.read(out, network)
    assert again.keys() == made.keys()
    assert all(torch.equal(again[layer].up, pair.up) for layer, pair in made.items())


@torch.no_grad()
@pytest.mark.parametrize("naming", ["diffusers", "kohya", "fused by ComfyUI"])
def test_of_21_too(naming, tmp_path):
    theirs_21 = packed_21.diffusers_network()
    network = packed_21.packed_network(theirs_21)
    batch = packed_21.packed(packed_21.SAMPLES["two adjacent references"])
    made = loras.pairs(network)
    path = loras.save(tmp_path / "lora.safetensors", made, "diffusers")
    changed = loras.into_diffusers(copy.deepcopy(theirs_21), path)
    expected = packed_21.alone(batch).through(changed)
    if naming == "kohya":
        loras.save(path, made, naming)
    if naming == "fused by ComfyUI":
        loras.save(path, fused(made), "diffusion_model")
    assert off(network(batch), expected) > 0.05
    reading.apply(network, [(path, 1.0)])
    assert off(network(batch), expected) < 1e-4


def fused(made):
    """Gate and values of every MLP as pairs of a fused matrix."""
    fused, rest = {}, dict(made)
    for layer in made:
        if layer.endswith("img_mlp.gate_layer"):
            base = layer.removesuffix("gate_layer")
            gate, proj = rest.pop(layer), rest.pop(f"{base}proj")
            fused[f"{base}gate_up"] = Pair(
                torch.cat([gate.down * gate.scale, proj.down * proj.scale]),
                torch.block_diag(gate.up, proj.up),
            )
    assert len(fused) == packed_21.SIZES.num_layers
    return rest | fused


@torch.no_grad()
def test_in_bf16_the_sum_is_rounded_once(network, tmp_path):
    made, half = loras.pairs(network, only="to_q"), copy.deepcopy(network).to(torch.bfloat16)
    weights = dict(half.named_parameters())
    before = {name: weight.float().clone() for name, weight in weights.items()}
    merge(half, [(made, 0.3), (made, 0.1)])
    sources = half.sources()
    for name, weight in weights.items():
        old, new = (dict(parted(sources[name], each)) for each in (before[name], weight))
        for key, tensor in new.items():
            exact = old[key]
            if (pair := made.get(key.removesuffix(".weight"))) is not None:
                exact = exact + 0.4 * pair.scale * (pair.up @ pair.down)
            assert torch.allclose(tensor.float(), exact.bfloat16().float(), rtol=2**-7), key


def test_alpha_of_peft_is_beside_the_file_and_by_the_root_where_it_says_so(network, tmp_path):
    made = loras.pairs(network, only="to_q")
    path = loras.save(tmp_path / "lora.safetensors", made, "peft")
    configuration = tmp_path / loras.PEFT_CONFIGURATION
    content = configuration.read_text()
    configuration.write_text(content[:-1] + ', "use_rslora": true}')
    read = reading.read(path, network)
    for layer, pair in made.items():
        assert read[layer].scale == pytest.approx(pair.scale * pair.rank**0.5)
    configuration.unlink()
    with pytest.raises(UsageError, match=r"alpha is in adapter_config\.json; put that beside it"):
        reading.read(path, network)


LAYER = "transformer_blocks.0.attn.to_q"


def lora(**changes):
    tensors = {
        f"{LAYER}.lora_A.weight": torch.ones(2, 32),
        f"{LAYER}.lora_B.weight": torch.ones(32, 2),
    }
    for key, value in changes.items():
        tensors.pop(key, None) if value is None else tensors.update({key: value})
    return tensors


REFUSED = {
    "dora": ({f"{LAYER}.dora_scale": torch.ones(32, 1)}, f"{LAYER}.dora_scale is of DoRA"),
    "dora of peft": ({f"{LAYER}.lora_magnitude_vector": torch.ones(32)}, "is of DoRA"),
    "lokr": ({f"{LAYER}.lokr_w1": torch.ones(2, 2)}, "is of LoKr"),
    "loha": ({"lycoris_x.hada_w1_a": torch.ones(2, 2)}, "is of LoHa"),
    "difference": ({f"{LAYER}.diff": torch.ones(32, 32)}, "a difference of whole weights"),
    "bias": ({f"{LAYER}.lora_B.bias": torch.ones(32)}, "a LoRA with biases"),
    "text encoder": ({"lora_te_x.lora_down.weight": torch.ones(2, 2)}, "of the text encoder"),
    "another network": (
        {"double_blocks.0.img_attn.qkv.lora_A.weight": torch.ones(2, 32)},
        "1 of 3 tensors are no LoRA of this network, the first is double_blocks.0.img_attn.qkv",
    ),
    "another depth": (
        {"transformer_blocks.7.attn.to_q.lora_A.weight": torch.ones(2, 32)},
        "the first is transformer_blocks.7.attn.to_q.lora_A.weight; expected such as",
    ),
    "no up": ({f"{LAYER}.lora_B.weight": None}, f"no up matrix for {LAYER}; is it cut"),
    "another width": (
        {f"{LAYER}.lora_A.weight": torch.ones(2, 30)},
        f"a LoRA of 32x30 for {LAYER}, which is 32x32",
    ),
    "ranks": ({f"{LAYER}.lora_A.weight": torch.ones(3, 32)}, "is no product of a LoRA"),
    "twice": (
        {f"lora_unet_{LAYER.replace('.', '_')}.lora_down.weight": torch.ones(2, 32)},
        f"is the second down of {LAYER}",
    ),
    "not finite": (
        {f"{LAYER}.lora_A.weight": torch.full((2, 32), float("nan"))},
        "lora_A.weight has values that are no finite numbers",
    ),
    "whole numbers": ({f"{LAYER}.alpha": torch.tensor(3)}, "no finite numbers"),
    "two alphas of a row": ({f"{LAYER}.alpha": torch.ones(2)}, "an alpha of its own"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_lora_of_the_network_is_refused_by_name(case, network, tmp_path):
    changes, says = REFUSED[case]
    path = tmp_path / "lora.safetensors"
    save_file(lora(**changes), path)
    with pytest.raises(UsageError) as raised:
        reading.read(path, network)
    assert str(raised.value).startswith(f"{path}: ")
    assert says in str(raised.value)


METADATA = {
    "no JSON": ("{", "is not readable"),
    "no object": ("[1]", "no JSON object"),
    "no number": ('{"transformer.lora_alpha": "x"}', "not readable"),
    "an expression": (
        '{"transformer.lora_alpha": 1, "transformer.alpha_pattern": {"(a+)+$": 2}}',
        "expected the name of a layer",
    ),
    "dora": ('{"transformer.lora_alpha": 1, "transformer.use_dora": true}', "use_dora is set"),
}


@pytest.mark.parametrize("case", METADATA)
def test_alpha_that_cannot_be_read_is_not_lost_in_silence(case, network, tmp_path):
    text, says = METADATA[case]
    path = tmp_path / "lora.safetensors"
    save_file(lora(), path, metadata={"lora_adapter_metadata": text})
    with pytest.raises(UsageError, match=says):
        reading.read(path, network)


def test_files_of_other_kinds_are_not_opened(network, tmp_path):
    for name, says in (("lora.pt", "the only kind read"), ("lora.safetensors", "not readable")):
        (tmp_path / name).write_bytes(b"\x80\x04broken")
        with pytest.raises(UsageError, match=says):
            reading.read(tmp_path / name, network)
    with pytest.raises(UsageError, match="not readable as safetensors"):
        reading.read(tmp_path / "absent.safetensors", network)


def test_a_tabled_network_is_refused(network):
    made = loras.pairs(network, only="img_mod")
    tabled = copy.deepcopy(network)
    Tables(tabled)
    with pytest.raises(ValueError, match="merge adapters right after"):
        merge(tabled, [(made, 1.0)])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_what_is_written_is_read_back_bit_for_bit(dtype, published, network, tmp_path):
    made = loras.pairs(network, dtype=dtype)
    path = tmp_path / "lora.safetensors"
    writing.write(path, made)
    changed = loras.into_diffusers(copy.deepcopy(published).to(dtype), path)
    modules = dict(changed.named_modules())
    read = reading.read(path, network)
    assert read.keys() == made.keys()
    for layer, pair in made.items():
        theirs_of = modules[layer]
        assert theirs_of.scaling["first"] == pytest.approx(pair.scale, rel=1e-12)
        assert read[layer].scale == pytest.approx(pair.scale, rel=1e-12)
        for mine, own, again in (
            (pair.down, theirs_of.lora_A["first"].weight, read[layer].down),
            (pair.up, theirs_of.lora_B["first"].weight, read[layer].up),
        ):
            assert mine.dtype == own.dtype == again.dtype
            assert torch.equal(mine, own)
            assert torch.equal(mine, again)


@torch.no_grad()
def test_what_is_written_for_comfyui_has_its_alphas_and_diffusers_reads_it(
    published, network, expected, tmp_path
):
    path = tmp_path / "lora.safetensors"
    writing.write(path, loras.pairs(network), names="comfyui")
    keys = load_file(path).keys()
    assert f"diffusion_model.{LAYER}.alpha" in keys
    assert len(keys) == 3 * len(loras.pairs(network))
    changed = loras.into_diffusers(copy.deepcopy(published), path)
    assert off(velocity(changed, packed(MIXED)), expected) < 1e-4
    mine = copy.deepcopy(network)
    reading.apply(mine, [(path, 1.0)])
    assert off(mine(packed(MIXED)), expected) < 1e-4


def test_matrices_are_the_published_ones(published, network):
    shapes = {
        key.removesuffix(".weight"): tuple(weight.shape)
        for key, weight in published.state_dict().items()
        if weight.ndim == 2
    }
    assert matrices(network) == shapes
