"""What a configuration says, as frozen models: bounds on columns, in stages, in a pipeline."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from curation.strict_yaml.fields import expected_one_of
from curation.strict_yaml.lines import ConfigurationError

Finite = Annotated[float, Field(allow_inf_nan=False)]
Lines = dict[tuple[str, ...], int]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Bound(_Frozen):
    """The inclusive range a column's value must lie in; a missing end is open."""

    min: Finite | None = None
    max: Finite | None = None

    @model_validator(mode="after")
    def _something_can_pass(self) -> "Bound":
        if self.min is None and self.max is None:
            raise ValueError("expected 'min', 'max' or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}: no value can pass")
        return self


class Stage(_Frozen):
    """A named set of bounds on columns, in written order; ``resolution`` is in pixels per side."""

    name: str
    resolution: Annotated[int, Field(ge=1, le=65_536)]
    bounds: Mapping[str, Bound]


class Synthetic(_Frozen):
    """From ``stage`` on, at most ``share`` (0 to below 1) of what passes a stage is drawn.

    A drawn picture is kept if it passes ``stage``, and ``keep``.
    """

    share: Annotated[float, Field(ge=0, lt=1)]
    stage: str


class Pipeline(_Frozen):
    """Ordered stages and what surrounds them; a row reaches a stage by passing all before it.

    ``keep`` is the stage a row must pass to be kept. ``quarantine_limit`` is the fraction (0..1) of
    inputs above which a run has failed. ``near_duplicate_radius`` is a Hamming distance in bits of
    a 64-bit hash. ``quality`` are the columns that rank duplicates, largest first. ``signals`` are
    import paths of further signal modules. ``synthetic`` limits drawn pictures; without it there is
    no limit.
    """

    name: str
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    keep: str
    quarantine_limit: Annotated[float, Field(ge=0, le=1)]
    near_duplicate_radius: Annotated[int, Field(ge=0, le=16)]
    quality: tuple[str, ...]
    signals: tuple[str, ...]
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)]
    synthetic: Synthetic | None = None
    _file: str = PrivateAttr(default="pipelines.yaml")
    _lines: Lines = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _keep_is_a_stage(self) -> "Pipeline":
        names = [stage.name for stage in self.stages]
        if self.keep not in names:
            raise ValueError(f"unknown stage {self.keep!r}: {expected_one_of(self.keep, names)}")
        return self

    @field_validator("synthetic")
    @classmethod
    def _synthetic_begins_at_a_stage(
        cls, synthetic: Synthetic | None, info: ValidationInfo
    ) -> Synthetic | None:
        names = [stage.name for stage in info.data.get("stages", ())]
        if synthetic is not None and synthetic.stage not in names:
            expected = expected_one_of(synthetic.stage, names)
            raise ValueError(f"unknown stage {synthetic.stage!r}: {expected}")
        return synthetic

    def number_of(self, name: str) -> int:
        """The place of a stage, counted from 0."""
        return [stage.name for stage in self.stages].index(name)

    def error(self, message: str, *path: str) -> ConfigurationError:
        """An error at the line of a key, such as ``"stages", "s1", "bounds", "luma", "min"``."""
        return ConfigurationError(self._file, self._lines.get(path), message)

    def with_lines(self, file: str, lines: Lines) -> "Pipeline":
        """The same pipeline, knowing the file and the lines it was read from."""
        copy = self.model_copy()
        copy._file, copy._lines = file, dict(lines)
        return copy


def resolved(pipeline: Pipeline) -> dict[str, Any]:
    """The pipeline as plain JSON-able data in the shape of the file (stages in their order)."""
    told: dict[str, Any] = {
        "seed": pipeline.seed,
        "keep": pipeline.keep,
        "quarantine_limit": pipeline.quarantine_limit,
        "near_duplicate": {"radius": pipeline.near_duplicate_radius},
        "quality": list(pipeline.quality),
        "signals": list(pipeline.signals),
        "stages": {stage.name: _stage(stage) for stage in pipeline.stages},
    }
    if pipeline.synthetic is not None:
        told["synthetic"] = {"share": pipeline.synthetic.share, "from": pipeline.synthetic.stage}
    return told


def _stage(stage: Stage) -> dict[str, Any]:
    bounds = {name: bound.model_dump(exclude_none=True) for name, bound in stage.bounds.items()}
    return {"resolution": stage.resolution, "bounds": bounds}
