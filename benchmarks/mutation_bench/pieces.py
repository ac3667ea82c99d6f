"""Formulas and program fragments that several styles share: tasks, activations, heads, losses, in rows or columns."""

from __future__ import annotations

from dataclasses import dataclass

from .spec import Spec

TRAIN, TEST = 160, 80


@dataclass(frozen=True)
class Algebra:
    """The products of a dense layer as text, samples as rows or as columns."""

    columns: bool

    def affine(self, a: str, w: str, b: str) -> str:
        """Pre-activation."""
        return f"{w} @ {a} + {b}" if self.columns else f"{a} @ {w} + {b}"

    def grad_w(self, a: str, d: str) -> str:
        """Gradient of the weights, summed over the samples."""
        return f"{d} @ {a}.T" if self.columns else f"{a}.T @ {d}"

    def grad_b(self, d: str) -> str:
        """Gradient of the bias, summed over the samples."""
        return f"{d}.sum(axis=1, keepdims=True)" if self.columns else f"{d}.sum(axis=0, keepdims=True)"

    def back(self, d: str, w: str) -> str:
        """Delta of the layer below before the slope of the activation."""
        return f"{w}.T @ {d}" if self.columns else f"{d} @ {w}.T"

    def back_untransposed(self, d: str, w: str) -> str:
        """The same with the transpose forgotten: runs on square weights only."""
        return f"{w} @ {d}" if self.columns else f"{d} @ {w}"

    def swapped(self, a: str, d: str) -> str:
        """A product over the units instead of the samples: runs where batch, layer and layer below have one size."""
        return f"{d}.T @ {a}" if self.columns else f"{a} @ {d}.T"

    def without_last(self, a: str, d: str) -> str:
        """Gradient of the weights without the last sample."""
        return f"{d}[:, :-1] @ {a}[:, :-1].T" if self.columns else f"{a}[:-1].T @ {d}[:-1]"

    def first(self, d: str) -> str:
        """The first sample's delta alone."""
        return f"{d}[:, :1]" if self.columns else f"{d}[:1]"

    def other_axis(self, d: str) -> str:
        """A sum over the units instead of the samples: runs where batch and layer have one size."""
        return f"{d}.sum(axis=0)[:, None]" if self.columns else f"{d}.sum(axis=1)"

    def count(self, x: str) -> str:
        """Number of samples."""
        return f"{x}.shape[1]" if self.columns else f"len({x})"

    @property
    def class_axis(self) -> int:
        """The axis along which the outputs of one sample lie."""
        return 0 if self.columns else 1

    @property
    def sample_axis(self) -> int:
        """The other one."""
        return 1 - self.class_axis


def activation(name: str, z: str) -> str:
    """Activation of `z`."""
    return {
        "sigmoid": f"1 / (1 + np.exp(-{z}))",
        "tanh": f"np.tanh({z})",
        "relu": f"np.maximum({z}, 0)",
        "leaky": f"np.where({z} > 0, {z}, 0.1 * {z})",
    }[name]


def slope_from_output(name: str, a: str) -> str:
    """Derivative of the activation, written with its value `a`."""
    return {
        "sigmoid": f"{a} * (1 - {a})",
        "tanh": f"(1 - {a} ** 2)",
        "relu": f"({a} > 0)",
        "leaky": f"np.where({a} > 0, 1.0, 0.1)",
    }[name]


def wrong_slope(name: str, a: str) -> str:
    """A derivative that belongs to another activation."""
    return {
        "sigmoid": f"(1 - {a} ** 2)",
        "tanh": f"{a} * (1 - {a})",
        "relu": f"(1 - {a} ** 2)",
        "leaky": f"({a} > 0)",
    }[name]


def output(head: str, z: str, axis: int) -> str:
    """The network's answer from the last pre-activation; softmax is a function of the program."""
    if head.startswith("linear"):
        return z
    return f"softmax({z})" if head.startswith("softmax") else f"1 / (1 + np.exp(-({z})))"


def softmax(axis: int) -> str:
    """The softmax of a program, with the fault of the other axis."""
    wrong = 1 - axis
    return f"""
        def softmax(s):
            e = np.exp(s - s.max(axis={axis}, keepdims=True))
            #~ softmax-axis-wrong >> e = np.exp(s - s.max(axis={wrong}, keepdims=True))
            return e / e.sum(axis={axis}, keepdims=True)
            #~ softmax-axis-wrong >> return e / e.sum(axis={wrong}, keepdims=True)
    """


def loss(head: str, y: str, t: str, n: str) -> str:
    """Mean over the samples of the loss of one sample."""
    if head.endswith("mse"):
        return f"0.5 * np.sum(({y} - {t}) ** 2) / {n}"
    if head == "sigmoid-bce":
        return f"-np.sum({t} * np.log({y} + 1e-12) + (1 - {t}) * np.log(1 - {y} + 1e-12)) / {n}"
    return f"-np.sum({t} * np.log({y} + 1e-12)) / {n}"


