"""The paths of the server, and what answers at each."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from curation.networks.counting import MEDIA_TYPE, Counted
from curation.networks.serving import Access, Guarded
from infer.server import bodies
from infer.server.answering import Answering, within
from infer.server.bodies import Refused
from infer.server.metrics import Metrics
from infer.server.offer import Offer, Wish
from infer.server.pool import Pool
from infer.server.refusal import Refusal, RefusalError
from infer.server.rewriting import Rewriting

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_PAGE = Path(__file__).with_name("page")
_FILES = {  # what the page consists of
    "/": ("page.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/mask.js": ("mask.js", "text/javascript"),
    "/control.js": ("control.js", "text/javascript"),
    "/history.js": ("history.js", "text/javascript"),
    "/stream.js": ("stream.js", "text/javascript"),
}
PUBLIC = (*_FILES, "/health")
_INTERNAL = Refusal(500, "internal_error", "a bug of the server; see its log")


@dataclass(frozen=True)
class Service:
    """What requests are answered from. ``uploads`` is the most bytes of a form; ``notes`` are for
    who uses the page.
    """

    offer: Offer
    pool: Pool
    metrics: Metrics
    public_key: str
    uploads: int = 64 << 20
    notes: Sequence[str] = ()
    rewriting: Rewriting = field(default_factory=Rewriting)
    started: int = field(default_factory=lambda: int(time.time()))

    def application(self, access: Access) -> "ASGIApp":
        """The ASGI application."""
        get, post = ["GET"], ["POST"]
        routes = [
            *(Route(path, self._file, methods=get) for path in _FILES),
            Route("/about", self._about, methods=get),
            Route("/check", self._check, methods=post),
            Route("/health", self._health, methods=get),
            Route("/metrics", self._metrics, methods=get),
            Route("/v1/models", self._models, methods=get),
            Route("/v1/provenance", self._provenance, methods=get),
            Route("/v1/images/generations", self._generations, methods=post),
            Route("/v1/images/edits", self._edits, methods=post),
        ]
        handlers: Any = {RefusalError: _error, HTTPException: _http, 500: _bug}
        app = Starlette(routes=routes, exception_handlers=handlers)
        app.router.redirect_slashes = False
        known = {route.path for route in routes}
        return Counted(Guarded(app, access, PUBLIC), self.metrics, known)

    async def _generations(self, request: Request) -> Response:
        if bodies.is_form(request):
            fields, files = await bodies.form_fields(request, self.uploads, edits=False)
            wish = self.offer.wanted(fields, control_image=files.control)
        else:
            wish = self.offer.wanted(await bodies.json_fields(request))
        return await self._answer(request, wish)

    async def _edits(self, request: Request) -> Response:
        fields, files = await bodies.form_fields(request, self.uploads, edits=True)
        return await self._answer(request, self.offer.wanted(fields, files.images, files.mask))

    async def _answer(self, request: Request, wish: Wish) -> Response:
        until = time.monotonic() + self.pool.limits.seconds
        if wish.enhances:
            wish = await within(request, self._rewritten(wish), self.pool.limits.seconds)
        usual = self.offer.usual
        answering = Answering(self.pool, self.metrics, usual.width * usual.height)
        return await answering.answer(request, wish, until - time.monotonic())

    async def _rewritten(self, wish: Wish) -> Wish:
        asked, reason = await self.rewriting.rewritten(wish.asked)
        warnings = (*self.offer.beyond(asked), *([reason] if reason else []))
        return replace(wish, asked=asked, warnings=warnings)

    async def _check(self, request: Request) -> Response:
        """What a request of the page would be told, before it is sent."""
        fields = await bodies.json_fields(request)
        is_edit = fields.flag("edit")
        wish = self.offer.wanted(fields, (b"",) if is_edit else ())
        if wish.enhances:
            self.rewriting.check(wish.asked)
        return JSONResponse({"warnings": list(wish.warnings)})

    async def _about(self, _: Request) -> Response:
        about = self.offer.about()
        about["enhances"] = self.rewriting.is_on
        return JSONResponse({**about, "notes": [*about["notes"], *self.notes]})

    async def _health(self, _: Request) -> Response:
        states = self.pool.states()
        is_well = bool(states["idle"] + states["busy"])
        said = "ok" if is_well else "loading" if states["loading"] else "no worker"
        content = {"status": said, "workers": states, "waiting": len(self.pool)}
        return JSONResponse(content, 200 if is_well else 503)

    async def _metrics(self, _: Request) -> Response:
        return Response(self.metrics.text(), media_type=MEDIA_TYPE)

    async def _models(self, _: Request) -> Response:
        model = {"id": self.offer.name, "object": "model", "created": self.started}
        return JSONResponse({"object": "list", "data": [{**model, "owned_by": "inkstone"}]})

    async def _provenance(self, _: Request) -> Response:
        return Response(self.public_key, media_type="application/x-pem-file")

    async def _file(self, request: Request) -> Response:
        name, kind = _FILES[request.url.path]
        return Response((_PAGE / name).read_bytes(), media_type=kind)


async def _error(request: Request, error: RefusalError) -> Response:
    return _refused(request, error.refusal)


def _refused(request: Request, refusal: Refusal) -> Response:
    is_read = request.method == "GET" or getattr(request.state, "is_read", False)
    return Refused(refusal, is_read=is_read)


async def _http(request: Request, error: HTTPException) -> Response:
    codes = {404: "not_found", 405: "method_not_allowed"}
    code = codes.get(error.status_code, "invalid_request")
    message = f"{error.detail}"[:200]
    return _refused(request, Refusal(error.status_code, code, message))


async def _bug(_: Request, __: Exception) -> Response:
    return Refused(_INTERNAL, is_read=True)
