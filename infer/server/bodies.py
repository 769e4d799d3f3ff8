"""Bodies of requests, read up to a limit and within a time; what is refused is not read."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from curation.networks.serving import error_object
from curation.picture import decoding
from curation.picture.decoding import PictureError
from infer.server.fields import Fields, of_json
from infer.server.offer import MOST_INPUTS
from infer.server.refusal import Refusal, RefusalError, wrong

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

MOST_JSON = 1 << 20  # bytes
_SECONDS = 60.0  # for a body to arrive
_LINGER = 2.0  # seconds in which a refused client may finish sending and read why
_FILES, _FIELDS, _PART = 64, 64, 256 << 10
_IMAGES = ("image", "image[]")
MASK, CONTROL = "mask", "control_image"
GONE = Refusal(499, "client_gone", "the client has gone")
TOO_SLOW = Refusal(408, "request_timeout", "the body did not arrive within a minute")


@dataclass(frozen=True)
class Uploads:
    """Files of a form."""

    images: tuple[bytes, ...] = ()
    mask: bytes = b""
    control: bytes = b""


async def json_fields(request: Request) -> Fields:
    """The fields of a JSON body. Raises ``RefusalError``."""
    if _type(request) != "application/json":
        raise _other_type("application/json")
    async with _limited(request, MOST_JSON) as limited:
        data = await limited.body()
    return Fields(of_json(data))


async def form_fields(request: Request, most: int, *, edits: bool) -> tuple[Fields, Uploads]:
    """The fields and files of a form of at most so many bytes: images to edit and a mask, or else
    an image to follow. Raises ``RefusalError``.
    """
    if not is_form(request):
        raise _other_type("multipart/form-data")
    texts: dict[str, Any] = {}
    names = (*_IMAGES, MASK) if edits else (CONTROL,)
    files: dict[str, list[bytes]] = {name: [] for name in names}
    async with (
        _limited(request, most) as limited,
        limited.form(max_files=_FILES, max_fields=_FIELDS, max_part_size=_PART) as form,
    ):
        for name, value in form.multi_items():
            if name in names:
                if not isinstance(value, UploadFile):
                    raise wrong(f"{name}: expected a file", name)
                files[name].append(await value.read())
            elif isinstance(value, UploadFile):
                raise wrong(f"{name[:40]}: expected text, not a file", name[:40])
            elif name in texts:
                raise wrong(f"{name[:40]}: is there twice", name[:40])
            else:
                texts[name] = value
    uploads = _of_edit(files) if edits else _of_control(files[CONTROL])
    named = [(f"image {number}", data) for number, data in enumerate(uploads.images, 1)]
    named += [(MASK, uploads.mask)] if uploads.mask else []
    named += [(CONTROL, each) for each in files.get(CONTROL, ())]
    await asyncio.to_thread(_look, named)
    return Fields(texts, is_form=True), uploads


def is_form(request: Request) -> bool:
    """Whether the body says that it is a form."""
    return _type(request) == "multipart/form-data"


def _type(request: Request) -> str:
    return request.headers.get("content-type", "").split(";")[0].strip()


def _of_edit(files: dict[str, list[bytes]]) -> Uploads:
    images = [each for name in _IMAGES for each in files[name]]
    masks = files[MASK]
    if not 1 <= len(images) <= MOST_INPUTS:
        raise wrong(f"image: {len(images)} images; expected 1 to {MOST_INPUTS}", "image")
    if len(masks) > 1 or (masks and len(images) > 1):
        raise wrong("mask: expected one mask, for one image", MASK)
    if masks and not masks[0]:
        raise wrong("mask: is empty", MASK)
    return Uploads(tuple(images), masks[0] if masks else b"")


def _of_control(images: list[bytes]) -> Uploads:
    if len(images) > 1:
        raise wrong(f"{CONTROL}: {len(images)} images; expected one", CONTROL)
    return Uploads(control=images[0] if images else b"")


def _other_type(expected: str) -> RefusalError:
    return Refusal(415, "invalid_content_type", f"expected Content-Type: {expected}").error()


def _look(named: list[tuple[str, bytes]]) -> None:
    """Raises ``RefusalError`` for what is no image; the worker decodes it."""
    for name, data in named:
        try:
            decoding.read_header(data)
        except PictureError as error:
            message = f"{name}: {error.reason}: {error.detail}"
            raise wrong(message, name.split()[0], "invalid_image") from None


@asynccontextmanager
async def _limited(request: Request, most: int) -> AsyncIterator[Request]:
    """The same request, whose body may have ``most`` bytes and take a minute."""
    too_large = Refusal(413, "request_too_large", f"expected a body of at most {most:,} bytes")
    length = request.headers.get("content-length", "0")
    if not length.isascii() or not length.isdecimal() or len(length) > 18 or int(length) > most:
        raise too_large.error()
    read = 0

    async def receive() -> "Message":
        nonlocal read
        message = await request.receive()
        read += len(message.get("body", b""))
        if read > most:
            raise too_large.error()
        if not message.get("more_body"):
            request.state.is_read = True
        return message

    try:
        async with asyncio.timeout(_SECONDS):
            yield Request(request.scope, receive)
    except TimeoutError:
        raise TOO_SLOW.error() from None
    except ClientDisconnect:
        raise GONE.error() from None


class Refused(Response):
    """A refusal as OpenAI's error object. A client that is still sending may go on for a while:
    a connection that ends with bytes unread takes the answer along.
    """

    media_type = "application/json"

    def __init__(self, refusal: Refusal, *, is_read: bool) -> None:
        after = {"Retry-After": str(refusal.after)} if refusal.after else {}
        body = error_object(refusal.message, refusal.kind, refusal.code, refusal.param)
        super().__init__(body, refusal.status, after)
        self._is_read = is_read

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer."""
        if self._is_read:
            await super().__call__(scope, receive, send)
            return
        headers = [*self.raw_headers, (b"connection", b"close")]
        start = {"type": "http.response.start", "status": self.status_code, "headers": headers}
        await send(start)
        await send({"type": "http.response.body", "body": bytes(self.body), "more_body": True})
        with suppress(TimeoutError):
            async with asyncio.timeout(_LINGER):
                while (await receive()).get("more_body"):
                    pass
        await send({"type": "http.response.body", "body": b""})
