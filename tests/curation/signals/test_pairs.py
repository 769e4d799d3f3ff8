"""What is measured of edit pairs: what changed, sizes, instructions and kinds."""

from collections.abc import Sequence
from typing import Any

import pytest
from making.collection import drawing, encoded
from PIL import Image, ImageDraw

from benchmarks.edit_kinds import instructions, rendered
from curation.picture import decoding
from curation.shard import EDIT_KINDS, EDIT_OPERATIONS
from curation.signals.pair import Pair
from curation.signals.pair_changes import LEAST, pair_changes
from curation.signals.pair_instruction import pair_instruction
from curation.signals.pair_kind import of_instructions, of_source, pair_kind, shipped
from curation.signals.pair_similarity import pair_similarity
from curation.signals.pair_sizes import pair_sizes
from curation.signals.row import Row
from curation.signals.signal import ready


def pair(result: bytes, *inputs: bytes, said: Sequence[str] = ()) -> Pair:
    return Pair(decoding.decode(result), [*map(decoding.decode, inputs)], said)


def edited(image: Image.Image, side: int) -> bytes:
    image = image.copy()
    image.paste(drawing(77, side), (30, 50))
    return encoded(image)


def test_what_changed_rises_with_the_edit_and_not_with_compression() -> None:
    source = drawing(1)
    before = encoded(source)
    same = [encoded(source, quality=of) for of in (90, 60, 30)]
    same += [encoded(source.resize((200, 200))), encoded(source, "PNG")]
    assert max(pair_changes.function(pair(of, before))["changed_share"] for of in same) < LEAST
    shares = [
        pair_changes.function(pair(edited(source, side), before))["changed_share"]
        for side in (12, 30, 80, 200)
    ]
    assert shares == sorted(shares) and shares[0] > LEAST and shares[-1] > 0.2
    other = pair_changes.function(pair(encoded(drawing(2)), before, encoded(drawing(3))))
    assert other["changed_share"] > 0.5 and other["phash_distance"] > 8
    nearest = pair_changes.function(pair(before, encoded(drawing(2)), before))
    assert (nearest["changed_share"], nearest["phash_distance"]) == (0, 0)


def lettered(text: str, ink: str = "black") -> Image.Image:
    """A page of 640 pixels with a line of small letters."""
    image = Image.new("RGB", (640, 448), "ivory")
    ImageDraw.Draw(image).text((300, 200), text, ink, font_size=10)
    return image


@pytest.mark.parametrize(
    "other",
    [lettered("Eggs"), lettered("Milk", "red"), lettered("")],
    ids=["replaced", "recoloured", "removed"],
)
def test_a_small_text_that_is_another_is_seen(other: Image.Image) -> None:
    before = encoded(lettered("Milk"), "PNG")
    after = pair_changes.function(pair(encoded(other, "PNG"), before))
    assert after["changed_share"] > LEAST and after["changed_levels"] > 0.0005
    same = [encoded(lettered("Milk"), quality=of) for of in (90, 60, 30)]
    shares = [pair_changes.function(pair(of, before))["changed_share"] for of in same]
    assert max(shares) < LEAST


def test_only_the_same_pixels_have_no_difference_at_all() -> None:
    image = drawing(1)
    same, faint = encoded(image, "PNG"), encoded(image, quality=95)
    assert pair_changes.function(pair(same, same))["changed_levels"] == 0
    assert pair_changes.function(pair(faint, same))["changed_levels"] > 0.0005
    half = image.resize((image.width // 2, image.height // 2))
    assert pair_changes.function(pair(same, encoded(half, "PNG")))["changed_levels"] > 0.0005


def test_sizes_are_those_of_the_input_that_fits_best() -> None:
    square, wide = encoded(drawing(1, 300)), encoded(drawing(1, 300).crop((0, 0, 300, 150)))
    assert pair_sizes.function(pair(square, wide)) == {
        "inputs_count": 1,
        "edit_images": "single",
        "aspect_difference": 2.0,
        "scale_difference": pytest.approx(2**0.5),
    }
    both = pair_sizes.function(pair(square, wide, encoded(drawing(2, 100))))
    assert (both["edit_images"], both["aspect_difference"]) == ("multi", 1.0)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["Make the image brighter"], ("valid", 4, "en")),
        (["把背景换成海边日落"], ("valid", 9, "zh")),
        (["Replace 'TRAIN' with 'PLANE'", "将文本 'TRAIN' 替换为 'PLANE'"], ("valid", 8, "both")),
        (["把 title 的颜色 change to red 吧"], ("valid", 9, "both")),
        (["需要 bring the seal with a star to the top right。"], ("valid", 12, "en")),
        (["OK, 把标题换成红色"], ("valid", 8, "zh")),
        (["编辑：Canny边缘检测。"], ("valid", 7, "both")),
        (["责任编辑：王小明"], ("boilerplate", 7, "zh")),
        (["能不能帮我在“Menu”下方加上内容为“Open”的回答？"], ("valid", 18, "zh")),
        (["编辑："], ("boilerplate", 2, "zh")),
        (["在门上写“GRAND OPENING SALE”"], ("valid", 7, "zh")),
        ([], ("missing", 0, None)),
        (["  "], ("missing", 0, None)),
        (["..."], ("empty", 0, "other")),
        (["I'm sorry, but I can't assist with that request."], ("refusal", 11, "en")),
        (["https://example.com/a.jpg"], ("url", 5, "other")),
        (["Transforme cette photo en noir et blanc"], ("valid", 7, "other")),
        (["remove the dog", "抱歉,我无法帮助您。"], ("refusal", 8, "both")),
    ],
    ids=str,
)
def test_instructions(texts: list[str], expected: tuple[Any, ...]) -> None:
    image = encoded(drawing(1))
    assert tuple(pair_instruction.function(pair(image, image, said=texts)).values()) == expected


