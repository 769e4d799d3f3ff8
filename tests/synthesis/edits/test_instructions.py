"""Instructions: what a change names is said to the letter, and nothing that it lacks."""

import re
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.picture.colours import COLOURS
from synthesis.captions.places import PLACES
from synthesis.description import Name
from synthesis.edits import instructions
from synthesis.edits.edit import Change
from synthesis.edits.instructions import MIXED, OPERATIONS, filling, grammar, instruct
from synthesis.unrenderable import UnrenderableError

LEAST_MANNERS, LEAST_PHRASINGS, LEAST_FORMS = 30, 8, 200
RENDERINGS, LEAST_RENDERED = 200, 100
LANGUAGES = ("en", "zh", MIXED)
CELLS = [
    Name(english, chinese)
    for ours, theirs in zip(PLACES["en"], PLACES["zh"], strict=True)
    for english, chinese in zip(ours, theirs, strict=True)
]
NAMES = [
    Name("title", "标题"),
    Name("heart icon", "爱心图标"),
    Name("T-shirt", "T恤"),
    Name("opening hours", "营业时间"),
]
OTHERS = [Name("brick wall", "砖墙"), Name("apple icon", "苹果图标"), Name("sky", "天空")]
AMOUNT = Name("to twice its size", "到原来的2倍")
LANGUAGE_NAMES = {"en": ("English", "英文", "英语"), "zh": ("Chinese", "中文")}
HOSTILE = (
    'say "no"',
    "他说：“好”。",
    "{new} {0} %s {{}}",
    "a\n b  ，c",
    "Stop.",
    "今天？",
    "\\n\\1",
)

FULL = {
    operation: Change(
        operation,
        old="Open"
        if operation.startswith(("text.rem", "text.rep", "text.rec", "text.tr"))
        else None,
        new="Closed" if operation in ("text.replace", "text.add") else None,
        thing=None if operation.startswith(("text", "background", "restoration")) else NAMES[1],
        other=OTHERS[0]
        if operation
        in ("layout.swap", "attribute.material", "background.replace", "object.replace")
        else None,
        colour=COLOURS["red"] if operation.endswith(("colour", "task.boxes")) else None,
        place=CELLS[0] if operation.endswith(("move", ".add")) else None,
        language="zh" if operation == "text.translate" else None,
    )
    for operation in OPERATIONS
}

texts = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(alphabet="abcXYZ 你好世界。.!“”\"'{}/\\n", min_size=1, max_size=12).filter(str.strip),
)
colours = st.sampled_from(sorted(COLOURS.values(), key=lambda colour: colour.english))


@st.composite
def changes(draw: st.DrawFn, operation: str | None = None) -> Change:  # noqa: PLR0912
    """A change as the families of edits make them."""
    operation = operation or draw(st.sampled_from(OPERATIONS))
    family, _, what = operation.partition(".")
    maybe = lambda values: draw(st.one_of(st.none(), values))  # noqa: E731
    fields: dict[str, object] = {}
    if family == "text" and what != "add":
        fields = {"old": maybe(texts), "thing": maybe(st.sampled_from(NAMES))}
    if family == "text":
        fields["place"] = maybe(st.sampled_from(CELLS))
    if what in ("add", "replace") and family == "text":
        fields["new"] = draw(texts)
    if what == "translate":
        fields |= {"new": maybe(texts), "language": draw(st.sampled_from(["en", "zh"]))}
    if what in ("recolour", "colour") or operation == "task.boxes":
        fields["colour"] = draw(colours)
    if what in ("recolour", "colour"):
        fields["was"] = maybe(colours)
    if family in ("object", "attribute") or operation == "layout.move":
        fields["thing"] = draw(st.sampled_from(NAMES))
    if what == "move":
        fields["place"] = draw(st.sampled_from(CELLS))
    if operation == "layout.swap":
        fields |= {"old": maybe(texts), "thing": NAMES[0], "other": NAMES[1]}
        fields["new"] = draw(texts) if fields["old"] else None
    if what == "material" or operation in ("background.replace", "object.replace"):
        fields["other"] = draw(st.sampled_from(OTHERS))
    if operation in ("restoration.rotate", "task.super_resolution"):
        fields["amount"] = maybe(st.just(AMOUNT))
    if operation == "restoration.rotate":
        fields["tilted"] = draw(st.booleans())
    if operation in ("task.boxes", "task.mask"):
        fields["thing"] = maybe(st.sampled_from(NAMES))
    if operation in ("object.add", "restoration.uncrop"):
        fields["place"] = maybe(st.sampled_from(CELLS))
    return Change(operation, **fields)  # type: ignore[arg-type]


