"""The bounds of attribution, and what a round is made of: a YAML file over these defaults."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from curation.strict_yaml import Frozen, bind, read
from train.kinds import Count, Positive, Share


def _number(value: object) -> object:
    """A whole number is a number, too."""
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


Fraction = Annotated[Share, BeforeValidator(_number)]
Factor = Annotated[Positive, BeforeValidator(_number)]
Number = Annotated[int, Field(ge=0)]


class DataBounds(Frozen):
    """When data are lacking. A character is rare that fewer than ``few`` training images show, or
    fewer than ``share`` of what the median character of them has; ``explained`` is the share of a
    prompt's misread characters that must be rare. A word is rare in fewer than ``words`` captions.
    ``quantile`` of training texts are no longer than what they show counts for.
    ``neighbours`` is how many embedded images must be near to a prompt (0: not looked at), ``near``
    their cosine.
    """

    few: Number = 20
    share: Fraction = 0.25
    explained: Fraction = 0.5
    words: Number = 5
    quantile: Fraction = 0.99
    neighbours: Number = 0
    near: Fraction = 0.15


class PromptBounds(Frozen):
    """When a prompt is to blame. It is vague with fewer words outside of quotations than all but
    ``quantile`` of the training captions; ``better`` is by how much the same case must be right
    more often with its prompt rewritten.
    """

    quantile: Fraction = 0.02
    better: Fraction = 0.5


class RewardBounds(Frozen):
    """When a policy or its reward is to blame. ``able``: of the images of a prompt, or of those
    that ask for the same characters, so many must be right. A reward is distrusted that orders
    fewer than ``agrees`` of at least ``pairs`` pairs of images as people or the benchmark do, by
    the upper end of a 95 % interval; ``apart`` is by how much scores must differ to be a pair.
    """

    able: Fraction = 0.25
    agrees: Fraction = 0.7
    pairs: Count = 10
    apart: Fraction = 0.1


class PlanSettings(Frozen):
    """How much is added: each rare character is to have ``target`` of what the median character
    has, at least ``least`` and in all ``most`` images; ``texts`` are made for layouts, and ``rows``
    rows are retrieved for a query. Images of evaluations are trained on as pairs only with
    ``pairs_of_evaluations``: the benchmark is none for that model any more.
    """

    target: Factor = 1.0
    least: Count = 40
    most: Count = 20_000
    texts: Count = 200
    rows: Count = 100
    pairs_of_evaluations: bool = False


class RenderSettings(Frozen):
    """Options of ``python -m synthesis.render`` by their names."""

    lang: str = "en"
    mode: Literal["pure", "scene", "template", "mix", "strings"] = "pure"
    size: str = ""
    fonts: str = ""
    seed: Number = 1


class CurationSettings(Frozen):
    """A ``pipeline`` of ``beam run`` that what is rendered goes through; none where it is empty."""

    pipeline: str = ""
    config: str = ""


class EvaluationSettings(Frozen):
    """A benchmark by its ``name``, with the options of ``python -m infer.evaluation``."""

    name: str = "held_out_strings"
    data: str = ""
    sample: Number = 0
    reader: Literal["rapidocr", "judge"] = "rapidocr"


class TrainingSettings(Frozen):
    """``python -m train`` from the checkpoint for ``steps``: ``share`` of what it shows is new, the
    others are the shards of before. ``config`` is a file over ``preset``; the phase of the round
    takes the place of any in it.
    """

    preset: str = "demo"
    config: str = ""
    steps: Count = 100
    share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    seed: Number = 0
    threads: Number = 0


class Settings(Frozen):
    """All of a file. ``right`` is the least score of an image that is right."""

    right: Fraction = 1.0
    data: DataBounds = DataBounds()
    prompt: PromptBounds = PromptBounds()
    rl: RewardBounds = RewardBounds()
    plan: PlanSettings = PlanSettings()
    render: RenderSettings = RenderSettings()
    curation: CurationSettings = CurationSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    training: TrainingSettings = TrainingSettings()


def resolve(path: Path | None) -> Settings:
    """The defaults, overridden by a file. Raises ``ConfigurationError`` with line and key."""
    if path is None:
        return Settings()
    return bind(read(str(path)), Settings, Settings().model_dump())
