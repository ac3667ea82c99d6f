"""Nested containers of arrays (dicts, lists, tuples) as flat lists with names, and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def flatten(tree: Any, name: str = "") -> list[tuple[str, Any]]:
    """The leaves of ``tree`` with their names: ``{"W": [a, b]}`` gives ``[("W[0]", a), ("W[1]", b)]``."""
    if isinstance(tree, dict):
        return [leaf for key in tree for leaf in flatten(tree[key], f"{name}[{key!r}]" if name else str(key))]
    if isinstance(tree, list | tuple):
        return [leaf for i, item in enumerate(tree) for leaf in flatten(item, f"{name}[{i}]")]
    return [(name, tree)]


def rebuild(tree: Any, leaves: list[Any]) -> Any:
    """A tree of the same form whose leaves are taken from ``leaves`` in the order of :func:`flatten`."""
    rest = iter(leaves)
    return transform(tree, lambda _: next(rest))


def transform(tree: Any, function: Callable[[Any], Any]) -> Any:
    """Apply ``function`` to each leaf and keep the form."""
    if isinstance(tree, dict):
        return {key: transform(value, function) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        items = [transform(item, function) for item in tree]
        if isinstance(tree, tuple):
            return type(tree)(*items) if hasattr(tree, "_fields") else tuple(items)
        return items
    return function(tree)
