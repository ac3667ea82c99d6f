"""What kind of program a seed stands for: style, sizes, activation, loss, layout, optimiser, names."""

from __future__ import annotations

import random
from dataclasses import dataclass

ACTIVATIONS = ("sigmoid", "tanh", "relu", "leaky")
HEADS = ("linear-mse", "sigmoid-bce", "sigmoid-mse", "softmax-ce", "softmax-mse")


@dataclass(frozen=True)
class Names:
    """The words that one author uses."""

    x: str
    t: str
    w: str
    b: str
    z: str
    a: str
    d: str
    g: str
    rate: str
    epoch: str
    epochs: str
    batch: str
    loss: str
    net: str
    forward: str
    backward: str
    update: str
    train: str
    act: str
    slope: str
    rows: str
    order: str
    out: str


_WORDS = (
    "X T W b z a d d rate epoch EPOCHS BATCH loss Net forward backward update train act act_prime idx perm out",
    "inputs targets weights biases net_input activation delta grad_ learning_rate epoch num_epochs batch_size cost NeuralNetwork "
    "feed_forward back_propagate apply_gradients fit activate activate_derivative batch_rows order output",
    "eingabe soll gewicht schwelle summe aktiv delta grad_ lernrate epoche EPOCHEN PAKET fehler Netz vorwaerts rueckwaerts "
    "anpassen trainieren funktion ableitung zeilen folge antwort",
    "entrada meta peso sesgo suma activa error_ grad_ tasa epoca EPOCAS LOTE costo Red propagar retropropagar ajustar entrenar "
    "activar derivada filas orden salida",
    "nivesh lakshya bhaar jhukaav yog sakriya antar dhaal_ dar chakkar CHAKKAR TUKDA haani Jaal aage peeche sudhaar seekho "
    "kriya kriya_dhaal kataar kram uttar",
    "entree cible poids biais somme sortie ecart grad_ pas tour TOURS LOT cout Reseau propager retropropager corriger "
    "apprendre fonction derivee lignes hasard_ reponse",
    "data labels theta bias pre post err g_ alpha it N_ITER MB J MLP predict_all backprop gradient_step "
    "learn phi phi_grad pick shuffled yhat",
)
VOCABULARIES = tuple(Names(*words.split()) for words in _WORDS)


@dataclass(frozen=True)
class Spec:
    """One draw. `batch` 0 means all rows at once; `square` means that layers and batch have the same size where possible."""

    style: str
    seed: int
    sizes: tuple[int, ...]
    activation: str
    head: str
    layout: str
    scale: str
    optimiser: str
    penalty: float
    batch: int
    generator: str
    dtype: str
    names: Names

    @property
    def columns(self) -> bool:
        """Samples are columns."""
        return self.layout == "columns"

    @property
    def classes(self) -> bool:
        """The task has more than two classes, one-hot."""
        return self.head.startswith("softmax")

    @property
    def regression(self) -> bool:
        """The target is a real number."""
        return self.head == "linear-mse"

    @property
    def hidden(self) -> tuple[int, ...]:
        """Widths of the hidden layers."""
        return self.sizes[1:-1]

    @property
    def rate(self) -> float:
        """A learning rate for a gradient averaged over the rows, found by trial for these tasks."""
        if self.optimiser == "adam":
            return 0.02
        if self.optimiser == "rmsprop":
            return 0.01
        base = {"linear-mse": 0.25, "sigmoid-bce": 0.6, "sigmoid-mse": 2.0, "softmax-ce": 0.5, "softmax-mse": 1.5}[
            self.head
        ]
        base *= {"sigmoid": 2.0, "tanh": 1.0, "relu": 0.4, "leaky": 0.4}[self.activation]
        if self.batch == 0:
            base *= 1.5
        return round(base / 5 if self.optimiser == "momentum" else base, 4)


def draw(style: str, seed: int, options: dict[str, tuple[str, ...]] | None = None) -> Spec:
    """A random specification for `style`; `options` narrows what the style can express (heads, layouts, optimisers, …)."""
    rnd = random.Random(f"{style}/{seed}")
    allowed = {
        "head": HEADS, "activation": ACTIVATIONS, "layout": ("rows", "columns"), "optimiser": ("sgd", "momentum"),
        "scale": ("delta", "gradient", "step"), "depth": ("1", "2"), "batch": ("0", "8", "16", "20"),
        "penalty": ("0", "0", "0.001"), "dtype": ("float64",), "generator": ("legacy", "Generator"),
    } | (options or {})  # fmt: skip
    choice = {k: rnd.choice(v) for k, v in sorted(allowed.items())}
    inputs = rnd.choice((1, 2, 3)) if choice["head"] == "linear-mse" else 2
    outputs = {"linear-mse": rnd.choice((1, 1, 2)), "sigmoid-bce": 1, "sigmoid-mse": 1}.get(choice["head"], 3)
    width = rnd.choice((8, 10, 12, 16))
    depth = int(choice["depth"])
    hidden = (width,) * depth if rnd.random() < 0.6 else tuple(rnd.choice((8, 10, 12, 14)) for _ in range(depth))
    batch = int(choice["batch"])
    if batch and rnd.random() < 0.4 and 160 % hidden[-1] == 0:
        batch = hidden[-1]
    return Spec(
        style, seed, (inputs, *hidden, outputs), choice["activation"], choice["head"], choice["layout"], choice["scale"],
        choice["optimiser"], float(choice["penalty"]), batch, choice["generator"], choice["dtype"], rnd.choice(VOCABULARIES),
    )  # fmt: skip
