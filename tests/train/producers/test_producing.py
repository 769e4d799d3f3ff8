"""Units as producers make them: what a run would have made, once, whoever is killed meanwhile."""

import errno
import itertools
import os
import signal
from collections import Counter

import pytest
import torch
from making import produced
from making.produced import LAST, make_all, opened

from train.producers import agreed
from train.producers.making import Maker
from train.producers.plans import Version
from train.producers.spans import Spans


def assert_same_batches(batches, others, steps=range(1, LAST + 1), **ranks):
    for step in steps:
        one, two = batches.at(step, **ranks), others.at(step, **ranks)
        assert [place for place, _ in one] == [place for place, _ in two]
        for (_, ours), (_, theirs) in zip(one, two, strict=True):
            assert torch.equal(ours.latents, theirs.latents)
            assert (ours.id, ours.planned, ours.task) == (theirs.id, theirs.planned, theirs.task)
            assert ours.caption in ("", theirs.caption)


def test_units_are_what_a_run_would_have_made(tmp_path):
    made = opened(tmp_path)
    make_all(made)
    consumer, counters = made.consumer()
    assert_same_batches(consumer, made.batches)
    for rank in range(3):
        assert_same_batches(consumer, made.batches, [2], rank=rank, ranks=3)
    figures = counters.values()
    assert figures["ids_missed"] == figures["ids_doubled"] == figures["units_damaged"] == 0
    assert figures["bytes"] > 0
    assert made.folder.leases() == set()


def test_an_epoch_shows_every_id_once(tmp_path):
    made = opened(tmp_path, memory_bytes=1 << 20)
    rows = len(made.batches.stretches[0].streams[0].rows)
    make_all(made)
    consumer, _ = made.consumer()
    steps = rows // 16
    assert steps < LAST
    shown = Counter(each.planned for step in range(1, steps + 1) for _, each in consumer.at(step))
    rest = [each.planned for _, each in consumer.at(steps + 1)][: rows % 16]
    assert len(shown + Counter(rest)) == rows
    assert set((shown + Counter(rest)).values()) == {1}


def test_a_unit_that_lacks_a_row_is_counted(tmp_path):
    made = opened(tmp_path)
    (span,) = made.workshop.plan.at(1).spans.at(1)
    entries = made.workshop.maker.entries(span)
    dropped = [each for each in entries if (each["step"], each["place"]) != (1, 3)]
    about = made.workshop.maker.about(span)
    made.folder.publish(span.name, lambda stream: produced.units.write(stream, dropped, about))
    consumer, counters = made.consumer()
    assert len(consumer.at(1)) == 15
    assert counters.values()["ids_missed"] == 1


def test_a_producer_killed_in_a_unit_leaves_a_lease_that_is_taken_over(tmp_path):
    made = opened(tmp_path)
    torch.set_num_threads(1)
    child = os.fork()
    if not child:
        count, entry = itertools.count(1), produced.units.entry

        def killed(*given):
            if next(count) == 20:
                os.kill(os.getpid(), signal.SIGKILL)
            return entry(*given)

        produced.units.entry = killed
        made.folder.clock = lambda: 0.0
        made.producer("killed").once()
        os._exit(1)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert len(made.folder.leases()) == 1
    assert made.folder.names() == {}
    after = made.producer("after")
    assert after.once()
    assert after.counts["leases_expired"] == 1
    assert made.folder.leases() == set()
    name = next(iter(made.folder.names()))
    again = opened(tmp_path / "again", str(tmp_path / "data" / "*.parquet"))
    assert again.producer().once()
    assert made.folder.unit(name).read_bytes() == again.folder.unit(name).read_bytes()


def test_several_share_the_work_and_what_is_leased_is_left_alone(tmp_path):
    made = opened(tmp_path)
    first, second = made.producer("a"), made.producer("b")
    while any([first.once(), second.once()]):
        pass
    assert first.counts["units"] == second.counts["units"] == 1
    assert first.counts["units_twice"] == second.counts["units_twice"] == 0
    assert first.is_all_made
    assert not first.is_done  # nobody was there yet
    assert made.folder.counts()["samples"] == 16 * LAST
    make_again = made.producer("c")
    assert not make_again.once()


def test_nothing_is_made_beyond_the_depth_and_what_is_past_is_discarded(tmp_path):
    made = opened(tmp_path)
    near = made.producer(depth=2)
    while near.once():
        pass
    assert len(made.folder.names()) == 1
    assert not near.is_done
    before = set(made.folder.names())
    made.folder.tell_position("a", 9)
    while near.once():
        pass
    made.folder.tell_position("a", LAST)
    assert not near.is_done  # it may be killed, and go on from before
    assert len(made.folder.names()) == 1
    assert not before & set(made.folder.names())
    assert near.counts["units_discarded"] == 1
    made.folder.tell_position("a", LAST + 1)
    assert near.is_done


