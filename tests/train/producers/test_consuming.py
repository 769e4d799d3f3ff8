"""Reading units: what is damaged is set right, what is waited for is counted, and only that."""

import os
import signal
import threading
from concurrent.futures import wait
from types import SimpleNamespace

import pytest
import torch
from making.produced import LAST, make_all, opened

from train.producers import prefetching
from train.producers.consuming import NobodyWaitsError
from train.producers.counters import WARM_UP, Counters, together
from train.producers.prefetching import Prefetched
from train.producers.stores import FolderStore
from train.producers.units import UnitError


def flip(path, at):
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def test_a_damaged_unit_is_removed_told_and_made_again(tmp_path):
    made = opened(tmp_path)
    make_all(made)
    good = made.consumer()[0].at(1)
    (span,) = made.workshop.plan.at(1).spans.at(1)
    path = made.folder.unit(span.name)
    flip(path, path.stat().st_size // 2)

    class Remade(FolderStore):
        def remove(self, span):
            super().remove(span)
            assert made.producer("again").once()

    consumer, counters = made.consumer(Remade(made.root))
    for (_, ours), (_, theirs) in zip(consumer.at(1), good, strict=True):
        assert torch.equal(ours.latents, theirs.latents)
    assert counters.values()["units_damaged"] == 1
    assert str(path) in made.said[-1]
    assert "checksum" in made.said[-1]


def test_what_stays_damaged_is_raised(tmp_path):
    made = opened(tmp_path)
    make_all(made)
    (span,) = made.workshop.plan.at(1).spans.at(1)
    flip(made.folder.unit(span.name), 3000)

    class Stays(FolderStore):
        def remove(self, span):
            pass

    with pytest.raises(UnitError, match="delete the file, and it is made again"):
        made.consumer(Stays(made.root))[0].at(1)


def test_a_unit_of_another_encoder_is_refused_by_name(tmp_path):
    made = opened(tmp_path)
    (span,) = made.workshop.plan.at(1).spans.at(1)
    entries, about = made.workshop.maker.entries(span), made.workshop.maker.about(span)
    about["encoders"]["autoencoder"] = "other"
    from train.producers import units

    made.folder.publish(span.name, lambda stream: units.write(stream, entries, about))
    store = SimpleNamespace(get=made.folder.get, remove=lambda span: None)
    store.get = lambda span: made.folder.get(span.name)
    with pytest.raises(UnitError, match=r"autoencoder: expected fingerprint \w+, not other"):
        made.consumer(store)[0].at(1)


def test_who_waits_is_told_for_what_and_may_stop(tmp_path, monkeypatch):
    from train.producers import consuming

    made = opened(tmp_path)
    monkeypatch.setattr(consuming, "_PATIENCE", 0.0)
    consumer, counters = made.consumer()
    prefetched = Prefetched(consumer, counters, LAST, 2, pinned=False)
    reading = threading.Thread(target=lambda: prefetched_fails(prefetched))
    reading.start()
    while not (waiting := [line for line in made.said if "waiting" in line]):
        pass
    consumer.stopped.set()
    reading.join()
    assert "steps 1 to 8" in waiting[0]
    assert "train.produce" in waiting[0]


def prefetched_fails(prefetched):
    with pytest.raises(NobodyWaitsError):
        prefetched.at(1)


def test_batches_are_read_ahead_in_order_and_begin_anew_where_steps_jump(tmp_path):
    made = opened(tmp_path)
    make_all(made)
    consumer, counters = made.consumer()
    prefetched = Prefetched(consumer, counters, LAST, 3, pinned=False)
    for step in (1, 2, 3, 9, 10, 4, LAST):
        batch = prefetched.at(step)
        wanted = made.batches.at(step)
        assert [each.planned for _, each in batch] == [each.planned for _, each in wanted]
    assert counters.values()["wait_seconds"] > 0
    prefetched.close()


class Clocked:
    """Batches that take five milliseconds of a made-up clock, but only while they are waited for;
    or none at all.
    """

    def __init__(self, slow):
        self.now, self._slow, self.stopped = 0.0, slow, threading.Event()
        self.wanted = threading.Semaphore(0)

    def at(self, step, rank, ranks):
        if self._slow:
            self.wanted.acquire()
            self.now += 0.005
        return [(0, SimpleNamespace(latents=torch.zeros(1, 2, 3)))]


@pytest.mark.parametrize("slow", [True, False])
def test_a_slow_producer_makes_the_counter_rise_and_one_that_keeps_up_does_not(slow):
    source, counters, last = Clocked(slow), Counters(), WARM_UP + 20
    prefetched = Prefetched(
        source,
        counters,
        last,
        2,
        pinned=False,
        begun=lambda step: source.wanted.release() if slow else None,
        clock=lambda: source.now,
    )
    for step in range(1, last + 1):
        prefetched.at(step)
    figures = counters.values()
    assert figures["stalled_steps"] == (20 if slow else 0)
    assert figures["wait_seconds"] == pytest.approx(0.005 * last if slow else 0)
    assert figures["wait_p99"] == figures["wait_max"] == pytest.approx(0.005 if slow else 0)
    prefetched.close()


def test_saying_where_training_is_keeps_nobody_waiting():
    source, counters, said, released = Clocked(slow=False), Counters(), [], threading.Event()

    def begun(step):
        is_beside = threading.current_thread() is not threading.main_thread()
        said.append(is_beside)
        if is_beside:
            released.wait()

    last = WARM_UP + 20
    options = {"pinned": False, "begun": begun, "clock": lambda: source.now}
    prefetched = Prefetched(source, counters, last, 2, **options)
    for step in range(1, last + 1):
        prefetched.at(step)
        source.now += 5
        wait([reading for _, reading in prefetched._waiting])
    released.set()
    prefetched.close()
    assert said.count(True) == 1  # it was at it all the time
    assert counters.values()["stalled_steps"] == 0


def test_what_lies_ready_is_counted_by_size(tmp_path):
    counters = Counters()
    batch = [(place, SimpleNamespace(latents=torch.zeros(1, 2, 3))) for place in range(4)]
    counters.ready(batch, 1)
    counters.ready(batch, 1)
    counters.ready(batch, -1)
    figures = counters.values()
    assert figures["ready_batches"] == 1
    assert figures["ready_samples/3x2"] == 4


def test_a_consumer_killed_in_a_batch_harms_nobody(tmp_path):
    made = opened(tmp_path)
    make_all(made)
    torch.set_num_threads(1)
    child = os.fork()
    if not child:
        consumer, counters = made.consumer()
        store = FolderStore(made.root)

        def killed(step):
            store.tell_position("a", step)
            if step == 3:
                os.kill(os.getpid(), signal.SIGKILL)

        prefetched = Prefetched(consumer, counters, LAST, 1, pinned=False, begun=killed)
        prefetched._said = float("-inf")
        for step in range(1, 4):
            prefetched._said = float("-inf")
            prefetched.at(step)
        prefetched.close()  # when all is said
        os._exit(1)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert made.folder.position(LAST, 0) == 3
    consumer, _ = made.consumer()
    for step in range(1, LAST + 1):
        assert [each.planned for _, each in consumer.at(step)] == [
            each.planned for _, each in made.batches.at(step)
        ]


def test_of_several_processes_the_slowest_wait_counts_and_the_sums_of_all_else():
    first = {"wait_max": 0.2, "stalled_steps": 3.0, "batch_age": 1.0, "bytes": 5.0}
    second = {"wait_max": 0.5, "stalled_steps": 1.0, "batch_age": 0.0, "ids_missed": 2.0}
    assert together([first, second]) == {
        "wait_max": 0.5,
        "stalled_steps": 3.0,
        "batch_age": 1.0,
        "bytes": 5.0,
        "ids_missed": 2.0,
    }


def test_who_waits_says_again_that_it_is_alive_and_only_the_first_says_where_it_is(monkeypatch):
    monkeypatch.setattr(prefetching, "_STILL", 0.001)
    said = []
    for leads in (True, False):
        source, steps = Clocked(slow=True), []

        def begun(step, source=source, steps=steps):
            steps.append(step)
            if len(steps) >= 3:
                source.wanted.release()

        prefetched = Prefetched(source, Counters(), LAST, 1, pinned=False, begun=begun, leads=leads)
        prefetched.at(1)
        prefetched.finish()
        said.append((set(steps[:3]), steps[-1]))
        source.wanted.release(9)
        prefetched.close()
    assert said == [({1}, LAST + 1), ({1}, 1)]