def test_no_usual_instruction_is_called_invalid_or_of_another_language() -> None:
    image = encoded(drawing(1, 64))
    for _, _, text in instructions():
        measured = pair_instruction.function(pair(image, image, said=[text]))
        assert measured["instruction_validity"] == "valid", text
        assert measured["instruction_language"] in ("en", "zh"), text


def test_no_rendered_instruction_is_called_invalid_or_of_another_language() -> None:
    image = encoded(drawing(1, 64))
    decoded = decoding.decode(image)
    for _, _, text in rendered():
        measured = pair_instruction.function(Pair(decoded, [decoded], [text]))
        assert measured["instruction_validity"] == "valid", text
        assert measured["instruction_language"] in ("en", "zh", "both"), text


def test_where_a_source_calls_a_text_mixed_it_counts_as_both() -> None:
    image = decoding.decode(encoded(drawing(1, 64)))
    text = "需要 bring the seal with a star to the top right。"
    measured = pair_instruction.function(Pair(image, [image], [text], languages=["mixed"]))
    assert measured["instruction_language"] == "both"


def test_kinds_are_told_of_most_instructions_that_were_held_out() -> None:
    counts = {"held out": [0, 0], "fitting": [0, 0]}
    for half, wanted, text in instructions():
        kind, operation = of_instructions([text])
        counts[half][0] += (operation or kind) == wanted
        counts[half][1] += 1
    assert min(right / total for right, total in counts.values()) > 0.95


@pytest.mark.parametrize(
    ("kind", "operation", "expected"),
    [
        ("text", "text.add", ("text", "text.add")),
        ("text", None, ("text", None)),
        ("Color_Alter", None, ("attribute", "attribute.colour")),
        ("remove", None, ("object", "object.remove")),
        ("style", "no such", ("style", None)),
        ("whatever", None, (None, None)),
        (None, None, (None, None)),
    ],
    ids=str,
)
def test_what_a_source_calls_an_edit_is_believed(
    kind: str | None, operation: str | None, expected: tuple[str | None, str | None]
) -> None:
    assert of_source(kind, operation) == expected
    image = decoding.decode(encoded(drawing(1, 64)))
    measured = pair_kind.function(Pair(image, [image], ["turn it into a sketch"], kind, operation))
    unknown = None if expected[0] else kind or operation
    of_words = expected if expected[0] else ("style", None)
    assert tuple(measured.values()) == (*of_words, unknown), "what is passed over is noted"


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        (
            None,
            ("Crop the borders of this picture", "crop it square", "trim the margins"),
        ),
        (None, ("Flip the image horizontally", "Please mirror this photo.", "flip it upside down")),
        (None, ("裁掉照片的边缘", "把这张图裁成正方形", "将图片水平翻转", "把照片左右镜像一下")),
        (
            "restoration.uncrop",
            ("restore what was cropped off it", "uncrop it", "un-crop it"),
        ),
        ("restoration.uncrop", ("把被裁掉的部分补回来", "恢复裁掉的部分", "补全裁剪掉的画面")),
        ("restoration.rotate", ("rotate the photo 90 degrees clockwise", "把照片旋转90度")),
        ("view", ("Get closer to the animal", "Move in closer", "靠近一点看这只猫")),
        ("object.remove", ("crop out the man", "Remove the mirror")),
        ("object.move", ("Move the cup closer to the plate", "把杯子移到镜子旁边")),
        ("object.add", ("add a mirror to the picture", "加一面镜子")),
    ],
    ids=str,
)
def test_what_is_cropped_flipped_or_seen_from_nearer(
    kind: str | None, texts: tuple[str, ...]
) -> None:
    for text in texts:
        told, operation = of_instructions([text])
        assert (operation or told) == kind, text


def test_the_rules_name_kinds_and_operations_that_are_there() -> None:
    rules = shipped()
    for rule in rules.rules:
        assert rule.kind in (None, *EDIT_KINDS) and rule.operation in (None, *EDIT_OPERATIONS)
        assert rule.operation is None or rule.operation.startswith(f"{rule.kind}.")
    for name in rules.sources.values():
        assert name in (*EDIT_KINDS, *EDIT_OPERATIONS)


def test_similarity_is_of_all_inputs_and_null_where_one_has_no_vector() -> None:
    measure = ready(pair_similarity)
    columns = {"embedding": [1.0, 0.0], "inputs.embedding": [[0.6, 0.8], [1.0, 0.0]]}
    lacking = {"embedding": [1.0, 0.0], "inputs.embedding": [[0.6, 0.8], None]}
    first, second = measure([Row("a", b"", {}, columns), Row("b", b"", {}, lacking)])
    assert tuple(first.values()) == pytest.approx((1.0, 0.6))
    assert tuple(second.values()) == (None, None)
