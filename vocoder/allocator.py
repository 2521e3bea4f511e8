"""Memory of large tensors on the CPU, kept between network calls and in huge pages: set up when vocoder is imported.

A network call makes and drops tensors of tens of MB each. By default the C library gives each back to the system, and
the next one is paid for again, page by page: with the demo voice more than a quarter of a call's time.
"""

import ctypes
import os
import platform

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h of glibc
LARGEST_KEPT = 256 << 20  # bytes of a tensor that is made on the heap, where it can be used again
KEPT = 512 << 20  # bytes that may lie free at the heap's end
# Whoever sets one of them knows better.
USERS = ("MALLOC_", "GLIBC_TUNABLES", "LD_PRELOAD")


def keep_large_tensors() -> bool:
    """Whether this process's memory is set up so; not where the C library is no glibc or the user has chosen.

    torch reads its variable at its first tensor: in a program that made one before, that half is left out.
    """
    if platform.libc_ver()[0] != "glibc" or any(name.startswith(USERS) for name in os.environ):
        return False
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # c10/core/impl/alloc_cpu.cpp
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT) and mallopt(M_TRIM_THRESHOLD, KEPT))
