"""The rules of attribution: each a function of what is known of a prompt, with a bound in the
settings and the number that decides. The first that applies attributes all failed images of it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from train.figures import Rate
from train.flywheel.settings import Settings

Track = Literal["rl", "data", "prompt"]
_SHOWN = 12  # characters or words in a sentence


@dataclass(frozen=True)
class Finding:
    """Where a failure goes, by which rule (``cause``), the ``value`` that decided and its bound."""

    track: Track
    cause: str
    value: float
    bound: float
    detail: str


@dataclass(frozen=True)
class Evidence:
    """What is known of the images of a prompt, ``own`` of which are right.

    ``failed`` are the characters that were misread in images that are not, ``rare`` those of them
    that fewer than ``few`` training images show; ``length`` and ``lines`` of the texts that it asks
    for, ``longest`` and ``most_lines`` of those that were trained on; ``said`` how many words it
    says, ``least_said`` how many training captions do; ``unsaid`` are texts that it was to show and
    does not name; ``rare_words`` have captions below the bound; ``near`` how many training images
    are near it. ``rewritten`` is how often the same case was right by a rewritten prompt,
    ``elsewhere`` how often other prompts' images show the misread characters right. ``against``
    says by name of each distrusted reward how many of this prompt's pairs it orders rightly, and
    how many of all.
    """

    own: Rate
    failed: tuple[str, ...] = ()
    rare: Mapping[str, int] = field(default_factory=dict)
    few: float = 0
    length: int = 0
    lines: int = 0
    longest: int = 0
    most_lines: int = 0
    said: int = 0
    least_said: int = 0
    unsaid: tuple[str, ...] = ()
    rare_words: Mapping[str, int] = field(default_factory=dict)
    near: int | None = None
    rewritten: Rate | None = None
    elsewhere: Rate | None = None
    against: Mapping[str, tuple[Rate, Rate]] = field(default_factory=dict)


def bad_reward(seen: Evidence, to: Settings) -> Finding | None:
    """A distrusted reward orders images of this prompt otherwise than people or the benchmark. That
    it does nearly everywhere says nothing of a prompt that lacks something of its own: the rules of
    prompts and data come first, and a concept that is lacking where no image is right.
    """
    if not seen.own.right and concept(seen, to):
        return None
    for name, (here, everywhere) in seen.against.items():
        if here.right < here.of:
            detail = f"reward {name} orders {here.right} of {here.of} pairs of its images rightly"
            detail += f", of all {everywhere}"
            return Finding("rl", "reward", everywhere.right / everywhere.of, to.rl.agrees, detail)
    return None


def unsaid(seen: Evidence, to: Settings) -> Finding | None:
    """It was to show a text that the prompt does not name."""
    if not seen.unsaid:
        return None
    detail = f"the prompt does not say {_list(seen.unsaid)}"
    return Finding("prompt", "unsaid", len(seen.unsaid), 0, detail)


def rewritten(seen: Evidence, to: Settings) -> Finding | None:
    """The same case is right with its prompt rewritten."""
    if seen.rewritten is None or not seen.rewritten.of:
        return None
    gain = _share(seen.rewritten) - _share(seen.own)
    if gain < to.prompt.better:
        return None
    detail = f"rewritten {seen.rewritten.right} of {seen.rewritten.of} are right"
    detail += f", as it is {seen.own.right} of {seen.own.of}"
    return Finding("prompt", "rewritten", gain, to.prompt.better, detail)


def characters(seen: Evidence, to: Settings) -> Finding | None:
    """Of the characters that were misread enough are rare in what was trained on."""
    if not seen.failed:
        return None
    share = sum(of in seen.rare for of in seen.failed) / len(seen.failed)
    if share < to.data.explained or not seen.rare:
        return None
    counts = ", ".join(f"{of} in {n}" for of, n in list(seen.rare.items())[:_SHOWN])
    detail = f"{share:.0%} of misread characters are rare: {counts} training images"
    return Finding("data", "characters", min(seen.rare.values()), seen.few, detail)


def layout(seen: Evidence, to: Settings) -> Finding | None:
    """Its texts are longer, or of more lines, than what was trained on."""
    if seen.longest and seen.length > seen.longest:
        detail = f"{seen.length} characters; {to.data.quantile:.0%} of training texts have at most"
        return Finding("data", "layout", seen.length, seen.longest, f"{detail} {seen.longest}")
    if seen.most_lines and seen.lines > seen.most_lines:
        detail = f"{seen.lines} texts; {to.data.quantile:.0%} of training images have at most"
        return Finding("data", "layout", seen.lines, seen.most_lines, f"{detail} {seen.most_lines}")
    return None


def vague(seen: Evidence, to: Settings) -> Finding | None:
    """It says less than nearly all captions that were trained on."""
    if seen.said >= seen.least_said:
        return None
    detail = f"{seen.said} words beside what it quotes; all but {to.prompt.quantile:.0%} of"
    detail += f" training captions have {seen.least_said} and more"
    return Finding("prompt", "vague", seen.said, seen.least_said, detail)


def unstable(seen: Evidence, to: Settings) -> Finding | None:
    """The model can do it, and does not always: some of its images are right."""
    if seen.own.of > 1 and _share(seen.own) >= to.rl.able and seen.own.right:
        detail = f"{seen.own.right} of {seen.own.of} images of this prompt are right"
        return Finding("rl", "unstable", _share(seen.own), to.rl.able, detail)
    return None


def able(seen: Evidence, to: Settings) -> Finding | None:
    """What was misread is right often enough in images of other prompts."""
    if seen.elsewhere and seen.elsewhere.of and _share(seen.elsewhere) >= to.rl.able:
        detail = "the misread characters are right in"
        detail += f" {seen.elsewhere.right} of {seen.elsewhere.of} places of other prompts"
        return Finding("rl", "able", _share(seen.elsewhere), to.rl.able, detail)
    return None


def concept(seen: Evidence, to: Settings) -> Finding | None:
    """Few captions have one of its words, or few images are near to it."""
    if seen.rare_words:
        rarest = min(seen.rare_words, key=lambda of: (seen.rare_words[of], of))
        counts = ", ".join(f"{of} in {n}" for of, n in list(seen.rare_words.items())[:_SHOWN])
        detail = f"rare words: {counts} training captions"
        return Finding("data", "concept", seen.rare_words[rarest], to.data.words, detail)
    if seen.near is not None and seen.near < to.data.neighbours:
        detail = f"{seen.near} training images have a cosine of {to.data.near:g} or more"
        return Finding("data", "concept", seen.near, to.data.neighbours, detail)
    return None


Rule = Callable[[Evidence, Settings], Finding | None]
ORDER: tuple[Rule, ...] = (
    *(unsaid, rewritten, characters, layout, vague, bad_reward, unstable, concept, able),
)


def findings(seen: Evidence, to: Settings) -> Iterator[Finding]:
    """What every rule says that applies; the first attributes."""
    for rule in ORDER:
        if finding := rule(seen, to):
            yield finding


def _share(rate: Rate) -> float:
    return rate.right / max(1, rate.of)


def _list(texts: tuple[str, ...]) -> str:
    return ", ".join(f"“{of[:60]}”" for of in texts[:_SHOWN])
