"""Reads text tables (CSV, TSV and their kin): guesses delimiter, header and decimal mark, and says what it guessed."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unstuck.data import validate
from unstuck.errors import InputError

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars", " ": "spaces"}
MISSING = frozenset({"", "na", "n/a", "nan", "null", "?", "#n/a", "-nan"})
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?")
SAMPLE_LINES = 200
NUMBER_SHARE = 0.9
"""From this share of numbers on, a column is one of numbers, and what is not a number in it is a mistake."""


@dataclass(frozen=True, eq=False)
class Table:
    """A table as read: its columns, as numbers where the whole table is numbers, else as the texts in the file."""

    what: str
    """How messages call the table."""
    names: tuple[str, ...]
    has_header: bool
    columns: Sequence[NDArray[np.float64] | list[str]]
    lines: Sequence[int] | None = None
    """The line of the file on which each row starts, from 1; None when the rows are not lines."""
    decimal_comma: bool = False
    notes: tuple[str, ...] = ()
    _parsed: dict[str, NDArray[np.float64] | None] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.columns[0])

    def row(self, index: int) -> str:
        """How a row is called: counted from 1, as in a spreadsheet below its header, with its line in the file."""
        if self.lines is None:
            return f"row {index} (counted from 0)"
        return f"row {index + 1} (line {self.lines[index]})"

    def texts(self, name: str) -> list[str]:
        """A column as the texts in the file; whole numbers without a decimal point. InputError for a missing value."""
        column = self.columns[self.names.index(name)]
        if not isinstance(column, list):
            self._check_numbers(column, name)
            return [validate.shown(value) for value in column]
        missing = {text for text in set(column) if text.lower() in MISSING}
        if missing:
            index = next(row for row, text in enumerate(column) if text in missing)
            raise self._missing(index, name, column[index])
        return column

    def numbers(self, name: str) -> NDArray[np.float64] | None:
        """A column as finite numbers (N,), or None when it is one of texts: fewer than nine values in ten are numbers.

        InputError naming the first row whose value is missing, not finite, or not a number among numbers.
        """
        if name not in self._parsed:
            self._parsed[name] = self._numbers(name)
        return self._parsed[name]

    def _numbers(self, name: str) -> NDArray[np.float64] | None:
        column = self.columns[self.names.index(name)]
        if not isinstance(column, list):
            self._check_numbers(column, name)
            return column
        numbers = _all_numbers(column, self.decimal_comma)
        if numbers is not None:
            self._check_numbers(numbers, name)
            return numbers
        counts = Counter(column)
        missing = {text for text in counts if text.lower() in MISSING}
        texts = {text for text in counts if text not in missing and as_number(text, self.decimal_comma) is None}
        given = len(column) - sum(counts[text] for text in missing)
        found = given - sum(counts[text] for text in texts)
        if found == 0 or found < NUMBER_SHARE * given:
            return None
        index = next(row for row, text in enumerate(column) if text in missing or text in texts)
        if column[index] in missing:
            raise self._missing(index, name, column[index])
        raise InputError(
            f"{self.what}: {self.row(index)}, column {name!r} holds {column[index]!r}, but {found} of the {len(column)} values "
            f"in the column are numbers. Correct the value or remove the row."
        )

    def strict_numbers(self, name: str, why: str = "as in the training data") -> NDArray[np.float64]:
        """A column that must be one of numbers, and why. InputError naming the first row that holds something else."""
        numbers = self.numbers(name)
        if numbers is None:
            texts = self.texts(name)
            index = next(i for i, text in enumerate(texts) if as_number(text, self.decimal_comma) is None)
            raise InputError(
                f"{self.what}: {self.row(index)}, column {name!r} holds {texts[index]!r}; expected a number, {why}."
            )
        return numbers

    def _missing(self, index: int, name: str, text: str) -> InputError:
        holds = f"holds {text!r}" if text and text.lower() != "nan" else "holds NaN" if text else "is empty"
        return InputError(
            f"{self.what}: {self.row(index)}, column {name!r} {holds}; every value must be there. "
            f"Remove the row or fill the value in."
        )

    def _check_numbers(self, numbers: NDArray[np.float64], name: str) -> None:
        if not np.isfinite(numbers).all():
            index = int(np.argmax(~np.isfinite(numbers)))
            raise InputError(
                f"{self.what}: {self.row(index)}, column {name!r} holds {validate.shown(numbers[index])}; every value must be a "
                f"finite number. Remove the row or fill the value in."
            )


def read(
    data: bytes,
    path: Path,
    delimiter: str | None = None,
    header: bool | None = None,
    known_names: Sequence[str] = (),
    as_text: bool = False,
) -> Table:
    """The table in the bytes of a text file; ``delimiter`` and ``header`` are guessed unless given.

    A first row that holds one of ``known_names`` is a header. ``as_text`` keeps every value as it is written, even where the
    whole table is numbers. Raises InputError for text that is no
    table, and naming the row that has more or fewer fields than the others.
    """
    what = str(path)
    text, notes = _decoded(data)
    lines = text.split("\n")
    skipped = next((k for k, line in enumerate(lines) if line.strip() and not line.startswith("#")), len(lines))
    sample = [line for line in lines[skipped : skipped + SAMPLE_LINES] if line.strip()]
    if not sample:
        raise InputError(f"{what}: holds no rows; expected a table.")
    if delimiter is None:
        delimiter = _guess_delimiter(sample, what)
        if delimiter in sample[-1]:
            notes.append(f"The fields are separated by {DELIMITERS[delimiter]}.")
    elif len(delimiter) != 1 or delimiter in '"\r\n':
        raise InputError(f"the delimiter {delimiter!r} cannot be used; expected one character such as ',' or ';'.")
    records = [fields for _, fields in _records(sample, delimiter)]
    if not records:
        raise InputError(f"{what}: holds no rows but empty ones; expected a table.")
    comma = delimiter != "," and _has_decimal_comma(records)
    if comma:
        notes.append("Numbers have a decimal comma.")
    has_header = header if header is not None else _guess_header(records, comma, known_names)
    if header is None:
        notes.append("The first row names the columns." if has_header else "The first row is data: there is no header.")
    matrix, starts = (None, []) if as_text or comma else _numbers_only(lines, skipped, delimiter, has_header)
    if matrix is not None and (not has_header or matrix.shape[1] == len(records[0])):
        first = records[0] if has_header else None
        columns: Sequence[NDArray[np.float64] | list[str]] = list(matrix.T)
    else:
        first, rows, starts = _rows(lines, skipped, delimiter, has_header, what)
        columns = [list(column) for column in zip(*rows, strict=True)]
        if len(columns) > 1 and not any(columns[-1]) and not (first and first[-1]):
            columns, first = columns[:-1], first[:-1] if first else None  # every line ends with a delimiter
    if first is None and skipped and lines[skipped - 1].startswith("#"):
        comment = next(iter(_records([lines[skipped - 1].lstrip("# ")], delimiter)), (0, []))[1]
        if len(comment) == len(columns):
            first = comment
            notes.append("The comment above the first row names the columns.")
    return Table(what, _unique(first, len(columns)), first is not None, columns, starts, comma, tuple(notes))


def as_number(text: str, decimal_comma: bool = False) -> float | None:
    """The number that a field holds, or None; Python's 1_000 is no number in a table.

    >>> as_number(" 2.5e3 "), as_number("2,5", decimal_comma=True), as_number("1_000")
    (2500.0, 2.5, None)
    """
    if decimal_comma:
        text = text.replace(",", ".")
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def _all_numbers(column: Sequence[str], decimal_comma: bool) -> NDArray[np.float64] | None:
    """The column as numbers, NaN and infinities among them, or None if it holds anything else; quick, for long columns."""
    joined = "\n".join(column)
    if "_" in joined:
        return None
    try:
        return np.array(joined.replace(",", ".").split("\n") if decimal_comma else column, np.float64)
    except ValueError:
        return None


def _decoded(data: bytes) -> tuple[str, list[str]]:
    notes = []
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16", errors="replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("cp1252", errors="replace")
            notes.append("The text is not UTF-8 and was read as Windows-1252.")
    return text.replace("\r\n", "\n").replace("\r", "\n"), notes


def _records(lines: Iterable[str], delimiter: str, strict: bool = False) -> Iterator[tuple[int, list[str]]]:
    """The line on which each record starts, from 1, and its fields without the blanks around them; blank lines are skipped."""
    if delimiter == " ":
        for number, line in enumerate(lines, 1):
            if fields := line.split():
                yield number, fields
        return
    reader = csv.reader((line + "\n" for line in lines), delimiter=delimiter, skipinitialspace=True, strict=strict)
    start = 1
    for fields in reader:
        fields = [field.strip() for field in fields]
        if any(fields):
            yield start, fields
        start = reader.line_num + 1


def _guess_delimiter(sample: Sequence[str], what: str) -> str:
    """The delimiter that gives most rows the same number of fields, two or more, and then most fields that are numbers."""
    best, best_score = "", (0.5, 0.0)
    for delimiter in DELIMITERS:  # the first one wins a tie
        try:
            records = [fields for _, fields in _records(sample, delimiter)]
        except csv.Error:
            continue
        if not records:
            continue
        width, rows = Counter(map(len, records)).most_common(1)[0]
        comma = delimiter != "," and _has_decimal_comma(records)
        numbers = _share_of_numbers([field for fields in records for field in fields], comma)
        score = (round(rows / len(records), 1), numbers)
        if width > 1 and score > best_score and (delimiter != " " or numbers > 0):  # prose has spaces, too
            best, best_score = delimiter, score
    if best:
        return best
    if _share_of_numbers(sample[1:] or sample) > NUMBER_SHARE:
        return ","  # a single column
    shown = sample[0] if len(sample[0]) <= 40 else sample[0][:40] + "…"
    raise InputError(
        f"{what}: the text is not a table: its lines ({shown!r} …) have no common delimiter. Give rows of fields separated by "
        f"commas, semicolons, tabs or spaces; or let the text itself be learnt (--network char-lstm)."
    )


def _share_of_numbers(fields: Sequence[str], comma: bool = False) -> float:
    return sum(as_number(field, comma) is not None for field in fields) / max(1, len(fields))


def _has_decimal_comma(records: Sequence[Sequence[str]]) -> bool:
    """Whether some fields read as 2,5 and none as 2.5."""
    fields = [field for record in records for field in record]
    with_comma = sum(DECIMAL_COMMA.fullmatch(field) is not None for field in fields)
    return with_comma > 0 and not any("." in field and as_number(field) is not None for field in fields)


def _guess_header(records: Sequence[Sequence[str]], comma: bool, known_names: Sequence[str]) -> bool:
    """Whether the first record names the columns: by a known name, a text above numbers, or texts that never occur below."""
    first, rest = records[0], records[1:]
    if not set(known_names).isdisjoint(first):
        return True
    if not rest:  # a single row to predict from is data, a single row to learn from is useless anyway
        return not known_names and not any(as_number(field, comma) is not None for field in first)
    only_names = True
    for k, name in enumerate(first):
        below = [record[k] for record in rest if k < len(record) and record[k].lower() not in MISSING]
        if as_number(name, comma) is not None or name in below:
            only_names = False
        elif name and below and _share_of_numbers(below, comma) >= NUMBER_SHARE:
            return True
    return only_names


def _numbers_only(
    lines: Sequence[str], skipped: int, delimiter: str, has_header: bool
) -> tuple[NDArray[np.float64] | None, list[int]]:
    """The whole table (N, columns) if it holds nothing but numbers, read by NumPy's quick reader, and the line of each row."""
    starts = [number for number, line in enumerate(lines[skipped:], skipped + 1) if line.strip()][has_header:]
    if not starts or _share_of_numbers(next(_records([lines[starts[0] - 1]], delimiter), (0, [""]))[1]) < 1:
        return None, []
    rows = (lines[start - 1] for start in starts)
    try:
        matrix = np.loadtxt(rows, delimiter=None if delimiter == " " else delimiter, comments=None, ndmin=2)
    except ValueError:  # a text, a missing value, a row of another length: the slow reader tells which
        return None, []
    return matrix, starts


