"""What the back end without a model says of pairs: only what makes the result of the input."""

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
import pytest
from making.collection import encoded
from numpy.typing import NDArray
from PIL import Image

from captioning import edit_answer, prompting
from captioning.backends.backend import Question, Reply
from captioning.backends.offline import Offline
from captioning.changes import telling, wording
from captioning.changes.change import KINDS, Change, Line
from captioning.edit_instruction import edit_instruction
from captioning.settings import EditInstructionSettings
from curation.picture.colours import COLOURS
from curation.shard import EDIT_KINDS
from curation.signals.row import Row

Pixels = NDArray[np.uint8]
HIGH, WIDE = 320, 420


def scene(seed: int = 0) -> Pixels:
    """What has grain, shades and shapes of a photograph, (320, 420, 3)."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:HIGH, :WIDE]
    shade = 60 + 90 * (x / WIDE) + 50 * np.sin(y / 23 + seed)
    rgb = np.stack([shade, 0.8 * shade + 20, 200 - 0.7 * shade], axis=2)
    for _ in range(40):
        colour = random.integers(0, 255, 3)
        left, top = random.integers(0, WIDE - 30), random.integers(0, HIGH - 30)
        size = int(random.integers(6, 60))
        rgb[top : top + size, left : left + size] = 0.5 * rgb[top : top + size, left : left + size]
        rgb[top : top + size, left : left + size] += 0.5 * colour
    rgb += cv2.GaussianBlur(random.normal(0, 18, rgb.shape), (0, 0), 1.2)
    return clip(rgb)


def clip(values: NDArray[Any]) -> Pixels:
    return np.asarray(np.clip(np.round(values), 0, 255), np.uint8)


def stored(rgb: Pixels, quality: int = 90) -> Pixels:
    bgr = np.ascontiguousarray(rgb[..., ::-1])
    data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])


def png(rgb: Pixels) -> bytes:
    return encoded(Image.fromarray(rgb))


def grey(rgb: Pixels) -> Pixels:
    return np.repeat(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)


def noisy(rgb: Pixels) -> Pixels:
    return clip(rgb + np.random.default_rng(1).normal(0, 22, rgb.shape))


def said(before: Pixels, after: Pixels, lines: Any = None) -> Any:
    sizes = (before.shape[1], before.shape[0]), (after.shape[1], after.shape[0])
    return telling.changes(stored(before), stored(after, 94), sizes, lines)


RESULTS: dict[str, Callable[[Pixels], Pixels]] = {
    "mirror.sides": lambda of: of[:, ::-1],
    "mirror.top": lambda of: of[::-1],
    "rotate.right": lambda of: np.rot90(of, -1),
    "rotate.left": np.rot90,
    "rotate.half": lambda of: of[::-1, ::-1],
    "grey": grey,
    "invert": lambda of: 255 - of,
    "blur": lambda of: np.asarray(cv2.GaussianBlur(of, (0, 0), 2.5)),
    "noise": noisy,
    "crop": lambda of: of[32:, :336],
    "enlarge": lambda of: np.asarray(cv2.resize(of, None, fx=2, fy=2)),
    "reduce": lambda of: np.asarray(cv2.resize(of, None, fx=0.5, fy=0.5, interpolation=3)),
}
INPUTS: dict[str, Callable[[Pixels], Pixels]] = {
    "colourise": grey,
    "deblur": RESULTS["blur"],
    "denoise": noisy,
    "extend": RESULTS["crop"],
    "decompress": lambda of: stored(of, 8),
}


@pytest.mark.parametrize("operation", RESULTS)
def test_what_makes_the_result_is_said(operation: str) -> None:
    [change] = said(scene(), RESULTS[operation](scene()))
    assert change.operation == operation


@pytest.mark.parametrize("operation", INPUTS)
def test_what_was_mended_is_said(operation: str) -> None:
    [change] = said(INPUTS[operation](scene()), scene())
    assert change.operation == operation


@pytest.mark.parametrize(
    ("tone", "of"),
    [
        ("brighter", lambda of: 255 * (of / 255) ** 0.6),
        ("darker", lambda of: 0.6 * of),
        ("more_contrast", lambda of: (of - of.mean()) * 1.5 + of.mean()),
        ("less_contrast", lambda of: (of - of.mean()) * 0.6 + of.mean()),
        ("less_vivid", lambda of: grey(of) + 0.4 * (of - grey(of).astype(float))),
    ],
)
def test_light_and_colour_of_the_entire_image_are_said(tone: str, of: Any) -> None:
    [change] = said(scene(), clip(of(scene())))
    assert change.operation == "tones" and change.tones == (tone,)


def test_how_much_was_cut_off_is_measured() -> None:
    [change] = said(scene(), scene()[32:, :336])
    assert dict(change.sides) == {"top": 10, "right": 20}
    [change] = said(scene()[32:, :336], scene())
    assert dict(change.sides) == {"top": 11, "right": 25}  # of the input's sides


def patched(rgb: Pixels) -> Pixels:
    rgb = rgb.copy()
    rgb[100:160, 200:280] = (200, 30, 30)
    return rgb


def spot(rgb: Pixels) -> Pixels:
    y, x = np.mgrid[:HIGH, :WIDE]
    light = np.exp(-(((y - 100) / 90) ** 2 + ((x - 200) / 90) ** 2))
    return clip(rgb * (1 + 0.7 * light[..., None]))


@pytest.mark.parametrize(
    "of",
    [
        lambda _: scene(7),
        patched,
        spot,
        lambda of: clip(0.7 * patched(of)),  # darker, and more than that
        lambda of: patched(of)[:, ::-1],
        lambda of: grey(patched(of)),
        lambda of: np.asarray(cv2.GaussianBlur(patched(of), (0, 0), 2.5)),
        lambda of: noisy(patched(of)),
        lambda of: cv2.warpAffine(of, np.array([[1, 0.1, 0], [-0.1, 1, 0]]), (WIDE, HIGH)),
        lambda of: cv2.putText(of.copy(), "SALE", (40, 200), 0, 2, (255, 255, 255), 3),
        lambda of: of[:, :, ::-1],
    ],
)
def test_what_is_more_or_other_than_that_is_not_guessed(of: Callable[[Pixels], Pixels]) -> None:
    assert said(scene(), of(scene())) == "unclear"
    assert said(of(scene()), scene()) == "unclear"


@pytest.mark.parametrize("quality", [60, 80, 98])
def test_an_image_that_was_stored_again_is_unchanged_or_not_spoken_of(quality: int) -> None:
    smooth = np.asarray(cv2.GaussianBlur(scene(), (0, 0), 1))
    assert said(smooth, stored(smooth, quality)) in ("unchanged", "unclear")


def page(*texts: tuple[str, int, int], colour: Any = (20, 20, 20), ground: int = 245) -> Pixels:
    rgb = np.full((HIGH, WIDE, 3), ground, np.uint8)
    for text, x, y in texts:
        rgb = np.asarray(cv2.putText(rgb, text, (x, y), 2, 1, colour, 2, cv2.LINE_AA))
    return rgb


def line(text: str, x: int, y: int, score: float = 0.99) -> Line:
    wide = cv2.getTextSize(text, 2, 1, 2)[0][0]
    box = (x - 2) / WIDE, (y - 26) / HIGH, (x + wide + 2) / WIDE, (y + 4) / HIGH
    return Line(text, score, box)


TITLE, PUSH, PULL = ("Market", 30, 60), ("PUSH", 40, 160), ("PULL", 40, 160)
Texts = Sequence[tuple[str, int, int]]


def of_pages(before: Texts, after: Texts, **more: Any) -> Any:
    lines = [line(*of) for of in before], [line(*of) for of in after]
    return said(page(*before), page(*after, **more), lines)


def test_texts_are_quoted_as_they_were_and_are() -> None:
    [change] = of_pages([TITLE, PUSH], [TITLE, PULL])
    assert (change.operation, change.old, change.new) == ("text.replace", "PUSH", "PULL")
    [change] = of_pages([TITLE], [TITLE, PULL])
    assert (change.operation, change.new, change.place) == ("text.add", "PULL", ("left", "middle"))
    [change] = of_pages([TITLE, PUSH], [TITLE])
    assert (change.operation, change.old) == ("text.remove", "PUSH")
    [change] = of_pages([TITLE, PUSH], [TITLE, ("PUSH", 300, 290)])
    assert (change.operation, change.new, change.place) == (
        "layout.move", "PUSH", ("right", "bottom"),
    )  # fmt: skip


def test_what_was_read_in_pieces_is_put_together_in_the_order_of_reading() -> None:
    before = [TITLE, ("A warm", 40, 160), ("week", 160, 158)]  # read a little higher
    [change] = of_pages(before, [TITLE, ("Seven days", 40, 160)])
    assert (change.old, change.new) == ("A warm week", "Seven days")


def test_a_text_in_another_colour_is_said_by_that_colour() -> None:
    before, lines = page(TITLE, PUSH), [line(*TITLE), line(*PUSH)]
    after = page(TITLE)
    after = np.asarray(cv2.putText(after, PUSH[0], PUSH[1:], 2, 1, (200, 20, 30), 2, cv2.LINE_AA))
    [change] = telling.changes(before, after, ((WIDE, HIGH), (WIDE, HIGH)), (lines, lines))
    assert change.operation == "text.recolour" and change.new == "PUSH"
    assert change.colour is not None and change.colour.english in ("red", "crimson")


def test_the_ground_in_another_colour_is_said() -> None:
    before, after = page(TITLE), page(TITLE)
    after[(before > 200).all(axis=2)] = (30, 60, 200)
    lines = [line(*TITLE)], [line(*TITLE)]
    [change] = said(before, after, lines)
    assert change.operation == "background.recolour" and change.colour == COLOURS["blue"]


def test_text_is_not_spoken_of_where_that_is_not_sure() -> None:
    twice = [PUSH, ("PUSH", 40, 260)]
    assert of_pages([TITLE, *twice], [TITLE, PULL, twice[1]]) == "unclear"  # which of both?
    before, after = page(TITLE, PUSH), page(TITLE, PULL)
    faint = [line(*TITLE), line("PUSH", 40, 160, 0.8)], [line(*TITLE), line(*PULL)]
    assert said(before, after, faint) == "unclear"
    assert said(before, after, None) == "unclear"
    unread = [line(*TITLE)], [line(*TITLE), line(*PULL)]
    assert said(before, after, unread) == "unclear"  # something stood there before
    icon = [line(*TITLE)], [line(*TITLE), line("Q", 40, 160)]
    assert said(page(TITLE), page(TITLE, ("Q", 40, 160)), icon) == "unclear"
    more = page(TITLE, PULL)
    more[240:300, 300:360] = (200, 30, 30)
    lines = [line(*TITLE), line(*PUSH)], [line(*TITLE), line(*PULL)]
    assert said(before, more, lines) == "unclear"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_operation_has_words_and_a_kind(language: prompting.Language) -> None:
    patterns = wording._ZH if language == "zh" else wording._EN
    for operation in patterns:
        change = Change(
            operation, "PUSH", "PULL", ("left", "top"), COLOURS["red"], ("brighter", "warmer"),
            (("left", 10), ("top", 20)), (800, 600),
        )  # fmt: skip
        assert change.kind in EDIT_KINDS
        every = {wording.instruction([change], language, number) for number in range(0, 210)}
        assert len(every) >= 5 and not any("{" in of or "  " in of for of in every)
    assert {of.partition(".")[0] for of in patterns} == KINDS.keys()


def test_a_pair_is_answered_in_its_form_and_a_captioner_that_cannot_tell_is_asked_once() -> None:
    result = scene()
    inputs = {"a": [grey(result)], "b": [patched(result)], "c": [result, result]}
    rows = [Row(name, png(result), {}, {}, list(map(png, of))) for name, of in inputs.items()]
    values = edit_instruction.function(EditInstructionSettings())(rows)
    assert [of["instruction_problem"] for of in values] == ["none", "unclear", "several_inputs"]
    assert [of["instruction_attempts"] for of in values] == [1, 1, 1]
    assert values[0]["instruction_kind"] == "style" and values[0]["caption_instruction"]
    assert values[1]["caption_instruction"] == [] and values[1]["edit_answer"] is None


def test_the_words_depend_on_the_id_and_the_attempt() -> None:
    before, after = scene(), grey(scene())
    turn = prompting.edit_turn(prompting.edit_prompt("en"), 1)

    def reply(name: str, attempt: int = 0) -> Reply:
        question = Question(name, [before, after], turn, "en", {}, edit_answer.FORM)
        return Offline().captioner().answer([question], attempt)[0]

    assert reply("a") == reply("a") != reply("a", 1)
    assert len({reply(str(number)).text for number in range(20)}) > 5
