"""The CPU engine: step graphs compiled for the processor at hand, run for whole epochs without returning to Python."""

from unstuck.engines.cpu.engine import CpuEngine

__all__ = ["CpuEngine"]
