"""The network and its text: packing, the mask, the byte text encoder, the patch PCA."""

import pytest
import torch
from diffusers import QwenImagePipeline
from hypothesis import given
from hypothesis import strategies as st

from curation.failures.errors import UsageError
from train import patches
from train.autoencoders.autoencoder import load_autoencoder
from train.autoencoders.patch_pca import PatchPcaAutoencoder
from train.models.family import Condition
from train.models.qwen_image import QwenImage
from train.text_encoders.byte_text import ByteTextEncoder
from train.text_encoders.text_encoder import load_text_encoder

SMALL = QwenImage(layers=2, heads=2, head_width=16, rope_axes=(4, 6, 6))


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def network():
    """A small network in which every weight says something."""
    torch.manual_seed(0)
    found = SMALL.build(channels=4, text_width=24)
    with torch.no_grad():
        for weight in found.parameters():
            weight.normal_(std=0.3)
    return found.eval()


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(1)
    return ByteTextEncoder(24)


def test_packing_is_that_of_diffusers():
    latents = normal(2, 16, 4, 6)
    theirs = QwenImagePipeline._pack_latents(latents, 2, 16, 4, 6)
    assert torch.equal(patches.pack(latents, 2), theirs)
    assert torch.equal(patches.unpack(theirs, 2, 4, 6), latents)
    with pytest.raises(ValueError, match="no multiple of the patch 2"):
        patches.pack(normal(1, 16, 3, 4), 2)


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 4), st.integers(1, 4))
def test_unpack_undoes_pack(patch, channels, rows, columns):
    latents = normal(2, channels, rows * patch, columns * patch)
    tokens = patches.pack(latents, patch)
    assert tokens.shape == (2, rows * columns, channels * patch * patch)
    assert torch.equal(patches.unpack(tokens, patch, rows * patch, columns * patch), latents)


def test_a_new_network_predicts_zero():
    found = SMALL.build(channels=4, text_width=24)
    text = Condition(normal(2, 5, 24), torch.ones(2, 5).bool())
    velocity = SMALL.velocity(found, normal(2, 4, 4, 4), torch.rand(2), text)
    assert velocity.shape == (2, 4, 4, 4)
    assert not velocity.any()


@pytest.mark.parametrize("kernel", ["native", "_native_math"])
@torch.no_grad()
def test_a_prediction_does_not_depend_on_the_padding(network, encoder, kernel):
    latents, sigma = normal(3, 4, 4, 6), torch.tensor([0.9, 0.5, 0.1])
    prompts = ['"A"', "", 'a much longer prompt, with "quoted text" and many words behind it']
    features, mask = encoder.encode(prompts)
    family = SMALL.model_copy(update={"attention": kernel})
    together = family.velocity(network, latents, sigma, Condition(features, mask))
    for n, prompt in enumerate(prompts):
        text = Condition(*encoder.encode([prompt]))
        alone = family.velocity(network, latents[n : n + 1], sigma[n : n + 1], text)
        assert torch.allclose(together[n], alone[0], atol=1e-5), prompt
    rubbish = Condition(torch.where(mask[..., None], features, 1e3 * torch.ones(())), mask)
    again = family.velocity(network, latents, sigma, rubbish)
    assert torch.allclose(again, together, atol=1e-5)


@torch.no_grad()
def test_every_real_token_counts(network, encoder):
    """The other half of the mask: what is not padding is seen."""
    latents, sigma = normal(1, 4, 4, 6), torch.tensor([0.5])
    prompts = ['the "AB" in red', 'the "AC" in red', 'the "BA" in red', 'the "AB" in blue', ""]
    texts = [Condition(*encoder.encode([prompt])) for prompt in prompts]
    drawn = [SMALL.velocity(network, latents, sigma, text) for text in texts]
    for n, one in enumerate(drawn):
        for other in drawn[:n]:
            assert (one - other).abs().max() > 1e-3
    features, mask = encoder.encode(prompts[:1])
    for place in range(mask.shape[1]):
        without = mask.clone()
        without[0, place] = False
        changed = SMALL.velocity(network, latents, sigma, Condition(features, without))
        assert (changed - drawn[0]).abs().max() > 1e-5, place


def test_axes_that_do_not_fit_are_told():
    with pytest.raises(UsageError, match=r"sum up to 18; expected model.head_width, 16"):
        QwenImage(layers=1, heads=1, head_width=16, rope_axes=(4, 6, 8)).build(4, 8)


def test_quoted_text_is_spelled_and_the_rest_is_words(encoder):
    found = encoder.tokens('The text "K7A" in red.')
    assert [token for token, _, _ in found[:1]] == [0]
    assert found[3:6] == [(1 + ord("K"), 1, 1), (1 + ord("7"), 2, 1), (1 + ord("A"), 3, 1)]
    words = [token for token, place, _ in found[1:] if place == 0]
    assert len(words) == 5  # The, text, in, red, full stop
    assert all(257 <= token < 257 + encoder.words for token in words)
    assert encoder.tokens("RED") == encoder.tokens("red")
    assert encoder.tokens("") == [(0, 0, 0)]


