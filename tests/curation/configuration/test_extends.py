"""An entry that extends another: what it says counts, all else stands where it stood."""

from pathlib import Path

import pytest
import yaml

from curation.configuration.loading import (
    Bound,
    ConfigurationError,
    check_columns,
    load,
    load_any,
    origin,
    resolved,
    shipped_path,
)
from curation.measuring import choosing
from curation.output.layout import Layout

BASE = """\
pipelines:
  base:
    seed: 7
    keep: s1
    near_duplicate: {radius: 4}
    quality: [pixels, size]
    stages:
      s1:
        resolution: 256
        bounds:
          short_side: {min: 256}
          luma: {min: 0.1, max: 0.9}
          clarity: {min: 0.3}
  stricter:
    extends: base
    seed: 8
    stages:
      s1:
        bounds:
          luma: {min: 0.2}
          clarity:
          entropy: {min: 1}
      s2:
        resolution: 512
        bounds:
          short_side: {min: 512}
  strictest:
    extends: stricter
    keep: s2
    quality: [size]
"""


def written(folder: Path, text: str) -> str:
    path = folder / "pipelines.yaml"
    path.write_text(text)
    return str(path)


def refusal(folder: Path, text: str, name: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(written(folder, text), name)
    return str(caught.value).removeprefix(str(folder / "pipelines.yaml"))


def test_mappings_are_merged_and_all_else_replaced(tmp_path: Path) -> None:
    path = written(tmp_path, BASE)
    base, stricter, strictest = (load(path, name) for name in ("base", "stricter", "strictest"))
    assert (base.seed, stricter.seed, strictest.seed) == (7, 8, 8)
    assert [stage.name for stage in strictest.stages] == ["s1", "s2"]
    bounds = strictest.stages[0].bounds
    assert list(bounds) == ["short_side", "luma", "entropy"]  # null took clarity out
    assert bounds["luma"] == Bound(min=0.2, max=0.9)
    assert base.stages[0].bounds["luma"] == Bound(min=0.1, max=0.9)
    assert (strictest.keep, strictest.quality) == ("s2", ("size",))
    assert "extends" not in resolved(strictest)


def test_mistakes_are_told_at_the_line_that_holds_them(tmp_path: Path) -> None:
    inherited = BASE.replace("clarity: {min: 0.3}", "clarity: {mun: 0.3}")
    assert refusal(tmp_path, inherited.replace("          clarity:\n", ""), "stricter").startswith(
        ":13: "
    )
    own = BASE.replace("luma: {min: 0.2}", "luma: {min: yes}")
    assert refusal(tmp_path, own, "strictest").startswith(":20: ")
    looser = BASE.replace("short_side: {min: 512}", "short_side: {min: 128}")
    assert refusal(tmp_path, looser, "strictest").startswith(":26: ")


PARTS = """\
pipelines:
  base:
    signals: [captioning.recaption]
    settings:
      recaption:
        backend: {name: transformers, model: /models/captioner}
        languages: {en: 0.5, zh: 0.5}
        attempts: 3
      mix: {targets: {domain: {nature: 0.5, design: 0.5}, category: {general: 1}}, most: 5}
    quotas:
      mix:
        by: domain
        share: {nature: 0.5, design: 0.5}
        also: {language: {en: 0.5, zh: 0.5}}
        since: s1
    stages: {s1: {resolution: 256}}
  other:
    extends: base
    settings:
      recaption: {backend: {name: offline}, languages: {en: 1}}
      mix: {targets: {domain: {people: 1}}}
    quotas:
      mix: {share: {people: 1}, also: {language: {en: 1}}}
"""


def test_shares_and_a_part_of_another_name_are_replaced_as_wholes(tmp_path: Path) -> None:
    """Merged, shares would sum to 2, and a back end would have settings of another one."""
    other = load(written(tmp_path, PARTS), "other")
    recaption = {"backend": {"name": "offline"}, "languages": {"en": 1}, "attempts": 3}
    assert other.settings["recaption"] == recaption
    targets = {"domain": {"people": 1}, "category": {"general": 1}}
    assert other.settings["mix"] == {"targets": targets, "most": 5}
    (quota,) = other.quotas
    assert quota.margins == {"domain": {"people": 1}, "language": {"en": 1}}
    same = PARTS.replace("{name: offline}", "{name: transformers, revision: abc}")
    backend = load(written(tmp_path, same), "other").settings["recaption"]["backend"]
    assert backend == {"name": "transformers", "model": "/models/captioner", "revision": "abc"}


@pytest.mark.parametrize(
    ("extended", "told"),
    [
        ("bass", "'bass' is no other pipeline of this file, nor of"),
        ("bass", "expected one of base, curate, "),
        ("stricter", "'stricter' is no other pipeline"),
        ("strictest", "'strictest' is no other pipeline"),
        ("[base]", "is no other pipeline"),
    ],
)
def test_only_another_entry_can_be_extended(tmp_path: Path, extended: str, told: str) -> None:
    text = BASE.replace("extends: base", f"extends: {extended}")
    assert told in refusal(tmp_path, text, "strictest")


OF_SHIPPED = """\
pipelines:
  mine:
    extends: curate
    keep: s3
    stages:
      s1:
        bounds:
          short_side: {min: 300}
  curate:
    extends: curate
    seed: 1
"""


def test_an_entry_of_the_shipped_file_can_be_extended_from_any_other(tmp_path: Path) -> None:
    path, shipped = written(tmp_path, OF_SHIPPED), load(str(shipped_path()))
    own = load(path, "curate")  # over the shipped one of the same name
    assert resolved(own) == resolved(shipped) | {"seed": 1}
    assert origin(own) == path
    mine = load(path, "mine")
    assert (mine.seed, mine.keep, origin(mine)) == (1, "s3", path)
    assert mine.stages[0].bounds == {**shipped.stages[0].bounds, "short_side": Bound(min=300)}
    plain = "pipelines: {again: {extends: edits}}"
    again = resolved(load(written(tmp_path, plain), "again"))
    assert again == resolved(load(str(shipped_path()), "edits"))
    folders = [
        choosing.chosen(of).measured(Layout(str(tmp_path))).folders
        for of in (load(path, "again"), load(str(shipped_path()), "edits"))
    ]
    assert folders[0] == folders[1]  # so that what was measured by one is taken over by the other


def test_a_circle_through_the_shipped_file_is_none_but_one_in_the_file_is_refused(
    tmp_path: Path,
) -> None:
    across = "pipelines: {curate: {extends: mine}, mine: {extends: edits}}"
    edits = load(str(shipped_path()), "edits")
    assert resolved(load(written(tmp_path, across), "curate")) == resolved(edits)
    circle = "pipelines: {curate: {extends: edits}, edits: {extends: curate}}"
    assert "'curate' is no other pipeline" in refusal(tmp_path, circle, "curate")


def test_mistakes_against_the_shipped_file_are_told_with_the_file_of_each_line(
    tmp_path: Path,
) -> None:
    looser = OF_SHIPPED.replace("short_side: {min: 300}", "peak: {min: 0.5}")
    told = refusal(tmp_path, looser, "mine")
    lines = shipped_path().read_text(encoding="utf-8").splitlines()
    number = next(n for n, line in enumerate(lines, 1) if "peak: {min: 0.35}" in line)
    assert told.startswith(f"{shipped_path()}:{number}: ")  # s2 is looser than what is new in s1
    assert "of stage 's1' on line 8" in told
    later = OF_SHIPPED.replace("s1:", "s3:")
    later = later.replace("short_side: {min: 300}", "peak: {min: 0.1}")
    told = refusal(tmp_path, later, "mine")
    assert told.startswith(":8: ") and f"of stage 's2' at {shipped_path()}:{number}; " in told
    unknown = OF_SHIPPED.replace("short_side: {min: 300}", "short_site: {min: 300}")
    with pytest.raises(ConfigurationError, match=r"pipelines\.yaml:8: unknown column 'short_site'"):
        loaded = load(written(tmp_path, unknown), "mine")
        check_columns(loaded, choosing.known_columns(choosing.chosen(loaded)))


def test_a_program_can_be_extended_too(tmp_path: Path) -> None:
    shipped = yaml.safe_load(shipped_path().read_text())["pipelines"]["synthesize"]
    entries = {"text": shipped, "less": {"extends": "text", "n": 3}}
    path = written(tmp_path, yaml.safe_dump({"pipelines": entries}))
    assert load_any(path, "less") == load_any(path, "text").model_copy(update={"n": 3})  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["curate", "strings", "qwen-image", "qwen-image-2"])
def test_what_ships_names_columns_and_settings_that_there_are(name: str) -> None:
    pipeline = load(str(shipped_path()), name)
    found = choosing.chosen(pipeline)
    check_columns(pipeline, choosing.known_columns(found))
    assert [stage.name for stage in pipeline.stages][:2] == ["s1", "s2"] or name == "qwen-image-2"


def test_the_report_s_list_asks_the_report_s_captioner() -> None:
    settings = load(str(shipped_path()), "qwen-image").settings["recaption"]
    model = "Qwen/Qwen2.5-VL-7B-Instruct"
    assert settings["backend"] == {"name": "transformers", "model": model}
