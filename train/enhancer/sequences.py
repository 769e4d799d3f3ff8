"""Prompts with answers as rows of tokens, and the probabilities that a model gives the answers.

Shapes: N rows, L tokens of the longest, K those from the first answer's first token on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from train.enhancer.language_model import LanguageModel


@dataclass(frozen=True)
class Row:
    """The tokens of a ``prompt`` as the model is asked, and of its ``answer``, with its end."""

    prompt: tuple[int, ...]
    answer: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.prompt) + len(self.answer)


def portions(rows: Sequence[Row], at_once: int) -> Iterator[list[int]]:
    """The numbers of rows that go through a model together, those of a length beside each other."""
    order = sorted(range(len(rows)), key=lambda number: (len(rows[number]), number))
    yield from (order[start : start + at_once] for start in range(0, len(order), at_once))


def log_probabilities(
    model: LanguageModel, rows: Sequence[Row], temperature: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Of each token of the answers, at a ``temperature``, and which tokens those are: (N, K). 0 of
    all other tokens.
    """
    longest = max(map(len, rows))
    kept = longest - min(len(row.prompt) for row in rows)
    filled = [[*row.prompt, *row.answer] for row in rows]
    padded = [each + [model.padding] * (longest - len(each)) for each in filled]
    tokens = torch.tensor(padded, device=model.device)
    places = torch.arange(longest, device=model.device)
    lengths = torch.tensor([len(row) for row in rows], device=model.device)
    starts = torch.tensor([len(row.prompt) for row in rows], device=model.device)
    mask = places < lengths[:, None]
    with model.autocast():
        logits = model.network(
            input_ids=tokens, attention_mask=mask.long(), use_cache=False, logits_to_keep=kept + 1
        ).logits[:, :-1]
    targets = tokens[:, -kept:]
    flat = functional.cross_entropy(
        logits.float().flatten(0, 1) / temperature, targets.flatten(), reduction="none"
    )
    is_answer = (mask & (places >= starts[:, None]))[:, -kept:]
    return (-flat.view_as(targets)).masked_fill(~is_answer, 0.0), is_answer
