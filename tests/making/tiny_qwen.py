"""Tiny random checkpoints of the REAL Qwen-Image classes, saved as a diffusers folder.

Everything is the shipped class with a small configuration: the tokenizer has a byte-level
vocabulary of our own, with merges such that the prefixes of the prompt templates are 34 and 64
tokens, as with the shipped one.
"""

import json
from pathlib import Path

from tokenizers import pre_tokenizers

TEMPLATE_WORDS = (
    *("system", "user", "assistant", "Describe", "Ġthe", "Ġimage", "Ġby", "Ġdetailing", "Ġcolor"),
    *("Ġshape", "Ġsize", "Ġtexture", "Ġquantity", "Ġtext", "Ġspatial", "Ġrelationships", "Ġof"),
    *("Ġobjects", "Ġand", "Ġbackground"),
    # of the template for edits
    *(
        "Ġkey",
        "Ġfeatures",
        "Ġinput",
        "Ġ(",
        "color",
        "),",
        "Ġthen",
        "Ġexplain",
        "Ġhow",
        "Ġuser",
        "'s",
    ),
    *("Ġinstruction", "Ġshould", "Ġalter", "Ġor", "Ġmodify", "ĠGenerate", "Ġa", "Ġnew", "Ġthat"),
    *("Ġmeets", "Ġrequirements", "Ġwhile", "Ġmaintaining", "Ġconsistency", "Ġwith", "Ġoriginal"),
    *("Ġwhere", "Ġappropriate"),
)
SPECIAL_TOKENS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
SCHEDULER = {  # scheduler/scheduler_config.json as shipped with Qwen-Image
    "num_train_timesteps": 1000,
    "shift": 1.0,
    "use_dynamic_shifting": True,
    "base_shift": 0.5,
    "max_shift": 0.9,
    "base_image_seq_len": 256,
    "max_image_seq_len": 8192,
    "invert_sigmas": False,
    "shift_terminal": 0.02,
    "time_shift_type": "exponential",
    "stochastic_sampling": False,
}
TEXT_WIDTH = 32


def vocabulary() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """All 256 byte symbols, and merges that make each word of the template one token.

    A later merge never breaks an earlier word: byte-pair encoding applies the earliest merge first.
    """
    tokens = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges: list[tuple[str, str]] = []
    for word in TEMPLATE_WORDS:
        pieces = list(word)
        for pair in merges:
            pieces = _apply(pieces, pair)
        while len(pieces) > 1:
            pair = (pieces[0], pieces[1])
            merges.append(pair)
            tokens.append("".join(pair))
            pieces = _apply(pieces, pair)
    return {token: number for number, token in enumerate(tokens)}, merges


def _apply(pieces: list[str], pair: tuple[str, str]) -> list[str]:
    merged: list[str] = []
    for piece in pieces:
        if merged and (merged[-1], piece) == pair:
            merged[-1] += piece
        else:
            merged.append(piece)
    return merged


def save_tokenizer(directory: Path, padding_side: str = "right"):
    """A ``Qwen2Tokenizer`` read from vocab.json and merges.txt, saved below ``directory``."""
    from transformers import Qwen2Tokenizer

    vocab, merges = vocabulary()
    tokenizer = Qwen2Tokenizer(vocab=vocab, merges=merges, padding_side=padding_side)
    tokenizer.add_special_tokens({"additional_special_tokens": list(SPECIAL_TOKENS[1:])})
    tokenizer.save_pretrained(directory)
    (directory / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False), "utf-8")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    (directory / "merges.txt").write_text("\n".join(lines) + "\n", "utf-8")
    return tokenizer


def make_processor(tokenizer):
    """A ``Qwen2VLProcessor`` that takes images of 28 px, too."""
    from transformers import Qwen2VLImageProcessor, Qwen2VLProcessor, Qwen2VLVideoProcessor

    sizes = {"shortest_edge": 28 * 28, "longest_edge": 4096 * 4096}
    return Qwen2VLProcessor(
        image_processor=Qwen2VLImageProcessor(size=sizes),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(),
    )


