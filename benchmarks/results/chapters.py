"""The order of the page."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.results.section import Section
from benchmarks.results.sections import (
    ablation_pages,
    ablation_strings,
    curation_bench,
    curation_cost,
    edits_model,
    elements,
    filters,
    generating,
    packing,
    pages_model,
    rendering_cost,
    scale,
    strings_model,
)


@dataclass(frozen=True)
class Chapter:
    """Sections below a heading."""

    title: str
    sections: Sequence[Section]


CHAPTERS = (
    Chapter(
        "CPU time per image",
        (curation_cost.SECTION, rendering_cost.SECTION, scale.SECTION, generating.SECTION),
    ),
    Chapter("Truth of the filters", (filters.SECTION, elements.SECTION)),
    Chapter("What curation is worth", (curation_bench.SECTION, ablation_strings.SECTION)),
    Chapter("What else helps a small model", (ablation_pages.SECTION, packing.SECTION)),
    Chapter(
        "Scores of our small models",
        (strings_model.SECTION, pages_model.SECTION, edits_model.SECTION),
    ),
)
SECTIONS = {section.name: section for chapter in CHAPTERS for section in chapter.sections}
