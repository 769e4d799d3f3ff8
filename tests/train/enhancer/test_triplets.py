"""Triplets: what captions become by rules, and that rows are accounted for."""

import json
import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from making.commands import invoke

from curation import shard, storage
from curation.failures.errors import UsageError
from curation.shard.quotations import EVERY, spans
from train.enhancer import making, triplet, words
from train.enhancer.__main__ import app
from train.enhancer.degrading import DEGRADATIONS
from train.enhancer.making import Caption
from train.enhancer.masking import Masked

SCENE = (
    'The image shows a wooden sign reading "OPEN" above a blue door, bathed in warm evening light.'
    " The rough texture of the wood is visible. In the background, blurred trees line a street."
    " A cat sits on the step at the bottom left."
)
PARTS = st.sampled_from(
    [
        '"A, b. C"',
        "“左上 背景”",
        " in soft light",
        ", on a white background",
        ". The text ",
        "。",
        "，",
    ]
)


@pytest.mark.parametrize(
    ("name", "language", "before", "after"),
    [
        ("no_light", "en", "A dog, asleep, in soft light.", "A dog, asleep."),
        ("no_light", "zh", "一只狗，阳光照亮草地。光线柔和。", "一只狗。"),
        ("no_texture", "en", "A cup. Its surface is glossy.", "A cup."),
        ("no_layout", "en", 'A cup. "Tea" in the top left corner.', 'A cup. "Tea".'),
        ("no_background", "en", '"A7" in red on a white background.', '"A7" in red.'),
        ("no_background", "zh", "白色背景上写着红色的文字“三”。", "写着红色的文字“三”。"),
        (
            "simplified",
            "en",
            'A cup, white. It steams. It says "Tea", in red.',
            'A cup. It says "Tea".',
        ),
        ("simplified", "en", "A cup of tea on a table in the garden", "A cup of tea on a table"),
        ("terms", "en", 'The text "A7" in red.', '"A7" red'),
        ("terms", "zh", "写着红色的文字“三”。", "红色 “三”"),
        ("no_light", "en", "A dog.", "A dog."),
    ],
)
def test_a_degradation_drops_what_it_is_named_after(name, language, before, after):
    masked = Masked.of(before)
    made = DEGRADATIONS[name](masked.text, words.of_language(language), Random(0))
    assert masked.filled(made) == after


def test_people_ask_in_lower_case_without_a_full_stop():
    masked = Masked.of('The image shows a fox in a "Fox. Den".')
    said = {
        masked.filled(DEGRADATIONS["colloquial"](masked.text, words.of_language("en"), Random(n)))
        for n in range(40)
    }
    assert 'make a fox in a "Fox. Den"' in said and 'a fox in a "Fox. Den"' in said


@given(
    st.lists(PARTS, min_size=1, max_size=8), st.sampled_from(["en", "zh", "de"]), st.integers(0, 9)
)
def test_what_is_quoted_stays_whatever_is_done(parts, language, seed):
    fine = "A fox" + "".join(parts)
    made = making.triplet(Caption("x", fine, language, 0, False), seed)
    if isinstance(made, triplet.Triplet):
        assert spans(made.short, EVERY) == spans(fine, EVERY)
        assert made.short != fine == made.fine and made.degradations
        assert not re.search("[\ue000-\uf8ff]", made.short + made.reasoning)
    else:
        assert made == "nothing_to_degrade"


def test_reasoning_undoes_the_degradations_in_words():
    made = next(
        each
        for seed in range(50)
        if {"no_light", "no_background"}
        <= set((each := making.triplet(Caption("x", SCENE, "en", 1, False), seed)).degradations)
    )
    assert "Add: bathed in warm evening light" in made.reasoning
    assert "what is behind. Add: In the background, blurred trees line a street" in made.reasoning
    assert made.reasoning.index("behind") < made.reasoning.index("light is like")  # the last first
    assert '"OPEN"' in made.short and made.category == "text"


def test_categories_by_their_rules():
    kinds = [
        triplet.category(fine, lines, words.of_language("en"))
        for fine, lines in (
            ("a fox", 0),
            ("a portrait of a woman", 0),
            ('a sign "INK"', 1),
            ('a sign "INK"', 3),
            ('"a" "b" "c"', 0),
            (f'a page "{"x" * 40}"', 1),
        )
    ]
    assert kinds == ["general", "portrait", "text", "complex_text", "complex_text", "complex_text"]
    assert not words.of_language("en").names_person("a mantle")


