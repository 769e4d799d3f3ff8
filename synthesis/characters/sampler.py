"""Every character of the national table, rendered often enough, in text as natural as it can be.

Rare characters get turns by index, so that no worker needs to count: the indices are cut into
blocks of ``BLOCK``, and in each block every character in need has exactly one turn, in an order
shuffled by the block's number. A hundred thousand images are 25 blocks, so a character has 25
turns and, allowing for texts that are rejected, is rendered at least ``FLOOR`` times.

A character needs no turns if the corpus alone shows it twice that often. The others come, in this
order of preference, in a sentence of the corpus, among words of the dictionary, among names of
people (most of level 3 lives there), or in a row of characters.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from random import Random

from synthesis.characters.need import Needed
from synthesis.characters.planning import BLOCK, GROUP, Kind, Plan, plan
from synthesis.fonts.files import FontFile
from synthesis.job import Job

SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡"

_plans: dict[tuple[str, tuple[FontFile, ...]], Plan] = {}


def text(random: Random, job: Job, index: int) -> str | None:
    """What image ``index`` of a Chinese job shows if it is a turn of rare characters, else None.

    Which characters, depends on the index alone; ``random`` chooses how they are put.
    """
    if job.need:
        return put(random, job.needed, *job.needed.turns[index])
    if job.language != "zh" or not job.paragraphs or job.plain:
        return None
    key = job.corpus_digest, job.fonts
    if key not in _plans:
        _plans[key] = plan(
            (paragraph.text for paragraph in job.paragraphs), len(job.paragraphs), job.fonts
        )
    return planned(random, _plans[key], index)


def planned(random: Random, plan: Plan, index: int) -> str | None:
    """As ``text``, for a plan that is made already."""
    turn = turns(plan, index // BLOCK).get(index % BLOCK)
    return put(random, plan, *turn) if turn else None


def turns(plan: Plan, block: int) -> Mapping[int, tuple[Kind, tuple[str, ...]]]:
    """The turns of a block by their place in it: every character of the plan's groups once."""
    return _turns(_Groups(plan.groups), block)


class _Groups:
    """A plan's groups as a key that is compared by identity of the tuple: hashing it is slow."""

    def __init__(self, groups: tuple[tuple[Kind, tuple[str, ...]], ...]) -> None:
        self.groups = groups

    def __hash__(self) -> int:
        return id(self.groups)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Groups) and other.groups is self.groups


@lru_cache(maxsize=8)
def _turns(groups: _Groups, block: int) -> Mapping[int, tuple[Kind, tuple[str, ...]]]:
    random = Random(block)
    turns: list[tuple[Kind, tuple[str, ...]]] = []
    for kind, characters in groups.groups:
        shuffled = random.sample(characters, len(characters))
        size = GROUP[kind]
        turns += [
            (kind, tuple(shuffled[start : start + size])) for start in range(0, len(shuffled), size)
        ]
    places = random.sample(range(BLOCK), len(turns))
    return dict(zip(places, turns, strict=True))


def put(random: Random, plan: Plan | Needed, kind: Kind, characters: Sequence[str]) -> str:
    """A text that has all of ``characters``, in the manner of their kind."""
    if kind == Kind.SENTENCE:
        return random.choice(plan.sentences[characters[0]])
    if kind == Kind.WORD:
        words = list(
            dict.fromkeys(random.choice(plan.words[character]) for character in characters)
        )
        return random.choice(("、", "\n")).join(words)
    manner = random.random()
    if manner < 0.5:
        names = [random.choice(SURNAMES) + character for character in characters]
        return random.choice(("、", "\n")).join(names)
    row = "".join(characters)
    if manner < 0.75 and len(row) > 4:
        half = (len(row) + 1) // 2
        return f"{row[:half]}\n{row[half:]}"
    return row
