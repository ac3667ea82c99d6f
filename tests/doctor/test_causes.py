"""The catalogue of causes: complete, without boilerplate, with snippets that do what they say."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from unstuck.doctor import causes
from unstuck.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
PROSE = ("what_it_does", "why_it_hurts", "test", "fix", "false_alarm")
every_cause = pytest.mark.parametrize("slug", causes.names())


@every_cause
def test_a_cause_is_complete(slug: str) -> None:
    cause = causes.get(slug)
    assert cause.slug == slug, "the file's name is the slug with underscores"
    assert cause.group in causes.GROUPS
    assert set(cause.checked_in) <= set(causes.CHECKERS)
    assert 10 < len(cause.title) < 90 and not cause.title.endswith(".")
    for name in PROSE:
        text = getattr(cause, name)
        assert len(text) >= 20 and text.rstrip().endswith((".", ")", "?", ":")), (name, text)
        assert text.count("`") % 2 == 0, f"unbalanced backticks in {name}"
    assert len(cause.what_it_does) > 60 and len(cause.why_it_hurts) > 100


@every_cause
def test_snippets_are_python_and_show_a_difference(slug: str) -> None:
    cause = causes.get(slug)
    for code in (cause.example, cause.use_instead):
        compile(code, slug, "exec")
        assert max(map(len, code.splitlines())) <= 100
    assert cause.example != cause.use_instead


def test_no_sentence_stands_under_two_causes() -> None:
    seen: dict[str, str] = {}
    for slug in causes.names():
        cause = causes.get(slug)
        for name in PROSE:
            for sentence in re.split(r"(?<=[.:;])\s+", " ".join(getattr(cause, name).split())):
                if len(sentence) > 45:
                    assert sentence not in seen, f"{slug} and {seen[sentence]}: {sentence}"
                    seen[sentence] = slug


def test_titles_differ() -> None:
    titles = [causes.get(slug).title for slug in causes.names()]
    assert len(set(titles)) == len(titles)


def test_every_cause_of_the_cases_is_in_the_catalogue() -> None:
    truths = list((ROOT / "tests" / "cases").glob("*/*/truth.json"))
    assert truths
    named = set()
    for path in truths:
        for fault in json.loads(path.read_text(encoding="utf-8")).get("faults", []):
            named |= {fault["cause"], *fault.get("accept", [])}
    assert named and named <= set(causes.names())


def test_a_cause_that_the_diagnosis_of_programs_can_name_says_so_on_its_page() -> None:
    texts: set[object] = set()
    for path in (ROOT / "src" / "unstuck" / "doctor" / "handwritten").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        texts |= {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    named = [slug for slug in causes.names() if slug in texts]
    assert named and [slug for slug in named if "handwritten" not in causes.get(slug).checked_in] == []


def test_an_unknown_cause_names_near_ones_by_spelling_and_by_word() -> None:
    with pytest.raises(InputError, match="unknown cause 'lr-to-high'; did you mean 'lr-too-high'"):
        causes.get("lr-to-high")
    with pytest.raises(InputError, match="did you mean 'double-softmax', 'softmax-axis-wrong' or"):
        causes.explain("softmax")
    with pytest.raises(InputError, match=r"unknown cause 'xyzzy'; there are \d+ known ones"):
        causes.get("xyzzy")


@every_cause
def test_the_page_holds_everything_that_is_known(slug: str) -> None:
    cause, page = causes.get(slug), causes.explain(slug)
    for text in (
        cause.heading,
        cause.slug,
        *(getattr(cause, n) for n in PROSE),
        cause.example,
        cause.use_instead,
        *cause.references,
    ):
        assert text in page


# ---------------------------------------------------------------- the committed pages


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_causes", ROOT / "docs" / "generate_causes.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_committed_pages_are_up_to_date(generator: ModuleType) -> None:
    assert generator.outdated() == [], "run: python docs/generate_causes.py"


def test_the_generator_mends_missing_changed_and_left_over_pages(
    generator: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generator, "FOLDER", tmp_path)
    generator.write()
    assert len(list(tmp_path.iterdir())) == len(causes.names()) + 1
    (tmp_path / "overflow.md").write_text("old")
    (tmp_path / "dead-relu.md").unlink()
    (tmp_path / "no-cause.md").write_text("left over")
    assert generator.outdated() == ["dead-relu.md", "no-cause.md", "overflow.md"]
    generator.write()
    assert generator.outdated() == []


def test_the_index_lists_every_cause_once(generator: ModuleType) -> None:
    linked = re.findall(r"\]\(([a-z0-9-]+)\.md\)", generator.index())
    assert sorted(linked) == list(causes.names())


# ---------------------------------------------------------------- the snippets, run: one fails the check, one passes


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def softmax(z: Any) -> Any:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def derivative(f: Callable[[Any], float], x: Any) -> Any:
    """Central differences of a scalar function, element by element."""
    x = np.asarray(x, dtype=float)
    g = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[i] = 1e-5
        g[i] = (f(x + step) - f(x - step)) / 2e-5
    return g


def two_layers(**more: Any) -> dict[str, Any]:
    """4 inputs, 4 hidden sigmoid units, 3 outputs; sizes in which a lost transpose would go unnoticed."""
    rng = np.random.default_rng(3)
    x, W1, b1 = rng.normal(size=(6, 4)), rng.normal(size=(4, 4)), rng.normal(size=4)
    W2, b2, y = rng.normal(size=(4, 3)), rng.normal(size=3), np.eye(3)[rng.integers(3, size=6)]
    a1 = sigmoid(x @ W1 + b1)
    z2 = a1 @ W2 + b2
    return {"np": np, "sigmoid": sigmoid, "softmax": softmax, "x": x, "W1": W1, "b1": b1, "W2": W2, "b2": b2, "y": y,
            "a1": a1, "z2": z2, "a2": sigmoid(z2), "p": softmax(z2), "lr": 0.3} | more  # fmt: skip


def half_squared(s: dict[str, Any], W1: Any = None, W2: Any = None) -> float:
    a1 = sigmoid(s["x"] @ (s["W1"] if W1 is None else W1) + s["b1"])
    a2 = sigmoid(a1 @ (s["W2"] if W2 is None else W2) + s["b2"])
    return float(0.5 * np.sum((a2 - s["y"]) ** 2))


def cross_entropy(s: dict[str, Any], W2: Any = None, z2: Any = None) -> float:
    z2 = z2 if z2 is not None else s["a1"] @ (s["W2"] if W2 is None else W2) + s["b2"]
    return float(-np.mean(np.sum(s["y"] * np.log(softmax(z2)), axis=1)))


def case_output_delta() -> tuple[dict[str, Any], Callable[[dict[str, Any]], Any], Any]:
    s = two_layers()
    wanted = s["W2"] - s["lr"] * derivative(lambda W: cross_entropy(s, W), s["W2"])
    return s, lambda after: after["W2"], wanted


def case_derivative_missing() -> tuple[dict[str, Any], Callable[[dict[str, Any]], Any], Any]:
    s = two_layers()
    return s, lambda after: after["dW1"], derivative(lambda W: half_squared(s, W1=W), s["W1"])


def case_scale() -> tuple[dict[str, Any], Callable[[dict[str, Any]], Any], Any]:
    s = two_layers()
    return s, lambda after: after["dW2"], derivative(lambda W: cross_entropy(s, W), s["W2"])


def case_backprop_weights() -> tuple[dict[str, Any], Callable[[dict[str, Any]], Any], Any]:
    s = two_layers()
    s |= {"hidden": s["a1"], "output": s["a2"], "W_output": s["W2"]}
    wanted = derivative(lambda W: half_squared(s, W1=W), s["W1"])
    return s, lambda after: s["x"].T @ after["delta_hidden"], wanted


def case_updated_too_early() -> tuple[dict[str, Any], Callable[[dict[str, Any]], Any], Any]:
    s = two_layers()
    s["d2"] = (s["a2"] - s["y"]) * s["a2"] * (1 - s["a2"])
    before, wanted = s["W1"].copy(), derivative(lambda W: half_squared(s, W1=W), s["W1"])
    return s, lambda after: (before - after["W1"]) / s["lr"], wanted


def case_bias() -> tuple[dict[str, Any], Callable[[dict[str, Any]], Any], Any]:
    s = two_layers()
    s["d1"] = np.random.default_rng(5).normal(size=(6, 4))  # of the loss mean_n Σ_u d1[n, u] z1[n, u]
    return (
        s,
        lambda after: after["db1"],
        derivative(lambda b: float(np.mean(np.sum(s["d1"] * (0 * s["d1"] + b), axis=1))), np.zeros(4)),
    )


def case_softmax_jacobian() -> tuple[dict[str, Any], Callable[[dict[str, Any]], Any], Any]:
    s = two_layers()
    s["z"] = s["z2"]
    wanted = derivative(lambda z: float(np.sum((softmax(z) - s["y"]) ** 2) / len(s["x"])), s["z2"])
    return s, lambda after: after["dz"], wanted


def case_samples_dropped() -> tuple[dict[str, Any], Callable[[dict[str, Any]], Any], Any]:
    s = two_layers(dW=np.zeros((4, 3)))
    s["a"] = s["a1"]
    return s, lambda after: after["dW"], derivative(lambda W: 6 * cross_entropy(s, W), s["W2"])


def case_penalty() -> tuple[dict[str, Any], Callable[[dict[str, Any]], Any], Any]:
    s = two_layers(lam=0.7, data_loss=0.0)
    s["W"], s["delta"] = s["W2"][:, :1], np.random.default_rng(1).normal(size=(6, 1))
    wanted = derivative(lambda W: float(np.sum(s["delta"] * (s["x"] @ W)) + 0.35 * np.sum(W**2)), s["W"])
    return s, lambda after: after["dW"], wanted


def case_normalisation() -> tuple[dict[str, Any], Callable[[dict[str, Any]], Any], Any]:
    rng = np.random.default_rng(2)
    x, gamma, dy = rng.normal(size=(7, 3)), rng.normal(size=3), rng.normal(size=(7, 3))
    s = {"np": np, "x": x, "gamma": gamma, "dy": dy, "mean": x.mean(axis=0), "std": x.std(axis=0)}
    wanted = derivative(lambda x: float(np.sum(dy * gamma * (x - x.mean(axis=0)) / x.std(axis=0))), x)
    return s, lambda after: after["dx"], wanted


def case_through_time() -> tuple[dict[str, Any], Callable[[dict[str, Any]], Any], Any]:
    rng = np.random.default_rng(4)
    steps, W, inputs, d_out = 4, rng.normal(size=(3, 3)), rng.normal(size=(4, 2, 3)), rng.normal(size=(4, 2, 3))

    def states(W: Any) -> dict[int, Any]:
        h = {-1: np.zeros((2, 3))}
        for t in range(steps):
            h[t] = np.tanh(inputs[t] + h[t - 1] @ W)
        return h

    def loss(W: Any) -> float:
        h = states(W)
        return float(sum(np.sum(d_out[t] * h[t]) for t in range(steps)))

    s = {"np": np, "T": steps, "h": states(W), "W": W, "d_out": d_out, "dh": np.zeros((2, 3))}
    return s, lambda after: after["dW"], derivative(loss, W)


def case_overwritten() -> tuple[dict[str, Any], Callable[[dict[str, Any]], Any], Any]:
    rng = np.random.default_rng(6)
    E, d, tokens = rng.normal(size=(5, 2)), rng.normal(size=(4, 2)), np.array([1, 3, 1, 1])
    s = {"np": np, "E": E, "d": d, "tokens": tokens}
    return s, lambda after: after["dE"], derivative(lambda E: float(np.sum(d * E[tokens])), E)


@pytest.mark.parametrize(
    ("slug", "case"),
    [
        ("output-delta-wrong", case_output_delta),
        ("activation-derivative-missing", case_derivative_missing),
        ("gradient-scale-wrong", case_scale),
        ("backprop-weights-wrong", case_backprop_weights),
        ("updated-too-early", case_updated_too_early),
        ("bias-gradient-wrong", case_bias),
        ("softmax-jacobian-wrong", case_softmax_jacobian),
        ("samples-dropped", case_samples_dropped),
        ("penalty-gradient-wrong", case_penalty),
        ("norm-backward-wrong", case_normalisation),
        ("bptt-broken", case_through_time),
        ("gradient-overwritten", case_overwritten),
    ],
)
def test_the_example_fails_the_gradient_check_and_the_mended_one_passes(slug: str, case: Any) -> None:
    errors = []
    for code in (causes.get(slug).example, causes.get(slug).use_instead):
        scope, result, wanted = case()
        exec(compile(code, slug, "exec"), scope)
        errors.append(np.max(np.abs(result(scope) - wanted)) / np.max(np.abs(wanted)))
    assert errors[0] > 1e-3
    assert errors[1] < 1e-7


def test_the_figures_on_the_pages_are_right() -> None:
    def stands(slug: str, text: str) -> None:
        assert text in " ".join(causes.explain(slug).split()), (slug, text)

    stands("double-softmax", f"{np.log(1 + 9 / np.e):.3f} for ten classes, {np.log(1 + 1 / np.e):.3f} for two")
    stands("double-activation", f"{np.e / (np.e + 9):.3f} for ten classes")
    stands("plateau", f"{-np.log(0.1) - 9 * np.log(0.9):.4f} for ten")
    stands("init-all-positive", f"{0.5 / np.sqrt(1 / 12):.2f} for `rand`")
    stands("optimizer-formula-wrong", f"= {0.1 / np.sqrt(0.001):.1f} times too long")
    stands("samples-never-seen", f"rows 0 to {len(range(60_000 // 125)) - 1 + 125 - 1}")
    stands("softmax-axis-wrong", f"ln 64 = {np.log(64):.2f} instead of ln 10 = {np.log(10):.2f}")
    assert sigmoid(np.float32(17)) == 1 and sigmoid(np.float32(16)) < 1  # log-of-zero
    assert sigmoid(37.0) == 1 and sigmoid(36.0) < 1
