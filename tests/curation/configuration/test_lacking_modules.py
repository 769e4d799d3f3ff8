"""Names that another module or entry would have: the error says which, at the line."""

from pathlib import Path

import pytest

from curation.configuration.loading import (
    ConfigurationError,
    check_columns,
    load,
    shipped_path,
)
from curation.measuring import choosing

STAGES = "    stages: {s1: {resolution: 256, bounds: {short_side: {min: 1}}}}\n"
FIRST = 3  # the line of what an entry begins with


def refusal(folder: Path, entry: str) -> str:
    path = folder / "pipelines.yaml"
    path.write_text(f"pipelines:\n  mine:\n{entry}{STAGES}")
    with pytest.raises(ConfigurationError) as caught:
        pipeline = load(str(path), "mine")
        selected = choosing.chosen(pipeline)
        check_columns(pipeline, choosing.known_columns(selected))
    return str(caught.value).removeprefix(str(path))


BY_CATEGORY = "captioning.by_category, which is to be named in 'signals'"
LACKING = {
    "extend": ("    extend: base\n", FIRST, "did you mean 'extends'?"),
    "kinds": (
        "    signals: [captioning.recaption]\n    settings:\n"
        "      recaption: {kinds: {portrait: portrait}}\n",
        FIRST + 2,
        f"it is of {BY_CATEGORY} in place of captioning.recaption",
    ),
    "kinds alone": (
        "    settings: {recaption: {kinds: {portrait: portrait}}}\n",
        FIRST,
        "unknown signal or grouping 'recaption': it is of captioning.by_category",
    ),
    "categories": (
        "    signals: [captioning.by_category]\n",
        FIRST,
        "reads the column 'category', which none measures; name taxonomy.categories in 'signals'",
    ),
    "retrieved": (
        "    settings:\n      retrieved: {rows: retrieved.jsonl}\n",
        FIRST + 1,
        "it is of taxonomy.retrieval, which is to be named in 'signals'",
    ),
    "column": (
        "    quotas:\n      mix: {by: domain, count: 3, since: s1}\n",
        FIRST + 1,
        "unknown column 'domain': it is measured by taxonomy.signals, which is to be named",
    ),
    "setting of a part": (
        "    signals: [captioning.recaption]\n"
        "    settings: {recaption: {backend: {name: offline, model: x}}}\n",
        FIRST + 1,
        "'backend.model': backend 'offline' has no such setting: expected one of name",
    ),
}


@pytest.mark.parametrize("case", LACKING)
def test_what_another_module_has_is_said_with_the_module(case: str, tmp_path: Path) -> None:
    entry, line, says = LACKING[case]
    message = refusal(tmp_path, entry)
    assert message.startswith(f":{line}: ")
    assert says in message


SIGNALS = "    signals: [taxonomy.signals, taxonomy.categories]\n"
NEVER = {
    "a share": (
        "    quotas:\n      mix: {by: domain, share: {nature: 0.5, desing: 0.5}, since: s1}\n",
        "domain is never 'desing': expected one of design, nature, people, synthetic; did you mean",
    ),
    "a share of another column": (
        "    quotas: {mix: {by: domain, share: {nature: 1}, since: s1,\n"
        "      also: {category: {genral: 1}}}}\n",
        "category is never 'genral'",
    ),
    "true and false": (
        "    quotas:\n      mix: {by: synthetic, share: {yes: 0.5}, since: s1}\n",
        "synthetic is never 'yes': expected one of false, true",
    ),
    "a target": (
        "    settings:\n      mix: {targets: {domain: {nature: 0.5, peeple: 0.5}}}\n",
        "domain is never 'peeple': expected one of design, nature, people, synthetic; did you mean",
    ),
}


@pytest.mark.parametrize("case", NEVER)
def test_a_share_of_what_a_column_never_holds_is_refused(case: str, tmp_path: Path) -> None:
    entry, says = NEVER[case]
    message = refusal(tmp_path, f"{SIGNALS}    groupings: [taxonomy.mix]\n{entry}")
    assert message.startswith(f":{FIRST + 3}: ")
    assert says in message


def test_all_that_depends_on_a_signal_left_out_is_named_ready_to_be_given() -> None:
    pipeline = load(str(shipped_path()))
    with pytest.raises(ConfigurationError) as caught:
        choosing.without(pipeline, ["text"])
    told = caught.value.message.rpartition(": ")[2]
    names = told.replace("--without", "").split()
    assert names[0] == "text" and {"categories", "watermarks"} < {*names}
    assert choosing.without(pipeline, names).without == tuple(names)
    fewer = [name for name in names if name != "categories"]
    with pytest.raises(ConfigurationError, match="'categories' reads the column 'text_area'"):
        choosing.without(pipeline, fewer)
