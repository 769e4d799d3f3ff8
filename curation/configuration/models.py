"""What a configuration says, as frozen models in the shape of the file: declared, never parsed."""

import importlib.util
import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from curation.signals.signal import OWN_PACKAGES
from curation.strict_yaml import Frozen, Key, Located, Named, expected_one_of, refused, shown

Finite = Annotated[float, Field(allow_inf_nan=False)]
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"the name {shown(name)}: expected a letter, then letters, digits and _")
    return name


def _module(name: str) -> str:
    what = f"signal module {shown(name)}"
    if not _MODULE.fullmatch(name) or name.split(".", maxsplit=1)[0] not in OWN_PACKAGES:
        raise ValueError(f"{what}: expected an import path inside {', '.join(OWN_PACKAGES)}")
    if not _module_exists(name):
        raise ValueError(f"{what}: there is no such module")
    return name


def _module_exists(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ImportError:
        return False


Name = Annotated[str, AfterValidator(_name)]
SignalModule = Annotated[str, AfterValidator(_module)]


class Bound(Frozen):
    """The inclusive range a column's value must lie in, a missing end being open; or what it is in.

    Of a column that scales with the image, ``min`` and ``max`` are in pixels at the resolution of
    the stage.
    """

    min: Finite | None = None
    max: Finite | None = None
    among: Annotated[tuple[str | int | bool, ...] | None, Field(alias="in", min_length=1)] = None

    @model_validator(mode="after")
    def _something_can_pass(self) -> "Bound":
        if self.among is not None and (self.min is not None or self.max is not None):
            raise ValueError("expected either 'in', or 'min' and 'max'")
        if self.min is None and self.max is None and self.among is None:
            raise ValueError("expected 'min', 'max' or both, or 'in'")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}: no value can pass")
        return self


class Stage(Frozen):
    """A named set of bounds on columns, in written order; ``resolution`` is in pixels per side."""

    name: Annotated[Key, AfterValidator(_name)]
    resolution: Annotated[int, Field(ge=1, le=65_536)]
    bounds: Mapping[Name, Bound]


class NearDuplicate(Frozen):
    """``radius`` is a Hamming distance in bits of a 64-bit hash."""

    radius: Annotated[int, Field(ge=0, le=16)]


class Synthetic(Frozen):
    """From ``stage`` on, at most ``share`` (0 to below 1) of what passes a stage is drawn.

    A drawn picture is kept if it passes ``stage``, and ``keep``.
    """

    share: Annotated[float, Field(ge=0, lt=1)]
    stage: Annotated[str, Field(alias="from")]


class Pipeline(Located):
    """Ordered stages and what surrounds them; a row reaches a stage by passing all before it.

    ``keep`` is the stage a row must pass to be kept; without it, the last. ``quarantine_limit`` is
    the fraction (0..1) of inputs above which a run has failed. ``quality`` are the columns that
    rank duplicates, largest first. ``signals`` are import paths of further signal modules,
    ``settings`` what is set for signals by their names, ``without`` signals that are left out.
    ``synthetic`` limits drawn pictures; without it there is no limit.
    """

    name: Key
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    keep: str
    quarantine_limit: Annotated[float, Field(ge=0, le=1)] = 0.5
    near_duplicate: NearDuplicate
    quality: tuple[str, ...]
    signals: tuple[SignalModule, ...] = ()
    settings: Mapping[Name, Mapping[str, Any]] = {}
    without: tuple[str, ...] = ()
    stages: Annotated[Named[Stage], Field(min_length=1)]
    synthetic: Synthetic | None = None

    @model_validator(mode="before")
    @classmethod
    def _keep_the_last_stage(cls, values: Any) -> Any:
        if not isinstance(values, dict) or "keep" in values:
            return values
        stages = values.get("stages")
        names = stages if isinstance(stages, dict) else [stage.name for stage in stages or ()]
        return {**values, "keep": [*names][-1] if names else ""}

    @model_validator(mode="after")
    def _named_stages_are_there(self) -> "Pipeline":
        self._check_stage(self.keep, "keep")
        if self.synthetic is not None:
            self._check_stage(self.synthetic.stage, "synthetic", "from")
        return self

    def _check_stage(self, name: str, *path: str) -> None:
        names = [stage.name for stage in self.stages]
        if name not in names:
            raise refused(f"unknown stage {shown(name)}: {expected_one_of(name, names)}", *path)

    def number_of(self, name: str) -> int:
        """The place of a stage, counted from 0."""
        return [stage.name for stage in self.stages].index(name)


def resolved(pipeline: Pipeline) -> dict[str, Any]:
    """The pipeline as plain JSON-able data in the shape of the file (stages in their order)."""
    return pipeline.model_dump(mode="json", by_alias=True, exclude_none=True)
