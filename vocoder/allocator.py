"""Keeps the memory of large tensors between network calls, in huge pages; set up when vocoder is imported.

A network call makes and drops tensors of tens of MB each. By default the C library gives each back to the system, and
the next one costs its pages again: with the demo voice more than a quarter of a call's time.
"""

import ctypes
import os
import platform

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h of glibc
LARGEST_KEPT = 256 << 20  # bytes; up to this size a tensor is made on the heap, whose memory is used again
KEPT = 512 << 20  # bytes that may lie free at the heap's end
# A user who sets one of them has chosen an allocator.
USERS = ("MALLOC_", "GLIBC_TUNABLES", "LD_PRELOAD")


def keep_large_tensors() -> bool:
    """Sets the process up and says whether it did; only with glibc, and where the user has chosen no allocator.

    torch reads its variable at its first tensor. A program that made a tensor before gets no huge pages.
    """
    if platform.libc_ver()[0] != "glibc" or any(name.startswith(USERS) for name in os.environ):
        return False
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # c10/core/impl/alloc_cpu.cpp
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT) and mallopt(M_TRIM_THRESHOLD, KEPT))
