"""The packed ControlNet beside that of diffusers: what it adds, where it is added, its files."""

import json
from dataclasses import replace

import pytest
import torch
from making import packed_control
from making.packed_qwen import OPTIONS, TINY, off, ours, packed, reference, singles, target, theirs

from curation.failures.errors import UsageError
from train.models.qwen_image import control, controlnet
from train.models.qwen_image.control import Control, Controlled
from train.models.qwen_image.keys import of_control
from train.models.qwen_image.network import PackedQwenImage
from train.packing import patches
from train.packing.keys import parted
from train.packing.layout import ImageSpan, Layout, TextSpan
from train.packing.packed import Packed

TARGETS = Layout(
    (
        (TextSpan(7), target(3, 5)),
        (TextSpan(1), target(4, 2)),
        (TextSpan(13), target(2, 2)),
        (TextSpan(4), target(1, 1)),
    )
)
SCALES = (1.0, 0.4, 1.7, 0.8)


def normal(*shape, seed=3):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def latents(layout, channels):
    """(c, h, w) of a condition of each sample."""
    spans = [next(s for s in sample if isinstance(s, ImageSpan)) for sample in layout.samples]
    return [
        normal(channels, 2 * span.height, 2 * span.width, seed=number)
        for number, span in enumerate(spans)
    ]


def theirs_of(network, single, condition, scale):
    """What a ControlNet of diffusers adds to a sample."""
    (span,) = [each for each in single.layout.samples[0] if isinstance(each, ImageSpan)]
    return network(
        hidden_states=single.image[None],
        controlnet_cond=condition[None],
        conditioning_scale=scale,
        encoder_hidden_states=single.text[None],
        timestep=single.sigma,
        img_shapes=[[(1, span.height, span.width)]],
        return_dict=False,
    )


def velocity_of(network, single, samples):
    """The velocity of a sample by diffusers, with what its ControlNet adds."""
    (span,) = [each for each in single.layout.samples[0] if isinstance(each, ImageSpan)]
    return network(
        hidden_states=single.image[None],
        encoder_hidden_states=single.text[None],
        timestep=single.sigma,
        img_shapes=[[(1, span.height, span.width)]],
        controlnet_block_samples=samples,
        return_dict=False,
    )[0][0]


