"""Random image-text checkpoints of the real classes, a few thousand weights each, as folders."""

import json
from pathlib import Path
from typing import Any

WORDS = (
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "a",
    "cat",
    "dog",
    "red",
    "一",
    "只",
    "猫",
    "狗",
)
SIDE = 32  # pixels of the squares they look at
SIZE = 16  # numbers in their vectors
_LAYERS = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1}
_LAYERS |= {"num_attention_heads": 2}


def _processor(folder: Path, kind: str) -> None:
    import transformers

    size: dict[str, Any] = {"height": SIDE, "width": SIDE}
    if kind != "SiglipImageProcessor":
        size = {"shortest_edge": SIDE}
    getattr(transformers, kind)(
        size=size, crop_size={"height": SIDE, "width": SIDE}
    ).save_pretrained(folder)


def chinese_clip(folder: Path) -> Path:
    """A Chinese-CLIP of transformers, with its tokenizer and image processor."""
    import torch
    from transformers import BertTokenizer, ChineseCLIPConfig, ChineseCLIPModel

    torch.manual_seed(1)
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    text = {**_LAYERS, "vocab_size": len(WORDS), "max_position_embeddings": 24}
    vision = {**_LAYERS, "image_size": SIDE, "patch_size": 8, "projection_dim": SIZE}
    config = ChineseCLIPConfig(text_config=text, vision_config=vision, projection_dim=SIZE)
    ChineseCLIPModel(config).save_pretrained(folder)
    _processor(folder, "ChineseCLIPImageProcessor")
    return folder


def siglip(folder: Path) -> Path:
    """A SigLIP of transformers, as SigLIP 2 at one resolution is."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, SiglipConfig, SiglipModel

    torch.manual_seed(2)
    folder.mkdir(parents=True)
    known = Tokenizer(models.WordLevel({word: n for n, word in enumerate(WORDS)}, "[UNK]"))
    known.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=known, pad_token="[PAD]", unk_token="[UNK]"
    ).save_pretrained(folder)
    text = {**_LAYERS, "vocab_size": len(WORDS), "max_position_embeddings": 8}
    vision = {**_LAYERS, "image_size": SIDE, "patch_size": 8}
    SiglipModel(SiglipConfig(text_config=text, vision_config=vision)).save_pretrained(folder)
    _processor(folder, "SiglipImageProcessor")
    return folder


def open_clip_folder(folder: Path) -> Path:
    """A CLIP of open_clip in the form of its folders; words are told by its own tokenizer."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(3)
    folder.mkdir(parents=True)
    layout = {"width": 16, "heads": 2, "layers": 1}
    config: dict[str, Any] = {
        "embed_dim": SIZE,
        "vision_cfg": {
            "image_size": SIDE,
            "patch_size": 8,
            "width": 16,
            "head_width": 8,
            "layers": 1,
        },
        "text_cfg": {"context_length": 16, "vocab_size": 49408, **layout},
    }
    said = {"model_cfg": config, "preprocess_cfg": {"size": SIDE}}
    (folder / "open_clip_config.json").write_text(json.dumps(said), encoding="utf-8")
    weights = open_clip.CLIP(**config).state_dict()
    kept = {name: value.contiguous() for name, value in weights.items() if name != "attn_mask"}
    save_file(kept, folder / "open_clip_model.safetensors")
    return folder


def torchscript(file: Path) -> Path:
    """A TorchScript file that makes a vector of an image, as SSCD's do."""
    import torch

    torch.manual_seed(4)
    layers = (torch.nn.AvgPool2d(SIDE // 4), torch.nn.Flatten(), torch.nn.Linear(3 * 16, SIZE))
    torch.jit.script(torch.nn.Sequential(*layers)).save(str(file))
    return file
