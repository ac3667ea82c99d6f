"""From LLVM's language to machine code in memory."""

from __future__ import annotations

import ctypes
import functools
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from unstuck.engines.cpu.cache import kept
from unstuck.engines.cpu.host import Host

SIGNATURE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, *[ctypes.c_int64] * 4)


@functools.cache
def _llvm() -> Any:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    llvm.initialize_native_asmparser()  # for the pause of a waiting thread
    return llvm


def _machine(host: Host) -> Any:
    return (
        _llvm()
        .Target.from_default_triple()
        .create_target_machine(cpu=host.name, features=host.features, opt=3, jit=True, reloc="pic")
    )


# Our code is explicit about vectors, tiles and unrolling. What is left to do before the machine code: variables into
# registers, addresses simplified, empty blocks removed. LLVM's standard list takes ten times as long for the same speed.
PASSES = ("sroa", "instruction_combine", "simplify_cfg")


def _optimised(text: str, host: Host) -> tuple[Any, Any]:
    llvm = _llvm()
    module, machine = llvm.parse_assembly(text), _machine(host)
    module.triple, module.data_layout = machine.triple, str(machine.target_data)
    manager = llvm.create_new_module_pass_manager()
    for name in PASSES:
        getattr(manager, f"add_{name}_pass")()
    manager.run(module, llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options()))
    return module, machine


def object_code(text: str, host: Host) -> bytes:
    """A module in LLVM's language as an object file for this processor."""
    module, machine = _optimised(text, host)
    return bytes(machine.emit_object(module))


def assembly(text: str, host: Host) -> str:
    """The same in the processor's own language, for whoever tunes a kernel."""
    module, machine = _optimised(text, host)
    return str(machine.emit_assembly(module))


class Library:
    """Object code, loaded: its functions by name."""

    def __init__(self, code: bytes, host: Host) -> None:
        llvm = _llvm()
        empty = llvm.parse_assembly("")
        self._engine = llvm.create_mcjit_compiler(empty, _machine(host))
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self._engine.finalize_object()

    def function(self, name: str) -> Any:
        """A function of the program, see :func:`unstuck.engines.cpu.emit.step.program_text`; it runs without the GIL."""
        address = self._engine.get_function_address(name)
        if not address:
            raise LookupError(name)
        return SIGNATURE(address)


# Called before something is compiled that was not in the cache: it takes a moment, and whoever waits may want to know.
before_compiling: list[Callable[[], None]] = []
_loaded: OrderedDict[str, Library] = OrderedDict()
MOST_LOADED = 256  # programs that stay loaded for another training with the same graph


def library(key: str, text: Callable[[], str], host: Host) -> Library:
    """The program of a key: as it is loaded already, from the cache, or compiled from what ``text`` gives."""

    def make() -> bytes:
        for tell in before_compiling:
            tell()
        return object_code(text(), host)

    if key not in _loaded:
        _loaded[key] = Library(kept(key, make), host)
        while len(_loaded) > MOST_LOADED:
            _loaded.popitem(last=False)
    _loaded.move_to_end(key)
    return _loaded[key]
