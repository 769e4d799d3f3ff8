"""A tiny causal language model of transformers that answers every prompt with the same words."""

from pathlib import Path

from making.tiny_qwen import save_tokenizer

ANSWER = "Black fox"  # no token twice: each says which follows
_WIDTH = 64
_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def save(directory: Path) -> Path:
    """Save a ``Qwen2ForCausalLM`` and its tokenizer; returns the folder."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    tokenizer = save_tokenizer(directory)
    tokenizer.chat_template = _TEMPLATE
    tokenizer.eos_token = tokenizer.pad_token = "<|im_end|>"
    tokenizer.save_pretrained(directory)
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    configuration = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=_WIDTH,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        eos_token_id=end,
        pad_token_id=end,
        bos_token_id=None,
        tie_word_embeddings=False,
    )
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        model = Qwen2ForCausalLM(configuration)
        model.model.layers[0].self_attn.o_proj.weight.zero_()  # the last token alone decides
        model.model.layers[0].mlp.down_proj.weight.zero_()
        vectors = model.model.embed_tokens.weight.normal_()
        model.lm_head.weight.zero_()
        tokens = tokenizer(f"\n{ANSWER}")["input_ids"]
        assert len(set(tokens)) == len(tokens)
        for token, following in zip(tokens, [*tokens[1:], end], strict=True):
            model.lm_head.weight[following] = vectors[token]
    model.eval().save_pretrained(directory)
    return directory
