"""MSRoPE beside diffusers': odd sizes, references, layers and long texts."""

import pytest
import torch
from diffusers.models.transformers.transformer_qwenimage import QwenEmbedLayer3DRope, QwenEmbedRope
from making.packed_qwen import reference, target

from train.models.qwen_image.positions import positions
from train.packing.layout import ImageSpan, Layout, TextSpan
from train.packing.rotary import rotation

AXES = (4, 6, 6)
SAMPLES = {
    "odd": (TextSpan(3), target(5, 7)),
    "even and odd": (TextSpan(2), target(1, 8), reference(9, 4)),
    "three references": (TextSpan(5), target(3, 3), *(reference(2 * k + 1, 4) for k in range(3))),
    "long text": (TextSpan(1100), target(2, 3)),
    "large": (TextSpan(4), target(83, 104)),
    "many small": (TextSpan(4), *(target(2, 1) for _ in range(5)), reference(1, 1)),
}


@pytest.mark.parametrize("layered", [False, True])
@pytest.mark.parametrize("name", SAMPLES)
def test_angles_are_those_of_diffusers(name, layered):
    sample = SAMPLES[name]
    shapes = [(1, span.height, span.width) for span in sample if isinstance(span, ImageSpan)]
    kind = QwenEmbedLayer3DRope if layered else QwenEmbedRope
    embedding = kind(theta=10000, axes_dim=list(AXES), scale_rope=True)
    images, text = embedding(
        video_fhw=[shapes], device=torch.device("cpu"), max_txt_seq_len=sample[0].tokens
    )
    ours = rotation(positions(Layout((sample,)), layered), AXES)
    assert torch.equal(torch.complex(ours.cos, ours.sin)[:, 0], torch.cat([text, images]))


def test_text_goes_on_behind_the_largest_image_of_its_own_sample():
    layout = Layout(((TextSpan(2), target(1, 1)), (TextSpan(1), target(2, 9), reference(12, 1))))
    at = positions(layout)
    assert at[:3].tolist() == [[0, 0, 0], [1, 1, 1], [0, -1, -1]]
    assert at[3].tolist() == [6, 6, 6]
    assert at[4].tolist() == [0, -1, -5]
    assert at[-1].tolist() == [1, 5, -1]


def test_the_picture_behind_layers_is_frame_minus_one():
    sample = (TextSpan(1), target(1, 1), target(1, 1), reference(1, 1))
    assert positions(Layout((sample,)), layered=True)[:, 0].tolist() == [2, 0, 1, -1]
