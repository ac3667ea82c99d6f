"""Writing LLVM's language: values, vectors of one length, memory, loops. Nothing here knows of graphs."""

from __future__ import annotations

import contextlib
import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Dtype = np.dtype[Any]
INT64 = np.dtype(np.int64)
INT32 = np.dtype(np.int32)
BOOL = np.dtype(bool)
_TYPES = {"f4": "float", "f8": "double", "b1": "i1"} | {k + str(n): f"i{8 * n}" for k in "iu" for n in (1, 2, 4, 8)}


def type_of(dtype: Dtype, lanes: int = 0) -> str:
    """LLVM's name of a dtype, as one value (``lanes`` 0) or as a vector."""
    name = _TYPES[f"{dtype.kind}{dtype.itemsize}"]
    return f"<{lanes} x {name}>" if lanes else name


@dataclass(frozen=True, slots=True)
class Value:
    """What a register holds: its text in the code, the dtype, and how many lanes (0: a plain number)."""

    text: str
    dtype: Dtype
    lanes: int = 0

    @property
    def type(self) -> str:
        return type_of(self.dtype, self.lanes)

    @property
    def is_float(self) -> bool:
        return self.dtype.kind == "f"

    def __str__(self) -> str:
        return f"{self.type} {self.text}"


def literal(value: Any, dtype: Dtype) -> str:
    """A number as LLVM writes it."""
    if dtype.kind == "f":
        number = float(dtype.type(value))
        return "0x" + struct.pack(">d", number).hex().upper()
    return ("true" if value else "false") if dtype.kind == "b" else str(int(value))


class Module:
    """The functions of one program, and the declarations of what they call."""

    def __init__(self) -> None:
        self.declarations: dict[str, str] = {}
        self.functions: list[str] = []

    def declare(self, name: str, result: str, parameters: Sequence[str]) -> None:
        self.declarations[name] = f"declare {result} @{name}({', '.join(parameters)})"

    def text(self) -> str:
        return "\n".join([*self.declarations.values(), *self.functions]) + "\n"


class Variable:
    """A value that changes in loops; LLVM turns it into registers."""

    def __init__(self, code: Code, start: Value) -> None:
        self.code, self.like = code, start
        self.place = code.name()
        code.entry.append(f"{self.place} = alloca {start.type}")
        self.set(start)

    def get(self) -> Value:
        return self.code.op(f"load {self.like.type}, ptr {self.place}", self.like.dtype, self.like.lanes)

    def set(self, value: Value) -> None:
        self.code.line(f"store {value}, ptr {self.place}")