def said(change: Change, language: str) -> list[tuple[str, ...]]:
    """For each thing the change names, the ways to say it in the language."""

    def named(name: object) -> tuple[str, ...]:
        names = [name.english, name.chinese]  # type: ignore[attr-defined]
        if name is change.place:
            middle = filling.MIDDLES.get(names[0], name)
            names += [grammar.towards(names[0]), grammar.towards(middle.english), middle.chinese]
        return tuple(names) if language == MIXED else (names[language == "zh"], *names[2:])

    ways = [(text,) for text in (change.old, change.new) if text is not None]
    things = (change.thing, change.other, change.colour, change.was, change.place, change.amount)
    ways += [named(thing) for thing in things if thing]
    if change.language:
        ways.append(LANGUAGE_NAMES[change.language])
    return ways


def outside_quotes(text: str, change: Change) -> str:
    for quoted in sorted({change.old or "", change.new or ""} - {""}, key=len, reverse=True):
        text = re.sub(r'["“«「『‹《【⟨⟦]' + re.escape(quoted) + r'["”»」』›》】⟩⟧]', " ", text)
    return text


@pytest.mark.parametrize("language", LANGUAGES)
@settings(max_examples=250, deadline=None)
@given(change=changes(), seed=st.integers(0, 10**6))
def test_what_a_change_names_is_said_and_nothing_else(
    language: str, change: Change, seed: int
) -> None:
    try:
        text = instruct(Random(seed), language, change)
    except UnrenderableError as problem:
        assert problem.reason == "unquotable"
        return
    for ways in said(change, language):
        lower = text.lower()
        assert any(way in text or way.lower() in lower for way in ways), (text, ways)
    for quoted in (change.old, change.new):
        assert quoted is None or quoted in text
    rest = outside_quotes(text, change)
    assert not re.search(r'["“”«»「」『』‹›《》【】⟨⟩⟦⟧{}]', rest), text
    for way in sorted((way for ways in said(change, MIXED) for way in ways), key=len)[::-1]:
        rest = re.sub(re.escape(way), " ", rest, flags=re.IGNORECASE)
    for name in (*NAMES, *OTHERS, *CELLS):
        for word in (name.english, name.chinese):
            assert not re.search(rf"(?<!\w){re.escape(word)}(?!\w)", rest), (text, word)
    for name in (name for names in LANGUAGE_NAMES.values() for name in names):
        assert name not in rest
    mask = ("black", "white") if change.operation == "task.mask" else ()
    for colour in COLOURS.values():
        if colour.english not in mask:
            assert not re.search(rf"(?<!\w){colour.english}(?!\w)", rest), text
            assert colour.chinese not in rest, text


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("operation", OPERATIONS)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_every_change_can_be_asked_for_in_hundreds_of_ways(
    language: str, operation: str, data: st.DataObject
) -> None:
    change = data.draw(changes(operation))
    patterns = filling.DATA[language]
    usable = {
        form: filling.usable(those[operation], change)
        for form, those in (
            ("do", patterns.PHRASINGS),
            ("result", patterns.RESULTS),
            ("terse", patterns.TERSE),
        )
    }
    usable["doing"] = usable["do"]
    assert len(set(patterns.MANNERS)) == len(patterns.MANNERS) >= LEAST_MANNERS
    assert len(set(usable["do"])) >= LEAST_PHRASINGS
    forms = {
        manner.replace("{", pattern)
        for manner in patterns.MANNERS
        for pattern in usable[filling.slots(manner)[0].lower()]
    }
    assert len(forms) >= LEAST_FORMS


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_two_hundred_instructions_for_a_change_are_of_many_forms(
    operation: str, language: str
) -> None:
    change = FULL[operation]
    forms = {instruct(Random(seed), language, change) for seed in range(RENDERINGS)}
    assert len(forms) >= LEAST_RENDERED


@settings(max_examples=200, deadline=None)
@given(change=changes(), seed=st.integers(0, 10**6))
def test_mixed_instructions_hold_both_languages_outside_their_quotes(
    change: Change, seed: int
) -> None:
    try:
        rest = outside_quotes(instruct(Random(seed), MIXED, change), change)
    except UnrenderableError:
        return
    assert re.search(r"[\u4e00-\u9fff]", rest)
    assert re.search(r"[A-Za-z]{2}", rest)


