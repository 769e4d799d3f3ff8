"""Objects of layouts: what is removed leaves nothing behind that was its own."""

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from making import edits, layouts

from synthesis.edits.layouts import layout, objects
from synthesis.unrenderable import UnrenderableError

SEEDS = 6


def test_a_drawing_is_not_taken_out_of_the_border_it_fills(tmp_path: Path) -> None:
    """A comic's panel has a border that shows once its drawing is gone."""
    job = replace(edits.job(tmp_path, "en"), templates=(layouts.path_of("comic-story"),))
    replaced = 0
    for seed in range(SEEDS):
        here = layout.begin(Random(seed), job)
        for edit in (objects.remove_object, objects.add_object):
            with pytest.raises(UnrenderableError, match="no_object"):
                edit(Random(seed), here, job)
        replaced += bool(objects.replace_object(Random(seed), here, job).areas)
    assert replaced == SEEDS
