"""Hand-made reports, one of each kind, whose marks are found in the source so that they cannot drift from it."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from unstuck.doctor.findings import (
    Evidence,
    Finding,
    Fix,
    Mark,
    NotChecked,
    ProgramError,
    Proof,
    Report,
    Role,
    RuledOut,
)

TRAIN = '''\
"""Ten digits, one hidden layer, by hand."""
import numpy as np

from digits import load

rng = np.random.default_rng(0)
x, y = load()
W1, b1 = rng.normal(0, 0.2, (64, 32)), np.zeros(32)
W2, b2 = rng.normal(0, 0.2, (32, 10)), np.zeros(10)


def softmax(z):
    # stable: the largest exponent is 0

    e = np.exp(z - z.max(axis=0))
    return e / e.sum(axis=0)


for epoch in range(10):
    for k in range(0, len(x), 64):
        xb, yb = x[k : k + 64], y[k : k + 64]
        h = np.maximum(xb @ W1 + b1, 0)
        p = softmax(h @ W2 + b2)
        d = (p - yb) / len(xb)
        dh = (d @ W2.T) * (h > 0)
        W2 -= 0.5 * h.T @ d; b2 -= 0.5 * d.sum(axis=0)
        W1 -= 0.5 * xb.T @ dh; b1 -= 0.5 * dh.sum(axis=0)
'''

MNIST = """\
import numpy as np


class Network:
    def __init__(self, sizes):
        self.weights = [np.random.randn(b, a) for a, b in zip(sizes, sizes[1:])]
        self.biases = [np.random.randn(b, 1) for b in sizes[1:]]
        self.activations = []

    def forward(self, image):
        self.activations = [image]
        for W, b in zip(self.weights, self.biases):
            self.activations.append(sigmoid(W @ self.activations[-1] + b))
        return self.activations[-1]

    def train(self, data, size, rate):
        np.random.shuffle(data)
        batches = [data[k:k + size] for k in range(len(data) // size)]
        for batch in batches:
            self.step(batch, rate)

    def test(self, data):
        good = 0
        for image, label in data:
            good += np.argmax(self.activations[-1]) == label
        return good / len(data)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))