def test_the_two_instructions_of_a_row_say_their_languages() -> None:
    change = Change("text.replace", old="Open", new="Closed")
    rows = [instructions.both(Random(seed), change) for seed in range(400)]
    assert rows == [instructions.both(Random(seed), change) for seed in range(400)]
    languages = [tuple(instruction.language for instruction in row) for row in rows]
    assert set(languages) == {("en", "zh"), (MIXED, "zh"), ("en", MIXED)}
    assert 20 < sum(MIXED in pair for pair in languages) < 90
    for instruction in (instruction for row in rows for instruction in row):
        if instruction.language == "en":
            assert not re.search(r"[\u4e00-\u9fff]", instruction.text)


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("at the top left", "to the top left"),
        ("on the right", "to the right"),
        ("in the centre", "to the centre"),
        ("below the title", "below the title"),
    ],
)
def test_what_moves_goes_where_it_will_be(name: str, there: str) -> None:
    assert grammar.towards(name) == there


@pytest.mark.parametrize("operation", ["layout.move", "object.move"])
def test_what_moves_to_an_edge_is_told_from_what_moves_to_its_ends(operation: str) -> None:
    change = Change(operation, thing=Name("title", "标题"), place=Name("at the top", "上方"))
    for seed in range(40):
        assert "to the top cent" in instruct(Random(seed), "en", change)
        assert "顶部中间" in instruct(Random(seed), "zh", change)
    corner = Change(operation, thing=Name("title", "标题"), place=Name("at the top left", "左上角"))
    assert "左上角" in instruct(Random(1), "zh", corner)


@pytest.mark.parametrize(
    ("tilted", "never"),
    [
        (True, "right way up|orientation|方向|正向|转过来"),
        (False, "traighten|Level|^level|tilt|角度|倾斜"),
    ],
)
def test_what_is_askew_is_straightened_and_what_is_turned_set_upright(
    tilted: bool, never: str
) -> None:
    change = Change("restoration.rotate", tilted=tilted)
    for language in LANGUAGES:
        for seed in range(150):
            text = instruct(Random(seed), language, change)
            assert not re.search(never, text), text


def test_chinese_instructions_are_said_as_one_says_them() -> None:
    moved = Change("layout.move", "64%", thing=Name("date", "日期"), place=Name("", "左下角"))
    coloured = Change("attribute.colour", "讲座", thing=Name("box", "色块"), colour=COLOURS["red"])
    for seed in range(600):
        text = instruct(Random(seed), "zh", moved)
        assert not re.search("(烦请|劳驾|麻烦.?|拜托)让", text), text
        assert not re.search("^(修改：|编辑：)?写着|的日期的", text), text
        assert "“讲座”所在的色块" in instruct(Random(seed), "zh", coloured)
        assert not re.search("帮我[将让]", instruct(Random(seed), MIXED, moved))


def test_a_text_that_ends_a_sentence_is_followed_by_no_full_stop() -> None:
    change = Change("text.replace", old="Wait", new="Go on.")
    for seed in range(300):
        text = instruct(Random(seed), "en", change)
        assert 'Go on.".' not in text
    for seed in range(300):
        text = instruct(Random(seed), "zh", Change("text.replace", old="等", new="6 p.m."))
        assert "p.m.”其" not in text and "p.m.”别" not in text
    for seed in range(600):
        text = instruct(Random(seed), "zh", Change("restoration.deblur"))
        assert not re.search("[^。！？，](画面内容不|内容保持|不要改变)", text), text
    for verb, doing in {"put it": "putting it", "make it": "making it", "add": "adding"}.items():
        assert grammar.gerund(verb) == doing


def test_a_text_with_all_quotation_marks_is_rejected() -> None:
    every = '"“”«»「」『』‹›《》【】⟨⟩⟦⟧'
    with pytest.raises(UnrenderableError, match="unquotable"):
        instruct(Random(1), "zh", Change("text.remove", old=every))


@pytest.mark.parametrize("operation", ["text.add", "text.replace", "text.remove"])
def test_a_name_does_not_say_what_it_is(operation: str) -> None:
    author = Name("name of the author", "作者名")
    old, new = {"text.add": (None, "Ann"), "text.remove": ("Ann", None)}.get(
        operation, ("Ann", "Eve")
    )
    change = Change(operation, old=old, new=new, thing=author, place=CELLS[0])
    said = {instruct(Random(seed), "en", change) for seed in range(RENDERINGS)}
    assert not [text for text in said if re.search(r"that (?:says|reads)|\ba name", text)]


@pytest.mark.parametrize(
    ("chinese", "expected"),
    [("价格", "白色的价格“9”"), ("标题", "白色标题“9”"), ("日期文字", "白色日期文字“9”")],
)
def test_a_colour_is_not_put_closely_on_what_has_none(chinese: str, expected: str) -> None:
    speech = grammar.Speech(Random(1), "zh", "zh", ["9"])
    said = grammar.definite(speech, Name("", chinese), "9", colour=COLOURS["white"], plainly=True)
    assert said == expected
