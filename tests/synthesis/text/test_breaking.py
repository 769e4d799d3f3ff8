"""Line breaks: UAX 14 as ICU has it, stricter where our rules say so."""

import re
from collections.abc import Callable
from functools import partial
from itertools import accumulate, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from making.made_fonts import all_characters, make

from synthesis.fonts import files as font_files
from synthesis.fonts.face import Font
from synthesis.text import filling, lines
from synthesis.text.breaking import boundaries, halves, opportunities, phrases

CLOSING = "，。、；：？！）」』》】”’…"
OPENING = "（「『《【“‘"
CASES = Path("/usr/share/unicode/auxiliary/LineBreakTest.txt")
NEWER_RULES = (  # what Unicode 16 and 17 changed, as the text around a break that differs
    re.compile("^-\u0308?÷"),  # LB20a: no break after a hyphen that begins a word
    re.compile(r"[.,]\u0308?÷\d"),  # LB25: no break between a mark and a digit
    re.compile(r" ÷\.\d"),  # LB15c: a break before a decimal mark after a space
    re.compile('["«]\u0308? ÷'),  # LB15: the rule QU SP* x OP is gone
    re.compile("[({]« [\u0308 »]+÷"),  # LB15a and b: guillemets open and close
    re.compile("א-÷א"),  # LB21a: hyphens in Hebrew
)


def parts(text: str, language: str) -> list[str]:
    return [text[a:b] for a, b in pairwise([0, *opportunities(text, language)])]


def test_unicodes_own_cases() -> None:
    """Those of Unicode 15 that fail are the ones Unicode 16 and 17 changed the rules for."""
    if not CASES.is_file():
        pytest.skip(f"{CASES} is not here: Debian package unicode-data")
    passed, unexplained = 0, []
    for line in CASES.read_text(encoding="utf-8").splitlines():
        fields = line.partition("#")[0].split()
        if not fields:
            continue
        text = "".join(chr(int(code, 16)) for code in fields[1::2])
        expected = {place for place, mark in enumerate(fields[2::2], 1) if mark == "÷"}
        differing = expected ^ {*boundaries(text)}
        passed += not differing
        marked = [f"{text[:place]}÷{text[place:]}" for place in differing]
        unexplained += [one for one in marked if not any(rule.search(one) for rule in NEWER_RULES)]
    assert not unexplained
    assert passed >= 7621


@given(st.text("ab Z中文。，（）\"'-—–…019.%:", max_size=30), st.sampled_from(["en", "zh", "ja"]))
def test_our_own_rules_only_take_breaks_away(text: str, language: str) -> None:
    if language == "en":
        assert {*opportunities(text, language)} <= {*boundaries(text)}
    assert opportunities(text, language)[-1:] == ((len(text),) if text else ())


@given(st.lists(st.sampled_from("😀👨‍👩‍👧‍👦🇨🇳𠮷中a "), min_size=1).map("".join))
def test_offsets_count_characters_not_their_code_units(text: str) -> None:
    ends = opportunities(text, "zh")
    assert ends[-1] == len(text)
    assert "".join(parts(text, "zh")) == text


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("한국어 문장은 낱말로", "ko", ["한국어 ", "문장은 ", "낱말로"]),
        ("ちょっとコーヒー", "ja", ["ちょっ", "と", "コー", "ヒー"]),
        ("สวัสดีครับผม", "th", ["สวัสดี", "ครับ", "ผม"]),
        ("ห้องสมุดปิดวันจันทร์", "th", ["ห้องสมุด", "ปิด", "วันจันทร์"]),
        ("ความมืด หลายคน กลัว", "th", ["ความมืด ", "หลายคน ", "กลัว"]),
        ("ทุกวันจันทร์", "th", ["ทุก", "วันจันทร์"]),
        ("営業中のため", "ja", ["営業中", "の", "た", "め"]),
        ("東京中央", "ja", ["東", "京", "中", "央"]),
        ("我说맛있어요吧", "zh", ["我", "说", "맛있어요", "吧"]),
        ("周一和星期三", "zh", ["周一", "和", "星期三"]),
        ("礼拜天见", "zh", ["礼拜天", "见"]),
        ("北京，台北", "zh-Hant", ["北", "京，", "台", "北"]),
        ("well-known état-major", "fr", ["well-known ", "état-major"]),
        ("سلام دنیا", "fa", ["سلام ", "دنیا"]),
    ],
)
def test_every_language_breaks_where_its_readers_expect(
    text: str, language: str, expected: list[str]
) -> None:
    assert parts(text, language) == expected


@given(st.text(f"中文字a1 {CLOSING}{OPENING}", max_size=40))
def test_no_chinese_line_begins_closing_or_ends_opening(text: str) -> None:
    for end in opportunities(text, "zh")[:-1]:
        after_blanks = text[:end].endswith((" ", "\u3000"))
        assert text[end] not in CLOSING or after_blanks
        assert text[end - 1] not in OPENING


def test_chinese_quotes_may_be_parted_from_hanzi_outside_them() -> None:
    assert parts("书名“你好”很有名", "zh") == ["书", "名", "“你", "好”", "很", "有", "名"]
    assert parts("It’s ‘对’的", "zh") == ["It’s ", "‘对’", "的"]


