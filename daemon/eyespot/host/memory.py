"""Memory that is freed goes back to the system."""

import ctypes

_M_MMAP_THRESHOLD = -3  # mallopt(3)
_LARGE_BYTES = 1 << 20


def give_back_large_blocks() -> None:
    """Let blocks of a mebibyte and more be the system's own, which has them back when they are freed.

    Else glibc keeps what networks of several megabytes leave behind, in a heap for each thread. Harmless
    where the C library has no such setting.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)


def give_back_what_is_free() -> None:
    """Let the system have what small blocks of a network have left behind; takes some ms.

    Harmless where the C library knows no such thing.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
