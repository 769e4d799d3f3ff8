"""What ``pipelines.yaml`` sets for signals and groupings, typed as each of them says."""

from collections.abc import Mapping, Sequence

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from curation.configuration.loading import Pipeline
from curation.signals import discovery
from curation.signals.signal import Settings, Signal
from curation.strict_yaml import expected_one_of, explained, shown
from curation.strict_yaml.binding import KEYS


def bound(pipeline: Pipeline, known: Mapping[str, type[Settings]]) -> dict[str, Settings]:
    """What is set, by name of the signal or grouping, each held against its model (``known``).

    Raises ``ConfigurationError`` at the line of the first that does not fit.
    """
    values_of: dict[str, Settings] = {}
    for name, values in pipeline.settings.items():
        if name not in known:
            modules = _modules_of(name, besides=pipeline.signals)
            remedy = _named(modules) if modules else expected_one_of(name, known)
            message = f"unknown signal or grouping {shown(name)}: {remedy}"
            raise pipeline.error(message, "settings", name)
        try:
            values_of[name] = known[name].model_validate(dict(values))
        except ValidationError as error:
            details = error.errors(include_url=False)[0]
            keys = [str(key) for key in details["loc"]]
            is_unknown = details["type"] == "extra_forbidden"
            problem = (
                _no_such(pipeline, name, known[name], details) if is_unknown else explained(details)
            )
            place = ".".join(keys) or name
            raise pipeline.error(f"{place!r}: {problem}", "settings", name, *keys) from None
    return values_of


def _no_such(pipeline: Pipeline, name: str, model: type[Settings], details: ErrorDetails) -> str:
    """What there is in place of an unknown setting of a signal, or of a part that it names."""
    *above, key = map(str, details["loc"])
    if above:
        valid = details.get("ctx", {}).get(KEYS) or ["name"]
        chosen = pipeline.settings[name].get(above[0])
        of = chosen.get("name") if isinstance(chosen, Mapping) else None
        named = f"{'.'.join(above)} {shown(str(of))}" if of else ".".join(above)
        return f"{named} has no such setting: {expected_one_of(key, valid)}"
    elsewhere = _elsewhere(pipeline, name, key)
    if not model.model_fields:
        return f"{name} has no settings" + (f"; {elsewhere}" if elsewhere else "")
    return f"{name} has no such setting: {elsewhere or expected_one_of(key, model.model_fields)}"


def _elsewhere(pipeline: Pipeline, name: str, key: str) -> str:
    """Which module has a signal of this name that can be set so; nothing where none has."""

    def can_be(entry: Signal) -> bool:
        return entry.name == name and key in entry.settings.model_fields

    modules = discovery.offering(can_be, pipeline.signals)
    there = [of for of in _modules_of(name) if of in pipeline.signals]
    instead = f" in place of {there[0]}" if there else ""
    return f"{_named(modules)}{instead}" if modules else ""


def _modules_of(name: str, besides: tuple[str, ...] = ()) -> list[str]:
    """The modules that have a signal of this name."""
    return discovery.offering(lambda entry: entry.name == name, besides)


def _named(modules: Sequence[str]) -> str:
    """What to do for a signal that is in another module than those of the pipeline."""
    return f"it is of {' or '.join(modules)}, which is to be named in 'signals'"
