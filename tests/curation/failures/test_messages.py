"""Every message names what is wrong and what to do, and blames nothing that is well."""

import errno
import io
import re
import tempfile
from pathlib import Path

import pytest
from making.collection import make_folder
from making.pipelines import WITHOUT_MODELS
from making.runs import run_in_process

from curation import command, storage
from curation.configuration import loading
from curation.configuration.loading import ConfigurationError
from curation.failures import exit_codes
from curation.failures.commands import guarded
from curation.output.layout import Layout
from curation.sources import plan
from curation.writing import originals


def beam(*arguments: str) -> int:
    return guarded("beam", lambda **options: command.app(list(arguments), **options))


@pytest.mark.parametrize("name", ["judge", "report", "gate", "explain"])
@pytest.mark.parametrize("present", [True, False])
def test_a_folder_without_a_run_is_wrong_usage_and_no_full_disk(
    name: str, present: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    if present:
        output.mkdir()
    assert beam(name, *(["key"] if name == "explain" else []), "-o", str(output)) == 2
    told = capsys.readouterr().err
    assert f"{output}/run.json" in told and "beam run --input" in told and "disk" not in told


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EACCES, "permissions"),
        (errno.ENOENT, "check the path"),
        (errno.EROFS, "another path"),
        (errno.EMFILE, "ulimit -n"),
    ],
)
def test_an_error_of_the_disk_names_its_own_remedy(number: int, remedy: str) -> None:
    code, told = exit_codes.exit_code_of(OSError(number, "as the system says", "/o/x"))
    assert code == 4 and told is not None
    assert told.startswith("/o/x: as the system says; ") and remedy in told
    assert ("free" in told) == (number == errno.ENOSPC) and "Errno" not in told


def test_a_full_temporary_folder_is_not_blamed_on_the_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    make_folder(tmp_path / "in", 1)
    (unit,) = plan.plan([str(tmp_path / "in")])
    output = Layout(str(tmp_path / "out"))
    plan.write_unit(storage.join(output.root, "plan"), unit)
    held = originals.Originals(output, 1, Full())
    with (
        pytest.raises(OSError, match="TMPDIR") as caught,
        storage.atomic_write(f"{output.shards}/x"),
    ):
        held.add(unit.id, {unit.parts[0].path: 0})
    assert str(tmp_path) in exit_codes.of_disk(caught.value)
    assert output.shards not in exit_codes.of_disk(caught.value)


@pytest.mark.parametrize(
    ("right", "wrong", "key"),
    [
        ("{radius: 4}", "{radius: 40}", "near_duplicate.radius"),
        ("seed: 1", "seed: -7", "seed"),
        ("resolution: 256", "resolution: 0", "stages.s1.resolution"),
    ],
)
def test_a_number_out_of_range_is_named_as_the_file_names_it(
    right: str, wrong: str, key: str, tmp_path: Path
) -> None:
    text = WITHOUT_MODELS
    assert right in text, text
    path = tmp_path / "p.yaml"
    path.write_text(text.replace(right, wrong, 1), encoding="utf-8")
    line = 1 + text[: text.index(right)].count("\n")
    found = re.findall(r"-?\d+", wrong)[0]
    with pytest.raises(ConfigurationError) as caught:
        loading.load(str(path))
    told = str(caught.value)
    assert told.startswith(f"{path}:{line}: {key!r}: expected it to be ") and told.endswith(
        f"found {found}"
    )


def test_a_reason_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    make_folder(tmp_path / "in" / "whole", 2)
    lines = '{"image": "gone.png"}\n{"image": "whole"}\nno json\n'
    (tmp_path / "in" / "m.jsonl").write_text(lines)
    run_in_process(tmp_path / "in" / "m.jsonl", tmp_path / "out")
    from curation.output import column_files

    ledger = column_files.read_all(
        [entry.path for entry in storage.list_files(str(tmp_path / "out" / "ledger"))], ("reason",)
    )
    reasons = sorted(ledger.column("reason").to_pylist())
    assert [reason.split(":")[0] for reason in reasons] == ["missing", "unreadable", "unreadable"]
    assert all(reason.count("unreadable") + reason.count("missing") == 1 for reason in reasons)
