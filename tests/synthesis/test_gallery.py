"""The page to look at: true counts, boxes where they are, and nothing that loads or runs."""

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from curation import shard
from curation.picture.colours import RGB, contrast_ratio, relative_luminance
from synthesis import gallery, png, raster
from synthesis.sample import Pair, Sample, TextBox, row, upright_quad

SETTINGS = {"mode": "pure", "lang": "en", "seed": "7", "licence": "CC0-1.0"}
HOSTILE = '</title><script>alert(1)</script> "quoted" & <b>bold</b>'
BOXES = (
    TextBox(HOSTILE, upright_quad(10, 20, 90, 60), "block"),
    TextBox("one line", (10.0, 20.26, 90.0, 22.0, 90.0, 40.0, 10.0, 38.0), "line"),
    TextBox("one", upright_quad(10, 20, 40, 40), "word"),
    TextBox("o", upright_quad(10, 20, 20, 40), "glyph"),
    TextBox("n", upright_quad(20, 20, 30, 40), "glyph"),
    TextBox("second", upright_quad(10, 44, 90, 60), "line"),
)


def sample(width: int = 96, height: int = 64, caption: str = "a caption") -> Sample:
    picture = png.encode(raster.solid(width, height, (250, 240, 230)))
    annotation = {"Caption": caption, "Abnormal Element": "no"}
    return Sample(picture, width, height, "text", caption, "en", BOXES, "Face-Regular", annotation)


def pair(mask: bool = True) -> Sample:
    outline = np.zeros((64, 96), np.uint8)
    outline[10:20, 30:50] = 255
    said = (("en", HOSTILE), ("zh", "把标题改掉"))
    drawn = png.encode_grey(outline) if mask else None
    edit = Pair((png.encode(raster.solid(80, 40, (9, 9, 9))),), ((),), said, drawn, "text.replace")
    return replace(sample(caption=""), edit=edit)


def write(path: Path, samples: list[Sample], first: int = 0) -> str:
    rows = [row(one, f"pure/en/7/{first + k:08d}", "CC0-1.0") for k, one in enumerate(samples)]
    schema = shard.schema()
    shard.write(str(path), [pa.RecordBatch.from_pylist(rows, schema)], schema)
    return str(path)


def page(folder: Path, shards: list[str], rejected: dict[str, int], rows: int) -> str:
    gallery.write(str(folder / "gallery.html"), shards, SETTINGS, rejected, rows)
    return (folder / "gallery.html").read_text(encoding="utf-8")


