"""What says that there was too little memory: Python's own, NumPy's, or torch's by its words.

Imports nothing heavy.
"""

_NAMES = ("MemoryError", "OutOfMemoryError")  # torch's is a RuntimeError
_WORDS = ("out of memory", "can't allocate memory")  # of a GPU; of the CPU


def ran_out(error: BaseException) -> bool:
    """Whether this is what ``error`` says."""
    if any(kind.__name__ in _NAMES for kind in type(error).__mro__):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _WORDS)