def test_hanzi_are_bytes_of_one_place_in_quotes_and_words_outside(encoder):
    found = encoder.tokens("写“你好”")
    assert [place for _, place, _ in found] == [0, 0, 1, 1, 1, 2, 2, 2]
    assert [offset for _, _, offset in found] == [0, 0, 1, 2, 3, 1, 2, 3]
    assert len(encoder.tokens("写着文字")) == 5


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_prompts_can_be_encoded_together(first, second):
    encoder = ByteTextEncoder(4, words=8, places=4, longest=32)
    features, mask = encoder.encode([first, second])
    assert features.shape == (*mask.shape, 4)
    assert mask.shape[1] <= 32
    assert mask.any(1).all()
    assert not features[~mask].any()
    counts = mask.sum(1)
    assert torch.equal(mask, torch.arange(mask.shape[1]) < counts[:, None])  # padded on the right
    alone, _ = encoder.encode([first])
    assert torch.equal(features[0, : counts[0]], alone[0])


def test_lone_surrogates_and_long_prompts_do_no_harm(encoder):
    features, mask = encoder.encode(['"\ud800"', "word " * 100_000])
    assert features.isfinite().all()
    assert mask.sum(1).tolist() == [2, encoder.longest]
    with pytest.raises(ValueError, match="no prompts"):
        encoder.encode([])


def test_a_saved_text_encoder_is_the_same(encoder, tmp_path):
    assert encoder.save(tmp_path) == {"text_encoder": ("byte_text", "ByteTextEncoder")}
    loaded = load_text_encoder(str(tmp_path))
    prompt = ['a "word"']
    assert torch.equal(loaded.encode(prompt)[0], encoder.encode(prompt)[0])
    with pytest.raises(FileNotFoundError, match="no text encoder here"):
        load_text_encoder(str(tmp_path / "elsewhere"))


def smooth(count, height, width, seed=0):
    """Images with structure: smooth noise in [-1, 1]."""
    small = normal(count, 3, height // 8 + 2, width // 8 + 2, seed=seed)
    large = torch.nn.functional.interpolate(small, (height, width), mode="bilinear")
    return large.clamp(-1, 1)


def test_the_patch_pca_keeps_what_its_components_hold():
    images = [smooth(20, 16, 32), smooth(20, 24, 8, seed=1)]
    whole = PatchPcaAutoencoder.fit(images, factor=4, channels=48)
    errors = []
    for autoencoder in (
        whole,
        PatchPcaAutoencoder.fit(images, 4, 12),
        PatchPcaAutoencoder.fit(images, 4, 3),
    ):
        latents = autoencoder.encode(images[0])
        assert latents.shape == (20, autoencoder.channels, 4, 8)
        errors.append((autoencoder.decode(latents) - images[0]).square().mean().item())
    assert errors[0] < 1e-8
    assert errors[0] < errors[1] < errors[2]
    many = torch.cat([whole.encode(one).permute(0, 2, 3, 1).reshape(-1, 48) for one in images])
    assert torch.allclose(many[:, :12].std(0), torch.ones(12), atol=1e-3)
    assert torch.allclose(many[:, :12].mean(0), torch.zeros(12), atol=1e-3)


def test_an_autoencoder_says_what_it_cannot_do_and_clips():
    autoencoder = PatchPcaAutoencoder.fit([smooth(4, 16, 16)], 8, 4)
    with pytest.raises(ValueError, match="17x16 px is no multiple of 8"):
        autoencoder.encode(torch.zeros(1, 3, 16, 17))
    with pytest.raises(ValueError, match="channels is 200"):
        PatchPcaAutoencoder.fit([smooth(4, 16, 16)], 8, 200)
    assert autoencoder.decode(100 * torch.ones(1, 4, 2, 2)).abs().max() <= 1


def test_a_saved_autoencoder_is_the_same(tmp_path):
    autoencoder = PatchPcaAutoencoder.fit([smooth(8, 16, 16)], 8, 6)
    assert autoencoder.save(tmp_path) == {"autoencoder": ("patch_pca", "PatchPcaAutoencoder")}
    loaded = load_autoencoder(str(tmp_path))
    images = smooth(2, 16, 16, seed=3)
    assert torch.equal(loaded.encode(images), autoencoder.encode(images))
    assert torch.equal(
        loaded.decode(loaded.encode(images)), autoencoder.decode(autoencoder.encode(images))
    )
    with pytest.raises(FileNotFoundError, match="no autoencoder here"):
        load_autoencoder(str(tmp_path / "elsewhere"))
