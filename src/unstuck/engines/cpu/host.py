"""What this processor offers: vector length, registers, and the sizes of tiles that follow from them."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from unstuck.errors import InputError


@dataclass(frozen=True)
class Host:
    """A processor as the generator sees it.

    ``vector_bytes`` is the width of its registers, ``registers`` their number; ``tile_rows`` × ``tile_vectors`` is the part
    of a product that is kept in registers (one register each for the rest: the row of B, and a spare one).
    """

    name: str
    family: str  # "x86", "arm" or "other"
    features: str
    vector_bytes: int
    registers: int
    processors: int

    def lanes(self, dtype: Any) -> int:
        """How many values of a dtype one register holds."""
        return int(self.vector_bytes // np.dtype(dtype).itemsize)

    @property
    def is_x86(self) -> bool:
        return self.family == "x86"

    @property
    def has_estimates(self) -> bool:
        """Whether reciprocals and roots can begin with an estimate of 14 bits (AVX-512)."""
        return self.is_x86 and self.vector_bytes == 64

    @property
    def multiplies_and_adds(self) -> bool:
        """Whether a multiplication and an addition are one instruction."""
        return not self.is_x86 or self.vector_bytes >= 32

    @property
    def tile_vectors(self) -> int:
        return 2

    @property
    def tile_rows(self) -> int:
        return (self.registers - 2) // self.tile_vectors - 1


def _widest() -> int:
    """UNSTUCK_VECTORS: no vectors longer than so many bits, as if the processor had none."""
    given = os.environ.get("UNSTUCK_VECTORS", "")
    if given not in ("", "128", "256", "512"):
        raise InputError(f"UNSTUCK_VECTORS is {given!r}; expected 128, 256 or 512 (bits), or nothing.")
    return int(given or 512)


@functools.cache
def host() -> Host:
    """The processor at hand, as LLVM names it."""
    import llvmlite.binding as llvm

    found = llvm.get_host_cpu_features()
    most = _widest()
    for name in found:
        if most < 512 and name.startswith(("avx512", "avx10", "evex")):
            found[name] = False
        if most < 256 and name.startswith(("avx", "fma", "f16c", "vaes", "vpclmul", "xop")):
            found[name] = False
    # An explicit 512-bit vector is what we mean, whatever the compiler's own preference for this chip.
    found["prefer-256-bit"] = False
    triple = llvm.get_default_triple()
    family = "x86" if triple.startswith(("x86_64", "i686")) else "other"
    family = "arm" if triple.startswith(("aarch64", "arm64")) else family
    bits, registers = 128, 16
    if found.get("avx512f") and found.get("avx512vl") and found.get("avx512dq"):
        bits, registers = 512, 32
    elif found.get("avx2") and found.get("fma"):
        bits, registers = 256, 16
    elif family == "arm":
        bits, registers = 128, 32
    return Host(llvm.get_host_cpu_name(), family, found.flatten(), bits // 8, registers, os.cpu_count() or 1)
