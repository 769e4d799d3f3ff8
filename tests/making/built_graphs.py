"""The real graphs of a run, built and not run."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from curation.configuration.loading import Pipeline
from curation.graphs import judging, measuring, writing
from curation.runners import running


def build(
    output: str, pipeline: Pipeline, arguments: Sequence[str], patch: pytest.MonkeyPatch
) -> dict[str, beam.Pipeline]:
    """Every graph by name; ``partitioned`` is the judging of more rows than one step takes."""
    built: list[beam.Pipeline] = []

    @contextlib.contextmanager
    def caught(given: Sequence[str]) -> Iterator[beam.Pipeline]:
        built.append(beam.Pipeline(options=PipelineOptions(list(given))))
        yield built[-1]

    patch.setattr(running, "pipeline", caught)
    measuring.measure_units(output, pipeline, arguments)
    measuring.run_models(output, pipeline, arguments)
    judging.judge_units(output, pipeline, arguments, 1)
    judging.judge_units(output, pipeline, arguments, 3 * judging.ROWS_PER_PARTITION)
    writing.write_shards(output, pipeline, arguments)
    return dict(zip(("measure", "models", "judge", "partitioned", "shards"), built, strict=True))


def hints(proto: Any) -> dict[str, dict[str, str]]:
    """What the steps of a built graph ask of machines, by the name of the step."""
    environments = proto.components.environments
    return {
        step.unique_name: {
            urn.split(":")[-2]: value.decode()
            for urn, value in environments[step.environment_id].resource_hints.items()
        }
        for step in proto.components.transforms.values()
        if step.spec.urn == "beam:transform:pardo:v1"
        and environments[step.environment_id].resource_hints
    }
