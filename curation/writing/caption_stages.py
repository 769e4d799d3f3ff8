"""The stage that each caption reached, as shards hold it: no deeper than its image's."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from curation.signals.captions import SPLITS, stage_column


def capped(rows: pa.Table, stages: Sequence[str]) -> pa.Table:
    """The rows, of which captions pass no deeper one of the ``stages`` than their images do.

    One that passes none of them has an empty stage, one that was not judged has none.
    """
    names = pa.array(["", *stages], pa.string())
    image = pc.index_in(rows.column("stage").combine_chunks(), value_set=names)
    for split in SPLITS:
        place = rows.schema.get_field_index(stage_column(split))
        if place >= 0:
            lists = rows.column(place).combine_chunks()
            own = pc.index_in(lists.flatten(), value_set=names)
            depth = pc.min_element_wise(
                own, image.take(pc.list_parent_indices(lists)), skip_nulls=False
            )
            counts = pc.fill_null(pc.list_value_length(lists), 0)
            ends = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(counts)])
            of_captions = pa.ListArray.from_arrays(ends, names.take(depth))
            rows = rows.set_column(place, rows.schema.field(place), of_captions)
    return rows