def rows(*captions, **more):
    return [
        dict.fromkeys(shard.schema().names)
        | {
            "id": f"row-{n}",
            "key": str(n),
            "synthetic": False,
            "image": {"bytes": b"x", "path": ""},
        }
        | {split: text and [{"text": text, "language": "en"}] for split, text in each.items()}
        for n, each in enumerate(captions)
    ]


def test_every_row_is_a_triplet_or_left_out_with_a_reason(tmp_path):
    import pyarrow as pa

    captions = [
        {"caption_recaption": SCENE},
        {"caption_recaption": SCENE},
        {"caption_recaption": 'A sign "INK" in a "pair.', "caption_fused": None},
        {"caption_fused": "A dog in soft light.", "caption_recaption": "A cat, at rest."},
        {"caption_raw": "a cat"},
        {"caption_instruction": 'Replace "A" with "B", keeping its style. Leave all else.'},
        {"caption_recaption": "x " * 3000},
    ]
    table = pa.Table.from_pylist(rows(*captions), schema=shard.schema())
    shard.write(str(tmp_path / "part-0.parquet"), table.to_batches(), shard.schema())
    said = [invoke(app, arguments(tmp_path, out)) for out in ("a", "b")]
    assert [each.exit_code for each in said] == [0, 0], said[0].output
    ledger = json.loads(said[0].stdout)
    assert ledger["rows"] == 7 == ledger["triplets"] + sum(ledger["left_out"].values())
    reasons = {"no_caption": 1, "same_caption": 1, "too_long": 1, "unclear_quotations": 1}
    assert ledger["left_out"] == reasons
    made, _ = triplet.read(str(tmp_path / "a"))
    assert [each.id for each in made] == ["row-0", "row-3", "row-5"]
    assert made[1].fine == "A dog in soft light."
    assert made[2].short == 'Replace "A" with "B".' and made[2].degradations == ("simplified",)
    for name in (triplet.NAME, making.LEFT_OUT, making.LEDGER):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def arguments(folder, out):
    data = storage.join(str(folder), "part-*.parquet")
    return ["triplets", "--data", data, "--out", str(folder / out), "--json"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no triplet"),
        ('{"short": "a"}\n', ":1: expected a JSON object with reasoning, fine"),
        ('{"short": " ", "reasoning": "", "fine": "b"}\n', "words in short"),
        ("[]\n", "expected a JSON object with short"),
        ("5\n", "expected a JSON object with short"),
        ('{"short": "a", "reasoning": "", "fine": null}\n', ":1: expected a JSON object with fine"),
        ('{"id": 3, "short": "a", "reasoning": "", "fine": "b"}\n', "object with id as text"),
        (
            '{"short": "a", "reasoning": "", "fine": "b", "degradations": null}\n',
            ":1: degradations: expected a list of names",
        ),
    ],
)
def test_a_file_of_no_triplets_is_refused_with_its_line(tmp_path, text, said):
    (tmp_path / triplet.NAME).write_text(text)
    with pytest.raises(UsageError, match=re.escape(said)):
        triplet.read(str(tmp_path))
    with pytest.raises(UsageError, match="expected triplets"):
        triplet.read(str(tmp_path / "absent"))


def test_what_is_written_is_read_also_with_the_ends_of_lines_that_json_has_not(tmp_path):
    made = [triplet.Triplet("0", "a\u2028b", "c\u2029", "d\x85e", "en", "general", ("terms",))]
    (tmp_path / triplet.NAME).write_bytes(triplet.encoded(made))
    assert triplet.read(str(tmp_path))[0] == made


def test_no_degradation_leaves_nothing():
    assert not DEGRADATIONS["terms"]("of the", words.of_language("en"), Random(0))
    made = [making.triplet(Caption("x", "of the", "en", 0, False), seed) for seed in range(20)]
    assert all(each == "nothing_to_degrade" or each.short.strip() for each in made)


def test_short_prompts_alone_are_split_each_by_itself_and_as_what_quotes_the_same():
    short = [triplet.Triplet("", f"fox {n}", "", "") for n in range(100)]
    assert 20 < sum(each.is_held_out(0.5) for each in short) < 80
    for n in range(20):
        own = triplet.Triplet("", f'make "{n}"', "", "")
        assert own.is_held_out(0.5) == triplet.Triplet("", "", "", f'A "{n}".').is_held_out(0.5)
