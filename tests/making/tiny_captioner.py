"""A tiny random checkpoint of the real Qwen2.5-VL classes, with its processor, as a folder."""

from pathlib import Path

from making.tiny_qwen import SPECIAL_TOKENS, make_text_encoder, save_tokenizer

# As shipped with Qwen2.5-VL, for turns of text and images.
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def save(directory: Path, seed: int = 0) -> Path:
    """Save model and processor as ``from_pretrained`` reads them; returns the folder."""
    import torch
    from transformers import Qwen2_5_VLProcessor, Qwen2VLImageProcessor, Qwen2VLVideoProcessor

    tokenizer = save_tokenizer(directory)
    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in SPECIAL_TOKENS}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = make_text_encoder(len(tokenizer), ids).eval()
    model.save_pretrained(directory)
    tokenizer.eos_token, tokenizer.pad_token = "<|im_end|>", "<|endoftext|>"
    Qwen2_5_VLProcessor(
        image_processor=Qwen2VLImageProcessor(),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(),
        chat_template=TEMPLATE,
    ).save_pretrained(directory)
    return directory
