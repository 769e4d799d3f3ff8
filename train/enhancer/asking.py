"""How a language model is asked for a prompt: the same in training as in ``infer``."""

from typing import Any


def messages(system: str, user: str) -> list[dict[str, str]]:
    """Of a chat."""
    return [{"role": "system", "content": system}, {"role": "user", "content": user}]


def text(tokenizer: Any, system: str, user: str) -> str:
    """What a tokenizer of transformers makes of a chat, up to where the answer begins; without a
    chat template one paragraph behind the other.

    Raises ``jinja2.TemplateError`` for a template that fits no chat.
    """
    from jinja2 import TemplateError

    if not tokenizer.chat_template:
        return f"{system}\n\n{user}\n\n"
    try:
        return _filled(tokenizer, messages(system, user))
    except TemplateError:  # Gemma's, and others that know no system
        return _filled(tokenizer, [{"role": "user", "content": f"{system}\n\n{user}"}])


def tokens(tokenizer: Any, system: str, user: str) -> list[int]:
    """The tokens of that."""
    own = not tokenizer.chat_template  # a template has the special tokens
    asked: list[int] = tokenizer(text(tokenizer, system, user), add_special_tokens=own)["input_ids"]
    return asked


def _filled(tokenizer: Any, chat: list[dict[str, str]]) -> str:
    options = {"add_generation_prompt": True, "enable_thinking": False}
    return str(tokenizer.apply_chat_template(chat, tokenize=False, **options))
