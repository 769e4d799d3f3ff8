"""What sections take of the files that their commands leave, and say of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.results.chapters import SECTIONS
from benchmarks.results.section import Section

METRICS = {
    "exact": {"value": 0.75, "low": 0.5, "high": 0.9, "n": 8, "images": 8, "ceiling": 1.0},
    "right (rapidocr)": {"value": 0.25, "low": None, "high": None, "n": 8, "ceiling": None},
}
RESULT = {"metrics": METRICS, "versions": {}}
RUNS = [
    {"arm": arm, "seed": seed, "steps": 9, "cpu_seconds": 30.0, "accuracy": right, "loss": 0.02}
    for arm, rights in (("curated", (0.8, 0.9)), ("raw", (0.4, 0.6)))
    for seed, right in enumerate(rights)
]
LEFT: dict[str, dict[str, Any]] = {
    "curation_cost": {
        "rows.json": {
            "cost": [
                {"megapixels": "0.18", "files": 9, "tool": tool, "start_up_s": 3.0}
                | {"ms_beyond": 2.0, "ms_with": 4.0, "ours_beyond": ours, "ours_with": ours}
                for tool, ours in (("beam run", 1.0), ("Data-Juicer", 0.25))
            ],
            "truncated": [{"tool": "beam run", "whole": 9, "truncated": 3, "lost": 0, "kept": 1}],
        }
    },
    "rendering_cost": {
        "rows.json": [
            {"contest": "lines", "renderer": name, "ms": ms, "least": 1.0, "most": 9.0}
            | {"characters": 20.0, "pixels": 9.0}
            for name, ms in (("ours", 2.0), ("SynthTIGER, no effects", 50.0), ("bare", 1.0))
        ]
        + [{"contest": "lines", "renderer": "trdg", "absent": "no network"}]
    },
    "scale": {
        "runs.json": [
            {"count": count, "cpu": {"measure": cpu}, "peak": {"measure": 90.0}}
            for count, cpu in ((100, 1.0), (1000, 4.6))
        ]
    },
    "filters": {
        "figures.json": {
            "labels": [
                {"filter": "blur", "labelled": 4, "caught": 3, "clean": 90, "lost": 2}
                | {"missed_files": [], "lost_files": []}
            ],
            "ladders": {
                "noise": [
                    {"strength": strength, "copies": 4, "own": own, "any": own, "filters": {}}
                    for strength, own in ((10, 1), (27, 4))
                ]
            },
            "spearman": {"noise": {"column": "noise", "mean": 0.98}},
        }
    },
    "elements": {
        "figures.json": {
            "codes": [
                {"element": "codes", "of": "none", "hits": 0, "total": 9},
                {"element": "codes", "of": "qr", "hits": 3, "total": 4},
            ],
            "ladders": [{"element": "borders", "of": "bars over 0.1", "hits": 6, "total": 6}],
            "clean": [
                {"element": name, "of": of, "hits": 0, "total": 9, "ms": 2.0}
                for name in ("codes", "borders")
                for of in ("photographs", "documents", "clip-art")
            ],
        }
    },
    "ablation_strings": {"runs.json": RUNS},
    "ablation_pages": {"runs.json": RUNS},
    "curation_bench": {
        "results.json": {
            "entries": {
                name: {"images": kept, "images_read": 0, "cpu_seconds": 3.0, "defects": []}
                | {"kept_by_stage": {"": [8, 9], "s1": [0, 4], "s2": [1, 2]}}
                | {"runs": [run | {"accuracy": right} for run in RUNS[:2]]}
                for name, kept, right in (("raw", 15, 0.5), ("s2", 9, 0.75))
            }
        }
    },
    "generating": {
        "figures.json": {"images": 4, "side": 256, "steps": 3, "ours_cpu_s": 2.0}
        | {"diffusers_cpu_s": 2.8, "ratio": 1.4, "levels_apart": 1}
    },
    "packing": {
        "rows.json": [
            {"network": "2 x 64", "tokens": 9, "padded_to": 1024, "packed_s": 1.0, "padded_s": 5.5}
        ]
    },
    "strings_model": {
        f"{name}/result.json": RESULT
        for name in ("curated-exact", "raw-exact", "diversity", "autoencoder")
    },
    "pages_model": {"exact/result.json": RESULT},
    "edits_model": {
        "runs.json": [
            {"references": "both", "figures": {"text.replace": 0.9, "unchanged_psnr": 34.2}}
        ],
        "exact/result.json": RESULT,
    },
}
SAID = {
    "curation_cost": "0.25 of Data-Juicer's CPU time at 0.18 megapixels",
    "rendering_cost": "SynthTIGER 25 to 25 times",
    "scale": "4.0 CPU-ms an image from listing to shards; at most 90 MB at 1,000",
    "filters": "3 of 4 labelled defects are caught by their own filter; none loses more than 2",
    "elements": "machine codes 75 %, borders 100 %",
    "ablation_strings": "curated 85.0±63.5; raw 50.0±127.1",
    "ablation_pages": "curated 85.0±63.5; raw 50.0±127.1",
    "curation_bench": "raw 50.0±0.0, s2 75.0±0.0",
    "generating": "takes 1.40 times our time",
    "packing": "5.5 times ours at 1,024 tokens",
    "strings_model": "trained on curated 75.0 % of 8, trained on raw 75.0 % of 8",
    "pages_model": "two lines, Latin and hanzi 75.0 % of 8",
    "edits_model": "90 % of replaced texts are right, the other line keeps 34 dB",
}


def test_every_section_is_tried() -> None:
    assert set(LEFT) == set(SAID) == set(SECTIONS)


@pytest.mark.parametrize("section", SECTIONS.values(), ids=lambda section: section.name)
def test_what_is_taken_fills_every_cell_and_says_what_matters(
    section: Section, tmp_path: Path
) -> None:
    for name, content in LEFT[section.name].items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content))
    tables = json.loads(json.dumps(section.take(tmp_path), allow_nan=False))
    assert set(tables) == {table.rows for table in section.tables}
    for table in section.tables:
        assert tables[table.rows]
        for row in tables[table.rows]:
            assert all(isinstance(column.cell(row), str) for column in table.columns)
    assert SAID[section.name] in section.gist(tables)
