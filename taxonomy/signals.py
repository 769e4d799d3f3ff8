"""Where an image stands in the taxonomy: its node, the way to it, domain and subcategory.

Named in ``pipelines.yaml`` under ``signals: [taxonomy.signals]``. Quotas go by ``domain``, ``cut``
or ``subcategory``.
"""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from curation.networks import class_posterior
from curation.signals.row import Row
from curation.signals.signal import CAPTIONS, SYNTHETIC, Column, Measure, Settings, signal
from taxonomy import domains
from taxonomy.nodes import SOURCES, Classifying
from taxonomy.posterior import Posterior
from taxonomy.tree import tree

SPLITS = ("caption_raw", "caption_recaption")  # a fused caption says what these say


class TaxonomySettings(Settings):
    """``caution`` in being specific by the classes alone: 0 is the most specific node. Classes
    that say fewer ``bits`` than this give way to what captions name.
    """

    caution: float = 1.0
    bits: float = 6.0


@signal(
    tier="model",
    version=2,
    columns={
        "node": Column(pa.string(), "WordNet number or name", "the node of the image"),
        "node_path": Column(pa.list_(pa.string()), "names", "from the root to the node"),
        "node_confidence": Column(pa.float32(), "0 to 1", "how sure the node is"),
        "node_source": Column(
            pa.string(), "category", "what the node is known by", categories=SOURCES
        ),
        "nodes": Column(
            pa.list_(pa.string()), "WordNet numbers or names", "all that captions or classes name"
        ),
        "cut": Column(pa.string(), "name and WordNet number", "the category that is balanced"),
        "domain": Column(
            pa.string(), "category", "domain of the report", categories=domains.domains()
        ),
        "subcategory": Column(
            pa.string(), "category", "part of the domain", categories=domains.subcategories()
        ),
    },
    settings=TaxonomySettings,
    reads=(CAPTIONS, SYNTHETIC, "classes", "class_scores"),
    check=lambda _settings: class_posterior.check(),
)
def taxonomy(settings: TaxonomySettings) -> Measure:
    """The node of each image. Raises ``MissingModelError``."""
    nodes = tree()
    leaves = tuple(nodes.number[name] for name in class_posterior.wordnet())
    classifying = Classifying(Posterior(nodes, leaves), settings.caution, settings.bits)

    def measured(row: Row) -> dict[str, Any]:
        texts = [text for split in SPLITS for text in row.captions.get(split, ())]
        classes, scores = row.columns["classes"], row.columns["class_scores"]
        assigned = classifying.assigned(texts, classes or (), scores or ())
        rendered = row.columns[SYNTHETIC]
        domain, subcategory = domains.RENDERED if rendered else domains.of_node(assigned.node)
        return {
            "node": nodes.ids[assigned.node],
            "node_path": nodes.path_names(assigned.node),
            "node_confidence": assigned.confidence,
            "node_source": assigned.source,
            "nodes": [nodes.ids[node] for node in assigned.nodes],
            "cut": nodes.label(nodes.cut(assigned.node)),
            "domain": domain,
            "subcategory": subcategory,
        }

    def measure(rows: Sequence[Row]) -> list[dict[str, Any]]:
        return [measured(row) for row in rows]

    return measure