def _rows(
    lines: Sequence[str], skipped: int, delimiter: str, has_header: bool, what: str
) -> tuple[list[str] | None, list[list[str]], list[int]]:
    """The header's fields, the fields of every row, and the line on which each row starts."""
    records: list[tuple[int, list[str]]] = []
    try:
        for record in _records(lines[skipped:], delimiter, strict=True):
            records.append(record)
    except csv.Error as error:
        where = f"after line {records[-1][0] + skipped}" if records else "in the first line"
        raise InputError(
            f"{what}: {where} a quotation mark is never closed, text follows one directly, or a field is longer than "
            f"{csv.field_size_limit():,} characters; correct the row there."
        ) from error
    first = records.pop(0)[1] if has_header else None
    if not records:
        raise InputError(f"{what}: holds no rows below its header; expected at least one.")
    rows, starts = [fields for _, fields in records], [start + skipped for start, _ in records]
    width = len(first) if first is not None else Counter(map(len, rows)).most_common(1)[0][0]
    for index, fields in enumerate(rows):
        if len(fields) != width:
            source = "as in the header" if first is not None else "as in most rows"
            raise InputError(
                f"{what}: row {index + 1} (line {starts[index]}) has {len(fields)} field{'s' if len(fields) > 1 else ''}; "
                f"expected {width}, {source}. Correct the row, or give the delimiter."
            )
    return first, rows, starts


def _unique(names: Sequence[str] | None, count: int) -> tuple[str, ...]:
    """Names for all columns: "column 3" where there is none, and "x (2)" for the second x."""
    result: list[str] = []
    for k in range(count):
        name = names[k] if names is not None and names[k] else f"column {k + 1}"
        copies = 1
        while name in result:
            copies += 1
            name = f"{names[k] if names else name} ({copies})"
        result.append(name)
    return tuple(result)
