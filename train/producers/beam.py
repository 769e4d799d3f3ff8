"""Units as a Beam job: every unit of some steps, each made by whichever worker comes by it.

Workers need the shards, the encoders and the folder of units in places of the same name. A unit
that is there already, or that a producer makes meanwhile, is left alone.
"""

from functools import cache
from pathlib import Path

from train.configuration import Configuration
from train.producers import stores, workshop
from train.producers.folder import UnitFolder
from train.producers.workshop import Workshop


def run(
    configuration: Configuration, pattern: str, root: Path, steps: range, flags: list[str]
) -> None:
    """Make all units of ``steps``; ``flags`` are Beam's own, none for this process.

    Raises as Beam does for a job that failed.
    """
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner

    plan = workshop.opened(configuration, pattern, root, print).plan
    names = {
        span.name: (span.first, span.last)
        for step in steps
        for span in plan.at(step).spans.at(step)
    }
    settings = configuration.model_dump_json()
    # Prism, which Beam prefers in this process, would be downloaded.
    runner = None if any(flag.startswith("--runner") for flag in flags) else FnApiRunner()
    with beam.Pipeline(runner, PipelineOptions(flags)) as pipeline:
        wanted = pipeline | beam.Create(list(names.items())) | beam.Reshuffle()
        wanted | beam.Map(make, settings, pattern, str(root))


def make(wanted: tuple[str, tuple[int, int]], settings: str, pattern: str, root: str) -> str:
    """Make a unit, unless it is there or leased; returns its name."""
    name, (first, _) = wanted
    opened = _workshop(settings, pattern, root)
    folder, owner = UnitFolder(Path(root)), stores.owner()
    spans = opened.plan.at(first).spans.at(first)
    span = next(each for each in spans if each.name == name)
    with folder.leased(name, owner) as leased:
        if leased != "held" and not folder.get(name):
            opened.maker.publish(span, folder)
    return name


@cache
def _workshop(settings: str, pattern: str, root: str) -> Workshop:
    """Of this worker: encoders are loaded once."""
    configuration = Configuration.model_validate_json(settings)
    return workshop.opened(configuration, pattern, Path(root), print)
