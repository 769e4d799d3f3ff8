"""What a configuration says, as frozen models in the shape of the file: declared, never parsed."""

import importlib.util
import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, Any, Literal

import pyarrow as pa
from pydantic import AfterValidator, Field, model_validator

from curation.shard import EDIT_KINDS
from curation.signals import captions
from curation.signals.signal import Column
from curation.strict_yaml import (
    OWN_PACKAGES,
    Frozen,
    Key,
    Located,
    Named,
    described,
    expected_one_of,
    is_own,
    refused,
    shown,
)

Side = Literal["min", "max", "in"]
SIDES: tuple[Side, ...] = ("min", "max")
Finite = Annotated[float, Field(allow_inf_nan=False)]
Part = Annotated[float, Field(ge=0, le=1)]
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"the name {shown(name)}: expected a letter, then letters, digits and _")
    return name


def _module(name: str) -> str:
    what = f"signal module {shown(name)}"
    if not is_own(name):
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
Free = Literal["any"]  # no bound
SignalModule = Annotated[str, AfterValidator(_module)]


class Bound(Frozen):
    """The inclusive range a column's value must lie in, a missing end being open; or what it is in.

    Of a column that scales with the image, ``min`` and ``max`` are in pixels at the resolution of
    the stage.
    """

    min: Finite | None = None
    max: Finite | None = None
    among: Annotated[tuple[str | int | bool, ...] | None, Field(alias="in", min_length=1)] = None

    @model_validator(mode="before")
    @classmethod
    def _is_a_mapping(cls, value: Any) -> Any:
        if value is None or isinstance(value, int | float | str | tuple):
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            such = f"{{min: {value}}} or {{max: {value}}}" if is_number else "{in: [...]}"
            raise ValueError(f"expected a mapping, such as {such}, found {described(value)}")
        return value

    @model_validator(mode="after")
    def _something_can_pass(self) -> "Bound":
        if self.among is not None and (self.min is not None or self.max is not None):
            raise ValueError("expected either 'in', or 'min' and 'max'")
        if self.min is None and self.max is None and self.among is None:
            raise ValueError("expected 'min', 'max' or both, or 'in'")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}: no value can pass")
        return self

    def refusal_of_categories(self, kind: pa.DataType) -> str | None:
        """Why a column of this type cannot be among what is listed; None if it can."""
        for value in self.among or ():
            try:
                pa.scalar(value, kind)
            except (pa.ArrowException, OverflowError):
                return f"the column holds {kind}, which is never {shown(str(value))}"
        return None

    def refusal_of_caption(self, column: Column) -> str | None:
        """Why it cannot rule what is measured of captions; None if it can."""
        if pa.types.is_string(column.type) != (self.among is not None):
            expected = "'in'" if self.among is None else "'min', 'max' or both"
            return f"expected {expected}"
        for value in self.among or ():
            if not isinstance(value, str):
                return f"{value!r}: expected text"
            if column.categories and value not in column.categories:
                known = expected_one_of(value, column.categories)
                return f"it is never {value!r}: {known}"
        return None


class Stage(Frozen):
    """A named set of bounds on columns, in written order; ``resolution`` is in pixels per side.

    ``captions`` are bounds by split and by what is measured of a caption.
    """

    name: Annotated[Key, AfterValidator(_name)]
    resolution: Annotated[int, Field(ge=1, le=65_536)]
    bounds: Mapping[Name, Bound] = {}
    captions: Mapping[str, Annotated[Mapping[str, Bound], Field(min_length=1)]] | None = None

    @model_validator(mode="after")
    def _captions_are_known(self) -> "Stage":
        for split in self.captions or {}:
            if split not in captions.SPLITS:
                known = expected_one_of(split, captions.SPLITS)
                raise refused(f"unknown captions {shown(split)}: {known}", "captions", split)
        return self


class Instead(Frozen):
    """What holds of edits of a kind instead of bounds on columns, whatever the stage: another bound
    where a stage bounds the column, or with ``any`` none. ``image`` is the result.
    """

    image: Mapping[Name, Bound | Free] = {}
    inputs: Mapping[Name, Bound | Free] = {}


class NearDuplicate(Frozen):
    """``radius`` is a Hamming distance in bits of a 64-bit hash."""

    radius: Annotated[int, Field(ge=0, le=16)]


