"""From the words of a command line to a ``Job``: sizes, fonts and texts looked up and checked."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

from curation.failures.errors import UsageError
from curation.strict_yaml import did_you_mean
from synthesis import corpus as corpora
from synthesis import image_sizes
from synthesis.characters import need as needs
from synthesis.fonts import files as font_files
from synthesis.fonts.languages import LANGUAGES
from synthesis.image_sizes import Size
from synthesis.job import Job, Mode
from synthesis.pure import strings
from synthesis.template import loading, resources

DEFAULT_SIZE = {"pure": "256x256", "scene": "640", "template": "640", "mix": "640", "edit": "640"}
DEFAULT_NUMBER = 64  # images
IMAGES = (".jpg", ".jpeg", ".png", ".webp", ".parquet")
TEMPLATES = (".yaml", ".yml")


def prepare(
    language: str,
    mode: str,
    *,
    seed: int = 1,
    size: str | None = None,
    corpus: str | None = None,
    licence: str | None = None,
    fonts: str | None = None,
    backgrounds: str | None = None,
    templates: str | None = None,
    need: str | None = None,
    corpus_only: bool = False,
    kinds: str | None = None,
    parallel: str | None = None,
) -> Job:
    """The job those settings mean. Raises ``UsageError`` for what cannot be done."""
    if need and (language, mode) != ("zh", "pure") and mode != "strings":
        raise UsageError(
            f"--need is for --lang zh --mode pure, and mode strings, not {language} and {mode}"
        )
    if corpus_only and (not corpus or need or mode != "pure"):
        raise UsageError("--corpus-only is for mode pure with --corpus, and without --need")
    if language not in LANGUAGES:
        raise UsageError(f"--lang {language}: expected one of {', '.join(LANGUAGES)}")
    if mode == "strings":
        return _strings(language, seed, size, fonts, need, alone=(corpus, licence))
    _check_modes(mode, backgrounds, templates)
    if parallel and mode != "edit":
        raise UsageError(f"--parallel is for mode edit, not {mode}")
    if mode == "edit" or kinds:
        _check_edits(mode, language)
    own_templates = _files("--templates", templates, TEMPLATES)
    sizes = _sizes(mode, language, size or DEFAULT_SIZE[mode], own_templates)
    texts = corpora.load(language, corpus)
    job = Job(
        language=language,
        mode=cast(Mode, mode),
        seed=seed,
        sizes=sizes,
        fonts=font_files.find(language, fonts),
        paragraphs=texts.paragraphs,
        corpus_digest=texts.digest,
        licence=licence or (None if corpus else corpora.SHIPPED_LICENCE),
        backgrounds=_files("--backgrounds", backgrounds, IMAGES),
        templates=own_templates,
        pages=texts.pages,
        need=needs.read(need) if need else (),
        plain=corpus_only,
        kinds=_kinds(kinds) if kinds else (),
    )
    return _editing(job, fonts, parallel) if mode == "edit" else job


def number(job: Job, asked: int | None) -> int:
    """How many images to render: as many as are ``asked`` for, or needed. Raises ``UsageError``."""
    if not job.need:
        return asked or DEFAULT_NUMBER
    most = len(job.needed.turns)
    if not most:
        raise UsageError("--need: none of the fonts here can render any of its characters")
    if asked and asked > most:
        raise UsageError(f"--n {asked}: {most} images show what --need asks for; leave --n out")
    return asked or most


def _check_modes(mode: str, backgrounds: str | None, templates: str | None) -> None:
    if backgrounds and mode not in {"scene", "mix", "edit"}:
        raise UsageError(f"--backgrounds is for modes scene, mix and edit, not {mode}")
    if templates and mode not in {"template", "mix", "edit"}:
        raise UsageError(f"--templates is for modes template, mix and edit, not {mode}")


def _check_edits(mode: str, language: str) -> None:
    if mode != "edit":
        raise UsageError(f"--kinds is for mode edit, not {mode}")
    if language not in resources.languages():
        known = ", ".join(resources.languages())
        raise UsageError(f"--mode edit: there are no edits in {language!r}, only in {known}")


def _editing(job: Job, fonts: str | None, parallel: str | None) -> Job:
    """The job with what translations need; none where no face can write the other language."""
    from synthesis.edits.translating import OPERATION, into

    try:
        faces = font_files.find(into(job.language), fonts)
    except UsageError:
        if OPERATION in dict(job.kinds):
            raise
        return job
    return replace(job, other_fonts=faces, parallel=corpora.parallel(parallel))


def _kinds(text: str) -> tuple[tuple[str, float], ...]:
    """``text.replace=2,object.add``: operations and shares; a share that is not said is 1.

    ``restoration=2`` are all operations of that group, which share it.
    """
    from synthesis.edits.kinds import OPERATIONS

    shares: dict[str, float] = {}
    for entry in text.split(","):
        name, _, share = entry.strip().partition("=")
        names = [of for of in OPERATIONS if name in (of, of.partition(".")[0])]
        if not names:
            groups = dict.fromkeys(of.partition(".")[0] for of in OPERATIONS)
            hint = did_you_mean(name, (*OPERATIONS, *groups))
            raise UsageError(
                f"--kinds: no operation {name!r}{hint}; there are {', '.join(OPERATIONS)}, and for "
                f"all of a group its name: {', '.join(groups)}"
            )
        try:
            one_share = float(share or 1) / len(names)
        except ValueError as problem:
            raise UsageError(f"--kinds {entry}: expected a number after =") from problem
        if not (0 < one_share < float("inf")):
            raise UsageError(f"--kinds {entry}: expected a share above 0")
        shares.update(dict.fromkeys(names, one_share))
    return tuple(sorted(shares.items()))


def _sizes(mode: str, language: str, size: str, templates: tuple[str, ...]) -> tuple[Size, ...]:
    """The sizes that are rendered, once the templates are known to be right."""
    sizes = image_sizes.sizes(size)
    if _has_layouts(mode, language, templates):
        loading.check(templates, language, sizes)
    return loading.suited(templates, language, sizes) if mode == "template" else sizes


def notes(job: Job, size: str | None, corpus: str | None) -> Iterator[str]:
    """What a user might miss in the images of a job, in sentences."""
    if sizes := left_out(job, size):
        yield sizes
    if job.need:
        yield from job.needed.notes()
    if corpus and _has_layouts(job.mode, job.language, job.templates):
        yield (
            f"--corpus {corpus}: layouts take their words from their templates, and only whole "
            "paragraphs from your texts; bring layouts of your own by --templates"
        )
    if corpus and job.language == "zh" and job.mode in ("pure", "mix") and not job.plain:
        yield (
            f"--corpus {corpus}: characters of the national table that your texts lack have pages "
            "of their own, so that every character is learnt"
            + ("; --corpus-only leaves these out" if job.mode == "pure" else "")
        )


def _has_layouts(mode: str, language: str, templates: tuple[str, ...]) -> bool:
    return mode in {"template", "edit"} or (
        mode == "mix" and (bool(templates) or language in resources.languages())
    )


def left_out(job: Job, size: str | None) -> str | None:
    """A sentence on the sizes of a class that the user's templates do not suit; ``None`` if all."""
    if not job.templates:
        return None
    size = size or DEFAULT_SIZE[job.mode]
    asked = image_sizes.sizes(size)
    suited = loading.suited(job.templates, job.language, asked)
    without = ", ".join(
        loading.ratio_of(canvas_size) for canvas_size in asked if canvas_size not in suited
    )
    if not without:
        return None
    return (
        f"--templates: {len(suited)} of the {len(asked)} sizes of class {size} are rendered; "
        f"no template suits {without} (`ratios` of a template says which it suits)"
    )


