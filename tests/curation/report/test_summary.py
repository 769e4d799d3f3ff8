"""The printed funnel says what rules on captions stop, also those that hold back what is kept."""

from typing import Any

from curation.report.summary import funnel


def split(**more: Any) -> dict[str, Any]:
    return {"in": 9, "kept": 6, "dropped": 3, "quarantined": 0, "rules": {}, **more}


def test_rules_on_captions_are_in_the_funnel_by_stage() -> None:
    rules = {
        "s1": {"caption_raw.length.min": 2, "caption_raw.validity.in": 1},
        "s3": {"caption_raw.tokens.max": 4},
    }
    captions = {"with": 9, "without": 0, "kept_with": 6, "kept_without": 0, "origins": {}}
    captions |= {"splits": {"raw": split(rules=rules), "fused": split()}, "side_files_unread": 0}
    stages = {f"s{n}": {"in": 9, "passed": 9, "dropped": {}} for n in (1, 2, 3)}
    counts = {"in": 9, "kept": 9, "dropped": 0, "quarantined": 0, "quarantine": {}}
    lines = funnel({**counts, "stages": stages, "captions": captions}, "s2").splitlines()
    first = lines.index("raw captions: in 9 = kept 6 + dropped 3 + quarantined 0")
    said = [line.split() for line in lines[first + 1 : first + 4]]
    assert said[0] == ["s1", "length.min", "2", "dropped"]
    assert said[1] == ["s1", "validity.in", "1", "dropped"]
    assert said[2] == ["s3", "tokens.max", "4", "kept,", "but", "no", "deeper"]
    assert lines[first + 4].startswith("fused captions: in 9")
