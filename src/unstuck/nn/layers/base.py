"""What every layer says of itself: its shape rule, its initial parameters, its forward function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

import numpy as np

from unstuck.errors import InputError, unknown_name
from unstuck.nn.initializers import Initializer, initializer

Shape = tuple[int, ...]
LAYERS: dict[str, type[Layer]] = {}


@dataclass(frozen=True)
class Parameter:
    """What a layer needs to be created: shape, initialiser, fans.

    ``kind`` is "weight", "bias" (penalties spare biases) or "statistic": no gradient changes it, but the layer itself, which
    hands the new value to :meth:`Context.update` in training.
    """

    shape: Shape
    initial: Initializer
    fan_in: int
    fan_out: int
    kind: str = "weight"


@dataclass
class Context:
    """How a forward pass runs: training or prediction, and where random draws come from."""

    training: bool = False
    key: Any = None  # two 32-bit words as a node; None in prediction
    streams: int = field(default=0)
    mask: Any = None  # (N, steps), true where a sequence has a step; None where all have all
    layer: str = ""  # the name of the layer whose turn it is
    updates: dict[str, Any] = field(default_factory=dict)  # new values of statistics, by name such as "batchnorm1.mean"
    homes: Mapping[str, str] = field(default_factory=dict)  # by place: the name of the layer that stands there
    # By name such as "lstm1/state1": a state as it was before this batch, and as it is after it. None: nothing goes on.
    carried: dict[str, tuple[Any, Any]] | None = None

    def next_stream(self) -> int:
        """A number of its own for each random draw within one forward pass."""
        self.streams += 1
        return self.streams

    def update(self, statistic: str, value: Any) -> None:
        """Let a statistic of this layer have another value from the next step on."""
        self.updates[self._name(statistic)] = value

    def latest(self, statistic: str, value: Any) -> Any:
        """The ``value`` of a statistic, or what it was updated to at an earlier place of the same layer in this pass."""
        return self.updates.get(self._name(statistic), value)

    def state_before(self, state: str, zeros: Any) -> Any:
        """A state of the layer in this place as the batch before has left it; ``zeros`` where nothing goes on."""
        if self.carried is None:
            return zeros
        name = f"{self.layer}/{state}"
        if name in self.carried:  # of the same layer at an earlier place
            name = f"{name} {len(self.carried)}"
        before = zeros.graph.input(name, zeros.shape, zeros.dtype)
        self.carried[name] = before, before
        return before

    def state_after(self, state: str, value: Any) -> None:
        """What the batch behind is to begin with."""
        if self.carried is not None:
            own = f"{self.layer}/{state}"
            name = next(name for name in reversed(self.carried) if name.split(" ")[0] == own)
            self.carried[name] = self.carried[name][0], value

    def _name(self, statistic: str) -> str:
        return f"{self.homes.get(self.layer, self.layer)}.{statistic}"


@dataclass(frozen=True)
class Layer:
    """Base of all layers. Shapes leave out the batch axis: (features,) or (H, W, C) or (T, F)."""

    kind: ClassVar[str] = ""
    feeds_activation: ClassVar[bool] = (
        False  # weighted sums, whose best initial weights depend on the activation behind
    )

    def __init_subclass__(cls) -> None:
        cls.kind = cls.__name__
        if not cls.__name__.startswith("_") and cls.__name__ not in ("Branches", "Recurrent"):
            LAYERS[cls.__name__] = cls

    def output_shape(self, input_shape: Shape) -> Shape:
        """The shape of one output row for one input row; InputError if the layer cannot take it."""
        return input_shape

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """The parameters by name."""
        return {}

    def check_rows(self, x: np.ndarray[Any, Any]) -> None:
        """InputError for finished rows (N, *input_shape) that this layer, as the first of a network, cannot take."""

    def forward(self, x: Any, parameters: Mapping[str, Any], context: Context) -> Any:
        """Record the layer on a batch ``x`` of shape (N, *input_shape)."""
        raise NotImplementedError

    def inside(self) -> dict[str, Layer]:
        """The layers that this one holds, by what the names of their parameters begin with, such as "branch2.dense1"."""
        return {}

    def with_inside(self, layers: Mapping[str, Layer]) -> Layer:
        """The same layer with others in the places of :meth:`inside`."""
        return self

    def to_dict(self) -> dict[str, Any]:
        """The layer as JSON-able data, for saving: its dataclass fields, so a layer of your own is a frozen dataclass too."""
        settings: dict[str, Any] = {"layer": self.kind}
        for f in fields(self):
            value = getattr(self, f.name)
            settings[f.name] = value.to_dict() if isinstance(value, Initializer | Layer) else value
        return settings

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Layer:
        """The layer of what :meth:`to_dict` gave, without its kind."""
        return cls(**settings)

    def __str__(self) -> str:
        settings = ", ".join(
            f"{f.name}={getattr(self, f.name)!r}"
            for f in fields(self)
            if f.repr and not _is(getattr(self, f.name), f.default)
        )
        return f"{self.kind}({settings})"


def _is(value: Any, default: Any) -> bool:
    """Whether a setting is as it would be without having been given."""
    return value == (initializer(default) if isinstance(value, Initializer) and default is not None else default)


def layer_from_dict(data: Mapping[str, Any]) -> Layer:
    """The inverse of :meth:`Layer.to_dict`."""
    settings = dict(data)
    kind = settings.pop("layer", None)
    if kind not in LAYERS:
        raise unknown_name("layer", kind, LAYERS)
    try:
        return LAYERS[kind].from_settings(settings)
    except TypeError as error:
        raise InputError(f"layer {kind}: {str(error).split(') ')[-1]}; its settings are {_settings(kind)}.") from None


def _settings(kind: str) -> str:
    return ", ".join(f.name for f in fields(LAYERS[kind])) or "none"
