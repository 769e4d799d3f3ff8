"""Which renderers meet at which kind of picture, with which bars."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.peers import installing, materials, slides
from benchmarks.peers.contests import Contest, Renderer
from benchmarks.peers.installing import Absent
from benchmarks.peers.materials import Materials

# issue 4: milliseconds a picture, how many times a peer's time, at most so much of the bare time
LINE, LINE_TIMES = 1.0, 8.0
PARAGRAPH, PARAGRAPH_TIMES = 6.5, 20.0
SCENE, SCENE_TIMES = 25.0, 35.0
SLIDE, SLIDE_TIMES = 15.0, 5.0
BARE = 1.3
KINDS = ("lines", "paragraphs", "scenes", "slides")
_EM = "46"  # pixels, of lines 64 pixels high
_SLIDES = 240
_WARM = 1000  # pictures of ours before the first turn: a tenth of a usual job
_AT_LARGE = "ours, with rare characters and pages"


def contests(folder: Path, language: str, kinds: set[str], slide_size: str) -> Iterator[Contest]:
    """The contests of a language, their materials written below the folder."""
    given = materials.make(folder, language)
    if "lines" in kinds:
        yield _lines(language, given)
    if "paragraphs" in kinds:
        yield _paragraphs(language, given)
    if "scenes" in kinds:
        yield _scenes(language, given)
    if "slides" in kinds:
        yield _slides(folder, language, given, slide_size)


def ours(
    language: str, mode: str, size: str, batch: int, label: str = "ours", **setup: str
) -> Renderer:
    """Our own renderer."""
    settings = {"language": language, "mode": mode, "size": size, "variant": "default", **setup}
    return Renderer(label, "ours", settings, batch, warm=_WARM)


def _bare(renderer: Renderer) -> tuple[Renderer, ...]:
    """Its pixels once more."""
    return tuple(
        replace(renderer, label=variant, setup={**renderer.setup, "variant": variant}, bar=BARE)
        for variant in ("bare by OpenCV", "bare")
    )


def _given(language: str, given: Materials, variant: str, **setup: str) -> dict[str, str]:
    settings = {
        "language": language,
        "variant": variant,
        "fonts": given.fonts,
        "pictures": given.pictures,
        "colours": given.colours,
        "running": given.running,
    }
    return {**{name: str(value) for name, value in settings.items()}, **setup}


def _checkout(name: str) -> tuple[str, str]:
    """The peer's checkout, or else why it is absent."""
    try:
        return str(installing.source(name)), ""
    except Absent as reason:
        return "", str(reason)


def _lines(language: str, given: Materials) -> Contest:
    corpus = {"fonts": str(given.fonts), "corpus": str(given.json_lines(given.lines))}
    own = ours(language, "pure", "512x64", 250, texts="given", **corpus)

    def settings(variant: str, **setup: str) -> dict[str, str]:
        return _given(language, given, variant, lines=str(given.lines), what="lines", **setup)

    source, absent = _checkout("synthtiger-examples")
    others = [
        Renderer(
            "SynthTIGER, its example with its effects",
            *("synthtiger", settings("default", em=_EM, source=source), 6),
            peer="synthtiger-examples",
            bar=LINE_TIMES,
            absent=absent,
        ),
        Renderer(
            "SynthTIGER, no effects",
            *("synthtiger", settings("plain", em=_EM), 20),
            peer="synthtiger",
            bar=LINE_TIMES,
        ),
        Renderer(
            "trdg, defaults", "trdg", settings("default", height="64"), 15, "trdg", LINE_TIMES
        ),
        Renderer(
            "trdg, white, no noise", "trdg", settings("plain", height="64"), 15, "trdg", LINE_TIMES
        ),
    ]
    others.append(ours(language, "pure", "512x64", 250, _AT_LARGE, **corpus))
    return Contest(f"lines, {language}, 512x64", own, LINE, others, _bare(own))


def _paragraphs(language: str, given: Materials) -> Contest:
    corpus = {"fonts": str(given.fonts), "corpus": str(given.json_lines(given.paragraphs))}
    own = ours(language, "pure", "640x640", 100, texts="given", **corpus)

    def tiger(label: str, variant: str, batch: int, bar: float | None) -> Renderer:
        texts = {"lines": str(given.paragraphs), "what": "paragraphs", "em": _EM}
        setup = _given(language, given, variant, **texts)
        return Renderer(label, "synthtiger", setup, batch, "synthtiger", bar)

    others = [tiger("SynthTIGER, a box per glyph as ours", "plain", 3, PARAGRAPH_TIMES)]
    if language == "en":
        others.append(tiger("SynthTIGER, a box per word only", "words", 8, None))
    others.append(ours(language, "pure", "640x640", 100, _AT_LARGE, **corpus))
    return Contest(f"paragraphs, {language}, 640x640", own, PARAGRAPH, others, _bare(own))


def _scenes(language: str, given: Materials) -> Contest:
    own = ours(language, "scene", "640x640", 50, fonts=str(given.fonts))
    source, absent = _checkout("synthdog")
    settings = {
        variant: _given(language, given, variant, source=source) for variant in ("default", "plain")
    }
    others = [
        Renderer(label, "synthdog", settings[variant], 3, "synthdog", bar, absent)
        for label, variant, bar in (
            ("SynthDoG, its configuration", "default", SCENE_TIMES),
            ("SynthDoG, effects off", "plain", None),
        )
    ]
    return Contest(f"scenes, {language}, 640x640", own, SCENE, others)


def _slides(folder: Path, language: str, given: Materials, size: str) -> Contest:
    places = {"fonts": str(given.fonts), "templates": str(slides.templates(folder))}
    own = ours(language, "template", size, 40, **places)
    place = given.fonts.parent / "slides.jsonl"
    slides.write(place, given.fonts, dict(own.setup), _SLIDES)
    others = [
        Renderer(label, "chromium", {"slides": str(place), "variant": variant}, 15, "chromium", bar)
        for label, variant, bar in (
            ("Chromium, a document per slide", "default", SLIDE_TIMES),
            ("Chromium, one page kept, quickest PNG", "kept", None),
        )
    ]
    return Contest(f"slides, {language}, {size}", own, SLIDE, others, _bare(own))
