"""When the files of an input were last changed: that spares reading them, and names nothing."""

from dataclasses import replace

from curation.sources.sample import Part

_TICK = 20_000_000  # nanoseconds: filesystems tell times in steps of up to so much
_COARSE_TICK = 2_000_000_000  # those that tell whole seconds
_SECOND = 1_000_000_000


def settled(part: Part, began: int) -> Part:
    """The part as planned by a run that began at that time (nanoseconds), before it looked.

    A file changed less than a tick before might be changed again within that tick and keep its
    times: in their place stands what equals no other run's, so that it is read again next time.
    """
    if any(times and began - times[-1] < _tick(times[-1]) for times in part.stamps):
        return replace(part, stamps=((began,),))
    return part


def _tick(changed: int) -> int:
    return _TICK if changed % _SECOND else _COARSE_TICK