def _strings(
    language: str,
    seed: int,
    size: str | None,
    fonts: str | None,
    need: str | None,
    alone: Iterable[str | None],
) -> Job:
    if language not in strings.DEFAULT_SIZE:
        known = ", ".join(strings.DEFAULT_SIZE)
        raise UsageError(f"--mode strings: there is none in {language!r}; expected {known}")
    width, height = strings.DEFAULT_SIZE[language]
    (chosen,) = image_sizes.sizes(size or f"{width}x{height}")[:1]
    strings.check_size(language, *chosen)
    if any(alone):
        raise UsageError("--corpus and --licence: mode strings has no texts")
    face = strings.choose_face(language, fonts)
    characters = strings.CHARACTERS[language]
    licence = corpora.SHIPPED_LICENCE
    wanted = needs.read(need) if need else ()
    job = Job(language, "strings", seed, (chosen,), (face,), (), characters, licence)
    return replace(job, need=wanted)


def _files(option: str, where: str | None, suffixes: tuple[str, ...]) -> tuple[str, ...]:
    """The files of a folder, or the one file; in an order of their own contents' names."""
    if where is None:
        return ()
    root = Path(where)
    paths = [root] if root.is_file() else sorted(root.rglob("*"))
    chosen = tuple(str(path) for path in paths if path.suffix.lower() in suffixes)
    if not chosen:
        raise UsageError(f"{option} {where}: no file there that ends in {', '.join(suffixes)}")
    return chosen
