"""Edits for counter-experiments: the same program with one thing changed (scale, init, rate, epochs, order, seed).

Each method returns an `Edit` of the user's text, or None (or an empty list) where the program offers no such place. The
judge runs the mended copy with the same seed and compares the program's own metric. New code uses generators of its own,
so that the program's random numbers stay what they were.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from unstuck.errors import InputError

from .families.penalty import penalties
from .literals import Literal, Literals
from .making import factors, is_number, number
from .model import Edit, Facts
from .reading import Reading, called, canonical
from .text import ATOM, PRODUCT, Piece, bracketed, expression, parse, walk

_UNIT_DRAWS = {"rand", "random", "random_sample", "ranf", "sample"}
_DRAWS = _UNIT_DRAWS | {"randn", "normal", "uniform", "standard_normal", "gauss", "randint", "integers"}
_SHUFFLES = {"shuffle", "permutation"}


class Experiments:
    """Counter-experiments on the text of one file.

    Args:
        source: the text of the file.
        file: its name, copied into the edits.
        facts: what is known about the running program.

    Raises:
        InputError: when ``source`` is not valid Python.
    """

    def __init__(self, source: str, file: str, facts: Facts | None = None) -> None:
        self.source, self.file = source, file
        try:
            self.reading = Reading(source, facts or Facts())
        except (SyntaxError, ValueError) as problem:
            raise InputError(
                f"{file} is not valid Python ({problem}); the doctor needs a program that can run."
            ) from None
        self.text = self.reading.text
        self.literals = Literals(self.reading)

    # --------------------------------------------------------------------------------------------- tools

    def _edit(
        self, cause: str, line: int, pieces: Iterable[Piece], summary: str, end_line: int | None = None
    ) -> Edit | None:
        source = self.text.apply(pieces)
        if source is None or source == self.source:
            return None
        try:
            compile(parse(source), "<experiment>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError):
            return None
        return Edit(cause, self.file, line, end_line or line, source, summary, 1.0, (), "experiments")

    def statement_at(self, line: int) -> ast.stmt | None:
        """The innermost statement that covers the line."""
        inner = [
            s
            for s in self.reading.statements
            if self.reading.header_span(s)[0] <= line <= self.reading.header_span(s)[1]
        ]
        return inner[-1] if inner else None

    def _free(self, *wanted: str) -> list[str]:
        """The names themselves, or with an underscore behind where the program has them already."""
        used = self.text.names
        found = []
        for name in wanted:
            while name in used:
                name += "_"
            found.append(name)
        return found

    @cached_property
    def array(self) -> str | None:
        """The program's name for NumPy."""
        return self.reading.modules.get("numpy")

    def insert_before(self, line: int, code: str, cause: str = "", summary: str = "") -> Edit | None:
        """``code`` as statements before the statement at the line."""
        statement = self.statement_at(line)
        if statement is None or not self.text.solo(statement):
            return None
        return self._edit(cause, line, [self.text.before(statement, code)], summary or f"insert `{code}`")

    def insert_after(self, line: int, code: str, cause: str = "", summary: str = "") -> Edit | None:
        """``code`` as statements after the statement at the line (after its body if it has one)."""
        statement = self.statement_at(line)
        if statement is None or not self.text.solo(statement):
            return None
        return self._edit(cause, line, [self.text.after(statement, code)], summary or f"insert `{code}`")

    def set_number(self, literal: Literal, value: float, cause: str = "", summary: str = "") -> Edit | None:
        """Another value for one literal."""
        return self.set_numbers({literal: value}, cause, summary)

    def set_numbers(self, values: dict[Literal, float], cause: str = "", summary: str = "") -> Edit | None:
        """Other values for several literals at once."""
        pieces = [Piece(k.start, k.end, written(v, k.text)) for k, v in values.items()]
        first = min((k.line for k in values), default=1)
        said = ", ".join(f"{written(v, k.text)} instead of {k.text}" for k, v in values.items())
        return self._edit(cause, first, pieces, summary or said, max((k.line for k in values), default=1))

    # ----------------------------------------------------------------------------------------------- data

    def standardise(
        self, line: int, name: str, *, axis: int | None = 0, fit: str = "", cause: str = "inputs-unscaled"
    ) -> Edit | None:
        """Scale an array to mean 0 and spread 1 right after the statement at ``line`` that makes it.

        axis: the axis of the rows (0: one row per sample, 1: one column per sample), None scales everything alike.
        fit: text of an index that selects the rows the statistics are taken of, such as ``:, :420``.
        """
        statement = self.statement_at(line)
        if statement is None or not self.text.solo(statement):
            return None
        if self.array is None:
            code = self._plain_standardise(name)
        else:
            rows = f"{name}[{fit}]" if fit else name
            over = "" if axis is None else f"axis={axis}, keepdims=True"
            code = f"{name} = ({name} - {rows}.mean({over})) / ({rows}.std({over}) + 1e-8)"
        return self._edit(cause, line, [self.text.after(statement, code)], f"standardise `{name}`")

    def _plain_standardise(self, name: str) -> str:
        means, spreads = self._free("column_means", "column_spreads")
        return (
            f"{means} = [sum(column) / len(column) for column in zip(*{name})]\n"
            f"{spreads} = [(sum((v - m) ** 2 for v in column) / len(column)) ** 0.5 or 1.0"
            f" for column, m in zip(zip(*{name}), {means})]\n"
            f"{name} = [[(v - m) / s for v, m, s in zip(row, {means}, {spreads})] for row in {name}]"
        )

    def shuffle_rows(
        self, line: int, names: Sequence[str], *, axis: int = 0, seed: int = 0, cause: str = "not-shuffled"
    ) -> Edit | None:
        """Put the rows of several arrays into one common random order after the statement at ``line``."""
        statement = self.statement_at(line)
        if statement is None or not self.text.solo(statement) or not names:
            return None
        code = self._joint_order(names, axis, seed)
        return self._edit(
            cause,
            line,
            [self.text.after(statement, code)],
            "shuffle the rows of " + " and ".join(f"`{n}`" for n in names),
        )

    def shuffle_each_round(
        self, line: int, names: Sequence[str], *, axis: int = 0, cause: str = "not-shuffled"
    ) -> Edit | None:
        """The same at the head of every round of the loop at ``line``."""
        loop = self.statement_at(line)
        if not isinstance(loop, ast.For | ast.While) or not self.text.solo(loop.body[0]) or not names:
            return None
        code = self._joint_order(names, axis, None)
        return self._edit(cause, line, [self.text.before(loop.body[0], code)], "shuffle the rows in every round")

    def _joint_order(self, names: Sequence[str], axis: int, seed: int | None) -> str:
        (order,) = self._free("row_order")
        given = "" if seed is None else str(seed)
        if self.array:
            count = f"len({names[0]})" if axis == 0 else f"{names[0]}.shape[{axis}]"
            head = f"{order} = {self.array}.random.default_rng({given}).permutation({count})"
            index = order if axis == 0 else ", ".join([":"] * axis + [order])
            return "\n".join([head, *(f"{n} = {n}[{index}]" for n in names)])
        lines = [
            f"import random as {order}_source",
            f"{order} = list(range(len({names[0]})))",
            f"{order}_source.Random({given}).shuffle({order})",
        ]
        return "\n".join([*lines, *(f"{n} = [{n}[i] for i in {order}]" for n in names)])

    def join_shuffles(self, cause: str = "labels-misaligned") -> list[Edit]:
        """Separate shuffles of arrays in one block become one common order."""
        found = []
        blocks: dict[int, list[tuple[ast.stmt, str]]] = {}
        for statement in self.reading.statements:
            name = _shuffled(self.reading, statement)
            if name and self.text.solo(statement):
                blocks.setdefault(id(self.text.block(statement)[0]), []).append((statement, name))
        for group in blocks.values():
            names = list(dict.fromkeys(n for _, n in group))
            if len(names) < 2:
                continue
            first, last = group[0][0], group[-1][0]
            code = self._joint_order(names, 0, 0)
            pieces = [*(p for s, _ in group for p in self.text.cut(s)), self.text.before(first, code)]
            edit = self._edit(
                cause, first.lineno, pieces, "one common order for " + " and ".join(names), last.end_lineno
            )
            found += [edit] if edit else []
        return found

    # ----------------------------------------------------------------------------------------------- init

    def draws(self, line: int) -> list[ast.Call]:
        """The random draws in the statement at the line, outermost calls only."""
        statement = self.statement_at(line)
        if statement is None:
            return []
        return [
            n
            for v in self.reading.expressions(statement)
            for n in walk(v)
            if isinstance(n, ast.Call) and (c := called(n)) and c[0] in _DRAWS
        ]

    def centre_init(self, lines: Sequence[int], cause: str = "init-all-positive") -> Edit | None:
        """Draws between 0 and a bound become draws between minus half and half (or minus and plus the bound)."""
        pieces = []
        for line in lines:
            for node in self.draws(line):
                name = (called(node) or ("", None))[0]
                if name in _UNIT_DRAWS:
                    pieces.append(self.text.swap(node, f"{self.text.of(node)} - 0.5"))
                elif name == "uniform" and (not node.args or number(node.args[0]) == 0):
                    if len(node.args) >= 2:
                        pieces.append(self.text.swap(node.args[0], f"-{bracketed(self.text.of(node.args[1]), ATOM)}"))
                    else:
                        pieces.append(self.text.swap(node, f"{self.text.of(node)} - 0.5"))
        return (
            self._edit(cause, min(lines), pieces, "draw the first weights around zero", max(lines)) if pieces else None
        )

    def scale_init(self, lines: Sequence[int], factor: float | str, cause: str = "init-too-large") -> Edit | None:
        """The random draws at these lines times a factor (a number, or a text such as ``np.sqrt(2 / n)``)."""
        text = factor if isinstance(factor, str) else f"{factor:.6g}"
        pieces = []
        for line in lines:
            for node in self.draws(line):
                parent = self.text.parent(node)
                literal = self._literal_beside(node, parent)
                if literal is not None and not isinstance(factor, str):
                    pieces.append(self.text.swap(literal, f"{(number(literal) or 0) * factor:.6g}"))
                else:
                    pieces.append(self.text.swap(node, f"{bracketed(text, PRODUCT)} * {self.text.of(node)}"))
        return (
            self._edit(cause, min(lines), pieces, f"scale the first weights by {text}", max(lines)) if pieces else None
        )

    def _literal_beside(self, node: ast.Call, parent: ast.AST | None) -> ast.expr | None:
        """A literal factor that is written beside the draw already."""
        if isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Mult):
            other = parent.left if parent.right is node else parent.right
            return other if is_number(other) else None
        return None

    def randomise_init(
        self, lines: Sequence[int], spread: float = 0.1, seed: int = 0, cause: str = "init-symmetric"
    ) -> Edit | None:
        """Constant first weights (zeros, ones, full) become normal draws of this spread."""
        pieces = []
        for line in lines:
            statement = self.statement_at(line)
            for value in self.reading.values(statement) if statement is not None else []:
                for node in walk(value):
                    call = called(node)
                    if (
                        call
                        and call[0] in ("zeros", "ones", "full", "empty")
                        and isinstance(node, ast.Call)
                        and node.args
                        and self.array
                    ):
                        shape = self.text.of(node.args[0])
                        draw = f"{self.array}.random.default_rng({seed + line}).normal(0.0, {spread:g}, {shape})"
                        pieces.append(self.text.swap(node, draw))
        return self._edit(cause, min(lines), pieces, "draw the first weights at random", max(lines)) if pieces else None

    # ---------------------------------------------------------------------------------------- rate, steps, width

    def scale_rate(self, factor: float, cause: str = "lr-too-high") -> Edit | None:
        """All learning-rate literals times a factor."""
        return self.set_numbers({k: k.value * factor for k in self.literals.rates if k.value}, cause)

    def scale_epochs(self, factor: float, cause: str = "too-few-steps") -> Edit | None:
        """All epoch counts times a factor."""
        return self.set_numbers({k: float(round(k.value * factor)) for k in self.literals.epochs if k.value}, cause)

    def scale_widths(self, factor: float, cause: str = "capacity-too-small") -> Edit | None:
        """Hidden widths times a factor: shared literals, or the inner members of a list of widths."""
        chosen = [k for widths in self.literals.width_lists for k in widths[1:-1]] or self.literals.widths
        return self.set_numbers({k: float(max(1, round(k.value * factor))) for k in chosen}, cause)

    def drop_penalty(self, cause: str = "penalty-too-strong") -> Edit | None:
        """Every literal that a weight penalty is multiplied by becomes zero."""
        chosen: dict[Literal, float] = {}
        for penalty in penalties(self.reading):
            tree = expression(penalty.coefficient.removeprefix("/ "))
            for part, times in factors(tree) if tree is not None else []:
                for name in walk(part) if times and not is_number(part) else []:
                    for literal in self._literals_named(name):
                        chosen[literal] = 0.0
        return self.set_numbers(chosen, cause, "without the penalty") if chosen else None

    def _literals_named(self, node: ast.AST) -> Iterator[Literal]:
        """Literals behind a reference that was rebuilt from text: found through the same text in the program."""
        if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
            for own in self.text.nodes:
                if (
                    type(own) is type(node)
                    and isinstance(own, ast.expr)
                    and isinstance(getattr(own, "ctx", None), ast.Load)
                ) and canonical(own) == canonical(node):
                    for source in self.literals.sources(own):
                        literal = self.literals.literal(source)
                        if literal is not None:
                            yield literal

    # ---------------------------------------------------------------------------------------------- seeds

    def reseed(self, seed: int) -> Edit | None:
        """Every generator of the program gets this seed, also those that had none; for proofs over several seeds."""
        pieces = [Piece(k.start, k.end, str(seed)) for k in self.literals.seeds]
        pieces += [Piece(self.text.span(n)[1] - 1, self.text.span(n)[1] - 1, str(seed)) for n in self.literals.unseeded]
        if not pieces:
            pieces = self._first_seed(seed)
        return self._edit("", 1, pieces, f"seed {seed}") if pieces else None

    def _first_seed(self, seed: int) -> list[Piece]:
        imports = [s for s in self.text.tree.body if isinstance(s, ast.Import | ast.ImportFrom) and self.text.solo(s)]
        lines = []
        if self.array:
            lines.append(f"{self.array}.random.seed({seed})")
        if "random" in self.reading.modules:
            lines.append(f"{self.reading.modules['random']}.seed({seed})")
        return [self.text.after(imports[-1], "\n".join(lines))] if imports and lines else []


def _shuffled(reading: Reading, statement: ast.stmt) -> str | None:
    """The array whose rows this statement alone puts into a random order."""
    match statement:
        case ast.Expr(value=ast.Call() as node):
            call = called(node)
            if call and call[0] == "shuffle" and node.args and isinstance(node.args[0], ast.Name | ast.Attribute):
                return reading.text.of(node.args[0])
        case ast.Assign(targets=[ast.Name() | ast.Attribute() as target], value=value):
            own = canonical(target)
            shuffles = [n for n in walk(value) if (c := called(n)) and c[0] in (*_SHUFFLES, "sample")]
            reads = {canonical(n) for n in walk(value) if isinstance(n, ast.Name | ast.Attribute)}
            if shuffles and own in reads and isinstance(value, ast.Subscript | ast.Call):
                return reading.text.of(target)
    return None


def written(value: float, like: str) -> str:
    """A number as the user would write it: whole where the old text was whole, else with a point."""
    if value != int(value) or abs(value) >= 1e15:
        return f"{value:.8g}"
    return (
        f"{float(value):.8g}" + (".0" if abs(value) < 1e8 else "") if any(c in like for c in ".eE") else str(int(value))
    )
