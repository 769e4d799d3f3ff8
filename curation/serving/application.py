"""The pages of ``beam serve``, each from a link alone; what changes something is a small POST."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

from curation.failures.errors import UsageError
from curation.inspect.explanation import value_said
from curation.networks.counting import MEDIA_TYPE, Counted
from curation.networks.serving import Access
from curation.networks.weights import MissingModelError
from curation.output.column_files import ColumnFileError, UnmeasuredColumnError
from curation.output.finished import OutcomeError
from curation.report.page import environment
from curation.serving import exporting, guard, sliders, trials, views
from curation.serving.asked import SHOWN, Asked
from curation.serving.guard import Door
from curation.serving.metrics import Metrics
from curation.serving.pictures import SIDES, MissingImageError
from curation.serving.site import NoRowError, Selection, Site
from curation.strict_yaml import expected_one_of

HERE = Path(__file__).parent
STYLE = HERE.parent / "report" / "style.html"
MISSING = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 320"><text x="160" y="165" '
    'font-family="sans-serif" font-size="20" fill="#888" text-anchor="middle">{}</text></svg>'
)
_FAILURES = (ColumnFileError, UnmeasuredColumnError, OSError)
Answer = Callable[[Request], Response]


def application(site: Site, access: Access) -> Counted:
    """The server's ASGI application over a run, for who has ``access``."""
    pages = _Pages(site)
    routes = [
        Route("/", pages.grid),
        Route("/image/{number:int}", pages.image),
        Route("/bounds", pages.bounds),
        Route("/judge", pages.judge),
        Route("/pair", pages.pair),
        Route("/columns", pages.columns),
        Route("/export", pages.export),
        Route("/picture/{number:int}/{which:int}/{side}", pages.picture),
        Route("/marks", pages.mark, methods=["POST"]),
        Route("/pairs", pages.prefer, methods=["POST"]),
        Route(guard.ENTER, pages.enter, methods=["GET"]),
        Route("/page.css", pages.style),
        Route("/page.js", pages.script),
        Route("/favicon.ico", lambda request: Response(status_code=204)),
        Route(guard.HEALTH, pages.health),
        Route("/metrics", pages.metrics),
    ]
    handlers: dict[Any, Any] = {UsageError: pages.refused, MissingModelError: pages.refused}
    handlers |= dict.fromkeys(_FAILURES, pages.failed)
    handlers |= {NoRowError: pages.missing, OutcomeError: pages.gone}
    if access.token:
        routes.append(Route(guard.ENTER, pages.entered(access), methods=["POST"]))
    known = {route.path.partition("/{")[0] for route in routes}
    door = Door(Starlette(routes=routes, exception_handlers=handlers), access)
    return Counted(door, pages.counted, known)


