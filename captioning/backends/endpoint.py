"""A server that speaks OpenAI's chat completions: vLLM, SGLang, or one that is paid for.

Images go as bytes in the request, reduced to a number of pixels; no address is passed on. The
answer is asked for by JSON schema, and believed only as far as it parses. The key comes from the
environment and goes into the header alone.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from captioning.backends.backend import Backend, Captioner, Question, Reply
from curation.networks import endpoint, weights
from curation.networks.endpoint import EndpointError, Server

LARGEST = 2_000_000  # bytes of an answer that are read
JPEG_QUALITY = 92
Price = Annotated[float, Field(ge=0)]
_ITSELF = ("url", "concurrency", "retries", "timeout", "key_variable", "prices")


class Endpoint(Backend):
    """``url`` is that of the interface (``http://localhost:8000/v1``), ``model`` its name there.

    So many requests at once (``concurrency``), each tried again ``retries`` times after a pause
    that doubles; ``timeout`` seconds for one. Images have at most ``pixels``. ``key_variable`` is
    the variable of the environment that holds the key. ``structured``: ask for the schema, where
    the server knows ``response_format``. ``prices`` are of a million prompt and new tokens.
    """

    url: str
    model: str
    concurrency: int = Field(default=16, ge=1, le=512)
    retries: int = Field(default=5, ge=0, le=20)
    timeout: float = Field(default=120.0, gt=0)
    pixels: int = Field(default=768 * 28 * 28, ge=28 * 28)
    new_tokens: int = Field(default=1024, ge=64)
    temperature: float = 0.6
    top_p: float = 0.95
    structured: bool = True
    key_variable: str = "OPENAI_API_KEY"
    prices: tuple[Price, Price] = (0.0, 0.0)

    @field_validator("prices", mode="before")
    @classmethod
    def _are_two(cls, prices: Any) -> Any:
        if not isinstance(prices, tuple | list) or len(prices) != 2:
            raise ValueError(
                "expected two numbers, what a million tokens of prompts and of answers cost: "
                "[0.15, 0.60]"
            )
        return tuple(prices)

    @property
    def answers_by(self) -> Mapping[str, Any]:
        """Not by where the server is, or how it is asked."""
        return {key: of for key, of in super().answers_by.items() if key not in _ITSELF}

    @property
    def token_prices(self) -> tuple[float, float]:
        return self.prices

    def check(self) -> None:
        weights.need("pip install 'inkstone[captions]'", "requests")
        endpoint.check(self.url)

    def captioner(self) -> Captioner:
        return _Server(self)


class _Server:
    """Questions to the server."""

    def __init__(self, settings: Endpoint) -> None:
        self._settings = settings
        self._server = Server(
            settings.url,
            settings.key_variable,
            concurrency=settings.concurrency,
            retries=settings.retries,
            timeout=settings.timeout,
        )

    def answer(self, questions: Sequence[Question], attempt: int = 0) -> Sequence[Reply]:
        with ThreadPoolExecutor(self._settings.concurrency) as pool:
            return [*pool.map(lambda question: self._reply(question, attempt), questions)]

    def _reply(self, question: Question, attempt: int) -> Reply:
        try:
            body = self._body(question, attempt)
            return _read(self._server.post("chat/completions", body, LARGEST))
        except EndpointError as error:
            if error.passes:
                return Reply(str(error), reason="unreachable")
            return Reply(str(error) if error.status else "", reason="refused")
        except ValueError:
            return Reply("", reason="refused")

    def _body(self, question: Question, attempt: int) -> dict[str, Any]:
        parts: list[dict[str, Any]] = []
        for label, rgb in question.labelled():
            if label:
                parts.append({"type": "text", "text": label})
            image = base64.b64encode(jpeg(rgb, self._settings.pixels)).decode()
            url = {"url": f"data:image/jpeg;base64,{image}"}
            parts.append({"type": "image_url", "image_url": url})
        parts.append({"type": "text", "text": question.turn.user})
        body: dict[str, Any] = {
            "model": self._settings.model,
            "messages": [
                {"role": "system", "content": question.turn.system},
                {"role": "user", "content": parts},
            ],
            "max_tokens": self._settings.new_tokens,
            "temperature": self._settings.temperature if attempt else 0.0,
            "top_p": self._settings.top_p if attempt else 1.0,
            "seed": question.seed(attempt),
        }
        if self._settings.structured:
            form = question.form
            schema = {"name": form.name, "schema": form.schema(), "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return body


def jpeg(rgb: NDArray[np.uint8], pixels: int) -> bytes:
    """(H, W, 3) as a JPEG of at most so many pixels."""
    height, width = rgb.shape[:2]
    scale = min(1.0, (pixels / (height * width)) ** 0.5)
    size = max(1, int(width * scale)), max(1, int(height * scale))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA) if scale < 1 else rgb
    bgr = cv2.cvtColor(small, cv2.COLOR_RGB2BGR)
    encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
    return bytes(encoded)


def _read(body: bytes) -> Reply:
    """What a completion says. Raises ``ValueError`` for anything else."""
    try:
        answer = json.loads(body)
        choice, usage = answer["choices"][0], answer.get("usage") or {}
        text = choice["message"]["content"]
        if not isinstance(text, str):
            raise TypeError
        is_cut = choice.get("finish_reason") == "length"
        prompt, new = (int(usage.get(f"{of}_tokens") or 0) for of in ("prompt", "completion"))
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError("no chat completion") from error
    return Reply(text, "length" if is_cut else "stop", prompt, new)