"""


def place(source: str, code: str, label: str = "", role: Role = "primary", file: str | None = None) -> Mark:
    """The mark of the only place where ``code`` stands in ``source``."""
    assert source.count(code) == 1, (code, source.count(code))
    before = source[: source.index(code)]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    return Mark(line, column, line, column + len(code), label, role, file)


def fix(source: str, changes: dict[str, str], summary: str, file: str) -> Fix:
    """The fix that replaces each key by its value."""
    mended = source
    for old, new in changes.items():
        assert source.count(old) == 1
        mended = mended.replace(old, new)
    diff = difflib.unified_diff(
        source.splitlines(keepends=True), mended.splitlines(keepends=True), f"a/{file}", f"b/{file}"
    )
    return Fix(summary, "".join(diff), mended)


def softmax_finding() -> Finding:
    return Finding(
        cause="softmax-axis-wrong",
        level="error",
        confidence="proved",
        title="softmax normalises over the batch, not over the classes",
        file="train.py",
        function="softmax",
        marks=[
            place(TRAIN, "e.sum(axis=0)", "sums 64 samples; should sum 10 classes"),
            place(TRAIN, "z.max(axis=0)", "same axis here", "also"),
            place(TRAIN, "p - yb", "right only if each row of p sums to 1", "symptom"),
        ],
        evidence=[
            Evidence("sum of each row of p", 1, "0.138 .. 0.181"),
            Evidence("loss at step 0 (ln 64 = 4.159, ln 10 = 2.303)", 2.302585, 4.1203),
            Evidence("worst relative error of the gradient check (b2)", "at most 1e-06", 1.0),
        ],
        fix=fix(
            TRAIN,
            {"z.max(axis=0)": "z.max(axis=1, keepdims=True)", "e.sum(axis=0)": "e.sum(axis=1, keepdims=True)"},
            "sum over the classes; keep the column so that it divides by row",
            "train.py",
        ),
        proof=Proof("test accuracy", 0.098, 0.897, 5, 1.0, 4.5e-9, seconds=3.2, note="10 epochs"),
        notes=["a smaller learning rate hides this (0.01 reaches 0.390) but does not cure it"],
        mathematics=(
            "p = exp(z) / Σ exp(z) has to sum over the 10 classes of one sample. Here the sum runs over the 64 "
            "samples of the batch:\n\n"
            "    Σ_k p[0, k] = 0.159 instead of 1\n"
            "    loss = −mean ln p[n, y_n] = 4.120, near ln 64 = 4.159\n\n"
            "So `p - yb` is not the derivative of this loss."
        ),
    )


@pytest.fixture
def sources() -> dict[str, str]:
    return {"train.py": TRAIN, "mnist.py": MNIST}


@pytest.fixture
def one_fault() -> Report:
    return Report(
        "train.py",
        "faulty",
        [softmax_finding()],
        ruled_out=[
            RuledOut("dead-relu", "2 of 32 units"),
            RuledOut("update-not-applied", "every parameter moves"),
            RuledOut("inputs-unscaled", "mean 0.31, spread 0.38"),
        ],
        not_checked=[NotChecked("train-test-leak", "the program holds no test rows")],
        network="64 → 32 relu → 10 softmax, cross-entropy, SGD 0.5, batch 64",
        seconds=4.21,
    )


@pytest.fixture
def two_faults() -> Report:
    """The class from the question that started it: two faults, one consequence, one remark."""
    chance = "accuracy stays at the share of one class"
    ignores = Finding(
        cause="prediction-ignores-input",
        level="error",
        confidence="proved",
        title="`test` never runs the forward pass on the image it is given",
        file="mnist.py",
        function="Network.test",
        marks=[
            place(MNIST, "np.argmax(self.activations[-1])", "last written while training, before this call"),
            place(MNIST, "for image, label in data", "`image` is never read", "also"),
        ],
        evidence=[
            Evidence("distinct outputs for 10,000 images", "10,000", 1),
            Evidence("accuracy", "above the share of one class, 0.1028", 0.1028),
        ],
        fix=fix(MNIST, {"argmax(self.activations[-1])": "argmax(self.forward(image))"},
                "run the forward pass on each image", "mnist.py"),
        proof=Proof("test accuracy", 0.1028, 0.412, note="with the other fault still there"),
    )  # fmt: skip
    unseen = Finding(
        cause="samples-never-seen",
        level="error",
        confidence="proved",
        title="only 604 of 60,000 samples are ever used",
        file="mnist.py",
        function="Network.train",
        marks=[
            place(MNIST, "range(len(data) // size)", "advances by 1, not by the batch size"),
            place(MNIST, "data[k:k + size]", "480 slices that overlap", "also"),
        ],
        evidence=[Evidence("distinct rows seen in an epoch", 60000, 604)],
        fix=fix(MNIST, {"range(len(data) // size)": "range(0, len(data), size)"},
                "let k step by the batch size", "mnist.py"),
        proof=Proof("test accuracy", 0.412, 0.9318, 3),
        consequences=[
            Finding("overfitting", "note", "likely", "training loss falls, test loss does not", "mnist.py", 18)
        ],
    )  # fmt: skip
    scale = Finding(
        cause="init-too-large",
        level="note",
        confidence="suspect",
        title="28 times larger initial weights than usual",
        file="mnist.py",
        marks=[place(MNIST, "np.random.randn(b, a)", "spread 1 for 784 inputs; usual is 0.036")],
    )
    return Report(
        "mnist.py",
        "faulty",
        [scale, ignores, unseen],
        ruled_out=[
            RuledOut(slug, "every gradient right to 3.1e-10")
            for slug in (
                "output-delta-wrong", "activation-derivative-missing", "backprop-weights-wrong", "bias-gradient-wrong",
                "gradient-operand-wrong", "samples-dropped", "updated-too-early",
            )
        ] + [RuledOut("labels-misaligned", "nearest neighbours reach 0.968")],
        not_checked=[NotChecked("not-reproducible", "np.random is not seeded; the watched run was")],
        network="784 → 16 sigmoid → 16 sigmoid → 10 sigmoid, squared error, SGD 3.0, batch 125",
        notes=[chance],
        seconds=17.9,
    )  # fmt: skip


@pytest.fixture
def healthy() -> Report:
    return Report(
        "train.py",
        "healthy",
        ruled_out=[
            RuledOut("output-delta-wrong", "every gradient right to 4.5e-09"),
            RuledOut("activation-derivative-missing", "every gradient right to 4.5e-09"),
            RuledOut("samples-never-seen", "1,437 of 1,437 rows in an epoch"),
            RuledOut("dead-relu", "2 of 32 units"),
        ],
        not_checked=[NotChecked("train-test-leak", "the program holds no test rows")],
        network="64 → 32 relu → 10 softmax, cross-entropy, SGD 0.5, batch 64",
        checked=[
            Evidence("worst relative error of the gradient check, 4 parameters", "at most 1e-06", 4.5e-9),
            Evidence("loss, first step", "2.303 (ln 10)", 2.3391),
            Evidence("loss, last step", None, 0.0612),
        ],
        seconds=2.5,
    )


@pytest.fixture
def undecided() -> Report:
    return Report(
        "plot.py",
        "undecided",
        not_understood=["no array of this program persists and is updated, so there are no parameters to check"],
        seconds=0.8,
    )


@pytest.fixture
def stopped() -> Report:
    return Report(
        "train.py",
        "undecided",
        program_error=ProgramError(
            "ValueError",
            "operands could not be broadcast together with shapes (64,10) (64,)",
            "train.py",
            24,
            "<module>",
            [("p", "float64 (64, 10), 0.0021 .. 0.31"), ("yb", "int64 (64,), 0 .. 9")],
        ),
        not_checked=[NotChecked("output-delta-wrong", "the program stopped before its first update")],
        seconds=0.4,
    )


SNAPSHOTS = Path(__file__).parent / "snapshots"


@pytest.fixture
def matches_snapshot() -> Callable[[str, str], None]:
    """Compare a text with the committed one; ``UPDATE_SNAPSHOTS=1 pytest tests/report`` writes them anew."""

    def compare(name: str, text: str) -> None:
        path = SNAPSHOTS / name
        if os.environ.get("UPDATE_SNAPSHOTS"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        assert path.exists(), f"no snapshot {name}; run UPDATE_SNAPSHOTS=1 pytest tests/report and look at it"
        assert text == path.read_text(encoding="utf-8")

    return compare


@pytest.fixture(params=["one_fault", "two_faults", "healthy", "undecided", "stopped"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def report(kind: str, request: pytest.FixtureRequest) -> Report:
    """Each of the reports in turn."""
    found = request.getfixturevalue(kind)
    assert isinstance(found, Report)
    return found
