"""A run whose captioner refuses and truncates: those captions are quarantined, no image is."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from making.collection import drawing, encoded
from making.in_process import ask_here
from making.pipelines import WITHOUT_MODELS
from making.runs import carry_out, ledger_rows, run_in_process

from captioning.backends.backend import Backend, Captioner, Question, Reply
from captioning.recaption import READ, RecaptionSettings, recaption
from curation import shard
from curation.inspect import caption_promises, explain, gate
from curation.judging.caption_ends import CaptionEnds
from curation.judging.ledger import LedgerError
from curation.report import write_report
from curation.report.summary import funnel
from curation.shard.annotation import KEYS, Annotation
from curation.signals import discovery
from curation.signals.row import Row
from curation.signals.signal import CAPTIONS, Signal

ALONE = ["--direct_num_workers=1", "--direct_running_mode=in_memory"]
SHIPPED = [entry for entry in discovery.discover() if entry.tier != "model"]
RULES = "        captions: {raw: {words: {min: 2}}, recaption: {quote_precision: {min: 0.5}}}\n"
SAID: dict[str, dict[str, list[str]]] = {
    "good": {"caption_raw": ["a dog of Notre Dame", "dog"]},
    "refused": {"caption_raw": ["a cat"]},
    "truncated": {},
    "invented": {"caption_raw": ["a house"]},  # its recaption quotes what is not there
    "own": {"caption_recaption": ["a tree, its source says"], "caption_fused": ["a tree", "oak"]},
    "fused": {"caption_fused": ["its own", "and another"]},
}


class Stub(Backend):
    """A back end that replies by the image; ``key_of`` names these by their ids."""

    key_of: dict[str, str]

    def check(self) -> None:
        """All is there."""

    def captioner(self) -> Captioner:
        return self  # type: ignore[return-value]

    def answer(self, questions: Sequence[Question], attempt: int = 0) -> Sequence[Reply]:
        return [REPLIES.get(self.key_of[of.id], said("A table.")) for of in questions]


def said(caption: str) -> Reply:
    values = dict(zip(KEYS, (caption, "photograph", "realistic", [], "no"), strict=True))
    return Reply(Annotation.model_validate(values).as_json(), "stop", 100, 20)


REPLIES = {
    "refused": Reply("", reason="refused"),
    "truncated": Reply('{"Caption": "a', "length"),
    "invented": said('A house that says "INVENTED".'),
}


def stub(key_of: dict[str, str]) -> Signal:
    """The signal with a back end that replies by the image, and sees nothing else of it."""
    measure = recaption.function(RecaptionSettings(backend=Stub(key_of=key_of)))

    def look(rows: Sequence[Row]) -> list[dict[str, Any]]:
        for row in rows:
            row.columns = {**dict.fromkeys(READ), **row.columns}
        values: list[dict[str, Any]] = measure(rows)
        return values

    name = f"recaption{id(key_of)}"  # loaded models are kept by name
    return dataclasses.replace(
        recaption, name=name, function=lambda _: look, reads=(CAPTIONS,), short_side=256
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("refused")
    key_of: dict[str, str] = {}
    for number, (name, captions) in enumerate(SAID.items()):
        data = encoded(drawing(number, 300))
        key_of[shard.content_id(data)] = name
        image = root / "in" / f"{name}.jpg"
        image.parent.mkdir(exist_ok=True)
        image.write_bytes(data)
        if captions:
            image.with_suffix(".json").write_text(json.dumps(captions), "utf-8")
    (root / "in" / "broken.jpg").write_bytes(data[:200])
    (root / "in" / "broken.txt").write_text("a broken one")
    asked = "    measure: [caption_recaption]\n    signals: []\n"
    text = WITHOUT_MODELS.replace("    signals: []\n", asked).rstrip("\n") + "\n" + RULES
    (root / "pipelines.yaml").write_text(
        text.replace("signals: []", "signals: [captioning.recaption]")
    )
    own = stub(key_of)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(discovery, "discover", lambda modules=(): [*SHIPPED, own])
        ask_here(patch)
        carry_out([str(root / "in")], str(root / "out"), ALONE, 8)
    return root / "out"


def ends(rows: list[dict[str, Any]]) -> dict[str, list[str]]:
    """By image what became of each caption, in short."""
    return {
        row["key"].split(".")[0]: [
            " ".join(filter(None, (of["split"], of["verdict"], of["rule"] or of["reason"])))
            for of in row["captions"]
        ]
        for row in rows
    }


def test_captions_are_quarantined_alone_and_images_stay(finished: Path) -> None:
    rows = ledger_rows(finished)
    assert {row["key"].split(".")[0]: row["verdict"] for row in rows} == {
        **dict.fromkeys(SAID, "kept"),
        "broken": "quarantined",
    }
    invented = "dropped caption_recaption.quote_precision.min"
    assert ends(rows) == {
        "good": [
            "raw kept",
            "raw dropped caption_raw.words.min",
            "recaption kept",
            "fused kept",
        ],
        "refused": ["raw kept", "recaption quarantined refused"],
        "truncated": ["recaption quarantined truncated"],
        "invented": ["raw kept", f"recaption {invented}", f"fused {invented}"],
        "own": ["recaption kept", "fused kept", "fused kept"],
        "fused": ["recaption kept", "fused kept", "fused kept"],
        "broken": ["raw dropped image quarantined: truncated"],
    }


def test_what_a_source_says_is_not_replaced_by_what_a_model_wrote(finished: Path) -> None:
    [file] = (finished / "shards").glob("*.parquet")
    rows = {row["key"].split(".")[0]: row for row in pq.read_table(file).to_pylist()}
    said = {
        name: [(of["text"], of["stage"]) for of in rows[name]["caption_fused"] or ()]
        for name in SAID
    }
    assert said == {
        "good": [("A table. The source names Notre Dame.", "s2")],
        "refused": [],
        "truncated": [],
        "invented": [('A house that says "INVENTED".', "s1")],
        "own": [("a tree", "s2"), ("oak", "s2")],
        "fused": [("its own", "s2"), ("and another", "s2")],
    }


def test_run_page_and_funnel_say_how_many(finished: Path) -> None:
    run = json.loads((finished / "run.json").read_text("utf-8"))
    of = run["counts"]["captions"]["splits"]
    assert {split: [*counts.values()][:4] for split, counts in of.items()} == {
        "raw": [5, 3, 2, 0],
        "recaption": [6, 3, 1, 2],
        "fused": [6, 5, 1, 0],
    }
    assert of["recaption"]["quarantine"] == {"refused": 1, "truncated": 1}
    assert of["raw"]["with_image"] == {"dropped": {}, "quarantined": {"truncated": 1}}
    line = "recaption captions: in 6 = kept 3 + dropped 1 + quarantined 2"
    assert line in funnel(run["counts"]).splitlines()
    page = Path(write_report(str(finished))).read_text("utf-8")
    assert "refused 1, truncated 1" in page and "s2 words.min 1" in page


def test_the_gate_counts_captions_itself(finished: Path) -> None:
    checked = [of for of in gate.check(str(finished)) if of.name in caption_promises.NAMES]
    assert len(checked) == 9 and all(of.passed for of in checked)
    run = json.loads((finished / "run.json").read_text("utf-8"))
    of = run["counts"]["captions"]["splits"]["recaption"]
    of["in"], of["kept"], of["stages"]["s2"] = 7, 4, 4
    kept = caption_promises.Kept({("recaption", "s2"): 3, ("raw", "s2"): 3, ("fused", "s2"): 5})
    broken = [of for of in caption_promises.promises(str(finished), run, kept) if not of.passed]
    assert [(of.name, of.unexpected) for of in broken] == [(name, 1) for name in
                                                           caption_promises.NAMES]  # fmt: skip


def test_explain_says_what_became_of_each_and_nothing_internal(finished: Path) -> None:
    def said(name: str) -> str:
        (explanation,) = explain.explain(str(finished), f"{name}.jpg")
        return explain.as_text(explanation)

    invented = said("invented")
    assert 'recaption: A house that says "INVENTED".\n' in invented
    by = "caption_recaption.quote_precision.min: 0 is below 0.5"
    assert invented.count(f"dropped at stage s2 by {by}") == 2
    assert "recaption: none\n                quarantined: refused\n" in said("refused")
    assert "caption_raw.words.min: 1 is below 2" in said("good")
    assert "dropped: image quarantined: truncated" in said("broken")
    for internal in ("captions_digest", "source_digest", "captions_raw", "'stage': None"):
        assert internal not in invented


def test_a_miscount_fails_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(encoded(drawing(0, 300)))
    (tmp_path / "in" / "a.txt").write_text("a dog")
    monkeypatch.setattr(CaptionEnds, "total", lambda *_: {"raw": 2})
    with pytest.raises(LedgerError, match="2 raw captions, but 1 kept"):
        run_in_process(tmp_path / "in", tmp_path / "out")
    assert not (tmp_path / "out" / "_SUCCESS").exists()
