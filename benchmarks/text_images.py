"""What a text image costs, beside other renderers that draw the same texts with the same fonts.

``python -m benchmarks.text_images`` (``--kinds lines``, ``--images 20000``, ``--n 100000``; with
``--json FILE`` the rows of contests)

All draw in turn, each in a process of its own, on one thread; figures are medians over the turns
of CPU time per image (all threads and processes of a renderer), written as a file in memory.
Peers live below ``.cache/peers`` (``python -m benchmarks.peers.installing``) and are skipped with
the reason where they cannot be had. The bars are issue 4's; the exit code is 1 if one is missed.

Ours counts after 1,000 images, when caches are as full as in most of a job, a peer after two
batches. *Bare* is the same image from what was laid out: its background painted, its glyphs
rendered for the first time, its PNG encoded by our writer or by OpenCV's; the pixels are compared.
*Memory* is how the resident memory of one process grows that is its own: pages of font files,
which the system maps and may drop, are told beside it. *Faults* are looked for by
``benchmarks.peers.faults`` without asking the engine.
"""

import json
import os
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Annotated, Any

import typer

from benchmarks.peers import faults, fields
from benchmarks.peers.contests import Contest, Renderer, Result, Running, run
from benchmarks.peers.installing import Absent
from curation.failures.errors import UsageError

BAR_GROWTH = 2048.0  # bytes an image
BAR_FACES = 40
_BATCH = 250  # images between two looks at the memory
_WARM = 3000  # images until every glyph of the corpus has been met
_EXAMPLES = 6


def _verdict(met: bool) -> str:
    return "ok" if met else "MISSED"


def _show(contest: Contest, results: dict[str, Result | str]) -> bool:
    """Print a contest; whether every bar is met."""
    own = results[contest.ours.label]
    print(f"\n{contest.name}")
    if isinstance(own, str):
        print(f"  skipped: {own}")
        return True
    met = own.milliseconds <= contest.bar
    print(
        f"  {'ours':46}{own.milliseconds:9.2f} ms (bar {contest.bar:g}) {_verdict(met)}"
        f"  {_spread(own)}  {_about(own)}"
    )
    others = [*contest.others, *contest.bare]
    return all([met, *(_show_other(renderer, results[renderer.label], own) for renderer in others)])


def _show_other(renderer: Renderer, result: Result | str, own: Result) -> bool:
    if isinstance(result, str):
        print(f"  {renderer.label:46}  skipped: {result}")
        return True
    line = f"  {renderer.label:46}{result.milliseconds:9.2f} ms"
    if renderer.label.startswith("bare"):
        share = own.milliseconds / result.milliseconds
        met = renderer.bar is None or share <= renderer.bar
        line += f"  ours {share:.2f}x of it (bar {renderer.bar:g}) {_verdict(met)}"
        line += f", {result.totals['different']:.0f} images differ"
    else:
        times = result.milliseconds / own.milliseconds
        met = renderer.bar is None or times >= renderer.bar
        bar = "for information" if renderer.bar is None else f"bar {renderer.bar:g}"
        line += f"  {times:.1f}x ours ({bar}) {_verdict(met) if renderer.bar else ''}"
    print(f"{line}  {_spread(result)}  {_about(result)}{_wrong_breaks(result)}")
    return met


def _spread(result: Result) -> str:
    return f"[{1000 * min(result.times):.2f} to {1000 * max(result.times):.2f}]"


def _about(result: Result) -> str:
    pixels, characters = result.per_picture("pixels"), result.per_picture("characters")
    return f"{pixels / 1000:.0f} kpx, {characters:.0f} characters"


def _wrong_breaks(result: Result) -> str:
    if not result.totals.get("breaks"):
        return ""
    wrong = result.totals["kinsoku"] + result.totals["words"]
    return f", {wrong / result.totals['breaks']:.1%} of {result.totals['breaks']:.0f} breaks wrong"


def _rows(contest: Contest, results: dict[str, Result | str]) -> list[dict[str, Any]]:
    """Of each renderer the median per image, or why it is absent."""
    rows: list[dict[str, Any]] = []
    for renderer in (contest.ours, *contest.others, *contest.bare):
        result = results[renderer.label]
        row: dict[str, Any] = {"contest": contest.name, "renderer": renderer.label}
        if isinstance(result, str):
            rows.append(row | {"absent": result})
            continue
        row |= {"ms": result.milliseconds, "least": 1000 * min(result.times)}
        row |= {"most": 1000 * max(result.times), "pixels": result.per_picture("pixels")}
        rows.append(row | {"characters": result.per_picture("characters")})
    return rows


