"""The data sets that are known by name: what they are, without loading them, and how to load them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from unstuck.data.dataset import Dataset, ScalingHint, Task
from unstuck.errors import unknown_name


@dataclass(frozen=True)
class Facts:
    """What there is to know about a data set before it is loaded."""

    name: str
    summary: str
    train_rows: int
    """All rows, when ``test_rows`` is 0: the test part is then split off when it is loaded."""
    test_rows: int
    input_shape: tuple[int, ...]
    task: Task
    n_classes: int | None
    n_outputs: int
    """Numbers per row that a network has to give: one per class, or one per target."""
    source: str

    @property
    def rows(self) -> int:
        """All rows together."""
        return self.train_rows + self.test_rows


EMBEDDED, TOOLKIT, GENERATED = "in this package", "in scikit-learn", "drawn from the seed"


def _classes(
    name: str, summary: str, rows: tuple[int, int], shape: tuple[int, ...], n_classes: int, source: str
) -> Facts:
    return Facts(name, summary, *rows, shape, "classification", n_classes, n_classes, source)


def _numbers(
    name: str, summary: str, rows: tuple[int, int], shape: tuple[int, ...], n_outputs: int, source: str
) -> Facts:
    return Facts(name, summary, *rows, shape, "regression", None, n_outputs, source)


ALL = (
    _classes("mnist", "handwritten digits, 28 × 28 pixels", (60_000, 10_000), (28, 28), 10, EMBEDDED),
    _classes("digits", "handwritten digits, 8 × 8 pixels", (1_797, 0), (8, 8), 10, TOOLKIT),
    _classes("iris", "three species of iris by the size of their leaves", (150, 0), (4,), 3, TOOLKIT),
    _classes("wine", "three cultivars of wine by chemical analysis", (178, 0), (13,), 3, TOOLKIT),
    _classes("breast_cancer", "benign and malignant tumours by their cell nuclei", (569, 0), (30,), 2, TOOLKIT),
    _numbers("diabetes", "progress of diabetes after a year", (442, 0), (10,), 1, TOOLKIT),
    _numbers("linnerud", "weight, waist and pulse from three exercises", (20, 0), (3,), 3, TOOLKIT),
    _classes("moons", "two half circles that reach into each other", (1_000, 0), (2,), 2, GENERATED),
    _classes("circles", "a ring around a ring", (1_000, 0), (2,), 2, GENERATED),
    _classes("spiral", "three arms around one middle", (1_000, 0), (2,), 3, GENERATED),
    _classes("xor", "four clouds, classes across the diagonal", (1_000, 0), (2,), 2, GENERATED),
    _numbers("sine", "a noisy wave", (1_000, 0), (1,), 1, GENERATED),
)
_BY_NAME = {facts.name: facts for facts in ALL}


def names() -> tuple[str, ...]:
    """The names of all known data sets."""
    return tuple(_BY_NAME)


def describe(name: str) -> Facts:
    """Facts about a known data set, without loading it. InputError for an unknown name."""
    try:
        return _BY_NAME[name]
    except KeyError:
        raise unknown_name("data set", name, names()) from None


def load(name: str, seed: int = 0) -> tuple[Dataset, Dataset | None]:
    """A known data set: its training part (or all rows) and its own test part, if it has one. ``seed`` is for generated ones."""
    source = describe(name).source
    if source == EMBEDDED:
        return _mnist()
    return (_from_toolkit(name) if source == TOOLKIT else _generated(name, seed)), None


def _mnist() -> tuple[Dataset, Dataset]:
    from unstuck.data import mnist

    pictures, labels = mnist.decode(mnist.read_embedded())
    whole = Dataset(
        pictures, labels.astype(np.int64), "mnist", "classification", _digit_names(), None, (28, 28), "pixels"
    )
    return whole.subset(slice(mnist.TRAIN_ROWS)), whole.subset(slice(mnist.TRAIN_ROWS, None))  # views, not copies


def _digit_names() -> tuple[str, ...]:
    return tuple(str(digit) for digit in range(10))


def _from_toolkit(name: str) -> Dataset:
    """One of the sets that scikit-learn brings along; it is imported only here, because that alone takes a second or two."""
    from sklearn import datasets

    if name == "digits":
        bunch = datasets.load_digits()
        return Dataset(
            bunch.images, bunch.target.astype(np.int64), name, "classification", _digit_names(), None, (8, 8), "pixels"
        )
    if name == "diabetes":  # as measured: scikit-learn's own scaling uses the test rows, too
        bunch = datasets.load_diabetes(scaled=False)
    else:
        bunch = getattr(datasets, f"load_{name}")()
    inputs, features = bunch.data.astype(np.float64), tuple(map(str, bunch.feature_names))
    facts = describe(name)
    if facts.task == "regression":
        targets = bunch.target.astype(np.float64).reshape(len(inputs), -1)
        return Dataset(inputs, targets, name, "regression", None, features, None, "standardise")
    classes = tuple(map(str, bunch.target_names))
    return Dataset(
        inputs, bunch.target.astype(np.int64), name, "classification", classes, features, None, "standardise"
    )


def _generated(name: str, seed: int) -> Dataset:
    from unstuck.data import generated

    draw: Callable[[int], generated.Points] = getattr(generated, name)
    inputs, targets = draw(seed)
    features = ("x", "y")[: inputs.shape[1]]
    hint: ScalingHint = "none"  # they lie around 0 already, no further than about 2
    if describe(name).task == "regression":
        return Dataset(inputs, targets, name, "regression", None, features, None, hint)
    classes = tuple(str(k) for k in range(int(targets.max()) + 1))
    return Dataset(inputs, targets.astype(np.int64), name, "classification", classes, features, None, hint)
