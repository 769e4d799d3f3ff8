"""How many tokens a caption has, by a tokenizer that lies on this machine; none is downloaded.

By default CLIP's, whose vocabulary ships inside ``open_clip_torch`` and is read without it: what it
counts are byte pairs of lower-case text, about 1.2 an English word and 2.8 a Chinese character. The
start and the end that a model adds are not counted. Where text is broken (mojibake), ``open_clip``
itself would repair it first.
"""

import gzip
import os
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow as pa

from curation.networks import weights
from curation.networks.weights import MissingModelError
from curation.signals.captions import OfText, caption_signal
from curation.signals.signal import Column, Settings

ADVICE = "pip install 'inkstone[curate]'"
CLIP = "clip"
VOCABULARY = "bpe_simple_vocab_16e6.txt.gz"
MERGES = 49_152 - 256 - 2  # of the lines of that file those that CLIP was trained with
SPLIT = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
FILE = "tokenizer.json"
LONGEST = 100_000  # characters that are looked at; nobody's caption


class TokensSettings(Settings):
    """``tokenizer``: ``clip``, a folder with a ``tokenizer.json``, or the name of a repository on
    Hugging Face that lies in its cache on this machine.
    """

    tokenizer: str = CLIP


def _check(settings: TokensSettings) -> None:
    """Raises ``MissingModelError`` where the tokenizer is not there."""
    weights.need(ADVICE, "tokenizers")
    _file(settings.tokenizer)


@caption_signal(
    version=1,
    columns={"tokens": Column(pa.int32(), "tokens from 0", "tokens without start and end")},
    settings=TokensSettings,
    check=_check,
)
def tokens(settings: TokensSettings) -> OfText:
    """How many tokens a caption has. Raises ``MissingModelError``."""
    _check(settings)
    encoder = _encoder(settings.tokenizer)

    def measure(text: str) -> dict[str, int]:
        return {"tokens": len(encoder.encode(text[:LONGEST], add_special_tokens=False).ids)}

    return measure


def _file(name: str) -> Path:
    """The file of a tokenizer. Raises ``MissingModelError``."""
    if name == CLIP:
        return weights.packaged("open_clip", VOCABULARY, ADVICE)
    for path in _places(name):
        if path.is_file():
            return path
    raise MissingModelError(
        f"finds no tokenizer {name!r} on this machine: expected {CLIP!r}, a folder with a {FILE}, "
        "or a name in the cache of Hugging Face (downloaded beforehand); nothing is downloaded here"
    )


def _places(name: str) -> Iterable[Path]:
    yield Path(name).expanduser() / FILE
    if find_spec("huggingface_hub") is not None and name.count("/") <= 1:
        from huggingface_hub import try_to_load_from_cache
        from huggingface_hub.errors import HFValidationError

        try:
            cached = try_to_load_from_cache(name, FILE)
        except HFValidationError:
            return
        if isinstance(cached, str):
            yield Path(cached)


def _encoder(name: str) -> Any:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # the runner's workers are it
    from tokenizers import Tokenizer

    if name == CLIP:
        return _clip(_file(name))
    loaded = Tokenizer.from_file(str(_file(name)))
    loaded.no_truncation()
    loaded.no_padding()
    return loaded


def _clip(path: Path) -> Any:
    """CLIP's tokenizer from the merges that it was trained with, one a line after the first."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    lines = gzip.decompress(path.read_bytes()).decode().split("\n")
    merges = [(a, b) for a, b in (line.split() for line in lines[1 : MERGES + 1])]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = [*letters, *(f"{letter}</w>" for letter in letters), *(a + b for a, b in merges)]
    vocabulary = {word: number for number, word in enumerate(words)}
    model = models.BPE(vocab=vocabulary, merges=merges, end_of_word_suffix="</w>")
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    return tokenizer
