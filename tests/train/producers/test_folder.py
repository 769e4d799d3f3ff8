"""Leases, positions and counts: small files that several processes read and write."""

import json
import os
from contextlib import contextmanager

import pytest

from train.producers import folder as folders
from train.producers.folder import UnitFolder

NAME = "0" * 32


class Clock:
    """That of a folder: it stands until it is set."""

    now = 1e9

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def folder(tmp_path, clock):
    return UnitFolder(tmp_path, clock)


def test_one_has_a_lease_until_it_is_given_back(folder):
    assert folder.lease(NAME, "a") == "leased"
    assert folder.lease(NAME, "b") == "held"
    folder.release(NAME, "b")  # not b's to give
    assert folder.lease(NAME, "b") == "held"
    folder.release(NAME, "a")
    assert folder.lease(NAME, "b") == "leased"


def test_an_expired_lease_is_taken_over_and_then_no_longer_its_own(folder, clock):
    assert folder.lease(NAME, "a", seconds=9) == "leased"
    clock.now += 8.9
    assert folder.lease(NAME, "b", seconds=9) == "held"
    clock.now += 0.1
    assert folder.lease(NAME, "b", seconds=9) == "taken over"
    folder.prolong(NAME, "a", seconds=100)
    folder.release(NAME, "a")
    assert folder.lease(NAME, "c") == "held"
    clock.now += 9
    assert folder.lease(NAME, "c") == "taken over"


def test_a_lease_is_prolonged_by_rewriting(folder, clock):
    folder.lease(NAME, "a", seconds=9)
    clock.now += 10
    folder.prolong(NAME, "a", seconds=9)
    assert folder.lease(NAME, "b") == "held"


def test_what_is_leased_is_prolonged_while_it_is_made(folder, clock, monkeypatch):
    monkeypatch.setattr(folders, "repeated", lambda call, seconds: beaten(call, clock, seconds))
    with folder.leased(NAME, "a", seconds=9) as leased:
        assert (leased, clock.now) == ("leased", 1e9 + 30)
        with folder.leased(NAME, "b", seconds=9) as other:
            assert other == "held"
        assert folder.leases() == {NAME}
    assert folder.leases() == set()


@contextmanager
def beaten(call, clock, seconds):
    """Ten beats at once, of the seconds between them."""
    for _ in range(10):
        clock.now += seconds
        call()
    yield


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"owner": 1}'])
def test_a_lease_that_says_nothing_lasts_as_long_as_any(folder, clock, tmp_path, content):
    path = tmp_path / "leases" / f"{NAME}.json"
    path.write_bytes(content)
    os.utime(path, (clock.now, clock.now))
    assert folder.lease(NAME, "a", seconds=9) == "held"
    clock.now += 9
    assert folder.lease(NAME, "a", seconds=9) == "taken over"


def test_the_hindmost_live_run_counts(folder, clock):
    assert folder.position(100, clock.now) is None
    folder.tell_position("a", 5)
    clock.now += 60
    folder.tell_position("b", 9)
    assert folder.position(100, clock.now) == 5
    clock.now += 60
    assert folder.position(100, clock.now) == 9  # a was killed
    clock.now += 600
    assert folder.position(100, clock.now) == 9  # all were: the last that lived
    folder.tell_position("a", 4)
    assert folder.position(100, clock.now) == 4  # it goes on


def test_a_finished_run_counts_for_who_was_there_before_it_was(folder, clock):
    folder.tell_position("a", 101)
    before = clock.now
    clock.now += 1
    assert folder.position(100, before) == 101
    assert folder.position(100, clock.now) is None
    assert folder.position(200, clock.now) == 101  # to those who make more steps it is none
    folder.tell_position("b", 7)
    assert folder.position(100, before) == folder.position(100, clock.now) == 7
    (folder.root / "positions" / "c.json").write_text("torn")
    assert folder.position(100, clock.now) == 7


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


def test_leases_are_json(folder, tmp_path):
    folder.lease(NAME, "a")
    content = json.loads((tmp_path / "leases" / f"{NAME}.json").read_bytes())
    assert content == {"owner": "a", "deadline": 1e9 + folders.SECONDS}