class Code:
    """One function in the making. ``lanes`` is the length of its vectors.

    ``approximate`` quotients and roots in float32 come from the processor's estimate and one step of Newton's method: they are
    within 2 units in the last place, and NaN where the exact one is infinite (0 where it is the root of 0).
    """

    def __init__(self, module: Module, name: str, parameters: str, lanes: int, *, approximate: bool = False) -> None:
        self.module, self.lanes, self.approximate = module, lanes, approximate
        self._inverses: dict[str, Value] = {}
        self.head = f"define {name}({parameters})"
        self.entry: list[str] = []  # run once, before everything else
        self.lines: list[str] = []
        self._count = 0
        self._constants: dict[tuple[Any, ...], Value] = {}

    # The text ----------------------------------------------------------------------------------------------------------
    def name(self) -> str:
        self._count += 1
        return f"%v{self._count}"

    def line(self, text: str) -> None:
        self.lines.append(text)

    def op(self, text: str, dtype: Dtype, lanes: int = 0) -> Value:
        """A new value, made by an instruction."""
        result = Value(self.name(), dtype, lanes)
        self.line(f"{result.text} = {text}")
        return result

    def once(self, text: str) -> str:
        """A name made at the entry of the function."""
        name = self.name()
        self.entry.append(f"{name} = {text}")
        return name

    def finish(self) -> None:
        body = "\n  ".join([*self.entry, "br label %start"])
        rest = "\n  ".join([*self.lines, "ret void"])
        self.module.functions.append(f"{self.head} nounwind {{\nentry:\n  {body}\nstart:\n  {rest}\n}}")

    # Numbers and vectors -----------------------------------------------------------------------------------------------
    def number(self, value: int) -> Value:
        return Value(str(value), INT64)

    def constant(self, value: Any, dtype: Any) -> Value:
        """The same number in all lanes."""
        dtype = np.dtype(dtype)
        return Value(f"splat ({type_of(dtype)} {literal(value, dtype)})", dtype, self.lanes)

    def constants(self, values: Sequence[Any], dtype: Any) -> Value:
        """A vector of given numbers."""
        dtype = np.dtype(dtype)
        parts = ", ".join(f"{type_of(dtype)} {literal(v, dtype)}" for v in values)
        return Value(f"<{parts}>", dtype, len(values))

    def splat(self, value: Value) -> Value:
        """A plain number in all lanes."""
        kind = type_of(value.dtype, self.lanes)
        first = self.op(f"insertelement {kind} poison, {value}, i64 0", value.dtype, self.lanes)
        mask = f"<{self.lanes} x i32> zeroinitializer"
        return self.op(f"shufflevector {first}, {kind} poison, {mask}", value.dtype, self.lanes)

    def extract(self, value: Value, lane: int) -> Value:
        return self.op(f"extractelement {value}, i64 {lane}", value.dtype)

    def insert(self, vector: Value, value: Value, lane: int) -> Value:
        return self.op(f"insertelement {vector}, {value}, i64 {lane}", vector.dtype, vector.lanes)

    def shuffle(self, a: Value, b: Value, order: Sequence[int]) -> Value:
        """Lanes picked out of two vectors: numbers from len(a) on are those of b."""
        mask = ", ".join(f"i32 {i}" for i in order)
        return self.op(f"shufflevector {a}, {b}, <{len(order)} x i32> <{mask}>", a.dtype, len(order))

    def lane_numbers(self) -> Value:
        return self.constants(range(self.lanes), INT64)

    def first_lanes(self, count: int) -> Value:
        """True in the first ``count`` lanes."""
        return self.constants([i < count for i in range(self.lanes)], BOOL)

    # Arithmetic: the instruction goes by the dtype ---------------------------------------------------------------------
    def binary(self, floating: str, whole: str, a: Value, b: Value) -> Value:
        # "contract" lets the compiler fuse a product and a sum, which loses no accuracy.
        word = f"{floating} contract" if a.is_float else whole
        return self.op(f"{word} {a}, {b.text}", a.dtype, a.lanes)

    def add(self, a: Value, b: Value) -> Value:
        return self.binary("fadd", "add", a, b)

    def sub(self, a: Value, b: Value) -> Value:
        return self.binary("fsub", "sub", a, b)

    def mul(self, a: Value, b: Value) -> Value:
        return self.binary("fmul", "mul", a, b)

    def div(self, a: Value, b: Value) -> Value:
        if not (self.approximate and a.dtype.itemsize == 4 and a.lanes == 16):
            return self.op(f"fdiv {a}, {b.text}", a.dtype, a.lanes)
        return self.mul(a, self._inverse(b))

    def _inverse(self, b: Value) -> Value:
        """1 / b, once for each b in a straight stretch of code."""
        known = self._inverses.get(b.text)
        if known is None or b.text.startswith("splat"):  # a constant has no stretch of its own
            guess = self._estimate("rcp14", b)
            error = self.fma(self.neg(b), guess, self.constant(1, b.dtype))
            known = self._inverses[b.text] = self.fma(error, guess, guess)
        return known

    def sqrt(self, a: Value) -> Value:
        if not (self.approximate and a.dtype.itemsize == 4 and a.lanes == 16):
            return self.intrinsic("llvm.sqrt", a)
        guess = self._estimate("rsqrt14", a)
        root = self.mul(a, guess)
        half = self.mul(guess, self.constant(0.5, a.dtype))
        root = self.fma(self.fma(self.neg(root), root, a), half, root)
        zero = self.constant(0, a.dtype)
        return self.select(self.compare("eq", a, zero), zero, root)

    def _estimate(self, word: str, a: Value) -> Value:
        full = f"llvm.x86.avx512.{word}.ps.512"
        self.module.declare(full, a.type, [a.type, a.type, "i16"])
        return self.op(f"call {a.type} @{full}({a}, {a.type} zeroinitializer, i16 -1)", a.dtype, a.lanes)

    def neg(self, a: Value) -> Value:
        if a.is_float:
            return self.op(f"fneg {a}", a.dtype, a.lanes)
        return self.sub(Value("zeroinitializer" if a.lanes else "0", a.dtype, a.lanes), a)

    def fma(self, a: Value, b: Value, c: Value) -> Value:
        """a · b + c, rounded once."""
        return self.intrinsic("llvm.fma", a, b, c)

    def bits(self, word: str, a: Value, b: Value) -> Value:
        """A bitwise operation or a shift: and, or, xor, shl, lshr, ashr."""
        return self.op(f"{word} {a}, {b.text}", a.dtype, a.lanes)

    def compare(self, how: str, a: Value, b: Value) -> Value:
        """``how`` is eq, ne, lt, le, gt or ge; a comparison with NaN is false, but for ne."""
        if a.is_float:
            word = "fcmp " + ("une" if how == "ne" else f"o{how}")
        else:
            sign = "" if how in ("eq", "ne") else ("s" if a.dtype.kind == "i" else "u")
            word = f"icmp {sign}{how}"
        return self.op(f"{word} {a}, {b.text}", BOOL, a.lanes)

    def select(self, condition: Value, a: Value, b: Value) -> Value:
        return self.op(f"select {condition}, {a}, {b}", a.dtype, a.lanes)

    def intrinsic(self, name: str, *operands: Value, flags: str = "", extra: str = "") -> Value:
        """One of LLVM's own functions on vectors of one dtype (``extra`` are further arguments)."""
        a = operands[0]
        suffix = f"{a.dtype.kind}{8 * a.dtype.itemsize}".replace("u", "i").replace("b8", "i1")
        full = f"{name}.v{a.lanes}{suffix}" if a.lanes else f"{name}.{suffix}"
        more = [extra] if extra else []
        self.module.declare(full, a.type, [*(o.type for o in operands), *(e.split()[0] for e in more)])
        arguments = ", ".join([*map(str, operands), *more])
        return self.op(f"call {flags} {a.type} @{full}({arguments})", a.dtype, a.lanes)

    def horizontal(self, name: str, a: Value) -> Value:
        """All lanes brought together by llvm.vector.reduce: add, mul, fmaximum, smax …; a plain number."""
        suffix = f"{a.dtype.kind}{8 * a.dtype.itemsize}".replace("u", "i")
        full = f"llvm.vector.reduce.{name}.v{a.lanes}{suffix}"
        one = type_of(a.dtype)
        if name == "fadd":
            self.module.declare(full, one, [one, a.type])
            return self.op(f"call reassoc {one} @{full}({one} {literal(-0.0, a.dtype)}, {a})", a.dtype)
        self.module.declare(full, one, [a.type])
        return self.op(f"call {one} @{full}({a})", a.dtype)

    def largest(self, a: Value, *, sign: int = 1) -> Value:
        """The largest lane (``sign`` -1: the smallest) as a plain float; NaN if any lane is NaN."""
        word = "fmax" if sign > 0 else "fmin"
        full, one = f"llvm.vector.reduce.{word}.v{a.lanes}f{8 * a.dtype.itemsize}", type_of(a.dtype)
        self.module.declare(full, one, [a.type])
        plain = self.op(f"call nnan {one} @{full}({a})", a.dtype)
        strange = self.compare("ne", self.mask_bits(self.compare("ne", a, a)), self.number(0))
        return self.select(strange, Value(literal(math.nan, a.dtype), a.dtype), plain)

    def mask_bits(self, mask: Value) -> Value:
        """The lanes of a truth vector as the bits of an int64, the first lane lowest."""
        bits = self.op(f"bitcast {mask} to i{mask.lanes}", INT64)
        return self.op(f"zext i{mask.lanes} {bits.text} to i64", INT64)

    def convert(self, a: Value, dtype: Dtype) -> Value:
        """To another dtype, as NumPy's astype does for values that fit."""
        if a.dtype == dtype:
            return a
        if dtype.kind == "b":
            return self.compare("ne", a, Value("zeroinitializer" if a.lanes else "0", a.dtype, a.lanes))
        to = type_of(dtype, a.lanes)
        if a.is_float and dtype.kind == "f":
            word = "fpext" if dtype.itemsize > a.dtype.itemsize else "fptrunc"
        elif a.is_float:
            word = "fptosi" if dtype.kind == "i" else "fptoui"
        elif dtype.kind == "f":
            word = "sitofp" if a.dtype.kind == "i" else "uitofp"
        elif a.dtype.kind == "b" or dtype.itemsize > a.dtype.itemsize:
            word = "sext" if a.dtype.kind == "i" else "zext"
        elif dtype.itemsize < a.dtype.itemsize:
            word = "trunc"
        else:
            return Value(a.text, dtype, a.lanes)
        return self.op(f"{word} {a} to {to}", dtype, a.lanes)

    def bitcast(self, a: Value, dtype: Any) -> Value:
        dtype = np.dtype(dtype)
        return self.op(f"bitcast {a} to {type_of(dtype, a.lanes)}", dtype, a.lanes)

    # Memory ------------------------------------------------------------------------------------------------------------
    def address(self, base: str, offset: Value | int, dtype: Dtype) -> str:
        """The place ``offset`` values of ``dtype`` behind ``base``."""
        place = self.name()
        text = str(offset) if isinstance(offset, Value) else f"i64 {offset}"
        self.line(f"{place} = getelementptr {_in_memory(dtype)}, ptr {base}, {text}")
        return place

    def load(self, place: str, dtype: Dtype) -> Value:
        """A plain number."""
        stored = self.op(f"load {_in_memory(dtype)}, ptr {place}", _stored(dtype))
        return self.convert(stored, dtype)

    def load_vector(self, place: str, dtype: Dtype, count: int) -> Value:
        """The first ``count`` lanes from memory; the others are zero, and their memory is not touched."""
        kind = type_of(_stored(dtype), self.lanes)
        align = dtype.itemsize
        if count >= self.lanes:
            return self.convert(self.op(f"load {kind}, ptr {place}, align {align}", _stored(dtype), self.lanes), dtype)
        full = f"llvm.masked.load.v{self.lanes}{_suffix(dtype)}.p0"
        masks = f"<{self.lanes} x i1>"
        self.module.declare(full, kind, ["ptr", masks, kind])
        mask = self.first_lanes(count)
        text = f"call {kind} @{full}(ptr align {align} {place}, {mask}, {kind} zeroinitializer)"
        return self.convert(self.op(text, _stored(dtype), self.lanes), dtype)

    def store(self, place: str, value: Value) -> None:
        """A plain number."""
        self.line(f"store {self.convert(value, _stored(value.dtype))}, ptr {place}")

    def store_vector(self, place: str, value: Value, count: int) -> None:
        """The first ``count`` lanes into memory; what lies behind them is not touched."""
        align, masks = value.dtype.itemsize, f"<{self.lanes} x i1>"
        value = self.convert(value, _stored(value.dtype))
        if count >= self.lanes:
            self.line(f"store {value}, ptr {place}, align {align}")
            return
        full = f"llvm.masked.store.v{self.lanes}{_suffix(value.dtype)}.p0"
        self.module.declare(full, "void", [value.type, "ptr", masks])
        self.line(f"call void @{full}({value}, ptr align {align} {place}, {self.first_lanes(count)})")

    def prefetch(self, place: str) -> None:
        """Ask for a line of memory that will be needed soon."""
        self.module.declare("llvm.prefetch.p0", "void", ["ptr", "i32 immarg", "i32 immarg", "i32 immarg"])
        self.line(f"call void @llvm.prefetch.p0(ptr {place}, i32 0, i32 2, i32 1)")

    # Control -----------------------------------------------------------------------------------------------------------
    def variable(self, start: Value) -> Variable:
        return Variable(self, start)

    def buffer(self, size: int, dtype: Dtype) -> str:
        """The address of memory for so many values that this call of the function has to itself."""
        place = self.name()
        self.entry.append(f"{place} = alloca i8, i64 {size * dtype.itemsize}, align 64")
        return place

    def label(self) -> str:
        return self.name()[1:]

    def block(self, label: str) -> None:
        """End the block here and go on in a new one."""
        self.line(f"br label %{label}")
        self.line(f"{label}:")

    @contextlib.contextmanager
    def loop(self, start: Value | int, stop: Value | int, step: int = 1) -> Iterator[Value]:
        """``for i in range(start, stop, step)``: yields i, an int64."""
        head, body, end = self.label(), self.label(), self.label()
        first = start if isinstance(start, Value) else self.number(start)
        last = stop if isinstance(stop, Value) else self.number(stop)
        counter = self.variable(first)
        self.block(head)
        index = counter.get()
        more = self.compare("lt", index, last)
        self.line(f"br {more}, label %{body}, label %{end}")
        self.line(f"{body}:")
        yield index
        counter.set(self.add(index, self.number(step)))
        self.line(f"br label %{head}")
        self.line(f"{end}:")

    @contextlib.contextmanager
    def when(self, condition: Value) -> Iterator[None]:
        """``if condition``."""
        body, end = self.label(), self.label()
        self.line(f"br {condition}, label %{body}, label %{end}")
        self.line(f"{body}:")
        yield
        self.line(f"br label %{end}")
        self.line(f"{end}:")


def _stored(dtype: Dtype) -> Dtype:
    """Booleans are bytes in memory."""
    return np.dtype(np.uint8) if dtype.kind == "b" else dtype


def _in_memory(dtype: Dtype) -> str:
    return type_of(_stored(dtype))


def _suffix(dtype: Dtype) -> str:
    stored = _stored(dtype)
    return f"{'f' if stored.kind == 'f' else 'i'}{8 * stored.itemsize}"
