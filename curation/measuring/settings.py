"""What ``pipelines.yaml`` sets for signals and groupings, typed as each of them says."""

from collections.abc import Mapping

from pydantic import ValidationError

from curation.configuration.loading import Pipeline
from curation.signals.signal import Settings
from curation.strict_yaml import expected_one_of, explained, shown


def bound(pipeline: Pipeline, known: Mapping[str, type[Settings]]) -> dict[str, Settings]:
    """What is set, by name of the signal or grouping, each held against its model (``known``).

    Raises ``ConfigurationError`` at the line of the first that does not fit.
    """
    values_of: dict[str, Settings] = {}
    for name, values in pipeline.settings.items():
        if name not in known:
            message = f"unknown signal or grouping {shown(name)}: {expected_one_of(name, known)}"
            raise pipeline.error(message, "settings", name)
        try:
            values_of[name] = known[name].model_validate(dict(values))
        except ValidationError as error:
            details = error.errors(include_url=False)[0]
            keys = [str(key) for key in details["loc"]]
            valid = known[name].model_fields
            problem = (
                f"{name} has no such setting: {expected_one_of(keys[0], valid)}"
                if details["type"] == "extra_forbidden" and valid
                else f"{name} has no settings"
                if details["type"] == "extra_forbidden"
                else explained(details)
            )
            place = ".".join(keys) or name
            raise pipeline.error(f"{place!r}: {problem}", "settings", name, *keys) from None
    return values_of
