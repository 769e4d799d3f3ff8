"""Leases, positions and counts: small files that several processes read and write."""

import json
import os
import time

import pytest

from train.producers import folder as folders
from train.producers.folder import UnitFolder

NAME = "0" * 32


@pytest.fixture
def folder(tmp_path):
    return UnitFolder(tmp_path)


def test_one_has_a_lease_until_it_is_given_back(folder):
    assert folder.lease(NAME, "a") == "leased"
    assert folder.lease(NAME, "b") == "held"
    folder.release(NAME, "b")  # not b's to give
    assert folder.lease(NAME, "b") == "held"
    folder.release(NAME, "a")
    assert folder.lease(NAME, "b") == "leased"


def test_an_expired_lease_is_taken_over_and_then_no_longer_its_own(folder):
    assert folder.lease(NAME, "a", seconds=-1) == "leased"
    assert folder.lease(NAME, "b") == "taken over"
    assert not folder.prolong(NAME, "a")
    folder.release(NAME, "a")
    assert folder.lease(NAME, "c") == "held"


def test_a_lease_is_prolonged_by_rewriting(folder):
    folder.lease(NAME, "a", seconds=-1)
    assert folder.prolong(NAME, "a")
    assert folder.lease(NAME, "b") == "held"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"owner": 1}'])
def test_a_lease_that_says_nothing_lasts_as_long_as_any(folder, tmp_path, content):
    path = tmp_path / "leases" / f"{NAME}.json"
    path.write_bytes(content)
    assert folder.lease(NAME, "a") == "held"
    os.utime(path, (0, 0))
    assert folder.lease(NAME, "a") == "taken over"


def test_the_hindmost_live_consumer_counts(folder, tmp_path):
    assert folder.position() is None
    folder.tell_position("a", 5)
    folder.tell_position("b", 9)
    assert folder.position() == 5
    long_ago = time.time() - 10_000
    os.utime(tmp_path / "positions" / "a.json", (long_ago, long_ago))
    assert folder.position() == 9  # a was killed
    os.utime(tmp_path / "positions" / "b.json", (long_ago + 1, long_ago + 1))
    assert folder.position() == 9  # all were: the last that lived


def test_a_unit_appears_whole_or_not_at_all(folder):
    def broken(stream):
        stream.write(b"half")
        raise KeyError("power")

    with pytest.raises(KeyError):
        folder.publish(NAME, broken)
    assert folder.get(NAME) is None
    assert list((folder.root / "units").iterdir()) == []
    assert folder.publish(NAME, lambda stream: stream.write(b"all"))
    assert not folder.publish(NAME, lambda stream: stream.write(b"all"))


def test_the_longest_unused_go_first_and_never_what_is_kept(folder):
    for number in range(4):
        name = f"{number:032x}"
        folder.publish(name, lambda stream: stream.write(b"x" * 10))
        os.utime(folder.unit(name), (number, number))
    removed = folders.remove_oldest(folder, 20, [f"{0:032x}"])
    assert removed == [f"{1:032x}", f"{2:032x}"]
    assert set(folder.names()) == {f"{0:032x}", f"{3:032x}"}


def test_counts_are_added_up(folder, tmp_path):
    folder.tell_counts("a", {"units": 2, "leases_expired": 1})
    folder.tell_counts("b", {"units": 3})
    (tmp_path / "producers" / "c.json").write_text("torn")
    assert folder.counts() == {"units": 5, "leases_expired": 1}


@pytest.mark.parametrize("owner", ["", ".", "..", "a/b", "../a", "a\0", "x" * 101, ".hidden"])
def test_an_owner_is_no_path(owner):
    assert not folders.check_owner(owner)
    assert folders.check_owner("host-12.3_x")


def test_files_are_json(folder, tmp_path):
    folder.lease(NAME, "a")
    content = json.loads((tmp_path / "leases" / f"{NAME}.json").read_bytes())
    assert content["owner"] == "a"
    assert content["deadline"] > time.time()
