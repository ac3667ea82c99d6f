"""Each cause outside the gradient is named on its line in a faulty program, and not in the healthy program it was made from."""

from __future__ import annotations

from pathlib import Path

import pytest


def program(name: str, *changes: tuple[str, str]) -> str:
    """The text of a healthy program with some of its lines changed; each change must hit exactly one place."""
    text = (Path(__file__).parent / "programs" / f"{name}.py").read_text()
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the program"
        text = text.replace(old, new)
    return text


# (name, text of the program, probe, cause, text on the line that is to be named, confidence)
FAULTS = [
    (
        "only the first row of each batch moves on",
        program(
            "classifier",
            ("for start in range(0, len(order), 20):", "for start in range(len(order) // 20):"),
            ("    order = rng.permutation(len(x_train))", "    order = np.arange(len(x_train))"),
        ),
        "rows",
        "samples-never-seen",
        "for start in range(len(order) // 20):",
        "proved",
    ),
    (
        "one class after the other",
        program(
            "rings",
            (
                "x_train, t_train, x_test, t_test = x[:200], t[:200], x[200:], t[200:]",
                "first = np.argsort(y[:200])\nx_train, t_train, x_test, t_test = x[:200][first], t[:200][first], x[200:], t[200:]",  # noqa: E501
            ),
            ("rate = 0.5", "rate = 1.0"),
            ("range(0, 200, 10)", "range(200)"),
            ("range(60)", "range(4)"),
            (
                "x_train[start : start + 10], t_train[start : start + 10]",
                "x_train[start : start + 1], t_train[start : start + 1]",
            ),
        ),
        "rows",
        "not-shuffled",
        "",
        "proved",
    ),
    (
        "labels shuffled by themselves",
        program(
            "classifier",
            (
                "t_train = np.eye(3)[y_train]",
                "x_train = x_train[rng.permutation(240)]\ny_train = y_train[rng.permutation(240)]\nt_train = np.eye(3)[y_train]",
            ),
        ),
        "signal",
        "labels-misaligned",
        "x_train = x_train[rng.permutation(240)]",
        "proved",
    ),
    (
        "targets from a generator",
        program("sine", ("y = np.sin(2 * x) + 0.05 * rng.normal(size=x.shape)", "y = rng.uniform(0, 1, x.shape)")),
        "signal",
        "no-signal",
        "y = rng.uniform(0, 1, x.shape)",
        "proved",
    ),
    (
        "twenty targets from a generator",
        program(
            "sine",
            ("(200, 1)", "(20, 1)"),
            ("y = np.sin(2 * x) + 0.05 * rng.normal(size=x.shape)", "y = rng.uniform(0, 1, x.shape)"),
            ("range(2000)", "range(200)"),
            ("% 200 == 199", "% 20 == 19"),
        ),
        "signal",
        "no-signal",
        "y = rng.uniform(0, 1, x.shape)",
        "proved",
    ),
    (
        "inputs in thousands",
        program("rings", ("x, y = rings(260)", "x, y = rings(260)\nx = x * 3000.0 + 5000.0")),
        "scaling",
        "inputs-unscaled",
        "x = x * 3000.0 + 5000.0",
        "proved",
    ),
    (
        "a sigmoid for a sine",
        program(
            "sine",
            ("return hidden, hidden @ w2 + b2", "return hidden, 1 / (1 + np.exp(-(hidden @ w2 + b2)))"),
            ("d2 = (out - y) / len(x)", "d2 = (out - y) * out * (1 - out) / len(x)"),
        ),
        "reach",
        "targets-out-of-reach",
        "return hidden, 1 / (1 + np.exp(-(hidden @ w2 + b2)))",
        "likely",
    ),
    (
        "the network is not run on the sample",
        program("samples", ("            self.forward(point)\n            if", "            if")),
        "evaluation",
        "prediction-ignores-input",
        "if np.argmax(self.a[-1]) == np.argmax(target):",
        "proved",
    ),
    (
        "rounded logits",
        program("rings", ("np.mean((forward(x)[1] > 0) == t)", "np.mean(np.round(forward(x)[1]) == t)")),
        "evaluation",
        "metric-wrong",
        "np.mean(np.round(forward(x)[1]) == t)",
        "proved",
    ),
    (
        "the largest output of each column",
        program(
            "samples", ("np.argmax(self.a[-1]) == np.argmax(target)", "np.argmax(self.a[-1]) + 1 == np.argmax(target)")
        ),
        "evaluation",
        "metric-wrong",
        "np.argmax(self.a[-1]) + 1 == np.argmax(target)",
        "proved",
    ),
    (
        "the largest of a single output",
        program("rings", ("np.mean((forward(x)[1] > 0) == t)", "np.mean(forward(x)[1].argmax(axis=1) == t[:, 0])")),
        "evaluation",
        "metric-wrong",
        "forward(x)[1].argmax(axis=1)",
        "proved",
    ),
    (
        "signs beside zeros and ones",
        program("rings", ("np.mean((forward(x)[1] > 0) == t)", "np.mean(np.sign(forward(x)[1]) == t)")),
        "evaluation",
        "metric-wrong",
        "np.mean(np.sign(forward(x)[1]) == t)",
        "proved",
    ),
    (
        "divided by all training rows",
        program(
            "classifier",
            (
                "return np.mean(np.argmax(forward(x)[1], axis=1) == y)",
                "return np.sum(np.argmax(forward(x)[1], axis=1) == y) / len(x_train)",
            ),
        ),
        "evaluation",
        "metric-wrong",
        "/ len(x_train)",
        "proved",
    ),
    (
        "a mean of means, divided by the size of a batch",
        program(
            "classifier",
            (
                'print(f"test accuracy {accuracy(x_test, y_test):.3f}")',
                "total = 0.0\nfor k in range(0, 60, 20):\n"
                "    total += np.mean(np.argmax(forward(x_test[k : k + 20])[1], axis=1) == y_test[k : k + 20])\n"
                'print("test accuracy", total / 20)',
            ),
        ),
        "evaluation",
        "metric-wrong",
        "total / 20",
        "proved",
    ),
    (
        "training rows under the name of a test",
        program(
            "classifier",
            ("centres[y] + rng.normal(0, 0.5, (n, 2))", "centres[y] + rng.normal(0, 1.5, (n, 2))"),
            (
                'print(f"test accuracy {accuracy(x_test, y_test):.3f}")',
                'print("test accuracy", accuracy(x_train, y_train))',
            ),
        ),
        "evaluation",
        "metric-wrong",
        'print("test accuracy", accuracy(x_train, y_train))',
        "proved",
    ),
    (
        "answers of the training rows beside the labels of the test",
        program(
            "classifier",
            (
                'print(f"test accuracy {accuracy(x_test, y_test):.3f}")',
                'hidden, p = forward(x_train)\nprint("right", np.mean(p.argmax(axis=1) == y_train))\n'
                'print("test right", np.mean(p[:60].argmax(axis=1) == y_test))',
            ),
        ),
        "evaluation",
        "prediction-ignores-input",
        "p[:60]",
        "proved",
    ),
    (
        "test inputs left as they came",
        program(
            "classifier",
            ("t_train = np.eye(3)[y_train]", "x_train = x_train / 4 - 1.0\nt_train = np.eye(3)[y_train]"),
            ("rate = 0.3", "rate = 1.0"),
        ),
        "evaluation",
        "preprocessing-differs",
        "x_train = x_train / 4 - 1.0",
        "proved",
    ),
    (
        "the square of the mean",
        program("sine", ("np.mean((out - y) ** 2)", "np.mean(out - y) ** 2")),
        "evaluation",
        "printed-loss-not-trained-loss",
        "return np.mean(out - y) ** 2",
        "proved",
    ),
    (
        "equal first weights",
        program(
            "rings",
            ("w1 = rng.normal(0, 1.0, (2, UNITS))", "w1 = np.full((2, UNITS), 0.5)"),
            ("w2 = rng.normal(0, 0.3, (UNITS, 1))", "w2 = np.full((UNITS, 1), 0.5)"),
        ),
        "initial",
        "init-symmetric",
        "w1 = np.full((2, UNITS), 0.5)",
        "proved",
    ),
    (
        "first weights fifty times too large",
        program(
            "classifier",
            ("w1 = rng.normal(0, 0.5, (2, 8))", "w1 = rng.normal(0, 40.0, (2, 8))"),
            ("w2 = rng.normal(0, 0.5, (8, 3))", "w2 = rng.normal(0, 40.0, (8, 3))"),
            ("rate = 0.3", "rate = 0.02"),
        ),
        "initial",
        "init-too-large",
        "w1 = rng.normal(0, 40.0, (2, 8))",
        "proved",
    ),
    (
        "biases that silence every unit",
        program(
            "sine",
            ("np.tanh(x @ w1 + b1)", "np.maximum(0, x @ w1 + b1)"),
            ("(1 - hidden**2)", "(hidden > 0)"),
            ("b1 = rng.normal(0, 1.0, 16)", "b1 = np.full(16, -3.5)"),
        ),
        "activity",
        "dead-relu",
        "b1 = np.full(16, -3.5)",
        "proved",
    ),
    (
        "a step that silences every unit",
        program(
            "rings",
            ("np.tanh(x @ w1 + b1)", "np.maximum(0, x @ w1 + b1)"),
            ("(1 - hidden**2)", "(hidden > 0)"),
            ("rate = 0.5", "rate = 10.0"),
            ("TOLERANCE = 1e-7", "TOLERANCE = 0.0"),
        ),
        "activity",
        "dead-relu",
        "rate = 10.0",
        "proved",
    ),
    (
        "first weights below zero under inputs above",
        program(
            "classifier",
            ("x, y = blobs(300)", "x, y = blobs(300)\nx = x - x.min(axis=0)"),
            ("np.tanh(x @ w1 + b1)", "np.maximum(0, x @ w1 + b1)"),
            ("(1 - hidden**2)", "(hidden > 0)"),
            ("w1 = rng.normal(0, 0.5, (2, 8))", "w1 = -np.abs(rng.normal(0, 0.5, (2, 8)))"),
        ),
        "activity",
        "dead-relu",
        "w1 = -np.abs(rng.normal(0, 0.5, (2, 8)))",
        "proved",
    ),
    (
        "biases that saturate every unit",
        program("classifier", ("b1 = np.zeros(8)", "b1 = np.full(8, 20.0)")),
        "activity",
        "saturated-units",
        "b1 = np.full(8, 20.0)",
        "proved",
    ),
    (
        "a flat stretch before the fall",
        program(
            "sine",
            ("w1 = rng.normal(0, 1.0, (1, 16))", "w1 = rng.normal(0, 0.03, (1, 16))"),
            ("b1 = rng.normal(0, 1.0, 16)", "b1 = rng.normal(0, 0.03, 16)"),
            ("w2 = rng.normal(0, 0.3, (16, 1))", "w2 = rng.normal(0, 0.03, (16, 1))"),
            ("range(2000)", "range(400)"),
        ),
        "step_length",
        "plateau",
        "for epoch in range(400):",
        "proved",
    ),
    (
        "steps a thousand times too short",
        program("classifier", ("rate = 0.3", "rate = 0.0003")),
        "step_length",
        "lr-too-low",
        "rate = 0.0003",
        "proved",
    ),
    (
        "steps far too long",
        program("rings", ("rate = 0.5", "rate = 60.0")),
        "step_length",
        "lr-too-high",
        "rate = 60.0",
        "proved",
    ),
    (
        "sixty steps of full batch",
        program("sine", ("range(2000)", "range(60)"), ("% 200 == 199", "% 20 == 19")),
        "step_length",
        "too-few-steps",
        "for epoch in range(60):",
        "proved",
    ),
    (
        "two steps of full batch",
        program("sine", ("range(2000)", "range(2)"), ("% 200 == 199", "% 1 == 0")),
        "step_length",
        "too-few-steps",
        "for epoch in range(2):",
        "proved",
    ),
    (
        "two units around a ring",
        program("rings", ("UNITS = 12", "UNITS = 2")),
        "step_length",
        "capacity-too-small",
        "UNITS = 2",
        "proved",
    ),
    (
        "stops at the first flat stretch",
        program("rings", ("TOLERANCE = 1e-7", "TOLERANCE = 0.2")),
        "step_length",
        "stopping-rule-wrong",
        "TOLERANCE = 0.2",
        "proved",
    ),
]


@pytest.mark.parametrize(
    ("text", "name", "cause", "line", "confidence"), [f[1:] for f in FAULTS], ids=[f"{f[3]}: {f[0]}" for f in FAULTS]
)
def test_the_cause_is_named_on_its_line(probe, text, name, cause, line, confidence):
    findings = [f for f in probe(text, name) if f.level != "note"]
    assert [f.cause for f in findings] == [cause]
    assert findings[0].confidence == confidence
    if line:
        first, last = findings[0].line, findings[0].end_line
        assert line.strip() in "\n".join(text.splitlines()[first - 1 : last])


@pytest.mark.parametrize("name", ["classifier", "rings", "sine", "samples"])
def test_the_healthy_twin_is_not_accused(probe, name):
    assert [f.cause for f in probe(program(name)) if f.level != "note"] == []
