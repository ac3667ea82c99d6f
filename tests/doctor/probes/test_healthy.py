"""Healthy programs that look suspicious: nobody is accused for a hard task, noise, a tuned sum, or few rows."""

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


SUSPICIOUS = {
    "classes that overlap": program(
        "classifier", ("centres[y] + rng.normal(0, 0.5, (n, 2))", "centres[y] + rng.normal(0, 2.5, (n, 2))")
    ),
    "a noisy target": program("sine", ("0.05 * rng.normal", "0.8 * rng.normal")),
    "sums with a rate tuned for them": program("classifier", (" / len(rows)", ""), ("rate = 0.3", "rate = 0.015")),
    "twenty targets that are learnt by heart": program(
        "sine",
        ("(200, 1)", "(20, 1)"),
        ("y = np.sin(2 * x) + 0.05 * rng.normal(size=x.shape)", "y = rng.uniform(0, 1, x.shape)"),
        ("w1 = rng.normal(0, 1.0, (1, 16))", "w1 = rng.normal(0, 12.0, (1, 40))"),
        ("b1 = rng.normal(0, 1.0, 16)", "b1 = rng.normal(0, 9.0, 40)"),
        ("w2 = rng.normal(0, 0.3, (16, 1))", "w2 = rng.normal(0, 0.3, (40, 1))"),
        ("range(2000)", "range(20000)"),
    ),
    "twenty rows": program("sine", ("(200, 1)", "(20, 1)")),
    "twelve rows": program("sine", ("(200, 1)", "(12, 1)")),
    "three epochs are enough": program("classifier", ("range(20)", "range(3)"), ("epoch % 5 == 4", "epoch % 1 == 0")),
    "sorted rows in one batch": program(
        "sine", ("rng.uniform(-2, 2, (200, 1))", "np.sort(rng.uniform(-2, 2, (200, 1)), axis=0)")
    ),
    "smoothed labels": program("classifier", ("np.eye(3)[y_train]", "0.9 * np.eye(3)[y_train] + 0.1 / 3")),
    "large inputs that are learnt": program("classifier", ("x, y = blobs(300)", "x, y = blobs(300)\nx = 8 * x")),
    "a mean residual beside the loss": program(
        "sine", ('"cost", cost(run(x)[1], y))', '"cost", cost(run(x)[1], y), "bias", np.mean(run(x)[1] - y))')
    ),
    "trained on the first half, judged on the second": program("rings", ("range(0, 200, 10)", "range(0, 100, 10)")),
    "units that start low, some for good": program(
        "sine",
        ("np.tanh(x @ w1 + b1)", "np.maximum(0, x @ w1 + b1)"),
        ("(1 - hidden**2)", "(hidden > 0)"),
        ("b1 = rng.normal(0, 1.0, 16)", "b1 = np.full(16, -0.6)"),
    ),
    "steep units that are saturated for most rows": program(
        "classifier",
        ("centres[y] + rng.normal(0, 0.5, (n, 2))", "centres[y] + rng.normal(0, 2.5, (n, 2))"),
        ("w1 = rng.normal(0, 0.5, (2, 8))", "w1 = rng.normal(0, 2.0, (2, 8))"),
        ("b1 = np.zeros(8)", "b1 = np.full(8, 0.5)"),
    ),
    "errors, counts and percent of the right answers": program(
        "classifier",
        (
            'print(f"test accuracy {accuracy(x_test, y_test):.3f}")',
            "right = np.sum(forward(x_test)[1].argmax(axis=1) == y_test)\n"
            "second = np.sort(forward(x_test)[1], axis=1)[:, -2]\n"
            'print("correct", right, "of", len(x_test), "test accuracy", 100 * right / 60, "% error", 1 - right / 60)\n'
            'print("top two accuracy", np.sum(forward(x_test)[1][np.arange(60), y_test] >= second) / 60)\n'
            'print("correct per batch", right / 3)',
        ),
    ),
    "an autoencoder that cannot keep everything": program("autoencoder"),
    "a recurrent network": program("recurrent"),
}


@pytest.mark.parametrize("text", SUSPICIOUS.values(), ids=SUSPICIOUS.keys())
def test_a_healthy_program_is_not_accused(probe, text):
    assert [(f.cause, f.line, f.title) for f in probe(text) if f.level != "note"] == []
