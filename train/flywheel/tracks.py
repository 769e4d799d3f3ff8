"""What goes to whom: files of each track below ``data/``, ``prompt/`` and ``rl/``, ``plan.json``
and ``commands.sh``.
"""

import json
import shlex
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from curation import storage
from train.flywheel import commands, words
from train.flywheel.attribution import Attributed
from train.flywheel.cases import EVALUATION
from train.flywheel.deficits import Deficit
from train.flywheel.settings import Settings

_RETRIEVED = """# Beside what your pipeline says: rows that were retrieved are free of its quotas.
signals: [taxonomy.signals, taxonomy.retrieval]
settings:
  retrieved: {{rows: {rows}}}
# and in quotas `by: cut_limited` in place of cut, `by: domain_limited` in place of domain
"""


def write(
    out: Path,
    listed: Sequence[Attributed],
    deficit: Deficit,
    to: Settings,
    about: Mapping[str, Any],
) -> dict[str, Any]:
    """All files; returns the plan. What their commands leave lies beside them, so that writing them
    again deletes none of it. ``about`` has the ``pool`` of retrieval, what was ``rewritten``
    by source and id, and the ``distrusted`` rewards. Raises ``OSError``.
    """
    for name in ("data", "prompt", "rl"):
        shutil.rmtree(out / name, ignore_errors=True)
    by_track = {
        name: [each for each in listed if each.finding and each.finding.track == name]
        for name in ("data", "prompt", "rl")
    }
    _data(out / "data", deficit)
    enhance = _prompt(out / "prompt", by_track["prompt"], about["rewritten"])
    pairs = _rl(out / "rl", by_track["rl"], listed, to, about["distrusted"])
    lines = _script(out, deficit, to, about["pool"] or "POOL", enhance, pairs)
    _text(out / "commands.sh", lines)
    plan = {
        "characters": deficit.characters,
        "layouts": [
            dict(zip(("characters", "lines", "prompts"), of, strict=True)) for of in deficit.layouts
        ],
        "texts": len(deficit.texts),
        "keywords": deficit.keywords,
        "retrieve": list(deficit.prompts),
        "enhance": enhance,
        "pairs": pairs,
        "distrusted": about["distrusted"],
        "commands": lines.splitlines(),
    }
    _text(out / "plan.json", json.dumps(plan, ensure_ascii=False, indent=1) + "\n")
    return plan


def _script(out: Path, deficit: Deficit, to: Settings, pool: str, enhance: int, pairs: int) -> str:
    """Lines for a shell that carry out the plan, and write to siblings of the tracks' folders."""
    lacking = deficit.characters, bool(deficit.layouts), len(deficit.texts)
    lines = commands.as_text(commands.renderings(*lacking, to, out / "data", out / "rendered"))
    if looking := commands.retrieval(deficit, to, out / "data", pool):
        rows, extra = out / "retrieved.jsonl", out / "data" / "retrieved.yaml"
        lines += f"{commands.as_text(looking).rstrip()} > {shlex.quote(str(rows))}\n"
        curating = ("beam", "run", "PIPELINE", "--output", pool, "--config", "CONFIG")
        lines += f"# CONFIG has the lines of {json.dumps(str(extra), ensure_ascii=False)}\n"
        lines += commands.as_text([curating])
        _text(extra, _RETRIEVED.format(rows=json.dumps(str(rows), ensure_ascii=False)))
    if enhance:
        asked = ("--prompts", str(out / "prompt" / "enhance.jsonl"), "--enhance", "URL_OR_FOLDER")
        written = ("--checkpoint", "CHECKPOINT", *asked, "-o", str(out / "images"))
        lines += commands.as_text([(commands.PYTHON, "-m", "infer", *written)])
    if pairs:
        given = ["--preset", "dpo", "--data", "SHARDS", "--weights", "CHECKPOINT"]
        given += ["--config", str(out / "rl" / "dpo.yaml"), "--out", str(out / "trained")]
        lines += commands.as_text([(commands.PYTHON, "-m", "train", *given)])
    return lines


