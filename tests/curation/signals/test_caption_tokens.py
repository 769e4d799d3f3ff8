"""Tokens of captions, against CLIP's own tokenizer, and tokenizers that are not there."""

from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from curation.networks.weights import MissingModelError
from curation.signals import captions
from curation.signals.caption_tokens import TokensSettings
from curation.signals.caption_tokens import tokens as TOKENS

pytest.importorskip("open_clip")
TEXTS = ("a dog runs", "一只狗在草地上", "Don't stop! 12,345 x", "ひらがな カタカナ", "naïve café")
TEXTS += ("한국어 문장", "a" * 300, " \n\t ", "", "I'LL they've", "e\u0301te", "1-2_3 (x)*")


def count(text: str, tokenizer: str = "clip") -> int:
    return int(captions.ready(TOKENS, TokensSettings(tokenizer=tokenizer))(text)["tokens"])


def test_tokens_are_those_of_clip() -> None:
    from open_clip.tokenizer import SimpleTokenizer

    oracle = SimpleTokenizer()
    assert [count(text) for text in TEXTS] == [len(oracle.encode(text)) for text in TEXTS]


def test_a_folder_has_a_tokenizer_of_its_own(tmp_path: Path) -> None:
    tokenizer = Tokenizer(models.WordLevel({"a": 0, "?": 1}, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.enable_truncation(2)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    assert count("a dog runs over a", str(tmp_path)) == 5


@pytest.mark.parametrize("name", ["nobody/has-this", "./no-such-folder", "a/b/c", "../..", ""])
def test_a_tokenizer_that_is_not_there_stops_before_any_work(name: str) -> None:
    with pytest.raises(
        MissingModelError, match=r"finds no tokenizer .* or do without it by"
    ) as told:
        captions.check(TOKENS, TokensSettings(tokenizer=name))
    assert "'clip'" in str(told.value)
