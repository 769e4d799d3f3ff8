"""A tiny random checkpoint of the REAL classes of Qwen-Image-2.1, saved as a diffusers folder."""

from pathlib import Path
from typing import Any

from making.tiny_qwen import SCHEDULER, SPECIAL_TOKENS, TEXT_WIDTH, save_tokenizer

LATENT_CHANNELS = 4
# As shipped with Qwen3-VL, for turns of text and images.
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def make_text_encoder(vocabulary_size: int, ids: dict[str, int]) -> Any:
    """A random ``Qwen3VLForConditionalGeneration`` of two layers, ``TEXT_WIDTH`` wide."""
    from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

    rotation = {"rope_type": "default", "mrope_section": [4, 2, 2], "rope_theta": 5000000}
    return Qwen3VLForConditionalGeneration(
        Qwen3VLConfig(
            text_config={
                "vocab_size": vocabulary_size,
                "hidden_size": TEXT_WIDTH,
                "intermediate_size": 48,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "num_key_value_heads": 1,
                "head_dim": 16,
                "max_position_embeddings": 2048,
                "initializer_range": 0.2,
                "rope_parameters": rotation,
            },
            vision_config={
                "depth": 2,
                "hidden_size": 32,
                "intermediate_size": 32,
                "num_heads": 2,
                "out_hidden_size": TEXT_WIDTH,
                "num_position_embeddings": 16,
                "deepstack_visual_indexes": [0],
                "initializer_range": 0.2,
            },
            vision_start_token_id=ids["<|vision_start|>"],
            vision_end_token_id=ids["<|vision_end|>"],
            image_token_id=ids["<|image_pad|>"],
            video_token_id=ids["<|video_pad|>"],
        )
    )


def make_processor(tokenizer: Any) -> Any:
    """A ``Qwen3VLProcessor`` that takes images of 32 px, too."""
    from transformers import Qwen2VLImageProcessor, Qwen3VLProcessor, Qwen3VLVideoProcessor

    tokenizer.eos_token, tokenizer.pad_token = "<|im_end|>", "<|endoftext|>"
    sizes = {"shortest_edge": 32 * 32, "longest_edge": 4096 * 4096}
    half = [0.5, 0.5, 0.5]
    images = Qwen2VLImageProcessor(patch_size=16, size=sizes, image_mean=half, image_std=half)
    return Qwen3VLProcessor(
        image_processor=images,
        tokenizer=tokenizer,
        video_processor=Qwen3VLVideoProcessor(),
        chat_template=TEMPLATE,
    )


def make_autoencoder() -> Any:
    """A random ``AutoencoderKLQwenImage21``: factor 16, RGBA, statistics unlike one another."""
    from diffusers import AutoencoderKLQwenImage21

    return AutoencoderKLQwenImage21(
        base_dim=4,
        decoder_base_dim=4,
        z_dim=LATENT_CHANNELS,
        dim_mult=[1, 2, 2, 2, 2],
        num_res_blocks=1,
        latents_mean=[0.5, -0.7, 0.1, 1.3],
        latents_std=[3.2, 1.3, 0.7, 2.1],
    )


def make_transformer() -> Any:
    """A random ``QwenImage21Transformer2DModel`` of two layers, 32 wide."""
    from diffusers import QwenImage21Transformer2DModel

    return QwenImage21Transformer2DModel(
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        num_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        context_in_dim=TEXT_WIDTH,
        axes_dims_rope=(4, 6, 6),
    )


def save_pipeline(directory: Path, seed: int = 0) -> Path:
    """Save all parts as ``QwenImage21Pipeline.from_pretrained`` reads them; returns the folder."""
    import torch
    from diffusers import FlowMatchEulerDiscreteScheduler, QwenImage21Pipeline

    tokenizer = save_tokenizer(directory / "tokenizer")
    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in SPECIAL_TOKENS}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        QwenImage21Pipeline(
            scheduler=FlowMatchEulerDiscreteScheduler(**SCHEDULER),
            vae=make_autoencoder().eval(),
            text_encoder=make_text_encoder(len(tokenizer), ids).eval(),
            processor=make_processor(tokenizer),
            transformer=make_transformer().eval(),
        ).save_pretrained(directory)
    return directory
