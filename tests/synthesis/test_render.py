"""The command line: same bytes however it is run, resumed after any death, mistakes explained."""

import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import uuid
import weakref
from collections.abc import Iterator
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from making import renderings
from making.commands import invoke, wait_for
from making.made_fonts import all_characters, make
from making.renderings import COUNT, PART, contents, options, run, start
from PIL import Image

from curation import shard, storage
from curation.failures.errors import UsageError
from curation.signals.discovery import discover
from curation.signals.signal import fields
from synthesis import jobs, modes, parts
from synthesis.pool import Rendered
from synthesis.render import app
from synthesis.sample import Rejected, Sample

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def fonts(tmp_path_factory: pytest.TempPathFactory) -> str:
    return renderings.fonts(tmp_path_factory.mktemp("fonts"))


@pytest.fixture(scope="module")
def undisturbed(fonts: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    done = run(options(fonts, out, "--json"))
    assert done.exit_code == 0, done.stderr
    summary = json.loads(done.stdout)
    assert (summary["images"], summary["rendered_now"], summary["missing"]) == (COUNT, COUNT, 0)
    assert summary["images_per_second"] > 0
    for page in ("contact_sheet", "gallery", "manifest"):
        assert Path(summary[page]).parent == out
        assert Path(summary[page]).is_file()
    return out


def test_same_bytes_for_any_number_of_processes(
    fonts: str, undisturbed: Path, tmp_path: Path
) -> None:
    driver = start(options(fonts, tmp_path / "out", "--workers", "3"))
    assert driver.wait(timeout=250) == 0
    assert contents(tmp_path / "out") == contents(undisturbed)


def test_a_picture_depends_on_its_index_alone(fonts: str, undisturbed: Path) -> None:
    job = jobs.prepare("en", "pure", fonts=fonts, size="96x96")
    rows = pq.read_table([undisturbed / f"part-{k:05d}.parquet" for k in range(COUNT // PART)])
    for index in (COUNT - 1, 17, 0):
        sample, _ = modes.render_until_kept(job, index)
        assert sample is not None
        stored = rows.slice(index, 1).to_pylist()[0]
        assert stored["image"]["bytes"] == sample.image
        assert stored["key"] == f"pure/en/1/{index:08d}/{sample.font}"


def test_another_seed_draws_other_pictures(fonts: str, undisturbed: Path) -> None:
    job = jobs.prepare("en", "pure", seed=2, fonts=fonts, size="96x96")
    sample, _ = modes.render_until_kept(job, 0)
    assert sample is not None
    first = pq.read_table(undisturbed / "part-00000.parquet").slice(0, 1).to_pylist()[0]
    assert sample.image != first["image"]["bytes"]


def test_shards_have_the_schema_of_curated_ones(undisturbed: Path) -> None:
    expected = shard.schema(fields(discover()))
    infos = shard.read_manifest(str(undisturbed))
    assert [info.rows for info in infos] == [PART] * (COUNT // PART)
    for info in infos:
        for batch in shard.read(str(undisturbed / info.file)):
            assert batch.schema.equals(expected)
            for row in batch.to_pylist():
                assert row["id"] == shard.content_id(row["image"]["bytes"])
                assert row["synthetic"] is True
                assert (row["source"], row["licence"]) == ("synthesis", "CC0-1.0")
                assert (row["format"], row["width"], row["height"]) == ("PNG", 96, 96)
                assert row["stage"] is None
                assert row["caption_raw"] is None
                assert [one["language"] for one in row["caption_recaption"]] == ["en"]
                assert row["text_boxes"][0]["level"] == "block"
    with Image.open(undisturbed / "contact_sheet.png") as sheet:
        assert sheet.width > 4 * 96


def test_killed_driver_resumes_to_the_same_bytes(
    fonts: str, undisturbed: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    driver = start(options(fonts, out, "--workers", "2"))
    wait_for(lambda: len([*out.glob("part-*")]) >= 2)
    workers = psutil.Process(driver.pid).children(recursive=True)
    driver.kill()
    driver.wait()
    psutil.wait_procs(workers, timeout=60)
    assert not any(worker.is_running() for worker in workers)  # no orphan goes on drawing
    kept = {path.name: path.stat().st_mtime_ns for path in out.glob("part-*")}
    assert 2 <= len(kept) <= COUNT // PART
    done = run(options(fonts, out, "--json"))
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["rendered_now"] == COUNT - PART * len(kept)
    assert {name: (out / name).stat().st_mtime_ns for name in kept} == kept
    assert contents(out) == contents(undisturbed)


# in the footer, in a picture; unlisted is what a killed run leaves
@pytest.mark.parametrize(("listed", "place"), [(True, -400), (True, 2000), (False, 2000)])
def test_a_damaged_part_is_drawn_again(
    listed: bool, place: int, fonts: str, undisturbed: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(undisturbed, out)
    if not listed:
        (out / "manifest.json").unlink()
    data = bytearray((out / "part-00001.parquet").read_bytes())
    data[place] ^= 0x10
    (out / "part-00001.parquet").write_bytes(bytes(data))
    done = run(options(fonts, out, "--json"))
    assert done.exit_code == 0, done.output
    assert contents(out) == contents(undisturbed)


def test_a_part_is_written_while_it_is_drawn(tmp_path: Path) -> None:
    job = jobs.Job("en", "pure", 1, ((64, 64),), (), (), "digest", None)
    alive, most_rows, most_bytes = weakref.WeakSet[Sample](), 0, 0
    noise = random.Random(1)

    def drawn() -> Iterator[Rendered]:
        nonlocal most_rows, most_bytes
        for index in range(3000):
            one = Sample(noise.randbytes(20_000), 64, 64, "a", "b", "en", (), "Face")
            alive.add(one)
            yield Rendered(index, one, [Rejected("notdef")] * (index % 2))
            del one
            most_rows = max(most_rows, len(alive))
            most_bytes = max(most_bytes, pa.total_allocated_bytes())

    path = str(tmp_path / "part-00000.parquet")
    part = parts.write(path, job, 0, 3000, drawn())
    assert part.info.rows == 3000
    assert part.info.size > 60_000_000
    assert most_rows <= 64
    assert most_bytes < 30_000_000
    assert parts.rejections(path) == {"notdef": 1500}
    assert parts.read_finished(path, job, 0, 3000) == part


def test_what_a_killed_run_left_unfinished_is_removed(
    fonts: str, undisturbed: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(undisturbed, out)
    for name in contents(undisturbed):
        (out / f".{name}.{uuid.uuid4().hex}{storage.TEMPORARY_SUFFIX}").write_bytes(b"half")
    assert run(options(fonts, out)).exit_code == 0
    assert contents(out) == contents(undisturbed)


def test_killed_worker_is_replaced(fonts: str, undisturbed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    driver = start(options(fonts, out, "--workers", "2"))
    wait_for(lambda: len(drawing_workers(driver.pid)) == 2)
    drawing_workers(driver.pid)[0].send_signal(signal.SIGKILL)
    assert driver.wait(timeout=250) == 0
    assert contents(out) == contents(undisturbed)


def drawing_workers(pid: int) -> list[psutil.Process]:
    children = psutil.Process(pid).children()
    return [child for child in children if "spawn_main" in " ".join(child.cmdline())]


def test_interrupting_ends_with_130_and_resumes(
    fonts: str, undisturbed: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    driver = start(
        options(fonts, out, "--workers", "2"), stderr=subprocess.PIPE, start_new_session=True
    )
    wait_for(lambda: [*out.glob("part-*")])
    os.killpg(driver.pid, signal.SIGINT)
    _, told = driver.communicate(timeout=250)
    assert driver.returncode in {0, 130}  # 0: it had just finished
    assert "Traceback" not in told
    assert run(options(fonts, out)).exit_code == 0
    assert contents(out) == contents(undisturbed)


def test_more_pictures_keep_the_whole_shards(fonts: str, undisturbed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(options(fonts, out, count=20)).exit_code == 0
    done = run(options(fonts, out, "--json"))
    assert json.loads(done.stdout)["rendered_now"] == COUNT - 16
    assert contents(out) == contents(undisturbed)


@pytest.mark.parametrize(
    ("more", "count", "message"),
    [
        (["--seed", "2"], COUNT, "rendered with seed 1, now 2"),
        (["--size", "128x96"], COUNT, "rendered with size 96x96, now 128x96"),
        (["--lang", "zh"], COUNT, "rendered with lang en, now zh"),
        ([], 8, "does not belong to this run"),
        (["--part-size", "5"], COUNT, "holds indices 0 to 7, not 0 to 4"),
        (["--size", "big"], COUNT, "expected WIDTHxHEIGHT"),
        (["--lang", "tlh"], COUNT, "--lang tlh: expected one of en, zh"),
        (["--mode", "poem"], COUNT, "'pure', 'scene', 'template', 'mix', 'strings'"),
        (["--mode", "strings", "--lang", "ja"], COUNT, "--mode strings: there is none in 'ja'"),
        (
            ["--backgrounds", "none"],
            COUNT,
            "--backgrounds is for modes scene, mix and edit, not pure",
        ),
        (
            ["--templates", "none"],
            COUNT,
            "--templates is for modes template, mix and edit, not pure",
        ),
        (["--mode", "scene", "--backgrounds", "none"], COUNT, "no file there that ends in .jpg"),
        (["--mode", "template", "--templates", "none"], COUNT, "no file there that ends in .yaml"),
        (["--corpus", "none.txt"], COUNT, "none.txt: no such file"),
        (
            ["--mode", "strings", "--size", "64x32", "--corpus", "a.txt"],
            COUNT,
            "strings has no texts",
        ),
    ],
)
def test_wrong_use_is_told_and_changes_nothing(
    fonts: str, undisturbed: Path, more: list[str], count: int, message: str
) -> None:
    before = contents(undisturbed)
    done = run(options(fonts, undisturbed, *more, count=count))
    assert done.exit_code == 2
    assert message in " ".join(re.sub("[│─╭╮╰╯]", " ", done.stderr).split())
    assert "Traceback" not in done.stderr
    assert contents(undisturbed) == before


def test_no_font_names_the_package(tmp_path: Path) -> None:
    make(tmp_path / "latin.ttf", all_characters("en"))
    done = run(options(str(tmp_path), tmp_path / "out", "--lang", "zh"))
    assert done.exit_code == 2
    assert "apt-get install fonts-noto-cjk" in done.stderr


def test_full_disk_leaves_no_partial_shard_and_resumes(
    fonts: str, undisturbed: Path, tmp_path: Path
) -> None:
    def limit() -> None:  # writing beyond the limit fails as a full disk does, with an OSError
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))

    out = tmp_path / "out"
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    driver = start(options(fonts, out), stderr=subprocess.PIPE, preexec_fn=limit, env=environment)
    _, said = driver.communicate(timeout=250)
    assert driver.returncode == 4, said
    assert "Traceback" not in said
    assert not out.exists()  # nothing was finished there, so that nothing is left of it
    assert run(options(fonts, out)).exit_code == 0
    assert contents(out) == contents(undisturbed)


def test_unusable_output_folder(fonts: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run(options(fonts, tmp_path / "file" / "out"))
    assert done.exit_code == 4
    assert "Traceback" not in done.stderr


def test_texts_that_cannot_be_drawn_are_counted_by_reason(fonts: str, tmp_path: Path) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("Quiet\nshalom שלום\n" + "long " * 1000 + "\n", encoding="utf-8")
    more = ["--corpus", str(texts), "--json", "--licence", "CC-BY-4.0"]
    done = run(options(str(Path(fonts) / "one.ttf"), tmp_path / "none", *more, count=4))
    assert done.exit_code == 3
    summary = json.loads(done.stdout)
    assert (summary["images"], summary["missing"]) == (0, 4)
    assert {*summary["rejected"]} == {"empty_glyph", "missing_character", "does_not_fit"}
    assert "4 of 4 images could not be rendered" in done.stderr
    texts = tmp_path / "others.txt"  # what is at a place is read once by a process
    texts.write_text("Quiet\nFine\n", encoding="utf-8")
    more[1] = str(texts)
    done = run(options(str(Path(fonts) / "one.ttf"), tmp_path / "some", *more, count=4))
    assert done.exit_code == 0
    rows = pq.read_table(tmp_path / "some" / "part-00000.parquet").to_pylist()
    assert {row["licence"] for row in rows} == {"CC-BY-4.0"}
    assert {row["text_boxes"][0]["text"] for row in rows} == {"Fine"}


def test_a_mix_has_no_templates_in_languages_without_contents(tmp_path: Path) -> None:
    font = make(tmp_path / "one.ttf", all_characters("ru"))
    job = jobs.prepare("ru", "mix", size="256x256", fonts=font)
    assert any(isinstance(modes.render(job, index), Sample) for index in range(9))
    chance = random.Random(1)
    assert {modes._mixed(chance, "ru", None) for _ in range(50)} == {"pure", "scene"}
    assert {modes._mixed(chance, "en", None) for _ in range(50)} == {"pure", "scene", "template"}
    with pytest.raises(UsageError, match="no contents in language 'ru'"):
        jobs.prepare("ru", "template", size="256x256", fonts=font)


MINE = """\
name: {en: label, zh: 标签}
family: mine
ratios: ["1:1", "2:3"]
records: {en: [{title: Good day}]}
layout: {column: [{text: title, style: title}], pad: 5}
"""


def test_templates_of_some_ratios_are_drawn_in_those_and_the_rest_is_told(
    fonts: str, tmp_path: Path
) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(MINE, encoding="utf-8")
    line = ["--lang", "en", "--fonts", fonts, "--templates", str(mine), "--n", "6"]
    for mode in ("template", "mix"):
        told = [*line, "--mode", mode, "--size", "256", "--out", str(tmp_path / mode)]
        done = invoke(app, told)
        assert done.exit_code == 0, done.output
        assert "2 of the 9 sizes of class 256 are rendered; no template suits" in done.stderr
    rows = pq.read_table(tmp_path / "template" / "part-00000.parquet", columns=["width", "height"])
    assert {tuple(row.values()) for row in rows.to_pylist()} == {(256, 256), (208, 320)}
    told = [*line, "--mode", "template", "--size", "960x320", "--out", str(tmp_path / "wide")]
    done = invoke(app, told)
    assert done.exit_code == 2
    assert "960x320 (ratio 3:1): expected one of the ratios 1:1, 2:3" in done.stderr
    assert not (tmp_path / "wide").exists()
