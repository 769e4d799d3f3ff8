"""What held-out prompts become: rules, images by the frozen generator, and a text to read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from train import rewarding
from train.enhancer.answering import Answer, answers
from train.enhancer.configuration import Shared
from train.enhancer.language_model import LanguageModel
from train.enhancer.rules.rule import Rule
from train.enhancer.triplet import Triplet
from train.figures import Rate
from train.rewards.reward import Reward

Scores = Sequence[float | None]
Judge = Callable[[Sequence[str], Sequence[str]], list[Scores]]


@dataclass(frozen=True)
class Judged:
    """``values``, plain data; a ``sentence`` of them, and the ``samples`` as a text."""

    values: Mapping[str, Any]
    sentence: str
    samples: str


def names(rules: Sequence[Rule], rewards: Sequence[Reward] = ()) -> list[str]:
    """What each is called: as its file, no two the same."""
    return rewarding.names([*rules, *rewards])  # type: ignore[list-item]


def judged(
    model: LanguageModel,
    held_out: Sequence[Triplet],
    configuration: Shared,
    by_images: Judge | None = None,
    rewards: Sequence[Reward] = (),
) -> Judged:
    """The likeliest answers to the short prompts. ``by_images`` gives what images of answers are
    worth to prompts, by each of ``rewards``.
    """
    rules = configuration.evaluation.rules
    called = names(rules, rewards)
    chosen = held_out[: configuration.evaluation.prompts]
    prompts = [each.short for each in chosen]
    written = answers(model, prompts, configuration.answer, configuration.rows_at_once)
    by_rule = of_rules(rules, prompts, written)
    scores = dict(zip(called[: len(rules)], by_rule, strict=True))
    rates = {name: _full(own) for name, own in scores.items()}
    accepted = [
        bool(own.text) and all(scored[number] == 1 for scored in by_rule)
        for number, own in enumerate(written)
    ]
    rates["accepted"] = Rate(sum(accepted), len(accepted))
    if all(each.fine for each in chosen):
        exact = [own.text == each.fine for own, each in zip(written, chosen, strict=True)]
        rates["exact"] = Rate(sum(exact), len(exact))
    values: dict[str, Any] = {"held_out_prompts": len(chosen)}
    for name, rate in rates.items():
        values |= _flat(name, rate)
    said = [f"{name} {rate}" for name, rate in rates.items()]
    lengths = [len(each.text) for each in written]
    values["held_out_characters"] = sum(lengths) / max(1, len(lengths))
    shown: dict[str, Scores] = dict(scores)
    if by_images and chosen:
        taken = [
            own.text if is_taken else short  # as ``infer`` takes it
            for own, short, is_taken in zip(written, prompts, accepted, strict=True)
        ]
        for name, own in zip(called[len(rules) :], by_images(prompts, taken), strict=True):
            shown[name] = own
            known = [score for score in own if score is not None]
            if not known:  # nor is that 0
                said.append(f"{name} unanswered")
                continue
            values[f"held_out_{name}"] = sum(known) / len(known)
            values |= _flat(f"{name}_full", _full(known))
            said.append(f"{name} {values[f'held_out_{name}']:.3f}, full {_full(known)}")
    return Judged(values, "; ".join(said), _as_text(chosen, written, shown))


def of_rules(
    rules: Sequence[Rule], prompts: Sequence[str], written: Sequence[Answer]
) -> list[list[float]]:
    """The score of each answer, by each rule."""
    pairs = list(zip(prompts, written, strict=True))
    return [[rule.score(prompt, each.text) for prompt, each in pairs] for rule in rules]


def _flat(name: str, rate: Rate) -> dict[str, float]:
    """A share with its interval, as curves have them."""
    own = rate.values()
    return {
        f"held_out_{name}": own["share"],
        f"held_out_{name}_low": own["low"],
        f"held_out_{name}_high": own["high"],
    }


def _full(scores: Sequence[float]) -> Rate:
    return Rate(sum(score == 1 for score in scores), len(scores))


def _as_text(
    chosen: Sequence[Triplet],
    written: Sequence[Answer],
    scores: Mapping[str, Scores],
) -> str:
    """Each prompt above its answer, with what that scored."""
    blocks = []
    for number, (each, answer) in enumerate(zip(chosen, written, strict=True)):
        own = ((name, values[number]) for name, values in scores.items())
        line = "  ".join(f"{name} {'-' if v is None else f'{v:.3g}'}" for name, v in own)
        lines = [f"prompt  {each.short}", f"answer  {answer.text or '(cut off, or empty)'}"]
        lines += [f"fine    {each.fine}"] if each.fine else []
        blocks.append("\n".join([*lines, f"        {line}"]))
    return "\n\n".join(blocks) + "\n"
