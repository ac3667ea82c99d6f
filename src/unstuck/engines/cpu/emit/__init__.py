"""The code generator: from the kernels of a plan to LLVM's language."""
