"""What people and rewards said of images, from the files that others write:

- ``{"duel": .., "vote": ..}``, of an arena's page, with its ``duels.jsonl``; or ``{"prompt": ..,
  "a": .., "b": .., "vote": ..}``: ``a`` and ``b`` are names of sources, votes a, b, both, neither;
- ``{"id": .., "pick": ..}`` and ``{"images": [..], "preferred": ..}`` of ``beam serve``, whose ids
  are of images' contents;
- ``{"source": .., "prompt_id": .., "k": .., "rewards": {"ocr": 0.4}}``.

Each line counts once, is left out with a reason, or is quarantined.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from curation import shard
from curation.failures.errors import UsageError
from train.flywheel.cases import Case
from train.flywheel.sources import Intake, Quarantined, Unit, lines

Place = tuple[str, str, int]
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


class _Pick(_Line):
    id: str
    pick: Literal["keep", "reject"] | None


class _Rating(_Line):
    id: str
    rating: Annotated[int, Field(ge=1, le=5)] | None


class _Preferred(_Line):
    images: tuple[str, str]
    preferred: str | None


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


class LeftOutError(Exception):
    """A line that is right and says nothing of these cases."""


class Votes:
    """Takes in lines on cases."""

    def __init__(self, cases: Sequence[Case]) -> None:
        self._wins, self._losses = Counter[str](), Counter[str]()
        self._picks: dict[str, str] = {}
        self._rewards: dict[str, dict[str, float]] = {}
        self._cases = {(of.source, of.prompt_id, of.k): of for of in cases}
        self._contents: dict[str, list[str]] | None = None
        self._duels: dict[str, _Duel] = {}
        self._last: dict[tuple[str, ...], str | None] = {}
        self.heard = Heard()

    def read(self, intake: Intake, path: Path) -> None:
        """Take in a file. Raises ``UsageError`` where there is none."""
        for number, line in lines(path):
            self.heard.lines += 1
            try:
                self._add(json.loads(line))
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
                duel = _Duel.model_validate(json.loads(line))
            except (ValueError, RecursionError):
                raise UsageError(f"{path}:{number}: expected duels.jsonl of an arena") from None
            self._duels[duel.id] = duel

    def cases(self) -> list[Case]:
        """The cases with all that was said."""
        for pair, best in self._last.items():
            for each in pair if best else ():
                (self._wins if each == best else self._losses).update(self._of_content(each))
        return [
            replace(
                case,
                wins=self._wins[case.id],
                losses=self._losses[case.id],
                pick=self._picks.get(case.id, case.pick),
                rewards={**case.rewards, **self._rewards.get(case.id, {})},
            )
            for case in self._cases.values()
        ]

    def _add(self, line: Any) -> None:
        keys = line.keys() if isinstance(line, dict) else ()
        if "duel" in keys:
            answered = _Answered.model_validate(line)
            if (duel := self._duels.get(answered.duel)) is None:
                raise LeftOutError("its duel is in no --duels")
            self._voted(duel, answered.vote, duel.k)
        elif "vote" in keys:
            vote = _Vote.model_validate(line)
            self._voted(vote, vote.vote, None)
        elif "pick" in keys:
            pick = _Pick.model_validate(line)
            self._mark(pick.id, pick.pick or "")
        elif "rating" in keys:
            rating = _Rating.model_validate(line).rating
            self._mark(line["id"], "keep" if (rating or 3) > 3 else "reject" * ((rating or 3) < 3))
        elif "images" in keys:
            preferred = _Preferred.model_validate({**line, "images": tuple(line["images"])})
            self._prefer(preferred)
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

    def _mark(self, content: str, pick: str) -> None:
        own = self._of_content(content)
        if not own:
            raise LeftOutError("none of its images is a case")
        self._picks.update(dict.fromkeys(own, pick))

    def _prefer(self, said: _Preferred) -> None:
        first, second = sorted(said.images)
        if said.preferred not in (None, first, second) or first == second:
            raise ValueError("expected the preferred of two images")
        if not all(map(self._of_content, (first, second))):
            raise LeftOutError("one of its images is no case")
        self._last[first, second] = said.preferred

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