def _data(folder: Path, deficit: Deficit) -> None:
    _text(folder / "need.tsv", "".join(f"{of}\t{n}\n" for of, n in deficit.characters.items()))
    _lines(folder / "texts.jsonl", [{"text": text} for text in deficit.texts])
    _text(folder / "queries.txt", "".join(f"{word}\n" for word in deficit.keywords))
    _lines(folder / "failed.jsonl", [{"prompt": prompt} for prompt in deficit.prompts])


def _prompt(
    folder: Path, own: Sequence[Attributed], rewritten: Mapping[tuple[str, str], str]
) -> int:
    """Prompts for the enhancer, and pairs of degraded and fine ones to teach it by."""
    prompts = list(dict.fromkeys(each.case.prompt for each in own))
    _lines(folder / "enhance.jsonl", [{"prompt": prompt} for prompt in prompts])
    pairs: dict[tuple[str, str], str] = {}
    for each in own:
        case, finding = each.case, each.finding
        if finding and finding.cause == "rewritten" and (fine := rewritten.get(case.of_prompt)):
            pairs[case.prompt, fine] = "its images are right"
        elif finding and finding.cause == "unsaid":
            pairs[case.prompt, _saying(case.prompt, case.texts)] = "says the text; to be looked at"
    _lines(
        folder / "rewrites.jsonl",
        [{"degraded": own, "fine": fine, "why": why} for (own, fine), why in pairs.items()],
    )
    return len(prompts)


def _saying(prompt: str, texts: Sequence[str]) -> str:
    """The prompt with the texts that it was to show."""
    if len(words.latin(prompt)) < len(words.content(prompt)):
        return f"{prompt.rstrip()}文字是" + "、".join(f"“{of}”" for of in texts) + "。"
    return f"{prompt.rstrip()} The text reads " + ", ".join(f'"{of}"' for of in texts) + "."


def _rl(
    folder: Path,
    own: Sequence[Attributed],
    listed: Sequence[Attributed],
    to: Settings,
    distrusted: Mapping[str, Any],
) -> int:
    """Prompts with why, rewards not to train by, and pairs of images for DPO."""
    said: dict[str, dict[str, Any]] = {}
    for each in own:
        if each.finding:
            said[each.case.prompt] = {"cause": each.finding.cause, "why": each.finding.detail}
    _lines(folder / "prompts.jsonl", [{"prompt": prompt, **of} for prompt, of in said.items()])
    _text(
        folder / "rewards.json", json.dumps({"distrusted": distrusted}, ensure_ascii=False) + "\n"
    )
    pairs = []
    for key in dict.fromkeys(each.case.of_prompt for each in own):
        best = [of.case for of in listed if of.case.of_prompt == key and _is_usable(of, to)]
        best.sort(key=lambda case: (-(case.wins - case.losses), -case.score, case.k))
        if len(best) > 1 and (best[0].score, best[0].wins) != (best[-1].score, best[-1].wins):
            chosen, rejected = (_kept(folder, of.id, of.image) for of in (best[0], best[-1]))
            pairs.append({"prompt": best[0].prompt, "chosen": chosen, "rejected": rejected})
    if pairs:
        _lines(folder / "pairs.jsonl", pairs)
        place = json.dumps(str(folder / "pairs.jsonl"), ensure_ascii=False)
        _text(folder / "dpo.yaml", f"objective: {{name: dpo, file: {place}}}\n")
    return len(pairs)


def _is_usable(each: Attributed, to: Settings) -> bool:
    """Whether its image may be trained on: those of an evaluation may only where that is said."""
    is_judged = each.case.origin == EVALUATION and not to.plan.pairs_of_evaluations
    return bool(each.case.image) and not is_judged


def _kept(folder: Path, name: str, image: str) -> str:
    """The image beside the pairs, under a name of ours."""
    storage.write_bytes(str(folder / "pairs" / f"{name}.png"), Path(image).read_bytes())
    return f"pairs/{name}.png"


def _lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    _text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def _text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    storage.write_bytes(str(path), text.encode("utf-8", "replace"))
