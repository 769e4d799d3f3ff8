"""What ``beam plan`` prints: first the sentence, then rules by stage, then where the cost is."""

from collections.abc import Iterator, Mapping

from curation.inspect.answers import Answers
from curation.inspect.expenses import Step
from curation.inspect.intervals import Estimate
from curation.inspect.planning import Planned
from curation.progress import three_digits
from curation.report import text

_TIMES = (("h", 1.0), ("min", 60.0), ("s", 3600.0))


def as_text(planned: Planned) -> str:
    """Some lines for people; every number has its unit, and an interval of 95 %."""
    return "\n".join(
        [
            *_sentence(planned),
            *_drawn(planned),
            "",
            f"{'':<28}{'share of rows':>14}   {'95 % interval':<20}{'rows':>12}",
            *_stages(planned),
            _line(planned, "kept", planned.forecast.kept),
            _line(planned, "quarantined", planned.forecast.quarantined),
            *_aside(planned),
            "",
            *_expenses(planned),
        ]
    )


def _sentence(planned: Planned) -> Iterator[str]:
    kept, of = planned.forecast.kept, planned.expenses
    rows = f"{kept.value * planned.rows:,.0f} ({_percent(kept)})"
    spent = f"{_span(of.cpu_hours, *_unit(of.cpu_hours))} of CPU time"
    if of.gpu_hours:
        spent += f", {_span(of.gpu_hours, *_unit(of.gpu_hours))} of a GPU"
    apart = ", duplicates and quotas apart" if planned.aside else ""
    yield f"of {planned.rows:,.0f} rows about {rows} would be kept{apart}, in {spent}"
    disk, factor = ("MB", 1000.0) if of.gigabytes.value < 1 else ("GB", 1.0)
    parts = f"columns {text.size(of.columns)}, shards {text.size(of.shards.value)}"
    yield f"on disk {_span(of.gigabytes, disk, factor)}: {parts}"
    prices = planned.prices
    cost = of.cost(prices)
    if cost is None:
        yield "cost: not known without prices (--price-cpu-hour, --price-gpu-hour, ...)"
        return
    named = {
        "an hour of a core": prices.cpu_hour,
        "an hour of a GPU": prices.gpu_hour,
        "a GB (10^9 bytes) for a month": prices.gigabyte_month,
    }
    given = [f"{price:g} {per}" for per, price in named.items() if price is not None]
    given += ["those of tokens below"] if of.tokens else []
    left = [per for per, price in named.items() if price is None]
    without = f"; {' and '.join(left)} at no price" if left else ""
    month = ", a month of storage included" if prices.gigabyte_month is not None else ""
    yield f"cost {_span(cost)} in the currency of your prices{month}"
    yield f"  assumed: {', '.join(given)}{without}; nothing for reading and moving data"


def _drawn(planned: Planned) -> Iterator[str]:
    sampled = sum(of.sampled for of in planned.strata)
    yield f"{sampled:,} of {planned.rows:,.0f} rows looked at (seed {planned.seed})"
    for of in planned.strata:
        line = f"  {of.layout}: {of.sampled:,} of {of.rows:,.0f} rows"
        if of.containers:
            line += f", out of {of.chosen:,} of {of.containers:,} containers"
        yield line + ("" if of.exact else "; rows estimated by bytes")


def _stages(planned: Planned) -> Iterator[str]:
    """Rules that stop a sampled row, stage by stage; the others by their number."""
    for stage, passed in planned.forecast.passed.items():
        stopped = planned.forecast.stopped[stage]
        yield stage
        for rule, of in sorted(stopped.items(), key=lambda item: -item[1].value):
            if of.value:
                yield _line(planned, f"  {rule} stops", of)
        none = [of for of in stopped.values() if not of.value]
        if none:
            rules = "1 rule stops" if len(none) == 1 else f"{len(none)} rules stop"
            most = max(of.high for of in none)
            yield f"  {rules} none of the sample: at most {100 * most:.2f} % of all rows each"
        yield _line(planned, "  passed", passed)


