"""``beam plan``: a run over a sample, and what it says of the whole input."""

import contextlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from curation import report, storage
from curation.configuration.loading import Pipeline
from curation.inspect import expenses, forecast
from curation.inspect.expenses import Expenses, Prices
from curation.inspect.forecast import Forecast
from curation.measuring import choosing
from curation.measuring.chosen import Chosen
from curation.output import finished
from curation.output.layout import Layout
from curation.request import Request
from curation.sources.sampling import Stratum
from curation.storage import ownership


@dataclass(frozen=True)
class Planned:
    """What a sample says; ``aside`` are the rules that it says nothing of."""

    strata: tuple[Stratum, ...]
    seed: int
    forecast: Forecast
    expenses: Expenses
    prices: Prices
    aside: tuple[str, ...]

    @property
    def rows(self) -> float:
        """The rows of the whole input."""
        return sum(of.rows for of in self.strata)

    def as_json(self) -> dict[str, Any]:
        """Plain data: shares of all rows as value, low and high end of the 95 % interval."""
        return {
            "rows": round(self.rows),
            "rows_exact": all(of.exact for of in self.strata),
            "sampled": sum(of.sampled for of in self.strata),
            "seed": self.seed,
            "strata": [vars(of) for of in self.strata],
            **self.forecast.as_json(),
            "not_predicted": list(self.aside),
            **self.expenses.as_json(self.prices),
        }


def plan(request: Request, prices: Prices) -> Planned:
    """Carry out the request on a sample of its input. Raises what a run raises."""
    from curation.run import run as carry_out

    signals = choosing.chosen(request.pipeline)
    grouped = signals.groups(Layout(request.output)).ruled
    own = of_own_rows(request.pipeline, grouped)
    outcome = carry_out(replace(request, pipeline=own))
    run = finished.read_run(request.output)
    signals = choosing.chosen(choosing.without(own, request.without))
    models = list(signals.models)
    rows = forecast.read(request.output, outcome.strata, models, _tokens(signals))
    predicted = forecast.forecast(request.output, run, rows, models)
    return Planned(
        outcome.strata,
        own.seed,
        predicted,
        expenses.expenses(request.output, run, signals, rows, predicted, prices.tokens_per_second),
        prices,
        tuple(_aside(request.pipeline, grouped)),
    )


def _tokens(signals: Chosen) -> list[str]:
    """The columns that say what language models were asked."""
    asked = [of.tokens for of in signals.signals if of.tokens and of.name in signals.models]
    return [name for of in asked for name in (of.answers, of.prompt, of.new)]


def _aside(pipeline: Pipeline, grouped: tuple[str, ...]) -> Iterator[str]:
    for stage in pipeline.stages:
        yield from (f"{stage.name} {column}" for column in stage.bounds if column in grouped)
    yield from (f"quota {quota.name}" for quota in pipeline.quotas)


def of_own_rows(pipeline: Pipeline, grouped: tuple[str, ...]) -> Pipeline:
    """The pipeline without what depends on other rows: rules on ``grouped`` columns, and quotas.

    What only quotas read is measured of kept rows.
    """
    stages = tuple(
        stage.model_copy(
            update={
                "bounds": {of: bound for of, bound in stage.bounds.items() if of not in grouped}
            }
        )
        for stage in pipeline.stages
    )
    owned = choosing.chosen(pipeline).owner
    read = [of for quota in pipeline.quotas for of in quota.columns if of in owned]
    requested = tuple(dict.fromkeys((*pipeline.measure, *read)))
    return pipeline.model_copy(update={"stages": stages, "quotas": (), "measure": requested})


def record(output: str, planned: Planned) -> None:
    """Put what is planned into the report of the sample's run. Raises ``OSError``."""
    from curation.run import KIND_OF_SAMPLE

    with ownership.held(output, KIND_OF_SAMPLE):
        storage.write_bytes(Layout(output).forecast, json.dumps(planned.as_json()).encode())
        report.write_report(output)


@contextlib.contextmanager
def place(output: str | None) -> Iterator[str]:
    """The folder of the sample's run: the given one, or one that is removed at the end."""
    if output is not None:
        yield output
        return
    with tempfile.TemporaryDirectory(prefix="inkstone-plan-") as folder:
        yield folder
