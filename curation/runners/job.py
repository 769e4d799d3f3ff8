"""A job as the user asked for it, and the names of runners."""

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from curation.failures.errors import UsageError

LOCAL = "local"
SUPPORTED = ("SparkRunner", "PrismRunner", "PortableRunner", "DataflowRunner")
SPARK_LOCAL = re.compile(r"local(\[.+\])?")
NAMES = (LOCAL, "DirectRunner", "FnApiRunner", *SUPPORTED)


@dataclass(frozen=True)
class Job:
    """What is about to run. ``options`` are Beam's, parsed, defaults included."""

    runner: str
    options: Mapping[str, Any]
    inputs: tuple[str, ...] = ()
    output: str = ""
    shared_filesystem: bool = False
    reuse: tuple[str, ...] = ()

    def given(self, option: str) -> str:
        """The option as text, empty when it was not given."""
        return str(self.options.get(option) or "")

    @property
    def paths(self) -> Iterator[tuple[str, str]]:
        """Every place of the user's data, with the option that names it."""
        yield from (("--input", path) for path in self.inputs)
        yield from (("--reuse", path) for path in self.reuse)
        yield "--output", self.output


def runner_name(given: str) -> str:
    """Beam's spelling of a runner, ``local`` for the default. Raises ``UsageError``."""
    if "." in given:
        return given  # a class of the user's own
    spelled = {name.lower().removesuffix("runner"): name for name in NAMES}
    short = given.lower().removesuffix("runner") or LOCAL
    if short in spelled:
        name = spelled[short]
        return LOCAL if name in NAMES[:3] else name
    near = difflib.get_close_matches(short, spelled, 1, 0.5)
    hint = f"; did you mean {spelled[near[0]]}?" if near else ""
    raise UsageError(f"--runner={given}: expected one of {', '.join(NAMES)}{hint}")
