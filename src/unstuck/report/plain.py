"""Text that is safe and possible to print: no control characters, and ASCII where a stream can do no better."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

_TAB = 4
_ASCII = {
    "→": "->", "←": "<-", "…": "...", "·": "-", "•": "-", "×": "x", "−": "-", "–": "-", "—": "-", "≤": "<=", "≥": ">=",
    "≈": "~", "≠": "!=", "≫": ">>", "≪": "<<", "′": "'", "‖": "||", "²": "^2", "³": "^3", "√": "sqrt", "∞": "inf",
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "Δ": "Delta", "ε": "eps", "η": "eta", "θ": "theta",
    "λ": "lambda", "μ": "mu", "π": "pi", "σ": "sigma", "Σ": "Sum", "τ": "tau", "φ": "phi", "ω": "omega", "∂": "d",
    "∇": "grad ", "∈": "in", "⊙": "*", "ᵀ": ".T", "½": "1/2", "“": '"', "”": '"', "‘": "'", "’": "'", "ŷ": "y_hat",
}  # fmt: skip


@dataclass(frozen=True)
class Charset:
    """How texts are written to one stream: as they are, or in ASCII only.

    >>> Charset(ascii_only=True).prose("784 → 16, φ′(z) ≤ ½")
    "784 -> 16, phi'(z) <= 1/2"
    """

    ascii_only: bool = False

    def prose(self, text: str) -> str:
        """A sentence: control characters out, and in ASCII known signs spelt out, accents dropped, the rest "?"."""
        text = clean(text)
        return "".join(_spelt(c) for c in text) if self.ascii_only and not text.isascii() else text

    def code(self, text: str) -> str:
        """A line of the user's code, tabs as spaces; in ASCII one character for one, so that marks stay in place."""
        text = clean(text, keep="\t").expandtabs(_TAB)
        return "".join(c if c.isascii() else "?" for c in text) if self.ascii_only else text

    def prose_lines(self, text: str) -> str:
        """Several lines of prose, line breaks kept."""
        return "\n".join(self.prose(line) for line in text.split("\n"))

    def code_lines(self, text: str) -> str:
        """Several lines of code, line breaks kept."""
        return "\n".join(self.code(line) for line in text.split("\n"))


def clean(text: str, keep: str = "") -> str:
    """The text without control characters (a program's own text must not steer the terminal); line breaks are spaces.

    >>> clean("a\\x1b[31mb\\nc")
    'a?[31mb c'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else " " if c in "\n\r\t" else "?" for c in text)


def encodable(text: str, encoding: str) -> bool:
    """Whether a stream of this encoding can write the text."""
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _spelt(character: str) -> str:
    if character.isascii():
        return character
    if character in _ASCII:
        return _ASCII[character]
    return unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode() or "?"
