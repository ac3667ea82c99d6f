"""A layer object that stands in several places of a network is one layer there: under which name, and how it is written down."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from unstuck.errors import InputError
from unstuck.nn.layers.base import Layer

T = TypeVar("T")


class Places:
    """Where the layers of a network stand: ``names`` of those in its row, ``homes`` of every one, also inside others.

    A place has a name such as "dense1" or "add1.branch2.dense1"; its home is the first place of the same object. Identity
    decides: two equal layers that were written twice are two. Layers without parameters are at home wherever they stand.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.names: list[str] = []
        self.homes: dict[str, str] = {}
        self.repeated: set[int] = set()  # numbers of the layers in the row that stand at an earlier place, too
        self._first: dict[int, str] = {}  # by the identity of a layer
        for i, layer in enumerate(layers):
            if id(layer) in self._first:
                self.repeated.add(i)
                self.names.append(self._first[id(layer)])
            else:
                self.names.append(new_name(layer, self.names))
                self._visit(self.names[-1], layer)
        self._borrowed = {place: home for place, home in self.homes.items() if place != home}

    def _visit(self, place: str, layer: Layer) -> None:
        has_parameters = type(layer).parameters is not Layer.parameters
        self.homes[place] = self._first.setdefault(id(layer), place) if has_parameters else place
        for name, part in layer.inside().items():
            self._visit(f"{place}.{name}", part)

    def home_of(self, parameter: str) -> str:
        """The name of a parameter at the home of its layer."""
        place = parameter
        while place not in self.homes:
            place = place.rpartition(".")[0]
        return self.homes[place] + parameter[len(place) :]

    def parameters_of(self, name: str, parameters: Mapping[str, T]) -> dict[str, T]:
        """The parameters of a layer in the network's row, by the names that the layer itself gives them."""
        mine = {key[len(name) + 1 :]: p for key, p in parameters.items() if key.startswith(f"{name}.")}
        for place, home in self._borrowed.items():
            if place.startswith(f"{name}."):
                inner = place[len(name) + 1 :]
                mine |= {inner + key[len(home) :]: p for key, p in parameters.items() if key.startswith(f"{home}.")}
        return mine

    def described(self, layers: Sequence[Layer]) -> list[Layer]:
        """The layers with :class:`Again` in every place but the first; :func:`restored` is the inverse."""

        def marked(place: str, layer: Layer) -> Layer:
            if self.homes[place] != place:
                return Again(self.homes[place])
            return layer.with_inside({name: marked(f"{place}.{name}", part) for name, part in layer.inside().items()})

        return [
            Again(name) if i in self.repeated else marked(name, layer)
            for i, (name, layer) in enumerate(zip(self.names, layers, strict=True))
        ]


@dataclass(frozen=True)
class Again(Layer):
    """In the description of a network: here stands, once more, the layer with this name."""

    name: str


def restored(layers: Sequence[Layer]) -> list[Layer]:
    """Layers as they were before :meth:`Places.described`; InputError for the name of a layer that did not come before."""
    known: dict[str, Layer] = {}
    names: list[str] = []
    found: list[Layer] = []

    def unmarked(place: str, layer: Layer) -> Layer:
        if isinstance(layer, Again):
            if layer.name not in known:
                raise InputError(
                    f"the layer {layer.name!r} is to stand at {place} once more, but does not come before it."
                )
            return known[layer.name]
        layer = layer.with_inside({name: unmarked(f"{place}.{name}", part) for name, part in layer.inside().items()})
        return known.setdefault(place, layer)

    for layer in layers:
        names.append(str(layer.name) if isinstance(layer, Again) else new_name(layer, names))
        found.append(unmarked(names[-1], layer))
    return found


def every(layers: Sequence[Layer]) -> Iterator[Layer]:
    """All layers, also those inside others; one in several places comes several times."""
    for layer in layers:
        yield layer
        yield from every(list(layer.inside().values()))


def new_name(layer: Layer, names: Sequence[str]) -> str:
    """The kind of the layer, or the name that it has itself, with the first number that is free."""
    kind = re.sub(r"\W+", "_", getattr(layer, "name", "") or layer.kind.lower())
    return next(name for n in itertools.count(1) if (name := f"{kind}{n}") not in names)
