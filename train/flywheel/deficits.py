"""What the data lack, by the cases that went to their track: characters with how many images each
needs, texts of lengths that are too rare, and what is to be looked for.
"""

import math
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from curation.shard import contamination
from train.flywheel import misread, supply, words
from train.flywheel.attribution import Attributed
from train.flywheel.settings import PlanSettings, Settings
from train.flywheel.supply import Supply

_TRIES = 20
_LONGEST = 600  # characters of a text


@dataclass(frozen=True)
class Deficit:
    """``characters`` with how many images each needs; ``layouts`` (characters, lines) of texts that
    were too long, by how many prompts; ``texts`` to be rendered for both; ``keywords`` with how
    many captions have them, and the ``prompts`` to look for images by.
    """

    characters: dict[str, int]
    layouts: tuple[tuple[int, int, int], ...]
    texts: tuple[str, ...]
    keywords: dict[str, int]
    prompts: tuple[str, ...]


def of(listed: Sequence[Attributed], has: Supply, to: Settings) -> Deficit:
    """What is lacking by these cases."""
    own = [each for each in listed if each.finding and each.finding.track == "data"]
    by_cause = {
        cause: [each for each in own if each.finding and each.finding.cause == cause]
        for cause in ("characters", "layout", "concept")
    }
    bound = supply.few(has, to.data.few, to.data.share)
    failed = (each for case in by_cause["characters"] for each in case.failed)
    needed = need(supply.rare(has, failed, bound), has, to.plan)
    layouts = Counter(_layout(each) for each in _prompts(by_cause["layout"]))
    concepts = [*_prompts(by_cause["concept"])]
    said = [word for each in concepts for word in words.latin(each.case.prompt)]
    keywords = {word: has.words[word] for word in said if has.words[word] < to.data.words}
    evaluated = [
        text
        for case in (each.case for each in listed)
        for text in (case.prompt, *case.texts, *words.quoted(case.prompt))
    ]
    return Deficit(
        needed,
        tuple((*size, count) for size, count in sorted(layouts.items())),
        tuple(_texts(own, needed, evaluated, to)),
        dict(sorted(keywords.items(), key=lambda item: (item[1], item[0]))),
        tuple(dict.fromkeys(each.case.prompt for each in concepts)),
    )


def need(rare: dict[str, int], has: Supply, to: PlanSettings) -> dict[str, int]:
    """How many images each character needs, to have what the median has: all of them in the same
    proportion where that is too many.
    """
    target = max(to.least, math.ceil(to.target * has.median))
    lacking = {each: target - count for each, count in rare.items() if target > count}
    scale = min(1.0, to.most / max(1, sum(lacking.values())))
    wanted = {each: max(1, math.floor(scale * count)) for each, count in lacking.items()}
    ordered = sorted(wanted.items(), key=lambda item: (-item[1], item[0]))
    left, made = to.most, dict[str, int]()
    for after, (each, count) in zip(reversed(range(len(ordered))), ordered, strict=True):
        if number := min(left, max(1, min(count, left - after))):  # one for each that comes after
            made[each] = number
            left -= number
    return dict(sorted(made.items(), key=lambda item: (-item[1], item[0])))


def _prompts(listed: Iterable[Attributed]) -> Iterator[Attributed]:
    """One case of each prompt."""
    seen = set[tuple[str, str]]()
    for each in listed:
        if each.case.of_prompt not in seen:
            seen.add(each.case.of_prompt)
            yield each


def _asked(each: Attributed) -> tuple[str, ...]:
    return each.case.texts or words.quoted(each.case.prompt)


def _layout(each: Attributed) -> tuple[int, int]:
    asked = _asked(each)
    return len(misread.plain(asked)), sum(text.count("\n") + 1 for text in asked)


def _texts(
    own: Sequence[Attributed], needed: dict[str, int], evaluated: Sequence[str], to: Settings
) -> Iterator[str]:
    """Texts as long as those that failed, of their words in another order, with the characters that
    are needed in turns. None is a text that was asked for, or has a run of words in common with a
    prompt.
    """
    failed = [each for each in _prompts(own) if each.finding and each.finding.cause != "concept"]
    lengths = [_layout(each) for each in failed]
    pool = list(dict.fromkeys(part for each in failed for part in _parts(_asked(each))))
    having = {each: [part for part in pool if each in part] or [each] for each in needed}
    asked = {misread.plain([text]).casefold() for text in evaluated}
    runs = contamination.Texts(contamination.Prompt("", text) for text in evaluated)
    turns = list(needed)
    for number in range(to.plan.texts if pool else 0):
        chance = random.Random(f"{to.render.seed}:{number}")
        for _ in range(_TRIES):
            length, lines = chance.choice(lengths)
            first = chance.choice(having[turns[number % len(turns)]]) if turns else ""
            text = _composed(chance, pool, first, min(length, _LONGEST), lines)
            if misread.plain([text]).casefold() not in asked and not runs.overlap(text)[0]:
                yield text
                break


def _parts(texts: Iterable[str]) -> Iterator[str]:
    """Words; of a text in Chinese its characters."""
    for text in texts:
        for word in text.split():
            yield from word if any("\u3400" <= each <= "\u9fff" for each in word) else (word,)


def _composed(
    chance: random.Random, pool: Sequence[str], first: str, length: int, lines: int
) -> str:
    chosen = [first] if first else []
    while sum(map(len, chosen)) < length:
        chosen.append(chance.choice(pool))
    chance.shuffle(chosen)
    joint = "" if all(len(part) == 1 and part > "\u3400" for part in chosen) else " "
    size = -(-len(chosen) // max(1, lines))
    rows = [chosen[start : start + size] for start in range(0, len(chosen), size)]
    return "\n".join(joint.join(row) for row in rows)
