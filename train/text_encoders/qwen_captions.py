"""What Qwen2.5-VL says of an image: by this caption ``QwenImageLayeredPipeline`` of diffusers takes
an image apart that nobody described.
"""

import json
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors import safe_open

from train.text_encoders.qwen import QwenTextEncoder
from train.text_encoders.qwen_templates import SEEN

_TEMPLATE = (
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n{}\n"
    f"{SEEN}<|im_end|>\n<|im_start|>assistant\n"
)
# As in the pipeline, whose lines are broken where they are.
_ENGLISH = """\
# Image Annotator
You are a professional
image annotator. Please write an image caption based on the input image:
1. Write the caption using natural,
descriptive language without structured formats or rich text.
2. Enrich caption details by including:\x20
 - Object
attributes, such as quantity, color, shape, size, material, state, position, actions, and so on
 - Vision Relations
between objects, such as spatial relations, functional relations, possessive relations, attachment\
 relations, action
relations, comparative relations, causal relations, and so on
 - Environmental details, such as weather, lighting,
colors, textures, atmosphere, and so on
 - Identify the text clearly visible in the image, without translation or
explanation, and highlight it in the caption with quotation marks
3. Maintain authenticity and accuracy:
 - Avoid
generalizations
 - Describe all visible information in the image, while do not add information not explicitly shown\
 in
the image"""
_CHINESE = """\
# 图像标注器
你是一个专业的图像标注器。请基于输入图像，撰写图注:
1.
使用自然、描述性的语言撰写图注，不要使用结构化形式或富文本形式。
2. 通过加入以下内容，丰富图注细节：
 - 对象的属性：如数量、颜色、形状、大小、位置、材质、状态、动作等
 -
对象间的视觉关系：如空间关系、功能关系、动作关系、从属关系、比较关系、因果关系等
 - 环境细节：例如天气、光照、颜色、纹理、气氛等
 - 文字内容：识别图像中清晰可见的文字，不做翻译和解释，用引号在图注中强调
3.
保持真实性与准确性：
 - 不要使用笼统的描述
 -
描述图像中所有可见的信息，但不要加入没有在图像中出现的内容"""
_LONGEST = 512  # tokens of a caption
_SEED = 0  # of a folder whose generation_config.json samples


def prompt(*, english: bool) -> str:
    """What the model is told beside the image."""
    return _TEMPLATE.format(_ENGLISH if english else _CHINESE)


def missing(encoder: Any) -> str:
    """What a text encoder lacks to write captions, in words; empty where it can."""
    if not isinstance(encoder, QwenTextEncoder):
        return "a text encoder that writes (Qwen2.5-VL)"
    if encoder.processor is None:
        return "a processor/ by which the text encoder sees images"
    model = encoder.model
    is_tied = model.get_output_embeddings().weight is model.get_input_embeddings().weight
    if encoder.folder and not is_tied and not _has_head(encoder.folder):
        return "lm_head, the text encoder's weights by which it writes"
    return ""


@torch.no_grad()
def caption(encoder: QwenTextEncoder, image: Image.Image, *, english: bool) -> str:
    """A caption of an RGB image by an encoder that lacks nothing (``missing``); Chinese unless
    ``english``. Same image, same caption.
    """
    text = prompt(english=english)
    given = encoder.processor(text=text, images=image, padding=True, return_tensors="pt")
    given = given.to(encoder.place()[0])
    with torch.random.fork_rng():
        torch.manual_seed(_SEED)
        made = encoder.model.generate(**given, max_new_tokens=_LONGEST)
    new = made[:, given["input_ids"].shape[1] :]
    written = encoder.processor.batch_decode(
        new, skip_special_tokens=True, clean_up_tokenization_spaces=False
    )
    return str(written[0]).strip()


def _has_head(folder: Path) -> bool:
    names = set[str]()
    for path in folder.glob("*.safetensors.index.json"):
        names |= json.loads(path.read_text("utf-8"))["weight_map"].keys()
    for path in () if names else folder.glob("*.safetensors"):
        with safe_open(path, "pt") as weights:
            names |= set(weights.keys())
    return "lm_head.weight" in names
