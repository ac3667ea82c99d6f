"""The table of primitives: the basic ones, and convolution, windows and scan in files of their own."""

from unstuck.autodiff.primitives import convolution, scan, windows
from unstuck.autodiff.primitives.basic import (
    TABLE,
    Primitive,
    define,
    elementwise,
    elementwise_float,
    matmul_misfit,
    unbroadcast,
)

__all__ = [
    "TABLE",
    "Primitive",
    "convolution",
    "define",
    "elementwise",
    "elementwise_float",
    "matmul_misfit",
    "scan",
    "unbroadcast",
    "windows",
]
