"""Counter-experiments: each changes one thing of the program, and the program still runs."""

from __future__ import annotations

import pathlib
import random
from typing import Any

import numpy as np
import pytest

from unstuck.doctor.handwritten.edits.experiments import Experiments
from unstuck.doctor.handwritten.edits.literals import Literal
from unstuck.doctor.handwritten.edits.model import Edit
from unstuck.errors import InputError

CASES = pathlib.Path(__file__).parents[2] / "cases" / "handwritten"


def of_case(case: str, which: str = "faulty.py") -> Experiments:
    return Experiments((CASES / case / which).read_text(), which)


def texts(literals: list[Literal]) -> list[str]:
    return [literal.text for literal in literals]


def run(edit: Edit | None) -> dict[str, Any]:
    assert edit is not None
    names: dict[str, Any] = {"__name__": "program"}
    exec(compile(edit.source, "program", "exec"), names)
    return names


@pytest.mark.parametrize(
    ("case", "rate", "epochs"),
    [
        ("bracket-char-rnn", ["0.004"], []),
        ("cancer-gradient-descent", ["0.1"], ["600"]),
        ("circles-index-loops", ["0.5"], ["150"]),
        ("digits-network-class", ["2.0"], ["40"]),
        ("digits-own-adam", ["1e-5"], ["25"]),
        ("digits-stacked-layers", ["0.8"], ["30"]),
        ("parity-three-bits", ["0.5"], ["6001"]),
        ("sinuskurve-mit-schwung", ["0.2"], ["2001"]),
        ("spiral-layer-objects", ["0.03"], ["200"]),
        ("wine-nested-lists", ["0.02"], ["61"]),
        ("xor-clouds-any-depth", ["0.5"], ["1501"]),
    ],
)
def test_rate_and_epochs_are_found_through_the_data_flow(case: str, rate: list[str], epochs: list[str]) -> None:
    literals = of_case(case).literals
    assert texts(literals.rates) == rate
    assert texts(literals.epochs) == epochs


def test_widths_are_shared_shapes_or_the_inner_members_of_a_list() -> None:
    assert texts(of_case("diabetes-full-batch").literals.widths) == ["8"]
    lists = of_case("digits-preallocated-arrays").literals.width_lists
    assert [texts(widths) for widths in lists] == [["64", "24", "24", "10"]]
    edit = of_case("xor-clouds-any-depth").scale_widths(4)
    assert edit is not None and "Net([2, 8, 1], rng)" in edit.source


def test_batch_sizes_are_what_cuts_the_rows() -> None:
    assert texts(of_case("digits-own-adam").literals.batch_sizes) == ["64"]
    assert texts(of_case("digits-stacked-layers").literals.batch_sizes) == ["30"]


def test_the_rate_is_scaled_where_it_is_written_and_nowhere_else() -> None:
    experiments = of_case("digits-own-adam")
    edit = experiments.scale_rate(100)
    assert edit is not None and edit.line == 47 and "lr=0.001)" in edit.source
    changed = [a for a, b in zip(experiments.source.splitlines(), edit.source.splitlines(), strict=True) if a != b]
    assert len(changed) == 1


def test_epochs_stay_whole_numbers() -> None:
    edit = of_case("circles-index-loops").scale_epochs(2.5)
    assert edit is not None and "EPOCHS = 375\n" in edit.source


def test_all_generators_get_the_seed() -> None:
    edit = of_case("digits-ten-units-a-layer").reseed(101)
    assert edit is not None
    assert (
        "seed=101)     # ten units" in edit.source and "seed=101):" in edit.source and "random_state=101" in edit.source
    )


def test_a_program_without_any_seed_gets_one() -> None:
    source = "import random\nimport numpy as np\nx = np.random.rand(2)\ny = random.random()\n"
    edit = Experiments(source, "x.py").reseed(5)
    assert run(edit)["y"] == run(edit)["y"]
    assert (run(edit)["x"] == run(edit)["x"]).all()


def test_an_unseeded_generator_gets_the_seed() -> None:
    edit = Experiments("import numpy as np\nrng = np.random.default_rng()\n", "x.py").reseed(7)
    assert edit is not None and "default_rng(7)" in edit.source


def test_standardised_arrays_have_mean_zero_and_spread_one() -> None:
    source = "import numpy as np\nX = np.random.default_rng(0).normal(50.0, 9.0, (30, 3))\n"
    names = run(Experiments(source, "x.py").standardise(2, "X"))
    assert np.allclose(names["X"].mean(axis=0), 0) and np.allclose(names["X"].std(axis=0), 1)