class Elements(HTMLParser):
    """Every start tag with its attributes, and the text between tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.told = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.told += data

    def of(self, tag: str, kind: str | None = None) -> list[dict[str, str | None]]:
        return [
            attributes
            for name, attributes in self.found
            if name == tag and (kind is None or attributes.get("class") == kind)
        ]


def test_the_page_loads_nothing_and_runs_nothing(tmp_path: Path) -> None:
    text = page(tmp_path, [write(tmp_path / "a.parquet", [sample(caption=HOSTILE)])], {}, 1)
    elements = Elements(text)
    policy = elements.of("meta")[1]
    assert policy["http-equiv"] == "Content-Security-Policy"
    assert str(policy["content"]).startswith("default-src 'none'; img-src data:;")
    assert {tag for tag, _ in elements.found}.isdisjoint({"script", "link", "iframe", "img", "b"})
    assert not re.search(r"https?:|@import|url\(", text)
    for tag, attributes in elements.found:
        assert not any(name.startswith("on") for name in attributes)
        links = [attributes[name] for name in ("href", "src") if name in attributes]
        assert all(
            str(link).startswith(("data:image/webp;" if tag == "image" else "#",)) for link in links
        )
    assert HOSTILE in elements.told  # as text: caption, box and annotation say what was drawn


def test_boxes_are_drawn_by_level_where_they_are(tmp_path: Path) -> None:
    text = page(tmp_path, [write(tmp_path / "a.parquet", [sample()])], {}, 1)
    elements = Elements(text)
    assert elements.of("svg")[0]["viewbox"] == "0 0 96 64"
    assert [one["d"] for one in elements.of("path")] == [
        "M9.5 19.5L40.5 19.5L40.5 40.5L9.5 40.5Z",
        "M10 20L20 20L20 40L10 40ZM20 20L30 20L30 40L20 40Z",
        "M9 19L91 19L91 61L9 61Z",
        "M9.5 19.5L90.5 21.5L90.5 40.5L9.5 38.5Z",
        "M9.5 43.5L90.5 43.5L90.5 60.5L9.5 60.5Z",
    ]
    assert elements.of("polyline")[0]["points"] == "50,30 50,52"  # through the middles of the lines
    switches = {one["id"]: "disabled" in one for one in elements.of("input")}
    assert switches == dict.fromkeys(
        ["show-block", "show-line", "show-word", "show-glyph", "show-order"], False
    )
    assert "1 block, 2 lines, 1 word, 2 glyphs" in re.sub(r"\s+", " ", elements.told)
    for name in ("block", "line", "word", "glyph", "order"):
        assert f"#show-{name}:not(:checked) ~ main .{name} {{ stroke: none; }}" in text
        assert elements.of("g", name)


def corners_of(path: dict[str, str | None]) -> list[tuple[float, float]]:
    numbers = [float(one) for one in re.findall(r"-?[\d.]+", str(path["d"]))]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


@pytest.mark.parametrize("side", [96, 960])
def test_outlines_go_around_the_ink_and_not_over_it(tmp_path: Path, side: int) -> None:
    one = replace(sample(side, side), boxes=(TextBox("x.", upright_quad(10, 20, 90, 60), "line"),))
    text = page(tmp_path, [write(tmp_path / "a.parquet", [one])], {}, 1)
    ((left, top), (right, _), (_, bottom), _) = corners_of(Elements(text).of("path")[0])
    shown = 300 / side  # a picture among the others is about so large, its lines 1.5 pixels thick
    for apart in (10 - left, 20 - top, right - 90, bottom - 60):
        assert 0.75 < apart * shown < 4


def test_pictures_are_seen_bare_until_boxes_are_asked_for(tmp_path: Path) -> None:
    elements = Elements(page(tmp_path, [write(tmp_path / "a.parquet", [sample()])], {}, 1))
    assert not any("checked" in one for one in elements.of("input"))
    assert elements.of("title")  # of boxes: what a line says is told where it is pointed at


def test_the_page_can_be_read_in_the_light_and_in_the_dark(tmp_path: Path) -> None:
    text = page(tmp_path, [write(tmp_path / "a.parquet", [sample()])], {}, 1)
    assert "color-scheme: light dark" in text
    light, dark = (
        dict(re.findall(r"--([a-z]+): (#[0-9a-f]{3,6});", block))
        for block in re.findall(r":root \{(.*?)\}", text, re.DOTALL)
    )
    assert "@media (prefers-color-scheme: dark)" in text
    for colours, darker in ((light, False), (dark, True)):
        inks = {name: rgb_of(colours[name]) for name in ("ink", "soft", "bad")}
        for ground in (rgb_of(colours[name]) for name in ("paper", "card")):
            assert (relative_luminance(ground) < 0.1) == darker
            assert all(contrast_ratio(ink, ground) >= 4.5 for ink in inks.values())


def rgb_of(colour: str) -> RGB:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * one for one in colour[1:])
    red, green, blue = bytes.fromhex(digits)
    return red, green, blue


def test_pictures_are_reduced_but_not_enlarged(tmp_path: Path) -> None:
    samples = [sample(1328, 1328), sample(96, 64)]
    elements = Elements(page(tmp_path, [write(tmp_path / "a.parquet", samples)], {}, 2))
    sizes = []
    for image in elements.of("image"):
        data = base64.b64decode(str(image["href"]).split(",")[1])
        with Image.open(BytesIO(data)) as opened:
            sizes.append(opened.size)
            middle = np.asarray(opened.convert("RGB"))[10, 10].astype(int)
            assert np.abs(middle - (250, 240, 230)).max() <= 4
    assert sizes == [(640, 640), (96, 64)]
    assert [(one["width"], one["height"]) for one in elements.of("image")] == [
        ("1328", "1328"),
        ("96", "64"),
    ]


@pytest.mark.parametrize("shards", [1, 3, 96, 200])
def test_many_pictures_are_told_apart_from_all(tmp_path: Path, shards: int) -> None:
    rows = 300
    each = [rows * (k + 1) // shards - rows * k // shards for k in range(shards)]
    written = [
        write(tmp_path / f"{k:03d}.parquet", [sample(16, 16)] * many, sum(each[:k]))
        for k, many in enumerate(each)
    ]
    elements = Elements(page(tmp_path, written, {}, rows))
    numbers = [int(key) for key in re.findall(r"pure/en/7/(\d{8})", elements.told)]
    assert len(numbers) == len(set(numbers)) == len(elements.of("figure"))
    assert 60 <= len(numbers) <= gallery.MOST_IMAGES
    assert numbers == sorted(numbers)
    assert numbers[-1] >= rows * (1 - 1 / min(shards, 60)) - 1  # the last shards are there, too
    assert f"{len(numbers)} of 300 images" in elements.told


def test_what_was_rejected_is_told_by_reason(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", [sample()])
    told = Elements(
        page(tmp_path, [path], {"notdef": 3, "does_not_fit": 1200, "gave_up": 2}, 1)
    ).told
    squeezed = re.sub(r"\s+", " ", told)
    assert "Images given up2" in squeezed
    assert "Texts rejected on the way1,203" in squeezed
    assert squeezed.index("does_not_fit1,200") < squeezed.index("notdef3")
    assert "All images (1)" in squeezed


def test_a_rendering_without_pictures_has_a_page(tmp_path: Path) -> None:
    told = Elements(page(tmp_path, [], {"notdef": 50, "gave_up": 1}, 0)).told
    assert "No image was rendered." in told


def test_same_shards_same_bytes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", [sample(), sample(640, 640)])
    assert page(tmp_path, [path], {}, 2) == page(tmp_path, [path], {}, 2)


def test_an_edit_is_seen_beside_what_it_began_with(tmp_path: Path) -> None:
    text = page(tmp_path, [write(tmp_path / "a.parquet", [pair(), pair(mask=False)])], {}, 2)
    elements = Elements(text)
    offset = 80 + round(0.03 * 96)
    assert elements.of("svg")[0]["viewbox"] == f"0 0 {offset + 96} 64"
    before, after = elements.of("image")[:2]
    assert (before["width"], after["width"]) == ("80", "96")
    assert elements.of("g", "result")[0]["transform"] == f"translate({offset} 0)"
    assert len(elements.of("g", "mask")) == 1
    assert '<path d="M30 10L30 19L49 19L49 10Z"/>' in text
    assert [one["lang"] for one in elements.of("p", "caption")] == ["en", "zh"] * 2
    assert HOSTILE in elements.told
