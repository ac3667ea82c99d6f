"""Which stretches of a Python text are keywords, strings, numbers and comments, for the HTML listing."""

from __future__ import annotations

import io
import keyword
import tokenize

_KINDS = {tokenize.STRING: "s", tokenize.NUMBER: "n", tokenize.COMMENT: "c"}
_F_STRING = {
    getattr(tokenize, name) for name in ("FSTRING_START", "FSTRING_MIDDLE", "FSTRING_END") if hasattr(tokenize, name)
}


def kinds(source: str) -> dict[int, list[tuple[int, int, str]]]:
    """For each line (from 1) its stretches (start, end, kind) in characters from 0; kind is one of k, s, n, c, f.

    "f" is the name after ``def`` or ``class``. A text that is not Python is highlighted as far as it could be read.
    """
    found: dict[int, list[tuple[int, int, str]]] = {}
    lines = source.splitlines()
    previous = ""
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            kind = "s" if token.type in _F_STRING else _KINDS.get(token.type, "")
            if token.type == tokenize.NAME:
                kind = "k" if keyword.iskeyword(token.string) else "f" if previous in ("def", "class") else ""
            if kind:
                for number in range(token.start[0], token.end[0] + 1):
                    start = token.start[1] if number == token.start[0] else 0
                    end = token.end[1] if number == token.end[0] else len(lines[number - 1])
                    found.setdefault(number, []).append((start, end, kind))
            previous = token.string
    except (tokenize.TokenError, SyntaxError, IndexError):
        pass  # the rest stays plain
    return found
