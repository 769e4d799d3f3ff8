"""Answers with images: all at once, or as a stream of events with progress."""

import asyncio
import json
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from infer.server.bodies import GONE
from infer.server.metrics import Metrics
from infer.server.offer import Wish
from infer.server.pool import Pool
from infer.server.refusal import Refusal, RefusalError
from infer.server.waiting import Made, Wanted

Came = TypeVar("Came")
TOO_LATE = Refusal(504, "timeout", "the images were not made in time; ask for fewer or smaller")


class Answering:
    """Has wishes made by a pool."""

    def __init__(self, pool: Pool, metrics: Metrics, usual: int) -> None:
        """``usual`` are the pixels of an image whose size is not known."""
        self._pool, self._metrics, self._usual = pool, metrics, usual

    async def answer(self, request: Request, wish: Wish, seconds: float) -> Response:
        """In so many seconds. Raises ``RefusalError``."""
        listed = wish.asked.several(wish.count)
        wanted = [Wanted(asked, asked.cost(self._usual)) for asked in listed]
        if wish.is_stream:
            events = Events(self._pool, wish, wanted, seconds)
            self._pool.admit(wanted)
            return StreamingResponse(events.lines(), media_type="text/event-stream")
        begun = time.monotonic()
        self._pool.admit(wanted)
        try:
            together = asyncio.gather(*(each.answer for each in wanted))
            made = await within(request, together, seconds)
        finally:
            self._pool.drop(wanted)
        self._metrics.latency.observe(time.monotonic() - begun)
        return JSONResponse(
            {
                "created": int(time.time()),
                "data": [{**_shown(each), **_revised(wish)} for each in made],
                "output_format": "png",
                "size": _size(made[0]),
                "warnings": list(wish.warnings),
            }
        )


async def within(request: Request, work: Awaitable[Came], seconds: float) -> Came:
    """What comes of it, unless the client goes or the time passes, which cancel it.

    Raises ``RefusalError``.
    """
    working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(_gone(request))
    try:
        both: set[asyncio.Future[Any]] = {working, leaving}
        done, _ = await asyncio.wait(both, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if working in done:
            return working.result()
        raise (GONE if done else TOO_LATE).error()
    finally:
        leaving.cancel()
        working.cancel()


class Events:
    """The events of a wish: ``image_generation.progress``, ``.completed`` and ``error``, each with
    the ``index`` of an image; what is not made within ``seconds`` is one.
    """

    def __init__(self, pool: Pool, wish: Wish, wanted: list[Wanted], seconds: float) -> None:
        self._pool, self._wish, self._wanted, self._seconds = pool, wish, wanted, seconds
        self._events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        for index, each in enumerate(wanted):
            self._listen(index, each)

    def _listen(self, index: int, wanted: Wanted) -> None:
        put = self._events.put_nowait

        def ended(answer: "asyncio.Future[Made]") -> None:
            if answer.cancelled():
                return
            error = answer.exception()
            if error is None:
                made = answer.result()
                shown = {"size": _size(made), **_shown(made)}
                put({"type": "image_generation.completed", "index": index, **shown})
            elif isinstance(error, RefusalError):
                put(_error(error.refusal, index))

        wanted.watch = lambda step, of: put(
            {"type": "image_generation.progress", "index": index, "step": step, "of": of}
        )
        wanted.answer.add_done_callback(ended)

    async def lines(self) -> AsyncIterator[str]:
        """As server-sent events, until every image is answered or the client goes."""
        left = set(range(len(self._wanted)))
        warnings, revised = list(self._wish.warnings), _revised(self._wish)
        begun = {"type": "image_generation.begun", "warnings": warnings, **revised}
        try:
            yield _line({**begun, "seeds": [each.asked.seed for each in self._wanted]})
            async with asyncio.timeout(self._seconds):
                while left:
                    event = await self._events.get()
                    if event["type"] != "image_generation.progress":
                        left.discard(event["index"])
                    yield _line(event)
        except TimeoutError:
            for index in sorted(left):
                yield _line(_error(TOO_LATE, index))
        finally:
            self._pool.drop(self._wanted)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _shown(made: Made) -> dict[str, Any]:
    return {"b64_json": b64encode(made.png).decode("ascii"), "seed": made.seed}


def _revised(wish: Wish) -> dict[str, str]:
    """OpenAI's field for a prompt that was written anew."""
    return {"revised_prompt": wish.asked.prompt} if wish.asked.given else {}


def _size(made: Made) -> str:
    return "{}x{}".format(*made.size)


def _error(refusal: Refusal, index: int) -> dict[str, Any]:
    error = {"message": refusal.message, "type": refusal.kind, "code": refusal.code}
    return {"type": "error", "index": index, "error": error}


def _line(event: dict[str, Any]) -> str:
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"
