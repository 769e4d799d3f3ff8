"""A judge: what a vision-language model behind a chat endpoint answers about images.

Asked at temperature 0, each question once: raw answers are kept by picture, question and judge.
"""

import base64
import json
import threading
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

from PIL import Image

from curation.failures.errors import IncompleteError
from curation.networks import endpoint, weights
from curation.networks.endpoint import EndpointError
from infer.harness.cache import Cache, digest, digest_of
from infer.harness.rows import Question

KEY = "JUDGE_API_KEY"  # the variable of the environment
_LARGEST = 2_000_000  # bytes of an answer
_NEW_TOKENS = 1024
_RETRIES, _SECONDS = 5, 120.0


class JudgeError(IncompleteError):
    """A question without an answer."""


class Judge:
    """The model ``name`` behind ``url``, asked so many questions at once by its callers' threads.

    ``asked`` counts the questions that were sent, others had their answers.
    """

    def __init__(self, url: str, name: str, cache: Cache, concurrency: int) -> None:
        """Raises ``MissingModelError`` where no server answers."""
        weights.need("pip install requests", "requests")
        endpoint.check(url, "--judge")
        self.name, self.concurrency, self.asked = name, concurrency, 0
        self._cache, self._lock = cache, threading.Lock()
        self._server = endpoint.Server(
            url, KEY, concurrency=concurrency, retries=_RETRIES, timeout=_SECONDS
        )

    @property
    def settings(self) -> Mapping[str, Any]:
        """What its answers depend on."""
        return {"model": self.name, "temperature": 0, "new_tokens": _NEW_TOKENS}

    def key(self, question: Question, image: Image.Image) -> str:
        """Of its answer."""
        shown = [digest_of(each) for each in question.images or (image,)]
        return digest("judge", dict(self.settings), question.text, shown)

    def has(self, question: Question, image: Image.Image) -> bool:
        """Whether the answer is known."""
        return self._cache.get(self.key(question, image)) is not None

    def ask(self, question: Question, image: Image.Image) -> str:
        """The answer to a question about an image. Raises ``JudgeError``."""
        key = self.key(question, image)
        known = self._cache.get(key)
        if known is None:
            raw = self._raw(question.text, question.images or (image,))
            known = {"question": question.text, "answer": _text(raw), "raw": raw, **self.settings}
            self._cache.put(key, known)
        return str(known["answer"])

    def _raw(self, text: str, images: Sequence[Image.Image]) -> Any:
        parts: list[dict[str, Any]] = [
            {"type": "image_url", "image_url": {"url": data_url(each)}} for each in images
        ]
        parts.append({"type": "text", "text": text})
        body = {
            "model": self.name,
            "messages": [{"role": "user", "content": parts}],
            "max_tokens": _NEW_TOKENS,
            "temperature": 0,
        }
        with self._lock:
            self.asked += 1
        try:
            raw = json.loads(self._server.post("chat/completions", body, _LARGEST))
            _text(raw)
        except EndpointError as error:
            reason = f" ({error.said})" if error.said else ""
            raise JudgeError(f"the judge gave no answer: {error}{reason}") from None
        except ValueError as error:
            raise JudgeError(f"the judge gave no chat completion: {error}") from None
        return raw


def data_url(image: Image.Image) -> str:
    """An image as PNG inside an address."""
    stream = BytesIO()
    image.save(stream, "PNG")
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"


def _text(raw: Any) -> str:
    """What a completion says. Raises ``ValueError``."""
    try:
        text = raw["choices"][0]["message"]["content"]
    except (LookupError, TypeError) as error:
        raise ValueError("no message in it") from error
    if not isinstance(text, str):
        raise ValueError("no text in it")
    return text
