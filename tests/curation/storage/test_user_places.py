"""What is given where a file or a folder is expected, and is the other one, or is not there."""

from pathlib import Path

import pytest
from making.commands import invoke

from curation.failures import arguments
from curation.failures.errors import UsageError
from curation.storage import ownership, user_paths
from infer import __main__ as infer_command
from infer import generating, layers
from infer.arena import __main__ as arena
from infer.provenance import __main__ as provenance
from infer.server import __main__ as server


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("x")
    Path("folder.png").mkdir()


def test_a_file_that_is_read_is_there_and_no_folder() -> None:
    assert user_paths.read("file") == b"x"
    for given, said in (
        ("nope", "--mask nope: no such file"),
        ("file/x.png", "--mask file/x.png: no such file"),
        ("folder.png", "--mask folder.png: a folder; expected a file"),
    ):
        with pytest.raises(UsageError, match=f"^{said}$"):
            user_paths.read(given, "--mask")


def test_a_file_in_the_place_of_a_folder_to_write_is_said() -> None:
    with (
        pytest.raises(ownership.OwnershipError, match="file: is a file; expected an empty"),
        ownership.held("file", "test"),
    ):
        raise AssertionError
    with pytest.raises(UsageError, match="is a folder; expected the name of a file"):
        user_paths.refuse_folder("folder.png")
    for fine in ("new", "folder.png/new/x", "gs://bucket/x"):
        user_paths.refuse_file(fine)
        user_paths.refuse_folder(f"{fine}.png")


WRONG = (
    (infer_command.app, ["x", "--prompts", "folder.png"], "--prompts folder.png: a folder"),
    (infer_command.app, ["x", "--steps", "1001"], "steps is 1001; expected at most 1000"),
    (layers.app, ["x", "--input", "file", "-o", "a", "--steps", "1001"], "expected at most 1000"),
    (server.app, ["--steps", "1001"], "steps is 1001; expected at most 1000"),
    (arena.app, ["rate", "nope.jsonl"], "nope.jsonl: no such file"),
    (provenance.app, ["nope.png"], "nope.png: no such file"),
    (provenance.app, ["folder.png"], "folder.png: a folder; expected a file"),
    (arena.app, ["page", "a=folder.png", "b=.", "--prompts", "file", "-o", "file"], "is a file"),
)


@pytest.mark.parametrize(("app", "given", "said"), WRONG, ids=range(len(WRONG)))
def test_commands_say_it_with_exit_code_two(app, given, said) -> None:  # type: ignore[no-untyped-def]
    ended = invoke(app, given)
    assert ended.exit_code == 2 and said in ended.stderr and ended.stdout == ""


def test_a_loras_factor_is_a_number() -> None:
    assert generating.execution(["file", "file:0.5"]).adapters == (
        (Path("file"), 1.0),
        (Path("file"), 0.5),
    )
    for given, said in (
        ("file:abc", "--lora file:abc: the factor is 'abc'; expected a number such as 0.8"),
        ("file:inf", "--lora file:inf: the factor is 'inf'; expected a number such as 0.8"),
        ("nope:abc", "--lora nope:abc: no such file"),
        ("nope:0.8", "--lora nope: no such file"),
        ("folder.png", "--lora folder.png/pytorch_lora_weights.safetensors: no such file"),
    ):
        with pytest.raises(UsageError, match=f"^{said}$"):
            generating.execution([given])


def test_numbers_of_functions_are_numbers() -> None:
    arguments.integers(1, a=1, b=None)
    arguments.at_least(0, a=0.5, b=None)
    for wrong, said in (("many", "'many'"), (0, "0"), (2.5, "2.5"), (True, "True")):
        with pytest.raises(UsageError, match=f"n is {said}; expected a whole number, 1 or more"):
            arguments.integers(1, n=wrong)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="x is 'high'; expected a number, 0 or more"):
        arguments.at_least(0, x="high")  # type: ignore[arg-type]