def test_standardising_columns_of_samples_with_the_training_part_only() -> None:
    edit = of_case("cancer-gradient-descent").standardise(8, "X", axis=1, fit=":, :420")
    assert edit is not None
    line = edit.source.splitlines()[8]
    assert line == "X = (X - X[:, :420].mean(axis=1, keepdims=True)) / (X[:, :420].std(axis=1, keepdims=True) + 1e-8)"


def test_nested_lists_are_standardised_without_numpy() -> None:
    source = "rows = [[1.0, 10.0], [3.0, 30.0], [5.0, 20.0]]\n"
    rows = run(Experiments(source, "x.py").standardise(1, "rows"))["rows"]
    assert np.allclose(np.mean(rows, axis=0), 0) and np.allclose(np.std(rows, axis=0), 1)


def test_all_positive_first_weights_are_centred() -> None:
    edit = of_case("digits-sigmoid-lists").centre_init([17, 18])
    assert edit is not None and edit.source == (CASES / "digits-sigmoid-lists" / "fixed.py").read_text()


def test_a_uniform_draw_from_zero_is_made_symmetric() -> None:
    source = "import random\nw = [random.uniform(0, 0.4) for _ in range(50)]\n"
    assert min(run(Experiments(source, "x.py").centre_init([2]))["w"]) < 0


def test_first_weights_are_scaled_at_the_factor_that_is_there() -> None:
    source = "import numpy as np\nw = np.random.randn(3, 3) * 0.1\nv = np.random.randn(3)\n"
    edit = Experiments(source, "x.py").scale_init([2, 3], 10)
    assert edit is not None and "randn(3, 3) * 1\n" in edit.source and "v = 10 * np.random.randn(3)\n" in edit.source


def test_zero_first_weights_become_random() -> None:
    source = "import numpy as np\nw = np.zeros((4, 4))\n"
    assert np.linalg.matrix_rank(run(Experiments(source, "x.py").randomise_init([2]))["w"]) == 4


def test_rows_are_shuffled_together_and_the_generator_is_left_alone() -> None:
    source = "import numpy as np\nnp.random.seed(1)\nX = np.arange(20).reshape(20, 1)\ny = np.arange(20)\n"
    after = "z = np.random.rand()\n"
    edit = Experiments(source + after, "x.py").shuffle_rows(4, ["X", "y"])
    names, before = run(edit), {}
    exec(source + after, before)
    assert (names["X"][:, 0] == names["y"]).all() and (names["y"] != np.arange(20)).any()
    assert names["z"] == before["z"]


def test_lists_are_shuffled_together_without_numpy() -> None:
    source = "import random\nrandom.seed(2)\nrows = list(range(9))\nmarks = list(range(9))\n"
    state = random.getstate()
    names = run(Experiments(source, "x.py").shuffle_rows(4, ["rows", "marks"]))
    random.setstate(state)
    assert names["rows"] == names["marks"] != list(range(9))


def test_separate_shuffles_are_joined() -> None:
    edits = of_case("wine-nested-lists").join_shuffles()
    assert len(edits) == 1 and edits[0].cause == "labels-misaligned" and edits[0].line == 78
    source = "import numpy as np\nX = np.arange(12)\ny = np.arange(12)\nnp.random.shuffle(X)\nnp.random.shuffle(y)\n"
    names = run(Experiments(source, "x.py").join_shuffles()[0])
    assert (names["X"] == names["y"]).all() and (names["y"] != np.arange(12)).any()


def test_a_penalty_is_switched_off_at_its_number() -> None:
    source = "import numpy as np\nlam = 0.3\nw = np.ones(3)\nloss = np.sum(w) + 0.5 * lam * np.sum(w ** 2)\n"
    edit = Experiments(source, "x.py").drop_penalty()
    assert run(edit)["loss"] == 3.0 and edit is not None and "0.5 * lam" in edit.source


def test_statements_are_inserted_before_and_after_a_line() -> None:
    source = "for i in range(2):\n    a = i\n"
    experiments = Experiments(source, "x.py")
    before, after = experiments.insert_before(2, "b = 1"), experiments.insert_after(2, "b = a")
    assert before is not None and before.source == "for i in range(2):\n    b = 1\n    a = i\n"
    assert after is not None and after.source == "for i in range(2):\n    a = i\n    b = a\n"


def test_a_source_that_is_not_python_gets_one_sentence() -> None:
    with pytest.raises(InputError, match="not valid Python"):
        Experiments("def", "x.py")