def make_text_encoder(vocabulary_size: int, ids: dict[str, int]):
    """A random ``Qwen2_5_VLForConditionalGeneration`` of two layers, ``TEXT_WIDTH`` wide."""
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    return Qwen2_5_VLForConditionalGeneration(
        Qwen2_5_VLConfig(
            text_config={
                "vocab_size": vocabulary_size,
                "hidden_size": TEXT_WIDTH,
                "intermediate_size": 48,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "num_key_value_heads": 1,
                "max_position_embeddings": 2048,
                "initializer_range": 0.2,
                "bos_token_id": None,
                "eos_token_id": ids["<|im_end|>"],
                "rope_parameters": {"rope_type": "default", "mrope_section": [2, 3, 3]},
            },
            vision_config={
                "depth": 1,
                "hidden_size": 32,
                "intermediate_size": 32,
                "num_heads": 2,
                "out_hidden_size": TEXT_WIDTH,
                "fullatt_block_indexes": [0],
            },
            vision_start_token_id=ids["<|vision_start|>"],
            vision_end_token_id=ids["<|vision_end|>"],
            image_token_id=ids["<|image_pad|>"],
            video_token_id=ids["<|video_pad|>"],
        )
    )


def make_autoencoder(**options):
    """A random ``AutoencoderKLQwenImage``: 16 channels, factor 8, the shipped latent statistics."""
    from diffusers import AutoencoderKLQwenImage

    return AutoencoderKLQwenImage(base_dim=4, num_res_blocks=1, **options)


def make_transformer(**options):
    """A random ``QwenImageTransformer2DModel`` of two layers, 32 wide."""
    from diffusers import QwenImageTransformer2DModel

    return QwenImageTransformer2DModel(
        num_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=TEXT_WIDTH,
        axes_dims_rope=(4, 6, 6),
        **options,
    )


def save_pipeline(directory: Path, seed: int = 0, padding_side: str = "right") -> Path:
    """Save all five parts as ``QwenImagePipeline.from_pretrained`` reads them; returns it."""
    import torch
    from diffusers import FlowMatchEulerDiscreteScheduler, QwenImagePipeline

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        tokenizer = save_tokenizer(directory / "tokenizer", padding_side)
        ids = {token: tokenizer.convert_tokens_to_ids(token) for token in SPECIAL_TOKENS}
        QwenImagePipeline(
            scheduler=FlowMatchEulerDiscreteScheduler(**SCHEDULER),
            vae=make_autoencoder().eval(),
            text_encoder=make_text_encoder(len(tokenizer), ids).eval(),
            tokenizer=tokenizer,
            transformer=make_transformer().eval(),
        ).save_pretrained(directory)
    return directory


def save_layered_pipeline(directory: Path) -> Path:
    """Save all six parts as ``QwenImageLayeredPipeline`` reads them, with an autoencoder that knows
    alpha; returns the folder.
    """
    options = {"use_layer3d_rope": True, "use_additional_t_cond": True}
    return save_edit_pipeline(directory, "QwenImageLayeredPipeline", input_channels=4, **options)


def save_edit_pipeline(
    directory: Path, kind: str, seed: int = 0, input_channels: int = 3, **transformer
) -> Path:
    """Save all six parts as diffusers' edit pipeline ``kind`` reads them; returns the folder."""
    import diffusers
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        tokenizer = save_tokenizer(directory / "tokenizer")
        ids = {token: tokenizer.convert_tokens_to_ids(token) for token in SPECIAL_TOKENS}
        getattr(diffusers, kind)(
            scheduler=diffusers.FlowMatchEulerDiscreteScheduler(**SCHEDULER),
            vae=make_autoencoder(input_channels=input_channels).eval(),
            text_encoder=make_text_encoder(len(tokenizer), ids).eval(),
            tokenizer=tokenizer,
            processor=make_processor(tokenizer),
            transformer=make_transformer(**transformer).eval(),
        ).save_pretrained(directory)
    return directory
