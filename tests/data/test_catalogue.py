"""Every known data set is what its facts say, and asking for facts is cheap."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from unstuck.data import describe, load, names


@pytest.mark.parametrize("name", names())
def test_facts_agree_with_what_is_loaded(name: str) -> None:
    facts, splits = describe(name), load(name)
    train, test = splits.train, splits.test
    assert test is not None
    assert len(train) + len(test) == facts.rows
    assert facts.test_rows in (0, len(test))
    assert (train.name, train.task, train.input_shape) == (name, facts.task, facts.input_shape)
    if facts.task == "classification":
        assert facts.n_classes == facts.n_outputs == train.n_classes
        assert set(train.targets) == set(test.targets) == set(range(train.n_classes))
        assert train.class_names is not None and len(train.class_names) == train.n_classes
    else:
        assert facts.n_classes is None and train.targets.shape[1] == facts.n_outputs
        assert train.targets.dtype == np.float64 and train.class_names is None
    if train.feature_names is not None:
        assert len(train.feature_names) == train.inputs[0].size


@pytest.mark.parametrize("name", [name for name in names() if describe(name).source == "drawn from the seed"])
def test_generated_sets_depend_on_the_seed_alone_and_stay_near_zero(name: str) -> None:
    first, again, other = (load(name, seed=seed, test_fraction=0).train for seed in (1, 1, 2))
    assert np.array_equal(first.inputs, again.inputs) and np.array_equal(first.targets, again.targets)
    assert not np.array_equal(first.inputs, other.inputs)
    assert np.abs(first.inputs).max() < 3 and abs(first.inputs.mean()) < 0.6


def test_generated_classes_need_more_than_a_straight_line() -> None:
    for name in ("moons", "circles", "spiral", "xor"):
        data = load(name, test_fraction=0).train
        design = np.column_stack([data.inputs, np.ones(len(data))])
        fit = np.linalg.lstsq(design, np.eye(data.n_classes)[data.targets], rcond=None)[0]
        assert 0.2 < np.mean(np.argmax(design @ fit, axis=1) == data.targets) < 0.92, name


def test_toolkit_sets_are_those_of_scikit_learn() -> None:
    from sklearn import datasets

    iris = load("iris", test_fraction=0).train
    bunch = datasets.load_iris()
    assert np.array_equal(iris.inputs, bunch.data) and np.array_equal(iris.targets, bunch.target)
    assert iris.class_names == ("setosa", "versicolor", "virginica")
    digits = load("digits", test_fraction=0).train
    assert np.array_equal(digits.inputs, datasets.load_digits().images) and digits.image_shape == (8, 8)
    linnerud = load("linnerud", test_fraction=0).train
    assert np.array_equal(linnerud.targets, datasets.load_linnerud().target)


def test_importing_and_describing_load_neither_scikit_learn_nor_pillow() -> None:
    program = (
        "import sys; from unstuck import data; [data.describe(n) for n in data.names()]; "
        "print([m for m in ('sklearn', 'PIL', 'scipy', 'pandas', 'concurrent.futures', 'numba') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
