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
    return [] if schema.get("type") == "array" else "x"


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
        self.end = int(self._tokens.eos_token)
        self.reserve = reserve(schema)
        self._size = min(int(self._tokens.vocab_size), vocabulary)
        self._quote, self._bracket = self._starting(b'"'), self._starting(b"]}")
        self._letter = int(np.flatnonzero(self._starting(b"x"))[0])

    def _starting(self, characters: bytes) -> NDArray[np.bool_]:
        """Tokens that begin with one of the characters: (V,)."""
        starts = (self._tokens.decode_bytes([token])[:1] for token in range(self._size))
        begin = [bool(start) and start[0] in characters for start in starts]
        return np.array(begin + [False] * (self.vocabulary - len(begin)))[: self.vocabulary]

    def matcher(self) -> Any:
        """The state of a row that has written nothing yet."""
        import llguidance

        return llguidance.LLMatcher(self._tokens, self._grammar)

    def allowed(self, matcher: Any, left: int) -> NDArray[np.bool_]:
        """Which tokens may follow, of a row with so many new tokens ``left``: (V,).

        A matcher in error ends its row, and no other.
        """
        if matcher.is_stopped() or matcher.is_error():
            return self._only_end()
        bits = np.frombuffer(matcher.compute_bitmask(), np.uint8)
        may = np.unpackbits(bits, bitorder="little")[: self.vocabulary].astype(np.bool_)
        if left <= self.reserve:
            in_text = may[self._letter]  # where brackets are letters, too
            closing = may & (self._quote if in_text else self._bracket)
            may = closing if closing.any() else may
        return may if may.any() else self._only_end()

    def _only_end(self) -> NDArray[np.bool_]:
        may = np.zeros(self.vocabulary, np.bool_)
        may[self.end] = True
        return may


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
                if not matcher.is_stopped() and not matcher.is_error():
                    matcher.consume_token(token)
        left = self._budget - written
        may = np.stack([self._grammar.allowed(of, left) for of in self._matchers])
        mask = torch.from_numpy(may).to(scores.device)
        return scores[:, : mask.shape[1]].masked_fill(~mask, -torch.inf)

    @property
    def errors(self) -> Sequence[bool]:
        """Of each row, whether its matcher failed."""
        return [bool(matcher.is_error()) for matcher in self._matchers]
