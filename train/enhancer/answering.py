"""Answers that a model writes: the likeliest, or sampled by a seed."""

from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch

from curation.shard.scripts import script
from train.enhancer import asking
from train.enhancer.answers import cleaned
from train.enhancer.instructions import instructions
from train.enhancer.language_model import LanguageModel
from train.enhancer.sequences import Row, portions


@dataclass(frozen=True)
class Answer:
    """What is taken of an answer as a prompt (``text``), empty where it was cut off, and its tokens
    behind those of the prompt.
    """

    text: str
    row: Row


def asked(model: LanguageModel, prompt: str) -> tuple[int, ...]:
    """The tokens that ask for a prompt in place of this one, as ``infer`` asks."""
    return tuple(asking.tokens(model.tokenizer, instructions(script(prompt)), prompt))


@torch.no_grad()
def answers(
    model: LanguageModel,
    prompts: Sequence[str],
    longest: int,
    at_once: int,
    temperature: float = 0.0,
    seed: int = 0,
) -> list[Answer]:
    """An answer of at most ``longest`` tokens to each prompt: at a temperature of 0 the likeliest,
    else sampled, by the seed and what is beside it in its portion.
    """
    rows = [Row(asked(model, prompt), ()) for prompt in prompts]
    made: dict[int, Answer] = {}
    for number, portion in enumerate(portions(rows, at_once)):
        own = [rows[place] for place in portion]
        for place, row in zip(
            portion, _written(model, own, longest, temperature, seed + number), strict=True
        ):
            made[place] = Answer(_text(model, row), row)
    return [made[place] for place in range(len(prompts))]


def _written(
    model: LanguageModel, rows: Sequence[Row], longest: int, temperature: float, seed: int
) -> list[Row]:
    most = max(map(len, rows))
    padded = [[model.padding] * (most - len(row)) + [*row.prompt] for row in rows]
    mask = [[0] * (most - len(row)) + [1] * len(row) for row in rows]
    chance: dict[str, Any] = {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
    if temperature:
        chance = {"do_sample": True, "temperature": temperature, "top_p": 1.0, "top_k": 0}
    as_it_is = _as_it_is(model) if temperature else nullcontext()
    with torch.random.fork_rng(), as_it_is, model.autocast():
        torch.manual_seed(seed)
        made = model.network.generate(
            input_ids=torch.tensor(padded, device=model.device),
            attention_mask=torch.tensor(mask, device=model.device),
            max_new_tokens=longest,
            pad_token_id=model.padding,
            **chance,
        )
    return [
        Row(row.prompt, _until(new, model.ends))
        for row, new in zip(rows, made[:, most:].tolist(), strict=True)
    ]


@contextmanager
def _as_it_is(model: LanguageModel) -> Iterator[None]:
    """Without what a folder's generation_config does to probabilities, such as a penalty of
    repetition: answers are then sampled by the very probabilities that are trained.
    """
    from transformers import GenerationConfig

    kept = model.network.generation_config
    model.network.generation_config = GenerationConfig(eos_token_id=kept.eos_token_id)
    try:
        yield
    finally:
        model.network.generation_config = kept


def _until(tokens: Sequence[int], ends: Set[int]) -> tuple[int, ...]:
    """Up to the first that ends an answer, with it."""
    last = next((place for place, token in enumerate(tokens) if token in ends), len(tokens))
    return tuple(tokens[: last + 1])


def _text(model: LanguageModel, row: Row) -> str:
    if not row.answer or row.answer[-1] not in model.ends:
        return ""
    return cleaned(str(model.tokenizer.decode(row.answer, skip_special_tokens=True)))