def _memory(mode: str, language: str, size: str, images: int) -> bool:
    """Print how the memory of a process grows; whether the bar is met."""
    title = f"memory, {mode} {language} {size}"
    try:
        with Running(fields.ours(language, mode, size, _BATCH)) as running:
            running.draw(_WARM)
            steps = range(max(4, images // _BATCH))
            seen = [running.draw(_BATCH)["counts"] for _ in steps]
    except Absent as reason:
        print(f"{title}: skipped: {reason}")
        return True
    growth = _growth([counts["own"] for counts in seen])
    with_fonts = _growth([counts["resident"] for counts in seen])
    met = growth < BAR_GROWTH
    print(
        f"{title}: {growth:.0f} bytes an image over {len(seen) * _BATCH} after {_WARM} "
        f"(bar {BAR_GROWTH:.0f}) {_verdict(met)}; with pages of font files {with_fonts:.0f}; "
        f"at the end {seen[-1]['own'] / 2**20:.0f} of {seen[-1]['resident'] / 2**20:.0f} MiB"
    )
    return met


def _growth(seen: Sequence[float]) -> float:
    """Bytes an image, from the mean of the first tenth of the looks to that of the last."""
    few = max(1, len(seen) // 10)
    return (mean(seen[-few:]) - mean(seen[:few])) / ((len(seen) - few) * _BATCH)


def _faults(pictures: int, workers: int) -> bool:
    """Print what was found in many images; whether the bars are met."""
    counts = faults.look(pictures, workers)
    faces = sum(name.startswith("face: ") for name in counts)
    wrong = {name: counts[name] for name in ("notdef", "empty", "kinsoku", "words")}
    met = faces >= BAR_FACES and not any(wrong.values())
    print(
        f"\nfaults: {counts['pictures']} images, {counts['glyphs']} glyphs, {faces} faces "
        f"(bar {BAR_FACES}), {counts['lines']} lines ({counts['soft breaks']} that we broke): "
        f"{wrong['notdef']} glyphs missing, {wrong['empty']} without ink, {wrong['kinsoku']} "
        f"breaks against kinsoku, {wrong['words']} inside words (bars 0) {_verdict(met)}"
    )
    _tell(counts, "rejected: ", 10)
    _tell(counts, "example: ", _EXAMPLES)
    return met


def _tell(counts: Counter[str], prefix: str, most: int) -> None:
    chosen = Counter({name: count for name, count in counts.items() if name.startswith(prefix)})
    for name, count in chosen.most_common(most):
        print(f"  {name}: {count}")


def main(
    kinds: Annotated[str, typer.Option(help="Of lines,paragraphs,scenes,slides,memory,faults.")] = (
        "lines,paragraphs,scenes,slides,memory,faults"
    ),
    languages: Annotated[str, typer.Option(help="Of en,zh.")] = "en,zh",
    repeats: Annotated[int, typer.Option(help="Turns that count.")] = 7,
    slide_size: Annotated[str, typer.Option(help="Of slides.")] = "1280x720",
    images: Annotated[int, typer.Option(help="Images over which memory is watched.")] = 3000,
    n: Annotated[int, typer.Option(help="Images looked through for faults.")] = 3000,
    workers: Annotated[int, typer.Option(help="Processes that look for faults.")] = 2,
    json_path: Annotated[Path | None, typer.Option("--json", help="File for rows.")] = None,
) -> None:
    """Print the figures; the exit code is 1 if a bar is missed.

    Example: python -m benchmarks.text_images --images 20000 --n 100000
    """
    wanted = set(kinds.split(","))
    if unknown := wanted - {*fields.KINDS, "memory", "faults"}:
        raise typer.BadParameter(f"--kinds: unknown {', '.join(sorted(unknown))}")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; CPU time per image")
    met, rows = True, list[dict[str, Any]]()
    with tempfile.TemporaryDirectory() as name:
        for language in languages.split(",") if wanted & set(fields.KINDS) else ():
            try:
                for contest in fields.contests(Path(name), language, wanted, slide_size):
                    renderers = [contest.ours, *contest.others, *contest.bare]
                    results = run(renderers, repeats)
                    met &= _show(contest, results)
                    rows += _rows(contest, results)
            except UsageError as reason:
                print(f"\n{language}: skipped: {reason}")
    if "memory" in wanted:
        print()
        for language in languages.split(","):
            met &= _memory("pure", language, "256x256", images)
        met &= _memory("mix", "zh", "256x256", images)
    if "faults" in wanted:
        met &= _faults(n, workers)
    if json_path:
        json_path.write_text(json.dumps(rows, indent=1, ensure_ascii=False), encoding="utf-8")
    print(f"\nload {os.getloadavg()[0]:.1f} at the end")
    raise typer.Exit(0 if met else 1)


if __name__ == "__main__":
    typer.run(main)
