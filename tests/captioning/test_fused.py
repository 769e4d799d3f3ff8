"""What of a raw caption is merged into a recaption: names and quoted texts, no more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captioning.fused import merged, names


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a view of Notre Dame de Paris at dusk", ["Notre Dame de Paris"]),
        ("my dog Bella and Tom Hanks", ["Bella", "Tom Hanks"]),
        ("The dog sleeps. The cat does not.", []),
        ("FREE SHIPPING ON ALL BAGS", []),
        ("Buy The Best Running Shoes For Winter Online", []),
        ("photo by Getty Images, downloaded in March", []),
        ("a still from 《千与千寻》", ["千与千寻"]),
        ("《千与千寻》海报", ["千与千寻"]),
        ("an Egyptian cat beside a Swiss Mountain dog", []),  # kinds
        ("", []),
    ],
)
def test_names_are_told_from_openings_titles_and_shop_talk(text: str, said: list[str]) -> None:
    assert names(text) == said


@pytest.mark.parametrize(
    ("recaption", "language", "raw", "lines", "fused"),
    [
        ("A church.", "en", ["at Notre Dame"], [], "A church. The source names Notre Dame."),
        ("Notre Dame.", "en", ["view of Notre Dame at night"], [], "Notre Dame."),
        ("A church.", "en", ["a church, 20 % off"], [], "A church."),
        ("A door.", "en", ['a door, "PUSH"'], ["PUSH"], 'A door. Its source quotes "PUSH".'),
        ("A door.", "en", ['a door that says "PULL"'], ["PUSH"], "A door."),  # nobody read it
        ("一座教堂。", "zh", ["《巴黎圣母院》剧照"], [], "一座教堂。来源中提到巴黎圣母院。"),
        ("A dog.", "en", ["see Ann, Bob, Carl and Dora Lee"], [],
         "A dog. The source names Ann, Bob and Carl."),
        ("A dog.", "en", [], [], "A dog."),
        ("一张狗的照片", "zh", ["my Saint Bernard"], [], "一张狗的照片。来源中提到Saint Bernard。"),
        ("A photo of a dog", "en", ["my Saint Bernard"], [],
         "A photo of a dog. The source names Saint Bernard."),
    ],
)  # fmt: skip
def test_what_is_merged(
    recaption: str, language: str, raw: list[str], lines: list[str], fused: str
) -> None:
    assert merged(recaption, language, raw, lines) == fused


@given(st.lists(st.text(max_size=60), max_size=3), st.sampled_from(["en", "zh"]))
def test_a_fused_caption_begins_with_the_recaption(raw: list[str], language: str) -> None:
    assert merged("A red bus.", language, raw, []).startswith("A red bus.")
