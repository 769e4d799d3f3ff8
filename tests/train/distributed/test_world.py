"""How many processes may do what."""

import pytest

from curation.failures.errors import UsageError
from train.configuration import DistributedConfiguration
from train.distributed import heads, world
from train.distributed.world import World
from train.packing.by_head import ByHead


@pytest.mark.parametrize(
    ("given", "size", "axes"),
    [
        ({}, 1, (1, 1, 1)),
        ({}, 6, (1, 6, 1)),
        ({"replicate": 2}, 4, (2, 2, 1)),
        ({"replicate": 2, "shard": 2, "tensor": 3}, 12, (2, 2, 3)),
        ({"tensor": 2}, 2, (1, 1, 2)),
    ],
)
def test_processes_are_divided_as_asked(given, size, axes):
    assert world.axes_of(DistributedConfiguration(**given), size) == axes


@pytest.mark.parametrize(
    ("given", "size", "needed"),
    [
        ({"tensor": 2}, 1, "tensor 2 needs a multiple of 2 processes, not 1"),
        ({"replicate": 2}, 3, "replicate 2 x tensor 1 needs a multiple of 2 processes, not 3"),
        ({"shard": 4}, 2, "tensor 1 x shard 4 needs 4 processes, not 2"),
    ],
)
def test_other_numbers_of_processes_are_refused(given, size, needed):
    with pytest.raises(UsageError, match=needed) as refused:
        world.axes_of(DistributedConfiguration(**given), size)
    assert "torchrun --nproc-per-node" in str(refused.value)


class Mesh(dict):
    """Of so many processes along each axis."""

    def __init__(self, **axes):
        super().__init__({name: Axis(count) for name, count in axes.items()})


class Axis:
    def __init__(self, count):
        self.size = lambda: count


def test_batches_and_states_that_cannot_be_divided_are_refused():
    four = World(0, 4, Mesh(replicate=1, shard=4, tensor=1))
    world.check(four, [4, 8], "fp32")
    with pytest.raises(UsageError, match="a batch of 3 is divided among 4 processes"):
        world.check(four, [8, 3], "fp32")
    with pytest.raises(UsageError, match="states int8"):
        world.check(four, [8], "int8")
    world.check(World(), [1], "int8")


def test_heads_that_are_no_multiple_are_refused():
    three = World(0, 3, Mesh(replicate=1, shard=1, tensor=3))
    with pytest.raises(UsageError, match="heads 8 is not a multiple"):
        heads.split(None, ByHead(8, (), (), ()), three)
    with pytest.raises(UsageError, match="not divided by head"):
        heads.split(None, None, three)


def test_parts_of_a_batch_are_those_of_other_heads_alike():
    places = [World(rank, 4, Mesh(replicate=1, shard=2, tensor=2)) for rank in range(4)]
    assert [each.data_rank for each in places] == [0, 0, 1, 1]
    assert {each.data_ranks for each in places} == {2}