def output_delta(head: str, y: str, t: str, axis: int) -> str:
    """Derivative of a sample's loss by the last pre-activation."""
    if head == "sigmoid-mse":
        return f"({y} - {t}) * {y} * (1 - {y})"
    if head == "softmax-mse":
        return f"{y} * ({y} - {t} - np.sum(({y} - {t}) * {y}, axis={axis}, keepdims=True))"
    return f"({y} - {t})"


def output_delta_faults(head: str, y: str, t: str, axis: int) -> dict[str, str]:
    """Wrong output deltas by key. None of them is the gradient of another usual loss."""
    faults = {
        "output-delta-wrong:sign": output_delta(head, y, t, axis).replace(f"({y} - {t}", f"({t} - {y}", 1),
        "output-delta-wrong:square": output_delta(head, y, t, axis).replace(f"({y} - {t}", f"(({y} - {t}) ** 2", 1),
    }
    if head == "softmax-mse":
        faults = {
            "softmax-jacobian-wrong:diagonal": f"({y} - {t}) * {y} * (1 - {y})",
            "product-or-axis-wrong:jacobian": f"{y} * ({y} - {t} - np.sum(({y} - {t}) * {y}, axis={1 - axis}, keepdims=True))",
            "output-delta-wrong:sign": f"-{y} * ({y} - {t} - np.sum(({y} - {t}) * {y}, axis={axis}, keepdims=True))",
        }
    elif head == "softmax-ce":
        faults["softmax-jacobian-wrong:slope"] = f"({y} - {t}) * {y} * (1 - {y})"
        faults["output-delta-wrong:alone"] = f"{y} * 1.0"
    return faults


def metric(spec: Spec, y: str, t: str) -> str:
    """Share of the variance explained, or of samples classified rightly."""
    if spec.regression:
        return f"1 - np.sum(({y} - {t}) ** 2) / np.sum(({t} - {t}.mean()) ** 2)"
    if spec.classes:
        axis = Algebra(spec.columns).class_axis
        return f"np.mean({y}.argmax(axis={axis}) == {t}.argmax(axis={axis}))"
    return f"np.mean(({y} > 0.5) == ({t} > 0.5))"


def task(spec: Spec) -> str:
    """Text that seeds the generator and makes training and test rows (columns where the style wants them)."""
    v, seed = spec.names, spec.seed
    legacy = spec.generator == "legacy"
    uniform = "rng.uniform"
    many = TRAIN + TEST
    lines = [f"rng = np.random.RandomState({seed})" if legacy else f"rng = np.random.default_rng({seed})"]
    if spec.regression:
        lines += [f"{v.x} = {uniform}(-1, 1, ({many}, {spec.sizes[0]}))"]
        first = f"np.sin(2 * {v.x}.sum(axis=1, keepdims=True))"
        second = f"{v.x}[:, :1] * {v.x}[:, -1:]"
        lines += [f"{v.t} = {first}" if spec.sizes[-1] == 1 else f"{v.t} = np.hstack([{first}, {second}])"]
    elif spec.classes:
        lines += [
            f"angle = {uniform}(0, 2 * np.pi, {many})",
            f"radius = {uniform}(0.4, 1.2, {many})",
            f"{v.x} = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])",
            f"{v.t} = np.eye({spec.sizes[-1]})[(angle // (2 * np.pi / {spec.sizes[-1]})).astype(int)]",
        ]
    else:
        lines += [
            f"{v.x} = {uniform}(-1, 1, ({many}, 2))",
            f"{v.t} = (np.sum({v.x} ** 2, axis=1, keepdims=True) < 0.6).astype(float)",
        ]
    if spec.dtype == "float32":
        lines += [f'{v.x}, {v.t} = {v.x}.astype("float32"), {v.t}.astype("float32")']
    if spec.columns:
        lines += [
            f"{v.x}, {v.x}_test = {v.x}[:{TRAIN}].T, {v.x}[{TRAIN}:].T",
            f"{v.t}, {v.t}_test = {v.t}[:{TRAIN}].T, {v.t}[{TRAIN}:].T",
        ]
    else:
        lines += [
            f"{v.x}, {v.x}_test = {v.x}[:{TRAIN}], {v.x}[{TRAIN}:]",
            f"{v.t}, {v.t}_test = {v.t}[:{TRAIN}], {v.t}[{TRAIN}:]",
        ]
    return "\n".join(lines)


def report(spec: Spec, every: int, shown: str) -> str:
    """Lines that print epoch and loss now and then."""
    v = spec.names
    return f'if {v.epoch} % {every} == 0:\n    print("{v.epoch}", {v.epoch}, "{v.loss}", round(float({shown}), 5))'


def normal(spec: Spec, fan_in: int | str, shape: str) -> str:
    """Initial weights of the right size for the activation."""
    gain = "2" if spec.activation in ("relu", "leaky") else "1"
    return f"rng.normal(0, np.sqrt({gain} / {fan_in}), {shape})"
