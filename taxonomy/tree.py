"""The taxonomy: what an image can show, from ``entity`` down, as a tree of nodes.

A node is a noun of WordNet 3.0, named as in ImageNet (``n02084071``), or one of our own branches
(``poster``). The nouns are those of ImageNet-12k with all above them, and a few more
(``data/branches.yaml``). A node may have several parents; the *path* to it goes by one of them: by
the shortest way, and among equals by the smallest number.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from curation.strict_yaml import Frozen, bind, read

DATA = Path(__file__).parent / "data"
ROOT = "n00001740"
CUT = 200  # leaves below a category of a human size: some 1,300 of them


@dataclass(frozen=True)
class Tree:
    """Nodes 0 to N - 1 with their ``ids``, ``names`` in English and ``chinese`` (None: has none),
    and their ``parents`` (none of the root).
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    chinese: tuple[str | None, ...]
    parents: tuple[tuple[int, ...], ...]

    @cached_property
    def number(self) -> dict[str, int]:
        """Nodes by id."""
        return {name: number for number, name in enumerate(self.ids)}

    @cached_property
    def depth(self) -> tuple[int, ...]:
        """Steps from the root by the shortest way."""
        return tuple(len(path) - 1 for path in self.paths)

    @cached_property
    def paths(self) -> tuple[tuple[int, ...], ...]:
        """Of each node, the nodes from the root to itself, by its path."""
        children = self.children
        root = self.number[ROOT]
        paths: list[tuple[int, ...]] = [()] * len(self.ids)
        paths[root] = (root,)
        level = [root]
        while level:  # breadth first, smaller ids first: the first way to a node is its path
            following = []
            for node in sorted(level, key=self.ids.__getitem__):
                for child in children[node]:
                    if not paths[child]:
                        paths[child] = (*paths[node], child)
                        following.append(child)
            level = following
        return tuple(paths)

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """Of each node, those it is a parent of."""
        below: list[list[int]] = [[] for _ in self.ids]
        for node, parents in enumerate(self.parents):
            for parent in parents:
                below[parent].append(node)
        return tuple(map(tuple, below))

    def above(self, node: int) -> dict[int, int]:
        """The node and all above it by any parent, each with the steps to it, nearest first."""
        steps = {node: 0}
        level = [node]
        while level:
            level = sorted({parent for of in level for parent in self.parents[of]} - steps.keys())
            steps |= dict.fromkeys(level, max(steps.values()) + 1)
        return steps

    @cached_property
    def _cuts(self) -> tuple[int, ...]:
        below: list[set[int]] = [set() for _ in self.ids]
        for node, children in enumerate(self.children):
            if not children:
                for of in self.paths[node]:
                    below[of].add(node)
        root = self.number[ROOT]
        branches_of_ours = {of for of in self.children[root] if not _is_noun(self.ids[of])}
        return tuple(
            next(
                (of for of in path if len(below[of]) <= CUT and of not in branches_of_ours),
                path[-1],
            )
            for path in self.paths
        )

    def cut(self, node: int) -> int:
        """The first node on the path to it with at most ``CUT`` leaves below: what is balanced.

        What is more general than that is its own category. A branch of our own is never one for
        what is below it: posters and slides are no category together.
        """
        return self._cuts[node]

    def label(self, node: int) -> str:
        """The English name with WordNet's number, as several nodes may have one name."""
        name = self.ids[node]
        return f"{self.names[node]} ({name})" if _is_noun(name) else name

    def path_names(self, node: int) -> list[str]:
        """English names from the root to the node."""
        return [self.names[of] for of in self.paths[node]]


def _is_noun(name: str) -> bool:
    """Whether a node is WordNet's."""
    return name[1:].isdigit()


@cache
def nouns() -> pa.Table:
    """All nouns of WordNet by offset, as ``taxonomy.build`` wrote them."""
    return pq.read_table(DATA / "wordnet.parquet")


class Branch(Frozen):
    """A node of our own: its ``parent``, its names, WordNet's nouns that move ``under`` it, and
    words that mean it in captions of what was ``rendered`` alone.
    """

    parent: str
    en: tuple[str, ...]
    zh: tuple[str, ...]
    under: tuple[str, ...] = ()
    rendered: tuple[str, ...] = ()


class Branches(Frozen):
    """WordNet's nouns that are ``admitted`` beside the listed ones, and our own ``nodes`` by id."""

    admitted: tuple[str, ...]
    nodes: dict[str, Branch]


@cache
def branches() -> Branches:
    """What ``data/branches.yaml`` says."""
    return bind(read(str(DATA / "branches.yaml")), Branches)


@cache
def tree() -> Tree:
    """The taxonomy."""
    own = branches().nodes
    moved = {name: branch for branch, of in own.items() for name in of.under}
    rows = _rows(_offsets(branches().admitted), _offsets(moved))
    ids = [f"n{row['offset']:08d}" for row in rows] + list(own)
    number = {name: place for place, name in enumerate(ids)}
    parents = [
        (number[moved[name]],)
        if name in moved
        else tuple(number[f"n{parent:08d}"] for parent in row["parents"])
        for name, row in zip(ids, rows, strict=False)
    ]
    parents += [(number[of.parent],) for of in own.values()]
    names = [row["lemmas"][0] for row in rows] + [of.en[0] for of in own.values()]
    chinese = [next(iter(row["chinese"]), None) for row in rows]
    chinese += [of.zh[0] for of in own.values()]
    return Tree(tuple(ids), tuple(names), tuple(chinese), tuple(parents))


def _rows(admitted: Sequence[int], moved: Sequence[int]) -> list[dict[str, Any]]:
    """The nouns that are visual, those admitted with all above them, and those moved."""
    table = nouns().select(["offset", "parents", "lemmas", "chinese", "visual"])
    offsets, parents = table.column("offset"), table.column("parents")
    place = {offset: number for number, offset in enumerate(offsets.to_pylist())}
    wanted = np.array(table.column("visual").to_numpy())
    waiting = [place[offset] for offset in admitted]
    while waiting:
        row = waiting.pop()
        if not wanted[row]:
            wanted[row] = True
            waiting += [place[offset] for offset in parents[row].as_py()]
    wanted[[place[offset] for offset in moved]] = True
    return list(table.filter(pa.array(wanted)).to_pylist())


def _offsets(names: Iterable[str]) -> list[int]:
    return [int(name[1:]) for name in names]
