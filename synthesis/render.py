"""``python -m synthesis.render``: text images into shards, with a gallery and a contact sheet."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from curation.failures import commands
from curation.storage import user_paths
from synthesis.fonts.languages import LANGUAGES

EXAMPLES = """Examples:

\b
  python -m synthesis.render --lang zh --mode pure --n 64 --out text/pages
  python -m synthesis.render --lang en --mode scene --size 640 --n 64 --out text/scenes
  python -m synthesis.render --lang zh --mode template --templates mine.yaml --out text/layouts
  python -m synthesis.render --lang zh --need need.tsv --out text/rare
  python -m synthesis.render --lang en --mode edit --kinds text.replace=2,object.add --out pairs
  python -m synthesis.render --lang en --mode strings --size 64x32 --n 8192 --out text/strings

\b
Exit codes: 0 done, 1 a bug, 2 wrong use, 3 some images could not be rendered, 4 disk or
input/output, 130 interrupted."""
app = commands.application()


class ModeName(StrEnum):
    """What is rendered: ``strings`` are a trainer's toy, one to four characters in fixed cells."""

    pure = "pure"
    scene = "scene"
    template = "template"
    mix = "mix"
    strings = "strings"
    edit = "edit"


Language = Annotated[str, typer.Option(help=f"Language of the texts: {', '.join(LANGUAGES)}.")]
Out = Annotated[
    Path,
    typer.Option(
        help="Folder for shards, manifest, gallery and contact sheet.", parser=user_paths.path
    ),
]
Number = Annotated[
    int | None,
    typer.Option(min=1, help="Number of images; else 64, or as many as --need asks for."),
]
Need = Annotated[
    str | None,
    typer.Option(
        help="Characters that are to be shown, and in how many images each: lines of both with a "
        "tab between, as python -m taxonomy.deficit and train.flywheel print them (pure in zh; "
        "strings).",
        parser=user_paths.place,
    ),
]
Mode = Annotated[
    ModeName,
    typer.Option(
        help="pure: clean pages; scene: texts on sixteen media; template: ninety-five layouts "
        "(en, zh); mix: all three; strings: one to four characters, for a trainer; edit: pairs of "
        "images with instructions (en, zh)."
    ),
]
Kinds = Annotated[
    str | None,
    typer.Option(
        help="Operations of mode edit with their shares, as text.replace=2,object.add, or groups "
        "of them, as restoration; else all."
    ),
]
Parallel = Annotated[
    str | None,
    typer.Option(
        help="Your texts for translations in mode edit: .jsonl with `en` and `zh`.",
        parser=user_paths.place,
    ),
]
Size = Annotated[
    str | None,
    typer.Option(
        help="WIDTHxHEIGHT in pixels, or 256, 640, 1328: that class in nine aspect ratios, a "
        "layout only in those that suit it."
    ),
]
Seed = Annotated[int, typer.Option(help="Same seed, same images.")]
Workers = Annotated[int, typer.Option(min=1, help="Processes; images do not differ.")]
Corpus = Annotated[
    str | None,
    typer.Option(
        help="Your texts: .txt (a paragraph per line), .jsonl or .parquet with `text`. "
        "Layouts take only paragraphs from them.",
        parser=user_paths.place,
    ),
]
CorpusOnly = Annotated[
    bool,
    typer.Option(
        "--corpus-only",
        help="No text but yours: no pages of hanzi that they lack (pure).",
    ),
]
Licence = Annotated[
    str | None, typer.Option(help="Licence of your texts, e.g. CC-BY-4.0, kept in the shards.")
]
Fonts = Annotated[
    str | None,
    typer.Option(
        help="A font file, a folder of them, or packs (python -m synthesis.fonts --packs), "
        "instead of the system's.",
        parser=user_paths.place,
    ),
]
Backgrounds = Annotated[
    str | None,
    typer.Option(
        help="Your images to put scenes in: a folder, or shards.", parser=user_paths.place
    ),
]
Templates = Annotated[
    str | None,
    typer.Option(
        help="Your layouts instead of ours: a YAML file or a folder; python -m "
        "synthesis.template checks and previews them.",
        parser=user_paths.place,
    ),
]
PartSize = Annotated[int, typer.Option(min=1, help="Images per shard.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@app.command(epilog=EXAMPLES)
def render(
    lang: Language,
    out: Out,
    n: Number = None,
    mode: Mode = ModeName.pure,
    size: Size = None,
    seed: Seed = 1,
    workers: Workers = 1,
    corpus: Corpus = None,
    corpus_only: CorpusOnly = False,
    licence: Licence = None,
    fonts: Fonts = None,
    backgrounds: Backgrounds = None,
    templates: Templates = None,
    need: Need = None,
    kinds: Kinds = None,
    parallel: Parallel = None,
    part_size: PartSize = 500,
    as_json: Json = False,
) -> None:
    """Render text images with exact captions and boxes into shards of curation's schema.

    OUT gets the shards (captions, the captioner's JSON, quads of every block, line, word and
    glyph), manifest.json, contact_sheet.png, and gallery.html, which shows the boxes over the
    images. A run that was interrupted goes on where it stopped; finished shards are kept.
    """
    from synthesis import jobs, rendering

    job = jobs.prepare(
        lang,
        mode.value,
        seed=seed,
        size=size,
        corpus=corpus,
        corpus_only=corpus_only,
        licence=licence,
        fonts=fonts,
        backgrounds=backgrounds,
        templates=templates,
        need=need,
        kinds=kinds,
        parallel=parallel,
    )
    count = jobs.number(job, n)
    for note in jobs.notes(job, size, corpus):
        print(f"synthesis.render: {note}", file=sys.stderr)  # noqa: T201
    summary = rendering.run(job, count, str(out), workers, part_size)
    text = (
        json.dumps(summary, ensure_ascii=False, indent=1) if as_json else rendering.as_text(summary)
    )
    print(text)  # noqa: T201 - the result belongs on stdout
    rendering.refuse_missing(summary)


if __name__ == "__main__":
    commands.main("synthesis.render", app)
