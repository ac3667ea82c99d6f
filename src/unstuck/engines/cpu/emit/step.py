"""The whole program: one function for each kernel, and one that runs them in order for a range of steps."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable

from unstuck.engines.cpu.emit.code import Code, Module
from unstuck.engines.cpu.emit.conv import emit_conv
from unstuck.engines.cpu.emit.conv_weight import emit_conv_weight
from unstuck.engines.cpu.emit.deep import emit_deep
from unstuck.engines.cpu.emit.gather import emit_gather
from unstuck.engines.cpu.emit.matmul import emit_matmul, emit_partial
from unstuck.engines.cpu.emit.move import emit_copy, emit_pack
from unstuck.engines.cpu.emit.place import emit_place
from unstuck.engines.cpu.emit.reduce import emit_reduce
from unstuck.engines.cpu.emit.rows import emit_rows
from unstuck.engines.cpu.emit.windows import emit_batch_last, emit_unwindows
from unstuck.engines.cpu.kernel import Kernel
from unstuck.engines.cpu.places import BARRIER
from unstuck.engines.cpu.plan import Plan
from unstuck.engines.cpu.schedule import goes_on_alone

EMITTERS: dict[str, Callable[[Code, Plan, Kernel], None]] = {
    "rows": emit_rows, "matmul": emit_matmul, "partial": emit_partial, "deep": emit_deep, "reduce": emit_reduce,
    "gather": emit_gather, "pack": emit_pack, "copy": emit_copy, "place": emit_place,
    "conv": emit_conv, "conv_weight": emit_conv_weight, "unwindows": emit_unwindows, "batch_last": emit_batch_last,
}  # fmt: skip

PARAMETERS = "ptr noalias %table, i64 %step, i64 %from, i64 %to"
# So many looks at the barrier before a waiting thread lets others have the processor.
PATIENCE = 1000


def program_text(plan: Plan, prefix: str) -> str:
    """The plan in LLVM's language: ``{prefix}0``, ``{prefix}1`` … run its segments.

    Each is ``void (table of pointers, first step, step behind the last, number of this thread, number of threads)``.
    """
    module = Module()
    for number, segment in enumerate(plan.segments):
        if segment[0].kind == "reference":
            continue
        for kernel in segment:
            lanes = plan.fusion.lanes(kernel.group) if kernel.group is not None else _lanes(plan, kernel)
            name = f"internal void @{kernel.name}"
            code = Code(module, name, PARAMETERS, lanes, approximate=plan.is_training and plan.host.has_estimates)
            EMITTERS[kernel.kind](code, plan, kernel)
            code.finish()
        flush, back = plan.is_training and plan.host.is_x86, plan.binding.backwards
        waits = len(plan.segments) > 1 or not goes_on_alone(segment)
        module.functions.append(_run(f"{prefix}{number}", segment, flush=flush, backwards=back, waits=waits))
    if plan.host.is_x86:
        module.declare("llvm.x86.sse.stmxcsr", "void", ["ptr"])
        module.declare("llvm.x86.sse.ldmxcsr", "void", ["ptr"])
    module.functions.append(_barrier())
    return module.text()


def _lanes(plan: Plan, kernel: Kernel) -> int:
    assert kernel.node is not None
    dtype = kernel.node.dtype
    return plan.host.lanes(dtype if dtype.kind == "f" else "f4")


def _run(name: str, kernels: list[Kernel], *, flush: bool, backwards: int, waits: bool) -> str:
    units = sorted({kernel.domain.units for kernel in kernels})
    entry = []
    for n in units:
        entry += [f"%a{n} = mul i64 %thread, {n}", f"%from{n} = udiv i64 %a{n}, %threads"]
        entry += [f"%b{n} = add i64 %a{n}, {n}", f"%to{n} = udiv i64 %b{n}, %threads"]
    body = []
    for number, kernel in enumerate(kernels):
        if kernel.barrier or (number == 0 and waits):
            body.append("call void @barrier(ptr %state, i64 %threads)")
        n = kernel.domain.units
        body.append(f"call void @{kernel.name}(ptr %table, i64 %place, i64 %from{n}, i64 %to{n})")
    lines = "\n  ".join
    return f"""define void @{name}(ptr %table, i64 %first, i64 %last, i64 %thread, i64 %threads) nounwind {{
entry:
  %slot = getelementptr ptr, ptr %table, i64 {BARRIER}
  %state = load ptr, ptr %slot
  {lines(entry)}
  {_FLUSH if flush else ""}
  br label %head
head:
  %step = phi i64 [ %first, %entry ], [ %next, %body ]
  %more = icmp slt i64 %step, %last
  br i1 %more, label %body, label %end
body:
  %place = {f"sub i64 {backwards - 1}, %step" if backwards else "add i64 %step, 0"}
  {lines(body)}
  %next = add i64 %step, 1
  br label %head
end:
  call void @barrier(ptr %state, i64 %threads)
  {_RESTORE if flush else ""}
  ret void
}}"""


# In training, numbers below 1e-38 count as zero: the processor takes a hundred times as long for them, and the means of an
# optimiser fade through them. The mode is the caller's again at the end.
_FLUSH = """%old = alloca i32
  %new = alloca i32
  call void @llvm.x86.sse.stmxcsr(ptr %old)
  %mode = load i32, ptr %old
  %flushing = or i32 %mode, 32832
  store i32 %flushing, ptr %new
  call void @llvm.x86.sse.ldmxcsr(ptr %new)"""
_RESTORE = "call void @llvm.x86.sse.ldmxcsr(ptr %old)"


def _barrier() -> str:
    """Wait until all threads are here: the last one to come opens the next generation."""
    pause = {"x86_64": "pause", "AMD64": "pause", "aarch64": "yield", "arm64": "yield"}.get(platform.machine(), "")
    give_way = "call i32 @sched_yield()" if sys.platform != "win32" else "call i32 @SwitchToThread()"
    declared = give_way.split("@")[1]
    return f"""declare i32 @{declared}
define internal void @barrier(ptr %state, i64 %threads) nounwind noinline {{
entry:
  %alone = icmp eq i64 %threads, 1
  br i1 %alone, label %done, label %arrive
arrive:
  %gate = getelementptr i8, ptr %state, i64 64
  %generation = load atomic i64, ptr %gate acquire, align 8
  %before = atomicrmw add ptr %state, i64 1 acq_rel
  %here = add i64 %before, 1
  %complete = icmp eq i64 %here, %threads
  br i1 %complete, label %open, label %wait
open:
  store atomic i64 0, ptr %state monotonic, align 8
  %following = add i64 %generation, 1
  store atomic i64 %following, ptr %gate release, align 8
  br label %done
wait:
  %looks = phi i64 [ 0, %arrive ], [ %looked, %again ]
  call void asm sideeffect "{pause}", "~{{memory}}"()
  %now = load atomic i64, ptr %gate acquire, align 8
  %opened = icmp ne i64 %now, %generation
  %looked = add i64 %looks, 1
  br i1 %opened, label %done, label %weary
weary:
  %long = icmp ugt i64 %looked, {PATIENCE}
  br i1 %long, label %yield, label %again
yield:
  {give_way}
  br label %again
again:
  br label %wait
done:
  ret void
}}"""