class _Pages:
    """The pages over a ``site``."""

    def __init__(self, site: Site) -> None:
        self._site, self._environment = site, environment(HERE / "templates")
        self.counted = Metrics(len(site.rows))
        self._environment.filters |= {"figures": _figures, "said_value": value_said, "sign": _sign}
        style = STYLE.read_text(encoding="utf-8")
        own = (HERE / "templates" / "page.css").read_text(encoding="utf-8")
        self._style = style.replace("<style>", "").replace("</style>", "") + own
        self._script = (HERE / "templates" / "page.js").read_text(encoding="utf-8")

    def grid(self, request: Request) -> Response:
        """Images that meet a condition, with what became of them."""
        asked = Asked.of_query(request.query_params)
        selection = self._selection(asked)
        numbers, start = selection.numbers, (asked.page - 1) * asked.show
        shown = numbers[start : start + asked.show].tolist()
        return self._page(
            "grid.html",
            asked=asked,
            cards=views.cards(self._site, shown, selection.said, asked.plain),
            total=len(numbers),
            first=start + 1,
            pages=max(1, -(-len(numbers) // asked.show)),
            counts=self._site.counts(numbers),
            fallen=self._site.fallen(numbers),
            by=self._site.neighbours.columns,
            near=None if asked.near is None else self._site.named(asked.near)[1],
            sizes=SHOWN,
        )

    def image(self, request: Request) -> Response:
        """An image with all its columns, and why it is where it is."""
        asked, number = Asked.of_query(request.query_params), request.path_params["number"]
        self._check()
        details = views.details(self._site, number)
        before, after = _beside(self._selection(asked), number)
        columns = self._site.neighbours.columns
        return self._page(
            "image.html", asked=asked, of=details, card=details.card, before=before, after=after,
            by=columns,
        )  # fmt: skip

    def bounds(self, request: Request) -> Response:
        """Every bound with a slider."""
        asked = Asked.of_query(request.query_params)
        self._check()
        moved = self._site.trials.parsed(asked.moved)
        ruled = [*sliders.ruled(self._site, moved)]
        return self._page("bounds.html", asked=asked, ruled=ruled, rows=len(self._site.rows))

    def judge(self, request: Request) -> Response:
        """What moved bounds come to, as JSON."""
        self._check()
        known = self._site.trials
        moved = known.parsed(request.query_params.get("moved", ""))
        with self.counted.judged.time():
            trial = known.trial(moved)
        compared = trial.comparison
        asked = Asked(moved=trials.said(trial.moved))
        changed = sorted(compared.rules_before.keys() | compared.rules_after.keys())
        pipeline = str(self._site.rows.run.get("pipeline"))
        content = {
            "moved": asked.moved,
            "bounds": dict(trial.moved),
            "before": dict(compared.before),
            "after": dict(compared.after),
            "numbers": {name: int(of.sum()) for name, of in trial.rows.items()},
            "links": {name: "/" + asked.link(would=name) for name in trials.CHANGES},
            "unmeasured": compared.unmeasured,
            "captions": [
                (split, compared.captions_before[split], compared.captions_after[split])
                for split in compared.captions_after
            ],
            "rules": [
                (rule, compared.rules_before[rule], compared.rules_after[rule])
                for rule in changed
                if compared.rules_before[rule] != compared.rules_after[rule]
            ],
            "notes": [*([compared.missing()] if compared.unmeasured else []), *compared.notes],
            "yaml": "\n".join(trials.as_yaml(pipeline, known.bounds, trial.moved)) + "\n"
            if trial.moved
            else "",
        }
        return JSONResponse(content, headers={"cache-control": "no-store"})

    def pair(self, request: Request) -> Response:
        """Two images, of which one is better: neighbours in the selection, page by page."""
        asked = Asked.of_query(request.query_params)
        numbers = self._selection(asked).numbers
        start = 2 * (asked.page - 1)
        two = numbers[start : start + 2].tolist()
        cards = views.cards(self._site, two, {}, True) if len(two) == 2 else []
        names = [self._site.named(number)[0] or "" for number in two]
        first = tuple(sorted(names))
        preferred = self._site.recorder.said.preferred
        better = preferred.get((first[0], first[-1])) if cards else None
        best = names.index(better) if better in names else -1
        return self._page("pair.html", asked=asked, cards=cards, best=best, pairs=len(numbers) // 2)

    def columns(self, request: Request) -> Response:
        """The columns that a condition may name."""
        known = self._site.rows.described
        rows = [
            (name, str(kind), known[name].unit if name in known else "",
             known[name].meaning if name in known else "")
            for name, kind in sorted(self._site.types.items())
        ]  # fmt: skip
        return self._page("columns.html", asked=Asked(), rows=rows)

    def export(self, request: Request) -> Response:
        """The selection as a file."""
        asked = Asked.of_query(request.query_params)
        form = request.query_params.get("as", "keys")
        if form not in exporting.FORMATS:
            raise UsageError(f"as: {expected_one_of(form[:80], exporting.FORMATS)}")
        numbers = self._selection(asked).numbers
        name = f"selection.{'csv' if form == 'csv' else 'txt'}"
        return StreamingResponse(
            exporting.lines(self._site, numbers, form),
            media_type=f"{exporting.FORMATS[form]}; charset=utf-8",
            headers={
                "content-disposition": f'attachment; filename="{name}"',
                "cache-control": "no-store",
            },
        )

    def picture(self, request: Request) -> Response:
        """A row's image, small or large, or an input of an edit."""
        of = request.path_params
        self._site.check(of["number"])
        if of["side"] not in SIDES or of["which"] > 3:
            raise NoRowError(f"expected /picture/<number>/<0 to 3>/{' or '.join(SIDES)}")
        try:
            data = self._site.pictures.image(of["number"], of["which"], of["side"])
        except MissingImageError as missing:
            content = MISSING.format(_escaped(str(missing)[:60]))
            return Response(content, media_type="image/svg+xml", headers=_SHORTLY)
        return Response(data, media_type="image/webp", headers=_SHORTLY)

    async def mark(self, request: Request) -> Response:
        """Pick or rate an image."""
        said = await _body(request)
        self._check()
        number, recorder = _number(said, "number"), self._site.recorder
        self._site.check(number)
        identity, key = self._site.named(number)
        if identity is None:
            raise UsageError("an image that could not be read has no id to keep a pick by")
        try:
            if "pick" in said:
                recorder.pick(identity, key, said["pick"])
            if "rating" in said:
                recorder.rate(identity, key, said["rating"])
        except ValueError as error:
            raise UsageError(str(error)) from None
        self.counted.said.inc()
        return JSONResponse(self._site.mark(number)._asdict())

    async def prefer(self, request: Request) -> Response:
        """Say which of two images is better."""
        said = await _body(request)
        self._check()
        numbers = [_number(said, name) for name in ("first", "second")]
        for number in numbers:
            self._site.check(number)
        best = said.get("best")
        if best is not None and best not in numbers:
            raise UsageError("best: expected one of the two numbers, or null")
        names = [self._site.named(number) for number in numbers]
        ids = [identity or "" for identity, _ in names]
        if not all(ids) or ids[0] == ids[1]:
            raise UsageError("expected two images that could be read, not of the same bytes")
        chosen = None if best is None else ids[numbers.index(int(best))]
        self._site.recorder.prefer(ids, [key for _, key in names], chosen)
        self.counted.said.inc()
        return JSONResponse({"best": best})

    def enter(self, request: Request) -> Response:
        """Where the token is asked for."""
        return self._page("enter.html", next=request.query_params.get("next", "/"), wrong=False)

    def entered(self, access: Access) -> Callable[[Request], Any]:
        """Takes the token, and gives a cookie for it."""

        async def take(request: Request) -> Response:
            form = await request.form(max_files=0, max_fields=4)
            target = str(form.get("next", "/"))
            if not target.startswith("/") or target.startswith(("//", "/\\")):
                target = "/"
            given = str(form.get("token", "")).strip()
            if not access.has_token(f"Bearer {given}"):
                page = self._page("enter.html", next=target, wrong=True)
                page.status_code = 401
                return page
            answer = RedirectResponse(target, 303)
            answer.set_cookie(guard.COOKIE, given, httponly=True, samesite="strict")
            return answer

        return take

    def style(self, request: Request) -> Response:
        """The report's style, and what the pages have besides."""
        return Response(self._style, media_type="text/css", headers={"cache-control": "no-cache"})

    def script(self, request: Request) -> Response:
        """The only script."""
        headers = {"cache-control": "no-cache"}
        return Response(self._script, media_type="text/javascript", headers=headers)

    def health(self, request: Request) -> Response:
        """Whether it serves: 503 where the run is another one by now."""
        self._check()
        return PlainTextResponse("ok\n", headers={"cache-control": "no-store"})

    def metrics(self, request: Request) -> Response:
        """What was counted, for Prometheus."""
        return Response(self.counted.text(), media_type=MEDIA_TYPE)

    def refused(self, request: Request, error: Exception) -> Response:
        """A sentence for what cannot be done as asked."""
        return self._sentence(request, str(error), 400)

    def missing(self, request: Request, error: Exception) -> Response:
        """A sentence for what is not there; of a change that was asked for it is a wrong value."""
        return self._sentence(request, str(error), 400 if request.method == "POST" else 404)

    def gone(self, request: Request, error: Exception) -> Response:
        """A sentence where the run is no longer the one that is served."""
        return self._sentence(request, str(error), 503)

    def failed(self, request: Request, error: Exception) -> Response:
        """A sentence for what went wrong with a file."""
        return self._sentence(request, str(error), 500)

    def _sentence(self, request: Request, sentence: str, status: int) -> Response:
        if request.url.path in ("/judge", "/marks", "/pairs"):
            return JSONResponse({"error": sentence}, status)
        back = "?" + request.url.query if request.url.query else ""
        page = self._page("message.html", sentence=sentence, asked=Asked(), back=back)
        page.status_code = status
        return page

    def _selection(self, asked: Asked) -> Selection:
        self._check()
        return self._site.selection(asked)

    def _check(self) -> None:
        """Raises ``OutcomeError`` where the run is another one by now."""
        if self._site.rows.changed():
            raise OutcomeError(
                f"{self._site.rows.output}: a run has written there since; end beam serve and "
                "start it again"
            )

    def _page(self, template: str, **values: Any) -> HTMLResponse:
        content = self._environment.get_template(template).render(run=self._site.rows.run, **values)
        data = content.encode("utf-8", "replace")
        return HTMLResponse(data, headers={"cache-control": "no-store"})


_SHORTLY = {"cache-control": "private, max-age=300"}


def _beside(selection: Selection, number: int) -> tuple[int | None, int | None]:
    """The rows before and after one in a selection."""
    numbers = selection.numbers
    places = (numbers == number).nonzero()[0]
    if not len(places):
        return None, None
    place = int(places[0])
    before = int(numbers[place - 1]) if place else None
    return before, int(numbers[place + 1]) if place + 1 < len(numbers) else None


async def _body(request: Request) -> dict[str, Any]:
    try:
        content = json.loads(await request.body())
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise UsageError("expected a JSON object")
    return content


def _number(said: dict[str, Any], name: str) -> int:
    number = said.get(name)
    if not isinstance(number, int) or isinstance(number, bool):
        raise UsageError(f"{name}: expected the number of an image")
    return number


def _figures(value: object) -> str:
    """A number with all its digits, as an input takes it."""
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _sign(rule: str) -> str:
    return {"min": "≥", "max": "≤"}.get(rule.rpartition(".")[2], "in")


def _escaped(content: str) -> str:
    from markupsafe import escape

    return str(escape(content))
