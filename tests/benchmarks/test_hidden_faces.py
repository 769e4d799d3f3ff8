"""Fitting the rules of hidden faces: what is looked at, what is learned, what is said of folds."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.hidden_faces import fit, report, sources
from benchmarks.hidden_faces.looks import Look
from curation.networks.faces import Box
from curation.signals import defects, hidden_faces
from curation.signals.hidden_faces import COLUMNS, Place
from curation.signals.signal import MissingModelError

FACE = Box(40, 40, 80, 80, 0.5)


def looked(count: int) -> list[Look]:
    """Clean images, and as many with a mosaic and with a blur, told by their first columns."""
    chance, seen = np.random.default_rng(0), list[Look]()
    for number in range(count):
        for how in ("", *COLUMNS):
            places = [
                Place(kind, FACE, {name: chance.normal(3 * (kind == how), 1) for name in names})
                for kind, names in COLUMNS.items()
            ]
            at = (how, 0.2, 40.0, (60.0, 60.0)) if how else ()
            seen.append(Look(f"{number}.png", "photographs", places, *at))
    return seen


def test_the_rules_tell_what_is_hidden_by_images_they_were_not_fitted_to() -> None:
    seen = looked(60)
    folds = [fit.fold(of.name) for of in seen]
    assert set(folds) == set(range(fit.FOLDS))
    by_fold = [
        fit.rules([of for of, its in zip(seen, folds, strict=True) if its != left_out])
        for left_out in range(fit.FOLDS)
    ]
    stated = fit.stated(seen, by_fold)
    for kind, values in stated.items():
        hidden = np.array([of.how == kind for of in seen])
        assert (values[hidden] > 0.5).all() and (values[~hidden] < 0.5).mean() > 0.95


def test_bounds_lose_as_much_as_is_asked_for_and_no_more() -> None:
    seen = [Look(f"{number}.png", "photographs", []) for number in range(200)]
    stated = {"blur": np.linspace(0, 0.9, 200)}
    for lost, expected in ((0.0, 0), (0.005, 1), (0.05, 10)):
        bound = report.bounds(seen, stated, lost)["blur"]
        assert (stated["blur"] >= bound).sum() == expected


def test_a_place_is_at_a_face_by_its_middle_and_its_size() -> None:
    look = looked(1)[1]
    for box, expected in (
        (FACE, True),
        (replace(FACE, left=70, right=110), False),
        (replace(FACE, left=0, right=120), False),
    ):
        assert look.at_face(Place("blur", box, {})) == expected


def test_a_folder_without_a_manifest_gives_all_its_images(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.png", "drawn_b.png"):
        cv2.imwrite(str(tmp_path / name), np.full((32, 48, 3), 90, np.uint8))
    (tmp_path / "c.txt").write_text("no image")
    try:
        images = list(sources.images(tmp_path, drawn=("drawn",)))
    except MissingModelError as error:
        pytest.skip(str(error))
    assert [(of.name, of.group) for of in images] == [
        ("a.png", "photographs"),
        ("drawn_b.png", "drawings"),
    ]
    assert "c.txt: left out: " in capsys.readouterr().out


def test_the_rules_that_are_read_are_of_the_columns_that_are_measured() -> None:
    rules = defects.read(hidden_faces.FILE.read_text(encoding="utf-8"))
    assert {kind: tuple(of.column for of in rule.terms) for kind, rule in rules.items()} == COLUMNS
