"""Which of the data a step sees: a function of its number and the seed."""

import numpy as np

from train.seeds import seed_for


def at(step: int, batch: int, count: int, seed: int) -> list[int]:
    """The places, below ``count``, of the batch of a 1-based step: each once in every round, in
    another order.
    """
    places = range((step - 1) * batch, step * batch)
    orders = {number: _shuffled(number, count, seed) for number in {p // count for p in places}}
    return [orders[place // count][place % count] for place in places]


def _shuffled(number: int, count: int, seed: int) -> list[int]:
    random = np.random.default_rng(seed_for(seed, "round", number))
    order: list[int] = random.permutation(count).tolist()
    return order