def test_who_begins_behind_a_finished_run_makes_units_for_the_next(tmp_path):
    made = opened(tmp_path)
    made.folder.clock = lambda: 1.0
    made.folder.tell_position("a", LAST + 1)
    made.folder.clock = lambda: 2.0
    producer = made.producer()
    assert not producer.is_done
    assert producer.once()
    made.folder.tell_position("b", 1)
    while producer.once():
        pass
    assert not producer.is_done
    made.folder.tell_position("b", LAST + 1)
    assert producer.is_done


def test_a_full_disk_is_told_and_waited_out(tmp_path, monkeypatch):
    made = opened(tmp_path)
    producer = made.producer()

    def full(name, write):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as context:
        context.setattr(made.folder, "publish", full)
        assert not producer.once()
    assert "No space left on device: waiting for consumers" in made.said[-1]
    assert "--depth" in made.said[-1]
    assert made.folder.leases() == set()
    assert producer.once()


def test_another_error_of_the_disk_is_raised_and_the_lease_given_back(tmp_path, monkeypatch):
    made = opened(tmp_path)

    def broken(name, write):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(made.folder, "publish", broken)
    with pytest.raises(OSError, match="Input/output"):
        made.producer().once()
    assert made.folder.leases() == set()


def test_another_version_holds_from_its_step_on(tmp_path):
    made = opened(tmp_path)
    changed = made.workshop.plan.at(1).version
    from train.configuration import PhaseConfiguration

    phases = (PhaseConfiguration(batch=4), *changed.phases)
    assert agreed.propose(made.root, phases, 6) == 2
    producer = made.producer()
    while producer.once():
        pass
    assert made.workshop.plan.versions == []  # not before consumers agree
    agreed.accept(made.root, Version(2, 7, phases))
    agreed.accept(made.root, Version(2, 12, phases))  # what was agreed on stays
    agreed.propose(made.root, phases, 9)
    while producer.once():
        pass
    (version,) = made.workshop.plan.versions
    assert (version.number, version.first) == (2, 7)
    consumer, counters = made.consumer()
    assert [len(consumer.at(step)) for step in (5, 6, 7, 8)] == [16, 16, 4, 4]
    assert_same_batches(consumer, made.workshop.plan.at(7).batches, range(7, LAST + 1))
    assert counters.values()["ids_missed"] == counters.values()["ids_doubled"] == 0
    held = made.workshop.plan.phases
    assert [(each.first, each.last) for each in held] == [(1, 6), (7, 1000)]
    agreed.accept(made.root, Version(3, 2000, phases))  # of a run of more steps
    assert not producer.once()
    assert made.workshop.plan.at(2000).version.number == 3


def test_every_showing_is_in_one_unit_and_names_say_what_is_in_them(tmp_path):
    phases = opened(tmp_path).workshop.plan.phases
    for largest in (1, 1 << 20, 60 << 20, 1 << 40):
        spans = Spans(phases, [largest], "x")
        places = [
            (step, place)
            for span in spans.between(1, 20)
            for step, own in span.places.items()
            for place in own
        ]
        assert len(places) == len(set(places))
        assert {(step, place) for step in range(1, 21) for place in range(16)} <= set(places)
        names = [span.name for span in spans.between(1, 20)]
        assert len(set(names)) == len(names)
        other = Spans(phases, [largest], "y")
        assert not set(names) & {span.name for span in other.between(1, 20)}


class Lengths:
    """A frozen encoder whose features are the bytes of a prompt; what it was given each time."""

    width, cut, sees_images = 1, 0, False

    def __init__(self):
        self.given = []

    def encode(self, prompts, images=None):
        self.given.append(list(prompts))
        return [
            (torch.tensor([[float(byte)] for byte in f" {each}".encode()]),) for each in prompts
        ]


def test_captions_are_encoded_together_by_length_and_each_gets_its_own(tmp_path):
    made, encoder = opened(tmp_path), Lengths()
    plan = made.workshop.plan
    (span,) = plan.at(1).spans.at(1)
    entries = Maker(plan, encoder, 0, at_once=20).entries(span)
    captions = [each["caption"] for each in entries]
    for each in entries:
        expected = [[float(byte)] for byte in f" {each['caption']}".encode()]
        assert each["tensors"][-1]["shape"] == [len(expected), 1]
        data = torch.tensor(expected).numpy().tobytes()
        assert each["tensors"][-1]["data"][: len(data)] == data
    assert [len(each) for each in encoder.given] == [20] * 6 + [8]
    together = [each for given in encoder.given for each in given]
    assert sorted(together) == sorted(captions)
    assert [len(each) for each in together] == sorted(map(len, captions))
    again = Lengths()
    assert Maker(plan, again, 0, at_once=20).entries(span) == entries
    assert again.given == encoder.given
    assert Maker(plan, Lengths(), 0).entries(span) == entries