@pytest.mark.parametrize(("blocks", "extra"), [(1, 0), (2, 4), (3, 0)])
def test_what_is_added_and_its_gradients_are_those_of_diffusers(blocks, extra, tmp_path):
    expected_of = packed_control.theirs(blocks, extra)
    network, batch = packed_control.ours(expected_of, tmp_path), packed(TARGETS)
    conditions = [patches.pack(each, 2) for each in latents(TARGETS, 2 + extra // 4)]
    counts = torch.tensor(TARGETS.target_lengths)
    scale = torch.tensor(SCALES).repeat_interleave(counts)
    measured = network(batch, torch.cat(conditions), scale)
    rows = [
        theirs_of(expected_of, *each)
        for each in zip(singles(batch), conditions, SCALES, strict=True)
    ]
    expected = [torch.cat([row[k][0] for row in rows]) for k in range(blocks)]
    weight = normal(*expected[0].shape)
    for mine, own in zip(measured, expected, strict=True):
        assert off(mine, own) < 1e-5
    sum((each * weight).sum() for each in measured).backward()
    sum((each * weight).sum() for each in expected).backward()
    gradients = {
        key: gradient
        for name, parameter in network.named_parameters()
        if parameter.grad is not None
        for key, gradient in parted(network.sources()[name], parameter.grad)
    }
    for key, parameter in expected_of.named_parameters():
        if key in gradients:
            assert off(gradients[key], parameter.grad) < 1e-4, key
        else:  # text behind the last block, that nobody sees
            assert parameter.grad is None or not parameter.grad.any(), key
    assert {"controlnet_x_embedder.weight", "controlnet_blocks.0.bias"} <= gradients.keys()


@torch.no_grad()
@pytest.mark.parametrize("option", ["text to image", "zero_cond_t"])
@pytest.mark.parametrize("blocks", [1, 2, 3])
def test_a_batch_in_which_some_have_conditions_is_as_diffusers(blocks, option, tmp_path):
    """Of three blocks, by one, two and three: sample 0 has no condition."""
    base, expected_of = theirs(OPTIONS[option]), packed_control.theirs(blocks)
    network = ours(base, tmp_path / "base")
    own = packed_control.ours(expected_of, tmp_path / "control")
    batch, conditions = packed(TARGETS), latents(TARGETS, 2)
    controls = [Controlled(Control(conditions[k], SCALES[k]), by=k, to=(k,)) for k in (3, 1, 2)]
    measured = network(batch, residuals=control.residuals(own, batch, controls))
    expected = []
    for number, single in enumerate(singles(batch)):
        condition, samples = patches.pack(conditions[number], 2), None
        if number:
            samples = theirs_of(expected_of, single, condition, SCALES[number])
        expected.append(velocity_of(base, single, samples))
    assert off(measured, torch.cat(expected)) < 1e-5
    assert off(network(batch)[15:], torch.cat(expected)[15:]) > 1e-2  # they do change something


@torch.no_grad()
def test_two_conditions_of_a_sample_add_up_and_serve_the_negative_prompt_too(tmp_path):
    """As ``QwenImageMultiControlNetModel`` does, and the pipeline without the prompt."""
    from diffusers.models.controlnets import controlnet_qwenimage

    base, single = theirs(TINY), packed_control.theirs(2)
    multiple = controlnet_qwenimage.QwenImageMultiControlNetModel([single])
    network = ours(base, tmp_path / "base")
    own = packed_control.ours(single, tmp_path / "control")
    layout = Layout(((TextSpan(5), target(2, 3)), (TextSpan(2), target(2, 3))))
    batch = packed(layout)
    conditions = [normal(2, 4, 6, seed=seed) for seed in (1, 2)]
    controls = [
        Controlled(Control(each, scale), by=0, to=(0, 1))
        for each, scale in zip(conditions, (0.5, 2.0), strict=True)
    ]
    measured = network(batch, residuals=control.residuals(own, batch, controls))
    given, negative = singles(batch)
    samples = multiple(
        hidden_states=given.image[None],
        controlnet_cond=[patches.pack(each, 2)[None] for each in conditions],
        conditioning_scale=[0.5, 2.0],
        encoder_hidden_states=given.text[None],
        timestep=given.sigma,
        img_shapes=[[(1, 2, 3)]],
        return_dict=False,
    )
    expected = [velocity_of(base, each, samples) for each in (given, negative)]
    assert off(measured, torch.cat(expected)) < 1e-5


@torch.no_grad()
def test_references_are_neither_seen_by_a_controlnet_nor_changed(tmp_path):
    network = ours(theirs(TINY), tmp_path / "base")
    own = packed_control.ours(packed_control.theirs(1), tmp_path / "control")
    with_reference = Layout(((TextSpan(5), target(2, 3), reference(2, 2)),))
    batch, image = packed(with_reference), []
    controls = [Controlled(Control(normal(2, 4, 6)), by=0, to=(0,))]
    added = control.residuals(own, batch, controls)
    assert added.to.tolist() == list(range(6))
    alone = Packed(batch.text, batch.image[:6], batch.sigma, Layout(((TextSpan(5), target(2, 3)),)))
    for mine, expected in zip(
        added.samples, control.residuals(own, alone, controls).samples, strict=True
    ):
        assert torch.equal(mine, expected)
    network.blocks[0].register_forward_hook(lambda _module, _given, made: image.append(made[1]))
    network.blocks[1].register_forward_hook(lambda _module, given, _made: image.append(given[1]))
    network(batch, residuals=added)
    behind, next_in = image
    assert torch.equal(behind[6:], next_in[6:])
    assert torch.allclose(next_in[:6] - behind[:6], added.samples[0], atol=1e-5)


@torch.no_grad()
def test_bf16_is_no_farther_from_float32_than_that_of_diffusers(tmp_path):
    half = packed_control.theirs(2, dtype=torch.bfloat16)
    full = packed_control.theirs(2)
    full.load_state_dict(half.state_dict())
    network = packed_control.ours(half, tmp_path)
    network.rounds_timestep = True
    (single,) = singles(packed(Layout(TARGETS.samples[:1]), dtype=torch.bfloat16))
    condition = normal(15, 8).to(torch.bfloat16)
    measured = network(single, condition, torch.full((15,), 0.7))
    theirs_half = theirs_of(half, single, condition, 0.7)
    sigma = single.sigma.to(torch.bfloat16).float()
    wide = replace(single, text=single.text.float(), image=single.image.float(), sigma=sigma)
    exact = theirs_of(full, wide, condition.float(), 0.7)
    for mine, own, expected in zip(measured, theirs_half, exact, strict=True):
        assert mine.dtype == torch.bfloat16
        assert off(mine, expected[0]) < min(4e-2, off(own[0], expected[0]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("extra", [0, 4])
def test_what_was_loaded_is_saved_byte_for_byte(extra, dtype, tmp_path):
    published = packed_control.theirs(3, extra, dtype=dtype)
    network = packed_control.ours(published, tmp_path / "theirs")
    (tmp_path / "ours").mkdir()
    network.save(tmp_path / "ours", largest_part=30_000)
    again = type(published).from_pretrained(tmp_path / "ours", torch_dtype=dtype)
    configurations = [tmp_path / folder / "config.json" for folder in ("theirs", "ours")]
    assert configurations[0].read_bytes() == configurations[1].read_bytes()
    expected, measured = published.state_dict(), again.state_dict()
    assert list(measured) == list(expected)
    for key, tensor in expected.items():
        assert measured[key].dtype == dtype
        assert torch.equal(measured[key], tensor), key


def test_published_sizes_have_the_published_names_and_count():
    from accelerate import init_empty_weights
    from diffusers import QwenImageControlNetModel

    with init_empty_weights():
        published = QwenImageControlNetModel(num_layers=5, extra_condition_channels=4)
    config = controlnet.Config(num_layers=5)
    with torch.device("meta"):
        network = controlnet.PackedQwenImageControlNet(config, 4)
    parameters, sources = dict(network.named_parameters()), of_control(config)
    assert parameters.keys() == sources.keys()
    shapes = {
        key: tensor.shape
        for name, parameter in parameters.items()
        for key, tensor in parted(sources[name], parameter)
    }
    assert shapes == {key: tensor.shape for key, tensor in published.state_dict().items()}
    assert round(network.parameter_count() / 1e9, 3) == 1.768


@torch.no_grad()
def test_of_a_base_network_it_is_a_copy_with_its_norm_of_text_that_changes_nothing(tmp_path):
    published = theirs(replace(TINY, zero_cond_t=True))
    base = ours(published, tmp_path)
    made = controlnet.of_base(base, blocks=2, extra=4)
    (tmp_path / "control").mkdir()
    made.save(tmp_path / "control")
    made.image_in.weight.add_(1)  # of its own, not the base's
    expected = type(packed_control.theirs()).from_transformer(
        published, 2, TINY.attention_head_dim, TINY.num_attention_heads, extra_condition_channels=4
    )
    again = type(expected).from_pretrained(tmp_path / "control")
    assert torch.equal(base.image_in.weight, published.img_in.weight)
    assert (expected.txt_norm.weight == 1).all()  # which is what they forget
    expected.txt_norm.weight.copy_(published.txt_norm.weight)
    for key, tensor in expected.state_dict().items():
        assert torch.equal(again.state_dict()[key], tensor), key
    added = made(packed(TARGETS), normal(28, 12), torch.ones(28))
    assert len(added) == 2
    assert not torch.stack(added).any()
    with pytest.raises(ValueError, match="4 blocks of a network that has 3"):
        controlnet.of_base(base, blocks=4)


def test_a_controlnet_learns_through_a_frozen_network(tmp_path):
    base = ours(theirs(TINY), tmp_path)
    base.requires_grad_(False)
    made = controlnet.of_base(base, blocks=2)
    batch = packed(TARGETS)
    controls = [Controlled(Control(latents(TARGETS, 2)[0]), by=0, to=(0,))]
    for _ in range(2):
        made.zero_grad()
        base(batch, residuals=control.residuals(made, batch, controls)).square().sum().backward()
        with torch.no_grad():
            for parameter in made.parameters():
                if parameter.grad is not None:
                    parameter.sub_(1e-3 * parameter.grad)
    assert made.controls[1].weight.any()
    assert made.condition_in.weight.any()  # in the second step, through what is no longer zero


def test_what_does_not_fit_is_refused(tmp_path):
    published = packed_control.theirs(2)
    own = packed_control.ours(published, tmp_path)
    batch = packed(TARGETS)
    for bad in (normal(2, 4, 4), normal(3, 6, 10)):
        with pytest.raises(ValueError, match="condition"):
            control.residuals(own, batch, [Controlled(Control(bad), by=0, to=(0,))])
    with pytest.raises(ValueError, match="sample 1 is not as large as sample 0"):
        control.residuals(own, batch, [Controlled(Control(normal(2, 6, 10)), by=0, to=(0, 1))])
    with pytest.raises(ValueError, match="of targets alone"):
        own(packed(Layout(((TextSpan(1), target(1, 1), reference(1, 1)),))), normal(2, 8), SCALES)
    base = PackedQwenImage(TINY)
    routed = replace(batch, kept=torch.arange(28).numpy())
    added = control.residuals(own, batch, [Controlled(Control(normal(2, 6, 10)), by=0, to=(0,))])
    with pytest.raises(ValueError, match="go around blocks"):
        base(routed, residuals=added)
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "_class_name": "FluxControlNet"}))
    with pytest.raises(ValueError, match="FluxControlNet; expected QwenImageControlNetModel"):
        controlnet.load(tmp_path)


def test_beside_a_network_it_is_where_that_is_and_of_no_other_size(tmp_path):
    base = ours(theirs(TINY), tmp_path / "base").to(torch.bfloat16)
    packed_control.theirs(2, 4).save_pretrained(tmp_path / "pipeline" / "controlnet")
    made = controlnet.beside(base, tmp_path / "pipeline")
    assert made.image_in.weight.dtype == torch.bfloat16
    assert made.inpaints
    other = replace(TINY, joint_attention_dim=20)
    packed_control.theirs(1, config=other).save_pretrained(tmp_path / "other")
    packed_control.theirs(1, 3).save_pretrained(tmp_path / "three")
    for folder, says in (
        ("other", "a ControlNet with joint_attention_dim 20; this network has 12"),
        ("three", "extra_condition_channels is 3; expected 0, an image, or 4"),
        ("base", "no ControlNet for Qwen-Image; expected config.json of a QwenImageControlNet"),
        ("absent", "no ControlNet for Qwen-Image"),
    ):
        with pytest.raises(UsageError, match=f"{tmp_path / folder}: .*{says}"):
            controlnet.beside(base, tmp_path / folder)