def _line(planned: Planned, name: str, of: Estimate) -> str:
    between = f"{100 * of.low:.2f} to {100 * of.high:.2f} %"
    rows = of.value * planned.rows
    return f"{name:<28}{100 * of.value:>12.2f} %   {between:<20}{rows:>12,.0f}"


def _percent(of: Estimate) -> str:
    return f"{100 * of.value:.1f} %, {100 * of.low:.1f} to {100 * of.high:.1f} %"


def _aside(planned: Planned) -> Iterator[str]:
    if planned.aside:
        names = ", ".join(planned.aside)
        yield f"not in these figures, for a sample does not tell: {names}"
    for name, pairs in planned.forecast.pairs.items():
        of, most = pairs.estimate, min(pairs.estimate.high, planned.rows)
        yield (
            f"{name} duplicates: pairs in the sample {pairs.seen:,}, in all {of.value:,.0f} "
            f"({of.low:,.0f} to {of.high:,.0f}); at most {most:,.0f} rows fall by them"
        )


def _expenses(planned: Planned) -> Iterator[str]:
    of = planned.expenses
    yield f"{'CPU time of':<20}{'rows':>12}{'ms a row':>12}   whole input"
    yield from _steps(of.steps)
    unknown = planned.forecast.models.keys() - of.steps.keys()
    if unknown:
        yield f"not known, for no sampled row reached them: {', '.join(sorted(unknown))}"
    if of.gpu_hours is None:
        yield "no model ran on a GPU here"
    for name, asked in of.answers.items():
        yield from _asked(name, asked, of.steps.get(name))


def _asked(name: str, of: Answers, step: Step | None) -> Iterator[str]:
    """What a language model is asked, and what that takes."""
    captions, answers = of.captions.value, of.answers.value
    if not captions:
        yield f"{name}: of the sampled rows no caption was asked for"
        return
    yield (
        f"{name}: {_span(of.captions)} captions to be asked for, "
        f"{three_digits(answers / captions)} answers each"
    )
    if of.are_free:
        yield "  0 tokens: its back end composes captions by rule and asks no language model"
        return
    for kind, tokens, price in (
        ("prompts", of.prompt_tokens, of.prices[0]),
        ("answers", of.new_tokens, of.prices[1]),
    ):
        each = f"{three_digits(tokens.value / answers)} each"
        money = f", at {price:g} a million" if any(of.prices) else ""
        yield f"  tokens of {kind}: {_span(tokens)}, {each}{money}"
    cost = "not known without the setting 'prices' of its back end"
    yield f"  cost of tokens: {_span(of.cost) if of.cost else cost}"
    if step and step.gpu_seconds is not None:
        yield f"  GPU time: {_span(step.gpu_hours, *_unit(step.gpu_hours))}"
    elif step:
        hours = _span(step.wall_hours, *_unit(step.wall_hours))
        yield f"  time as answers came here, asked by one worker: {hours}"
        yield "  GPU time: not known without --tokens-per-second"


def _steps(steps: Mapping[str, Step]) -> Iterator[str]:
    for name, step in steps.items():
        each, hours = three_digits(1000 * step.cpu_seconds), step.cpu_hours
        yield f"  {name:<18}{step.rows.value:>12,.0f}{each:>12}   {_span(hours, *_unit(hours))}"


def _unit(hours: Estimate) -> tuple[str, float]:
    """The unit that the value is at least one of, and how many of it make an hour."""
    return next((of for of in _TIMES if hours.value * of[1] >= 1), _TIMES[-1])


def _span(of: Estimate, unit: str = "", factor: float = 1.0) -> str:
    """A number with its unit and the ends of its interval, three digits each."""
    value, low, high = (three_digits(factor * number) for number in (of.value, of.low, of.high))
    return " ".join(filter(None, [value, unit, "" if low == high else f"({low} to {high})"]))