class Quota(Frozen):
    """A budget for each category of the column ``by``, in stage ``since`` and all after it.

    Exactly one of: ``share``, by category at most that part (0..1, as written) of all that passes
    the stage, categories that it does not name being free; ``fraction``, that part (0..1) of each
    category, and at ``least`` so many rows; ``count``, so many rows of each category: of rows that
    pass the stage by all else and would be kept. First come the rows largest in the column
    ``order``; without one those of the smallest sampling keys. A row without a category is free.

    ``also`` are shares by further columns, which are to hold together with those of ``by``: a
    category is then a value of each (``nature | en``), and rows that lack one are free.

    A row that a ``share`` limits is kept only if it passes ``since``, and ``keep``.
    """

    name: Annotated[Key, AfterValidator(_name)]
    by: Name
    share: Annotated[Mapping[str, Part], Field(min_length=1)] | None = None
    also: Mapping[Name, Annotated[Mapping[str, Part], Field(min_length=1)]] | None = None
    fraction: Part | None = None
    count: Annotated[int, Field(ge=0)] | None = None
    least: Annotated[int, Field(ge=1)] | None = None
    order: Name | None = None
    since: str

    @model_validator(mode="after")
    def _is_one_budget(self) -> "Quota":
        if sum(of is not None for of in (self.share, self.fraction, self.count)) != 1:
            raise ValueError("expected exactly one of 'share', 'fraction' and 'count'")
        if self.least is not None and self.fraction is None:
            raise refused("expected beside a 'fraction' alone", "least")
        if sum(self.shares.values()) > 1:
            raise refused("the shares are more than 1 together", "share")
        self._check_also()
        return self

    def _check_also(self) -> None:
        """Several columns make a mix only where the shares of each are a whole."""
        if self.also and self.share is None:
            raise refused("expected beside a 'share' alone", "also")
        for column, shares in self.margins.items() if self.also else ():
            if sum(shares.values()) != 1:
                path = ("share",) if column == self.by else ("also", column)
                raise refused("the shares should sum to 1, as there are several columns", *path)
        if self.by in (self.also or {}):
            raise refused(f"{shown(self.by)} has its shares in 'share'", "also", self.by)

    @property
    def shares(self) -> dict[str, Fraction]:
        """The shares as they are written: 0.05 is a twentieth."""
        return {name: Fraction(str(part)) for name, part in (self.share or {}).items()}

    @property
    def margins(self) -> dict[str, dict[str, Fraction]]:
        """By column of categories the shares of its values."""
        also = {
            column: {name: Fraction(str(part)) for name, part in shares.items()}
            for column, shares in (self.also or {}).items()
        }
        return {self.by: self.shares, **also}

    @property
    def side(self) -> Side:
        """What its threshold is: the ``max`` of sampling keys, or the ``min`` of a column."""
        return "min" if self.order else "max"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it reads."""
        return (*self.margins, self.order) if self.order else (*self.margins,)


class Pipeline(Located):
    """Ordered stages and what surrounds them; a row reaches a stage by passing all before it.

    ``seed`` is that of sampling keys; ``keep`` is the stage a row must pass to be kept; without it,
    the last. ``quarantine_limit`` is the fraction (0..1) of inputs above which a run has failed.
    ``quality`` are the columns that rank duplicates which pass as many stages, largest first.
    ``signals`` and ``groupings`` are import paths of further modules with such, ``settings`` what
    is set for these by their names, ``without`` signals that are left out, ``measure`` columns
    that shards are to have besides, of every kept row. ``quotas`` limit categories of rows, each of
    what those before it leave. ``edits`` says by ``edit_kind`` what holds instead of bounds.
    """

    name: Key
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    keep: str
    quarantine_limit: Annotated[float, Field(ge=0, le=1)] = 0.5
    near_duplicate: NearDuplicate = NearDuplicate(radius=4)
    quality: tuple[str, ...] = ("pixels", "size")
    signals: tuple[SignalModule, ...] = ()
    groupings: tuple[SignalModule, ...] = ()
    settings: Mapping[Name, Mapping[str, Any]] = {}
    without: tuple[str, ...] = ()
    measure: tuple[Name, ...] = ()
    stages: Annotated[Named[Stage], Field(min_length=1)]
    edits: Mapping[Name, Instead] = {}
    quotas: Named[Quota] = ()

    @model_validator(mode="before")
    @classmethod
    def _share_is_a_quota(cls, values: Any) -> Any:
        if isinstance(values, dict) and "synthetic" in values:
            old = values["synthetic"] if isinstance(values["synthetic"], dict) else {}
            share, since = old.get("share", 0.05), old.get("from", "s2")
            now = f"synthetic: {{by: synthetic, share: {{true: {share}}}, since: {since}}}"
            message = f"now one of the quotas; write quotas: {{{now}}}"
            raise refused(message, "synthetic")
        return values

    @model_validator(mode="before")
    @classmethod
    def _measure_was_embeddings(cls, values: Any) -> Any:
        if isinstance(values, dict) and "embeddings" in values:
            raise refused("now called measure: write it in place of embeddings", "embeddings")
        return values

    @model_validator(mode="before")
    @classmethod
    def _keep_the_last_stage(cls, values: Any) -> Any:
        if not isinstance(values, dict) or "keep" in values:
            return values
        stages = values.get("stages") or ()
        names = [of.name if isinstance(of, Stage) else of for of in stages]
        return {**values, "keep": names[-1] if names and isinstance(names[-1], str) else ""}

    @model_validator(mode="after")
    def _named_stages_are_there(self) -> "Pipeline":
        self._check_stage(self.keep, "keep")
        for quota in self.quotas:
            self._check_stage(quota.since, "quotas", quota.name, "since")
        return self

    @model_validator(mode="after")
    def _captions_are_measured(self) -> "Pipeline":
        for stage in self.stages:
            for split, signals in (stage.captions or {}).items():
                known = captions.known(split, self.signals)
                for name, bound in signals.items():
                    path = ("stages", stage.name, "captions", split, name)
                    if name not in known:
                        nearest = expected_one_of(name, known)
                        message = f"nothing called {shown(name)} is measured: {nearest}"
                        raise refused(message, *path)
                    if wrong := bound.refusal_of_caption(known[name]):
                        raise refused(wrong, *path)
        return self

    @model_validator(mode="after")
    def _kinds_of_edits_are_known(self) -> "Pipeline":
        for kind in self.edits:
            if kind not in EDIT_KINDS:
                message = f"unknown kind {shown(kind)}: {expected_one_of(kind, EDIT_KINDS)}"
                raise refused(message, "edits", kind)
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
