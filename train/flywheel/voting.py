"""What people and rewards said of images, from the files that others write:

- ``{"duel": .., "vote": ..}``, of an arena's page, with its ``duels.jsonl``; or ``{"prompt": ..,
  "a": .., "b": .., "vote": ..}``: ``a`` and ``b`` are names of sources, votes a, b, both, neither;
- ``{"id": .., "pick": ..}`` and ``{"images": [..], "preferred": ..}`` of ``beam serve``, whose ids
  are of images' contents;
- ``{"source": .., "prompt_id": .., "k": .., "rewards": {"ocr": 0.4}}``.

Each line counts once, is left out with a reason, or is quarantined.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from curation import shard
from curation.failures.errors import UsageError
from curation.shard import picks
from train.flywheel.cases import Case
from train.flywheel.sources import Intake, Quarantined, Unit, lines, loaded

Place = tuple[str, str, int]
_NEITHER = 3  # of ratings 1 to 5
Answer = Literal["a", "b", "both", "neither"]


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True)


class _Duel(_Line):
    id: str
    prompt: str
    a: str
    b: str
    k: int = 0
    prompt_id: str = ""


class _Answered(_Line):
    duel: str
    vote: Answer


class _Vote(_Line):
    prompt: str
    a: str
    b: str
    vote: Answer
    prompt_id: str = ""


class _Rewarded(_Line):
    source: str
    prompt_id: str
    k: int = 0
    rewards: Mapping[str, Unit]


@dataclass
class Heard:
    """How many ``lines`` came in, and which were ``left_out``, by reason; others that are not
    quarantined counted.
    """

    lines: int = 0
    counted: int = 0
    quarantined: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


def picked(mark: picks.Mark) -> str:
    """Keep, reject or neither. A rating counts where nobody picked: above 3 keep, below reject."""
    rating = mark.rating or _NEITHER
    return mark.pick or (picks.KEEP if rating > _NEITHER else picks.REJECT * (rating < _NEITHER))


class LeftOutError(Exception):
    """A line that is right and says nothing of these cases."""


class Votes:
    """Takes in lines on cases."""

    def __init__(self, cases: Sequence[Case]) -> None:
        self._wins, self._losses = Counter[str](), Counter[str]()
        self._said = picks.Said()
        self._rewards: dict[str, dict[str, float]] = {}
        self._cases = {(of.source, of.prompt_id, of.k): of for of in cases}
        self._contents: dict[str, list[str]] | None = None
        self._duels: dict[str, _Duel] = {}
        self.heard = Heard()

    def read(self, intake: Intake, path: Path) -> None:
        """Take in a file. Raises ``UsageError`` where there is none."""
        for number, line in lines(path):
            self.heard.lines += 1
            try:
                self._add(loaded(line))
                self.heard.counted += 1
            except LeftOutError as error:
                self.heard.left_out[str(error)] += 1
            except (ValueError, RecursionError) as error:
                first = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
                reason = f"no vote, pick or reward: {first}"
                intake.quarantined.append(Quarantined(f"{path}:{number}", reason))
                self.heard.quarantined += 1

    def duels(self, path: Path) -> None:
        """What the votes of an arena's page are on. Raises ``UsageError``."""
        for number, line in lines(path):
            try:
                duel = _Duel.model_validate(loaded(line))
            except (ValueError, RecursionError):
                raise UsageError(f"{path}:{number}: expected duels.jsonl of an arena") from None
            self._duels[duel.id] = duel

    def cases(self) -> list[Case]:
        """The cases with all that was said."""
        wins, losses = self._wins.copy(), self._losses.copy()
        for pair in self._said.preferences:
            better, worse = map(self._of_content, pair)
            wins.update(better if worse else ())
            losses.update(worse if better else ())
        marked = {
            case: picked(mark)
            for content, mark in self._said.marks.items()
            for case in self._of_content(content)
        }
        return [
            replace(
                case,
                wins=wins[case.id],
                losses=losses[case.id],
                pick=marked.get(case.id, case.pick),
                rewards={**case.rewards, **self._rewards.get(case.id, {})},
            )
            for case in self._cases.values()
        ]

    def _add(self, line: Any) -> None:
        keys = line.keys() if isinstance(line, dict) else set[str]()
        if "duel" in keys:
            answered = _Answered.model_validate(line)
            if (duel := self._duels.get(answered.duel)) is None:
                raise LeftOutError("its duel is in no --duels")
            self._voted(duel, answered.vote, duel.k)
        elif "vote" in keys:
            vote = _Vote.model_validate(line)
            self._voted(vote, vote.vote, None)
        elif keys & {"pick", "rating", "images"}:
            self._said.add(line)
            if not all(map(self._of_content, line.get("images") or [line.get("id")])):
                raise LeftOutError("one of its images is no case")
        else:
            self._reward(_Rewarded.model_validate(line))

    def _voted(self, on: _Duel | _Vote, vote: Answer, k: int | None) -> None:
        sides = [self._side(name, on.prompt_id, on.prompt, k) for name in (on.a, on.b)]
        if not any(sides):
            raise LeftOutError("none of its images is a case")
        if vote in "ab":
            best, worst = sides if vote == "a" else sides[::-1]
            self._wins.update(best)
            self._losses.update(worst)

    def _side(self, source: str, prompt_id: str, prompt: str, k: int | None) -> list[str]:
        if prompt_id and k is not None:
            case = self._cases.get((source, prompt_id, k))
            return [case.id] if case else []
        every = [
            case
            for case in self._cases.values()
            if case.source == source
            and (case.prompt_id == prompt_id if prompt_id else case.prompt == prompt)
        ]
        if len(every) > 1:
            raise LeftOutError("it does not say which of several images of a prompt it is on")
        return [case.id for case in every]

    def _reward(self, said: _Rewarded) -> None:
        case = self._cases.get((said.source, said.prompt_id, said.k))
        if case is None:
            raise LeftOutError("none of its images is a case")
        self._rewards.setdefault(case.id, {}).update(said.rewards)

    def _of_content(self, content: str) -> list[str]:
        """The cases whose image has this id in shards and ledgers."""
        if self._contents is None:
            self._contents = {}
            for identity, case in _contents(self._cases.values()):
                self._contents.setdefault(identity, []).append(case.id)
        return self._contents.get(content, [])


def _contents(cases: Any) -> Iterator[tuple[str, Case]]:
    for case in cases:
        if case.image:
            yield shard.content_id(Path(case.image).read_bytes()), case
