"""Constrained decoding: a local model can only write what the schema allows, and gets to its end.

By llguidance: a matcher per row says which tokens may follow. A grammar alone guarantees a
beginning: when the budget of new tokens falls to a reserve, only tokens that close what is open
stay allowed, so that every answer is whole JSON.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curation.networks import weights

Words = NDArray[np.int32]
OPTIONS = {"whitespace_flexible": False, "json_allowed_escapes": 'nrbtf\\"'}


def check() -> None:
    """Raises ``MissingModelError`` where llguidance is missing."""
    weights.need("pip install 'inkstone[captions]'", "llguidance")


def reserve(schema: Mapping[str, Any]) -> int:
    """Tokens that closing an answer takes at most, one for each byte of the longest skeleton."""
    skeleton = {key: _least(of) for key, of in schema["properties"].items()}
    return len(json.dumps(skeleton, ensure_ascii=False).encode()) + 4 * len(skeleton)


def _least(schema: Mapping[str, Any]) -> Any:
    if "enum" in schema:
        return max(schema["enum"], key=len)
    if schema.get("type") == "array":
        items = schema["items"]  # of objects one may be open, or due after a comma
        return [_least(items)] if items.get("type") == "object" else []
    if schema.get("type") == "object":
        return {key: _least(of) for key, of in schema["properties"].items()}
    return "x"


class Grammar:
    """A schema compiled for a tokenizer; matchers of rows are made of it."""

    def __init__(self, tokenizer: Any, vocabulary: int, schema: Mapping[str, Any]) -> None:
        """``vocabulary`` is the model's padded number of tokens, not that of the tokenizer."""
        check()
        import llguidance
        import llguidance.hf

        self.vocabulary = vocabulary
        self._tokens = llguidance.hf.from_tokenizer(tokenizer, n_vocab=vocabulary)
        self._grammar = llguidance.LLMatcher.grammar_from_json_schema(
            dict(schema) | {"x-guidance": OPTIONS}
        )
        self._executor = llguidance.LLExecutor()  # threads, without Python's lock
        self.end = int(self._tokens.eos_token)
        self.reserve = reserve(schema)
        self._size = min(int(self._tokens.vocab_size), vocabulary)
        quote, bracket = self._starting(b'"'), self._starting(b"]}")
        self._letter = int(np.flatnonzero(self._starting(b"x"))[0])
        self._quote, self._bracket = _packed(quote), _packed(bracket)
        self._only_end = _packed(np.arange(vocabulary) == self.end)

    def _starting(self, characters: bytes) -> NDArray[np.bool_]:
        """Tokens that begin with one of the characters: (V,)."""
        starts = (self._tokens.decode_bytes([token])[:1] for token in range(self._size))
        begin = [bool(start) and start[0] in characters for start in starts]
        return np.array(begin + [False] * (self.vocabulary - len(begin)))[: self.vocabulary]

    def matcher(self) -> Any:
        """The state of a row that has written nothing yet."""
        import llguidance

        return llguidance.LLMatcher(self._tokens, self._grammar)

    def allowed(self, matchers: Sequence[Any], left: int) -> Words:
        """Which tokens may follow, of rows with so many new tokens ``left``: (B, V / 32) words.

        A matcher in error ends its row, and no other.
        """
        from llguidance.numpy import fill_next_token_bitmask_par

        words = np.zeros((len(matchers), len(self._only_end)), np.int32)
        writing = [(of, row) for row, of in enumerate(matchers) if _is_writing(of)]
        if writing:
            fill_next_token_bitmask_par(self._executor, writing, words)
        for matcher, row in writing:
            if not _is_writing(matcher):
                words[row] = 0
            elif left <= self.reserve:
                words[row] = self._closing(words[row])
        words[~words.any(axis=1)] = self._only_end
        return words

    def _closing(self, may: Words) -> Words:
        """Of the tokens that may follow, those that close what is open; all where none does."""
        in_text = may[self._letter // 32] >> (self._letter % 32) & 1  # brackets are letters there
        closing = may & (self._quote if in_text else self._bracket)
        return closing if closing.any() else may


def _is_writing(matcher: Any) -> bool:
    return not (matcher.is_stopped() or matcher.is_error())


def _packed(tokens: NDArray[np.bool_]) -> Words:
    """Flags of tokens (V,) as bits of words, the lowest first."""
    words = np.zeros(-(-len(tokens) // 32), np.int32)
    bits = np.packbits(tokens, bitorder="little")
    words.view(np.uint8)[: len(bits)] = bits
    return words


class Constraint:
    """A logits processor for one call of ``generate``, made anew for each."""

    def __init__(self, grammar: Grammar, rows: int, prompt: int, budget: int) -> None:
        """Of ``rows`` that have ``prompt`` tokens each and may write ``budget`` more."""
        self._grammar, self._prompt, self._budget = grammar, prompt, budget
        self._matchers = [grammar.matcher() for _ in range(rows)]

    def __call__(self, tokens: Any, scores: Any) -> Any:
        """(B, T) tokens so far and (B, V) scores to scores where what may not follow is -inf."""
        import torch

        written = tokens.shape[1] - self._prompt
        if written:
            for matcher, token in zip(self._matchers, tokens[:, -1].tolist(), strict=True):
                if _is_writing(matcher):
                    matcher.consume_token(token)
        left = self._budget - written
        refused = ~self._grammar.allowed(self._matchers, left)
        size = self._grammar.vocabulary
        bits = np.unpackbits(refused.view(np.uint8), axis=1, count=size, bitorder="little")
        mask = torch.from_numpy(bits.view(np.bool_)).to(scores.device)
        return scores[:, :size].masked_fill(mask, -torch.inf)

    @property
    def errors(self) -> Sequence[bool]:
        """Of each row, whether its matcher failed."""
        return [bool(matcher.is_error()) for matcher in self._matchers]
