"""``beam plan``: a run over a sample, and what it says of the whole input."""

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from curation.configuration.loading import Pipeline
from curation.inspect import expenses, forecast
from curation.inspect.expenses import Expenses, Prices
from curation.inspect.forecast import Forecast
from curation.inspect.intervals import Estimate
from curation.measuring import chosen as choosing
from curation.output import finished
from curation.output.layout import Layout
from curation.progress import three_digits
from curation.report import text
from curation.request import Request
from curation.sources.sampling import Stratum


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

    def as_text(self) -> str:
        """Some lines for people."""
        return "\n".join(
            [
                *self._drawn(),
                f"{'':<26}{'of all rows':>12}  {'95 % interval':<18}{'rows':>12}",
                *self._stages(),
                self._line("kept", self.forecast.kept),
                self._line("quarantined", self.forecast.quarantined),
                *(self._line(f"reach {name}", of) for name, of in self.forecast.models.items()),
                *self._aside(),
                *self._expenses(),
            ]
        )

    def _drawn(self) -> Iterator[str]:
        sampled = sum(of.sampled for of in self.strata)
        yield f"{sampled:,} of {self.rows:,.0f} rows looked at (seed {self.seed})"
        for of in self.strata:
            line = f"  {of.layout}: {of.sampled:,} of {of.rows:,.0f} rows"
            if of.containers:
                line += f", out of {of.chosen:,} of {of.containers:,} containers"
            yield line + ("" if of.exact else "; rows estimated by bytes")

    def _stages(self) -> Iterator[str]:
        for stage, passed in self.forecast.passed.items():
            yield self._line(f"{stage} passed", passed)
            ordered = sorted(self.forecast.stopped[stage].items(), key=lambda of: -of[1].value)
            for rule, stopped in ordered:
                yield self._line(f"  {rule} stops", stopped)

    def _line(self, name: str, of: Estimate) -> str:
        between = f"{100 * of.low:.2f} to {100 * of.high:.2f} %"
        return f"{name:<26}{100 * of.value:>10.2f} %  {between:<18}{of.value * self.rows:>12,.0f}"

    def _aside(self) -> Iterator[str]:
        if self.aside:
            yield f"not in these figures, for a sample does not tell: {', '.join(self.aside)}"
        for name, pairs in self.forecast.pairs.items():
            of, most = pairs.estimate, min(pairs.estimate.high, self.rows)
            yield (
                f"{name} duplicates: pairs in the sample {pairs.seen:,}, in all {of.value:,.0f} "
                f"({of.low:,.0f} to {of.high:,.0f}); at most {most:,.0f} rows fall by them"
            )

    def _expenses(self) -> Iterator[str]:
        of = self.expenses
        yield f"CPU hours {_span(of.cpu_hours)}"
        for name, step in of.steps.items():
            each = three_digits(1000 * step.cpu_seconds)
            rows = f"{step.rows.value:,.0f} rows"
            yield f"  {name:<24}{_span(step.cpu_hours)}: {each} ms a row, {rows}"
        for name in self.forecast.models.keys() - of.steps.keys():
            yield f"  {name:<24}not known: no sampled row reached it"
        gpu = of.gpu_hours
        yield f"GPU hours {_span(gpu)}" if gpu else "GPU hours: none; no model ran on a GPU here"
        yield (
            f"disk {_span(of.gigabytes)} GB: columns {text.size(of.columns)}, "
            f"shards {text.size(of.shards.value)}"
        )
        if self.prices.any:
            month = self.prices.gigabyte_month is not None
            yield f"cost {_span(of.cost(self.prices))}" + (", a month of storage" if month else "")


def _span(of: Estimate) -> str:
    """A number with the ends of its interval, three digits each."""
    value, low, high = (three_digits(number) for number in (of.value, of.low, of.high))
    return value if low == high else f"{value} ({low} to {high})"


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
    rows = forecast.read(request.output, outcome.strata, models)
    predicted = forecast.forecast(request.output, run, rows, models)
    return Planned(
        outcome.strata,
        own.seed,
        predicted,
        expenses.expenses(request.output, run, signals, rows, predicted),
        prices,
        tuple(_aside(request.pipeline, grouped)),
    )


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
    requested = tuple(dict.fromkeys((*pipeline.embeddings, *read)))
    return pipeline.model_copy(update={"stages": stages, "quotas": (), "embeddings": requested})


@contextlib.contextmanager
def place(output: str | None) -> Iterator[str]:
    """The folder of the sample's run: the given one, or one that is removed at the end."""
    if output is not None:
        yield output
        return
    with tempfile.TemporaryDirectory(prefix="inkstone-plan-") as folder:
        yield folder
