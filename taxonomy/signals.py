"""Where an image stands in the taxonomy: its node, the way to it, domain and subcategory.

Named in ``pipelines.yaml`` under ``signals: [taxonomy.signals]``. Quotas go by ``domain``, ``cut``
or ``subcategory``.
"""

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from curation.networks import class_posterior, encoders
from curation.networks.weights import MissingModelError
from curation.signals.image_text import ImageTextSettings
from curation.signals.row import Row
from curation.signals.signal import CAPTIONS, SYNTHETIC, Column, Measure, Settings, signal
from taxonomy import domains, kinds, people, photographs
from taxonomy.kinds import KINDS
from taxonomy.nodes import SOURCES, Classifying
from taxonomy.people import StandingOut
from taxonomy.posterior import Posterior
from taxonomy.tree import tree

SPLITS = ("caption_raw", "caption_recaption")  # a fused caption says what these say


class TaxonomySettings(Settings):
    """``caution`` in being specific by the image alone: 0 is the most specific node; one that is
    less ``sure`` than this is none, but what is above it. Photographs need to be
    ``sure_of_photograph``, their classes' probabilities taken at a ``temperature``: 1 as they are,
    less is sharper. What says fewer ``bits`` than this gives way to what captions name.

    ``kinds`` is the image-text model that tells pages, slides, user interfaces, ... by sentences;
    without one a head that ships tells them by the column ``embedding`` of the embedded CLIP, and
    another one photographs. With one nothing tells photographs, and no node is taken for surer.
    ``faces`` that stand out so put an image under people.
    """

    caution: float = 1.0
    bits: float = 6.0
    sure: float = 0.65
    sure_of_photograph: float = 0.3
    temperature: float = 0.7
    kinds: ImageTextSettings | None = None
    faces: StandingOut = StandingOut()


def _check(settings: TaxonomySettings) -> None:
    class_posterior.check()
    if settings.kinds is None:
        kinds.fitted()
        photographs.fitted()
    else:
        encoders.check(settings.kinds.named(), texts=True)


def of_settings(settings: TaxonomySettings) -> Classifying:
    """What assigns nodes as set."""
    nodes = tree()
    leaves = (*class_posterior.wordnet(), *KINDS[1:])
    posterior = Posterior(nodes, tuple(nodes.number[name] for name in leaves))
    sure = settings.sure, settings.sure_of_photograph
    return Classifying(posterior, settings.caution, settings.bits, *sure, settings.temperature)


def _kinds(settings: TaxonomySettings) -> Callable[[Row], tuple[Sequence[float], bool]]:
    """What tells how likely a row is of each kind, and whether it is a photograph."""
    named = settings.kinds
    if named is not None:
        head, vector = kinds.of_sentences(named.named())
        return lambda row: (head.probabilities(vector(row.picture(named.side).rgb)), False)
    shipped = kinds.fitted()

    def by_embedding(row: Row) -> tuple[Sequence[float], bool]:
        own = row.columns["embedding"]
        if own is None:
            return (1.0,), False
        if len(own) != shipped.weight.shape[1]:
            raise MissingModelError(
                f"the signal 'taxonomy' tells kinds by vectors of {shipped.weight.shape[1]} "
                f"numbers; 'embedding' is set to such of {len(own)}: set its 'kinds'"
            )
        return shipped.probabilities(own), photographs.is_photograph(own)

    return by_embedding


@signal(
    tier="model",
    version=4,
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
    reads=(
        *(CAPTIONS, SYNTHETIC, "classes", "class_scores", "embedding", "face_area"),
        *("face_height", "face_regions"),
    ),
    check=_check,
)
def taxonomy(settings: TaxonomySettings) -> Measure:
    """The node of each image. Raises ``MissingModelError``."""
    nodes, kinds_of = tree(), _kinds(settings)
    classifying = of_settings(settings)

    def measured(row: Row) -> dict[str, Any]:
        texts = [text for split in SPLITS for text in row.captions.get(split, ())]
        if rendered := bool(row.columns[SYNTHETIC]):
            assigned = classifying.of_rendered(texts)
        else:
            seen = row.columns["classes"] or (), row.columns["class_scores"] or ()
            of_kinds, is_photograph = kinds_of(row)
            assigned = classifying.assigned(texts, *seen, of_kinds, is_photograph=is_photograph)
            faces = people.faces(row.columns)
            assigned = people.of_faces(assigned, faces, of_kinds, settings.faces)
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
