"""Parts of the page that are there where a run has the columns for them; one file for each."""

from curation.report.sections import budgets, forecast, mix, pairs, retrieved, splits, taxonomy
from curation.report.sections.section import Known, Section

__all__ = ["Known", "Section", "chosen"]

KINDS = (forecast, pairs, taxonomy, mix, budgets, retrieved, splits)  # in the order of the page


def chosen(known: Known) -> tuple[Section, ...]:
    """The sections of a run."""
    every = (kind.chosen(known) for kind in KINDS)
    return tuple(section for section in every if section is not None)
