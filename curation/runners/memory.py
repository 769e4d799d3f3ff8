"""How the C library is to treat memory in a process that decodes one image after the other."""

import ctypes

import pyarrow as pa

_TRIM_THRESHOLD, _MAP_THRESHOLD, _ARENAS = -1, -3, -8  # of mallopt(3)
_REUSED_BYTES = 16 << 20  # the pixels of nearly every image, reduced, are smaller
_GIVEN_BACK_BYTES = 128 << 10  # from here on by default


def keep_freed() -> None:
    """Reuse the memory of the last image for the next one; nothing where there is no glibc.

    By default glibc gives every image's memory back to the kernel, which clears it again page by
    page: up to a fifth of the time that measuring takes. Arrow shares that memory, and so do all
    threads that start later; an allocator for each would hold on to as much again. (Parquet's own
    buffers come from what ``ARROW_DEFAULT_MEMORY_POOL`` named when Arrow was loaded.)
    """
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        set_option = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    set_option(_ARENAS, 1)
    set_option(_MAP_THRESHOLD, _REUSED_BYTES)
    set_option(_TRIM_THRESHOLD, 2 * _REUSED_BYTES)


def give_large_back() -> None:
    """Until ``keep_freed``: what is large goes back as soon as it is freed, and leaves no holes.

    For steps that hold row groups: between these, what small things left free could not be reused.
    """
    try:
        ctypes.CDLL(None).mallopt(_MAP_THRESHOLD, _GIVEN_BACK_BYTES)
    except (AttributeError, OSError, TypeError):
        return


def give_back() -> None:
    """Give freed memory back to the kernel, between steps; nothing where there is no glibc."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):
        return
