"""Arguments that both functions have."""

import operator


def chunk_size_of(batch_size):
    """The extension's chunk_size, an integer of 4 bytes; None is its default. Errors are those of Django."""
    if batch_size is None:
        return None
    if batch_size <= 0:
        raise ValueError("Batch size must be a positive integer.")
    return min(operator.index(batch_size), 2**31 - 1)
