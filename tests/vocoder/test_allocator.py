"""What the set-up of memory is for: a large tensor's pages are paid for once."""

import os
import platform
import subprocess
import sys

import pytest

from vocoder import allocator

FAULTS = """
import resource, vocoder, torch
for i in range(20):
    torch.ones(16 << 20)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""
PAGES = 20 * (64 << 20) // os.sysconf("SC_PAGESIZE")


def faults(**variables: str) -> int:
    plain = {k: v for k, v in os.environ.items() if not k.startswith((*allocator.USERS, "THP_"))}
    done = subprocess.run([sys.executable, "-c", FAULTS], env=plain | variables, capture_output=True, check=True)
    return int(done.stdout)


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="set up with glibc alone")
def test_pages_of_large_tensors_are_paid_for_once():
    assert faults() < PAGES / 4


def test_a_users_own_setting_is_left_alone(monkeypatch):
    monkeypatch.setenv("MALLOC_ARENA_MAX", "4")
    monkeypatch.delenv("THP_MEM_ALLOC_ENABLE", raising=False)
    assert not allocator.keep_large_tensors()
    assert "THP_MEM_ALLOC_ENABLE" not in os.environ