@given(st.lists(st.from_regex(r"[A-Za-z]{1,9}(-[a-z]{1,9})?", fullmatch=True), min_size=1))
def test_english_words_stay_whole(words: list[str]) -> None:
    assert parts(" ".join(words), "en") == [f"{word} " for word in words[:-1]] + [words[-1]]


@pytest.mark.parametrize(
    ("text", "language", "kept"),
    [
        ("open at 8 a.m. today", "en", "8 a.m."),
        ("see Room 204 now", "en", "Room 204"),
        ("a well-known door", "en", "well-known"),
        ("pages 31–46 only", "en", "31–46 "),
        ("open Mon–Fri 9:00–18:00", "en", "Mon–Fri"),
        ("เปิด 9:00–18:30 น.", "th", "9:00–18:30 น."),
        ("for the pie — 18.90", "en", "pie — 18.90"),
        ("价格18元整", "zh", "18元"),
        ("从9:00—21:30开", "zh", "9:00—21:30"),
        ("回答第2题", "zh", "第2题"),
        ("托尔斯泰·列夫", "zh", "泰·"),
    ],
)
def test_kept_together(text: str, language: str, kept: str) -> None:
    assert any(kept.strip() in part for part in parts(text, language))
    assert len(parts(text, language)) > 1


def test_phrases_and_halves() -> None:
    assert phrases("汤在锅里，记得关火。", "zh") == [5, 10]
    assert phrases("再按“开始”键。", "zh") == [8]
    assert phrases("“好！”他说，走吧。", "zh") == [4, 7, 10]
    assert phrases("“好！”他说，走。", "zh") == [4, 9]  # no letter alone on a last line
    assert phrases("Keep left", "en") == [9]
    assert phrases("東京都に行きます。", "ja") == [2, 4, 9]
    assert phrases("忘れ物預かり所", "ja") == [3, 7]
    assert phrases("忘れ物\n預かり所。\n湯", "ja") == [4, 10, 11]  # unless it is a line of its own
    assert halves("小心地滑", "zh") == [2, 4]


def test_balanced_lines_are_even_and_as_many_as_full_ones(tmp_path: Path) -> None:
    loaded = Font(font_files.find("en", make(tmp_path / "t.ttf", all_characters("en")))[0])
    text = "It was the sudden lack of wind that woke her at noon on it"
    units = lines.measured(lines.units(loaded, text, "en", 0.0))
    for measure in (6.0, 8.0, 11.0, 20.0, 60.0):
        full, even = lines.fill(units, measure), filling.balance(units, measure)
        assert full is not None
        assert len(even) == len(full)
        assert " ".join(line.text for line in even) == text
        assert max(line.width for line in even) <= measure
        spread = [max(x) - min(x) for x in ([one.width for one in set_] for set_ in (even, full))]
        assert spread[0] <= spread[1]
    assert min(line.width for line in filling.balance(units, 8.0)) > 4


KANA = (
    "本日は営業中のため、エレベーターをご利用ください。新しいカフェが駅前にオープンしたので、"
    "コミュニケーションの取り方を学ぶために図書館へ行きました。時計の修理には三日かかります。"
)
HANZI = "山路弯弯通向林边的小屋，屋前有一口老井，井水清凉，过路的人都要停下来喝一口，再继续赶路。"


@pytest.fixture(scope="module", params=["zh", "ja"])
def paragraph(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, tuple[lines.Measured, ...]]:
    """A paragraph's text, and its units."""
    language, text = request.param, {"zh": HANZI, "ja": KANA}[request.param]
    characters = "".join(sorted({*text, *font_files.PROBE[language]}))
    path = make(tmp_path_factory.mktemp("fonts") / "t.ttf", characters)
    units = lines.units(Font(font_files.find(language, path)[0]), text, language, 0.0)
    return text, lines.measured(units)


@pytest.mark.parametrize("break_lines", [filling.justify, filling.full, filling.balance])
def test_no_letter_is_alone_on_a_last_line(
    paragraph: tuple[str, tuple[lines.Measured, ...]],
    break_lines: Callable[[tuple[lines.Measured, ...], float], list[lines.Line]],
) -> None:
    """At some of the measures the fullest lines leave one."""
    text, units = paragraph
    left_alone = 0
    for measure in range(7, 24):
        fullest, found = lines.fill(units, measure), break_lines(units, measure)
        assert fullest is not None and len(found) == len(fullest)
        left_alone += sum(one.isalnum() for one in fullest[-1].text) < 2
        assert "".join(line.text for line in found) == text
        assert sum(one.isalnum() for one in found[-1].text) >= 2, (measure, found[-1].text)
        assert max(line.width for line in found) <= measure
    assert left_alone


@pytest.mark.parametrize("paragraph", ["ja"], indirect=True)
def test_japanese_lines_end_at_phrases_where_that_costs_little(
    paragraph: tuple[str, tuple[lines.Measured, ...]],
) -> None:
    """ICU's phrases, of text longer than a heading; the fullest lines part most of them."""
    _, units = paragraph
    ends = {*boundaries(KANA, "ja@lb=strict;lw=phrase")}
    shares = []
    for found in (lambda measure: lines.fill(units, measure), partial(filling.justify, units)):
        places = [
            end
            for measure in range(16, 34)
            for end in accumulate(len(line.text) for line in (found(measure) or [])[:-1])
        ]
        shares.append(sum(place in ends for place in places) / len(places))
    assert shares[0] < 0.5 and shares[1] > 0.7, shares
