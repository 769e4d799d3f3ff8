"""How coarsely a JPEG was stored, as its own header says."""

import pyarrow as pa

from curation.picture.decoding import Header
from curation.signals.signal import Column, signal


@signal(
    tier="file",
    version=1,
    columns={
        "quantisation": Column(
            pa.float32(),
            "steps, 0 to 65535",
            "mean step by which a JPEG's luma was divided; 0: no JPEG",
        )
    },
)
def compression(header: Header) -> dict[str, float]:
    """Mean of the 64 quantisation steps of luma (ITU-T T.81, B.2.4.1).

    libjpeg's tables have 57.6 at quality 50, 115 at 25, 185 at 12. A bad JPEG that was stored again
    with care has the steps of the second time; ``grid`` looks for its blocks.
    """
    return {"quantisation": header.quantisation}
