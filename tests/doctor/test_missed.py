"""Faults that were once missed, in programs of the mutation bench and in others: named at their line, and proved.

Each program in ``tests/cases/missed`` is right as it stands; a fault is what some of its lines say instead.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from unstuck.doctor import diagnose

PROGRAMS = Path(__file__).resolve().parents[1] / "cases" / "missed"
GENEROUS = 120.0  # seconds; a machine that is busy must not change what is found

# name -> program, accepted causes, line -> what it says instead (None: the line is gone)
FAULTS: dict[str, tuple[str, set[str], dict[int, str | None]]] = {
    "always-the-first-unit": (
        "one_array_per_unit",
        {"gradient-operand-wrong", "wrong-variable"},
        {
            29: "g_top = [np.mean(miss * sakriya[0]) for j in range(10)]",
        },
    ),
    "averages-of-another": (
        "adam_in_lines",
        {"gradient-operand-wrong", "wrong-variable"},
        {
            26: "m3 = .9 * m3 + .1 * g2; v3 = .999 * v3 + .001 * g2 ** 2",
        },
    ),
    "derivative-beside-penalty": (
        "lists_with_penalty",
        {"activation-derivative-misplaced", "activation-derivative-wrong"},
        {
            45: "delta = delta @ self.weights[k].T * activate_derivative(self.net_input[k - 1])",
        },
    ),
    "divided-twice": (
        "layer_objects",
        {"gradient-scale-wrong"},
        {
            16: "self.dhaal_w += self.x.T @ antar / len(antar)",
        },
    ),
    "dropout-unscaled": (
        "layer_objects",
        {"dropout-mask-wrong"},
        {
            51: "return d * (self.mask > 0)",
        },
    ),
    "forward-never-run": (
        "image_by_image",
        {"gradient-operand-wrong", "wrong-variable"},
        {
            35: None,
        },
    ),
    "last-sample-only": (
        "sample_by_sample",
        {"gradient-overwritten", "samples-dropped"},
        {
            41: "nabla_b = delta_b",
            42: "nabla_w = delta_w",
        },
    ),
    "layer-left-out": (
        "dicts_with_adam",
        {"layer-not-trained", "update-not-applied"},
        {
            36: "for key in list(params)[2:]:",
        },
    ),
    "layer-skipped-by-a-slice": (
        "layer_dicts",
        {"layer-not-trained", "update-not-applied"},
        {
            41: "for s, a, d in zip(strati[1:], uscite[1:], deltas[1:]):",
        },
    ),
    "line-copied": (
        "layers_of_one_size",
        {"gradient-operand-wrong", "wrong-variable"},
        {
            51: "W3 -= rate * dW2; b3 -= rate * db2",
        },
    ),
    "one-list-for-all-rows": (
        "rows_as_lists",
        {"weights-aliased"},
        {
            18: "return [vector(columnas, ancho)] * filas",
        },
    ),
    "output-for-delta": (
        "neuron_objects",
        {"wrong-variable", "gradient-operand-wrong", "backprop-weights-wrong", "output-delta-wrong"},
        {
            53: "s = sum(m.out * m.poids[j] for m in self.layers[k + 1])",
        },
    ),
    "penalty-subtracted": (
        "closures_with_penalty",
        {"penalty-gradient-wrong"},
        {
            22: "gW = [x.T @ d0 - lam * W[0], hid.T @ d1 - lam * W[1]]",
        },
    ),
    "rate-twice": (
        "script_with_momentum",
        {"optimizer-formula-wrong"},
        {
            39: "W1 += rate * v_W1",
            41: "b1 += rate * v_b1",
            43: "W2 += rate * v_W2",
            45: "b2 += rate * v_b2",
        },
    ),
    "residual-table": (
        "units_with_momentum",
        {"broadcast-residual"},
        {
            8: None,
        },
    ),
    "signs-lost": (
        "layer_objects",
        {"gradient-operand-wrong", "wrong-variable"},
        {
            16: "self.dhaal_w += np.abs(self.x).T @ antar",
        },
    ),
    "softmax-after-convolution": (
        "convolution",
        {"softmax-axis-wrong", "product-or-axis-wrong"},
        {
            5: "e = np.exp(s - s.max(axis=0, keepdims=True))",
            6: "return e / e.sum(axis=0, keepdims=True)",
        },
    ),
    "softmax-over-rows": (
        "lists_with_softmax",
        {"softmax-axis-wrong", "product-or-axis-wrong"},
        {
            5: "e = np.exp(s - s.max(axis=0, keepdims=True))",
            6: "return e / e.sum(axis=0, keepdims=True)",
        },
    ),
    "step-never-called": (
        "trainer_method",
        {"layer-not-trained", "step-missing", "update-not-applied"},
        {
            40: None,
        },
    ),
    "sums-kept": (
        "sample_by_sample_with_decay",
        {"gradient-not-reset"},
        {
            35: 'self.sum_b = nabla_b = getattr(self, "sum_b", [np.zeros(b.shape) for b in self.jhukaav])',
            36: 'self.sum_w = nabla_w = getattr(self, "sum_w", [np.zeros(w.shape) for w in self.bhaar])',
            41: "self.sum_b = nabla_b = [nb + db for nb, db in zip(nabla_b, delta_b)]",
            42: "self.sum_w = nabla_w = [nw + dw for nw, dw in zip(nabla_w, delta_w)]",
        },
    ),
}


def faulty(program: str, lines: dict[int, str | None]) -> str:
    """The program with other lines, each as far to the right as it was."""
    found = []
    for number, line in enumerate((PROGRAMS / f"{program}.py").read_text(encoding="utf-8").splitlines(), start=1):
        instead = lines.get(number, line.strip())
        if instead is not None:
            found.append(line[: len(line) - len(line.lstrip())] + instead)
    return "\n".join(found) + "\n"


@pytest.mark.parametrize("fault", FAULTS)
def test_the_fault_is_named_at_its_line_and_proved(fault: str, tmp_path: Path) -> None:
    program, causes, lines = FAULTS[fault]
    path = tmp_path / "network.py"
    path.write_text(faulty(program, lines), encoding="utf-8")
    [finding] = [f for f in diagnose(path, budget_seconds=GENEROUS).findings if f.level != "note"]
    assert finding.cause in causes and finding.confidence == "proved"
    assert finding.line is not None and any(abs(finding.line - line) <= (text is None) for line, text in lines.items())


@pytest.mark.parametrize("program", sorted(PROGRAMS.glob("*.py")), ids=lambda path: path.stem)
def test_the_program_itself_is_accused_of_nothing(program: Path) -> None:
    assert not [f for f in diagnose(program).findings if f.level != "note"]
