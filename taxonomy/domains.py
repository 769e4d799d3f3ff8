"""The report's four domains and their subcategories: which a node belongs to."""

from collections.abc import Mapping
from functools import cache

from curation.strict_yaml import bind, read
from taxonomy.tree import DATA, tree

RENDERED = ("synthetic", "text")  # what was rendered, whatever it shows
REST = ("nature", "objects")  # what belongs to no other, as the report says


@cache
def heads() -> Mapping[str, tuple[str, str]]:
    """By the id of a node at the head of a subcategory, the domain and the subcategory."""
    of_file = bind(read(str(DATA / "domains.yaml")), dict[str, dict[str, tuple[str, ...]]])
    return {
        node: (domain, name)
        for domain, subcategories in of_file.items()
        for name, nodes in subcategories.items()
        for node in nodes
    }


@cache
def of_node(node: int) -> tuple[str, str]:
    """The domain and subcategory of a node: those of the nearest head above it."""
    nodes, known = tree(), heads()
    nearest: dict[int, list[int]] = {}
    for of, steps in nodes.above(node).items():
        if nodes.ids[of] in known:
            nearest.setdefault(steps, []).append(of)
    if not nearest:
        return REST
    order = list(known)
    here = (nodes.ids[of] for of in nearest[min(nearest)])
    return known[min(here, key=order.index)]


def domains() -> tuple[str, ...]:
    """The domains, in the report's order."""
    return tuple(dict.fromkeys(domain for domain, _ in heads().values()))


def subcategories() -> tuple[str, ...]:
    """The subcategories of all domains."""
    return tuple(dict.fromkeys(name for _, name in heads().values()))
