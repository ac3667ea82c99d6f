"""Named inputs and outputs: what a network with them computes, trains, tells and keeps, and the sentence for each mistake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save as safetensors_save

import unstuck as us
from unstuck import nn
from unstuck.errors import InputError
from unstuck.training.named_outputs import NamedDataset

R = np.random.default_rng(8)
N = 60
PICTURES = R.integers(0, 256, (N, 6, 5)).astype(np.uint8)
FACTS = R.normal(3, 2, (N, 4))
DIGITS = R.integers(0, 3, N)
SIZES = FACTS.sum(axis=1) + DIGITS
X = {"picture": PICTURES, "facts": FACTS}
Y = {"digit": DIGITS, "size": SIZES}
HOW = {"picture": "pixels", "facts": "standardise"}


def two_and_two(dtype: str = "float32") -> nn.Network:
    """Two inputs, two outputs, and a dense layer in two places, one of them in an output's branch."""
    dense = nn.Dense(8)
    return nn.Network(
        nn.Inputs(picture=[nn.Conv2D(3, 3), nn.Tanh(), nn.Flatten()], facts=nn.Dense(5)),
        nn.Tanh(), nn.Dense(8), nn.Tanh(), dense, nn.Tanh(),
        nn.Outputs(digit=nn.Dense(3), size=[dense, nn.Tanh(), nn.Dense(1)]),
        dtype=dtype,
    )  # fmt: skip


def trained(network: nn.Network, **settings: Any) -> us.Run:
    given = {"preprocessing": HOW, "epochs": 3, "batch_size": 25, "optimizer": us.SGD(0.05), "seed": 1, **settings}
    return us.fit(network, (X, Y), **given)


class TestAgainstPyTorch:
    """The same network by hand in PyTorch, with the weights that ours begins with."""

    @staticmethod
    def forward(torch: Any, p: dict[str, Any], picture: Any, facts: Any) -> tuple[Any, Any]:
        kernel = p["inputs1.picture.conv2d1.weight"].permute(3, 2, 0, 1)
        h = torch.tanh(torch.nn.functional.conv2d(picture[:, None], kernel, p["inputs1.picture.conv2d1.bias"]))
        h = h.permute(0, 2, 3, 1).reshape(len(picture), -1)
        f = facts @ p["inputs1.facts.dense1.weight"] + p["inputs1.facts.dense1.bias"]
        h = torch.tanh(torch.cat([h, f], dim=1))
        h = torch.tanh(h @ p["dense1.weight"] + p["dense1.bias"])
        h = torch.tanh(h @ p["dense2.weight"] + p["dense2.bias"])
        digit = h @ p["outputs1.digit.dense1.weight"] + p["outputs1.digit.dense1.bias"]
        again = torch.tanh(h @ p["dense2.weight"] + p["dense2.bias"])
        return digit, again @ p["outputs1.size.dense3.weight"] + p["outputs1.size.dense3.bias"]

    @pytest.mark.extra
    @pytest.mark.parametrize("engine", ["reference", "cpu"])
    def test_several_steps_and_the_outputs_are_the_same(self, engine: str) -> None:
        torch = pytest.importorskip("torch")
        network = two_and_two("float64")
        network.build({"picture": (6, 5), "facts": 4}, [1, 0])
        p = {name: torch.tensor(value, requires_grad=True) for name, value in network.parameters.items()}
        picture = torch.tensor(PICTURES / 255)
        facts = torch.tensor((FACTS - FACTS.mean(axis=0)) / FACTS.std(axis=0))
        labels, sizes = torch.tensor(DIGITS), torch.tensor(SIZES)[:, None]
        losses = []
        for _ in range(3):
            for begin in range(0, N, 25):
                rows = slice(begin, begin + 25)
                digit, size = self.forward(torch, p, picture[rows], facts[rows])
                first = torch.nn.functional.cross_entropy(digit, labels[rows])
                loss = first + 0.5 * torch.nn.functional.mse_loss(size, sizes[rows])
                losses.append(loss.item())
                for q in p.values():
                    q.grad = None
                loss.backward()
                with torch.no_grad():
                    for q in p.values():
                        q -= 0.05 * q.grad
        run = trained(
            network, shuffle=False, loss={"digit": "cross_entropy", "size": "mean_squared_error"},
            loss_weights={"size": 0.5}, engine=engine,
        )  # fmt: skip
        for name, value in network.parameters.items():
            np.testing.assert_allclose(value, p[name].detach().numpy(), rtol=1e-8, atol=1e-11)
        expected = np.average(np.reshape(losses, (3, 3)), axis=1, weights=[25, 25, 10])
        np.testing.assert_allclose(run.history["loss"], expected, rtol=1e-10)
        digit, size = self.forward(torch, p, picture, facts)
        parts = network.parts_of(network.outputs(X))
        np.testing.assert_allclose(parts["digit"], digit.detach().numpy(), rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(parts["size"], size.detach().numpy(), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch_size", [25, None])
def test_both_engines_take_the_same_steps(dtype: str, batch_size: int | None) -> None:
    runs = [
        trained(two_and_two(dtype), optimizer=us.Adam(0.01), batch_size=batch_size, engine=engine)
        for engine in ("reference", "cpu")
    ]
    expected, ours = (run.network.parameters for run in runs)
    for name, value in expected.items():
        np.testing.assert_allclose(ours[name], value, rtol=1e-3, atol=2e-5 if dtype == "float32" else 1e-10)
    for column in ("loss", "loss_digit", "loss_size", "accuracy_digit"):
        np.testing.assert_allclose(*(run.history[column] for run in runs), rtol=1e-4)


def test_predict_gives_a_dict_and_takes_the_inputs_in_any_order() -> None:
    network = trained(two_and_two(), targets="standardise").network
    told = network.predict(X)
    assert list(told) == ["digit", "size"]
    assert told["digit"].shape == (N,)
    assert told["digit"].dtype == np.int64
    assert told["size"].shape == (N, 1)
    other = network.predict({"facts": FACTS.tolist(), "picture": PICTURES.reshape(N, -1)})
    assert all(np.array_equal(other[name], told[name]) for name in told)
    probabilities = network.predict_probabilities(X)
    assert list(probabilities) == ["digit"]
    np.testing.assert_array_equal(probabilities["digit"].argmax(axis=1), told["digit"])


def test_everything_comes_back_from_a_file(tmp_path: Path) -> None:
    names = np.array(["ash", "birch", "cedar"])
    targets = {"digit": names[DIGITS], "size": SIZES}
    run = us.fit(
        two_and_two(), (X, targets), preprocessing=HOW, targets="standardise", loss_weights={"size": 3}, epochs=2
    )
    again = us.load(run.save(tmp_path / "model.safetensors"))
    assert again.layers == run.network.layers
    assert again.class_names == {"digit": ("ash", "birch", "cedar"), "size": None}
    assert again.task == {"digit": "classification", "size": "regression"}
    assert all(np.array_equal(again.predict(X)[name], part) for name, part in run.network.predict(X).items())
    assert us.evaluate(again, (X, targets)) == run.evaluate((X, targets))
    assert again.layers[4] is again.layers[-1].branches[1][0]
    assert str(again) == str(run.network)
    us.fit(again, (X, targets), epochs=1)
    assert again.preprocessing.for_output("size").target_divisor is not None


def test_the_loss_is_the_weighted_sum_of_what_is_told_of_each_output() -> None:
    run = trained(
        two_and_two(),
        validation=(X, Y),
        loss_weights={"digit": 2},
        early_stopping=us.EarlyStopping(2, "validation_loss_size"),
    )
    for row in run.history:
        assert row["loss"] == pytest.approx(2 * row["loss_digit"] + row["loss_size"], rel=1e-5)
    measured = run.evaluate((X, Y))
    assert measured["loss"] == pytest.approx(2 * measured["loss_digit"] + measured["loss_size"], rel=1e-12)
    told = run.network.predict(X)
    assert measured["accuracy_digit"] == np.mean(told["digit"] == DIGITS)
    assert measured["mae_size"] == pytest.approx(np.mean(np.abs(told["size"][:, 0] - SIZES)))
    assert run.best_epoch is not None
    assert run.history.row(run.best_epoch - 1)["validation_r2_size"] == measured["r2_size"]


def test_accuracy_in_the_history_is_that_of_the_steps() -> None:
    run = trained(two_and_two(), optimizer=us.SGD(1e-30), epochs=1)
    assert run.history["accuracy_digit"][0] == pytest.approx(np.mean(run.network.predict(X)["digit"] == DIGITS))


def test_epochs_taken_at_once_tell_the_same_of_each_output() -> None:
    at_once = trained(two_and_two(), batch_size=None, epochs=30, optimizer=us.Adam(0.01))
    one_by_one = trained(
        two_and_two(), batch_size=None, epochs=30, optimizer=us.Adam(0.01), callbacks=us.LambdaCallback()
    )
    for column in ("loss", "loss_digit", "accuracy_digit", "loss_size"):
        assert at_once.history[column] == pytest.approx(one_by_one.history[column], rel=1e-12)


def test_each_input_is_preprocessed_by_itself() -> None:
    run = trained(two_and_two(), epochs=1)
    packed = run.network.prepared(X)
    assert packed.dtype == np.float32
    np.testing.assert_allclose(packed[:, :30], PICTURES.reshape(N, 30) / 255, rtol=1e-6)
    np.testing.assert_allclose(packed[:, 30:].mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(packed[:, 30:].std(axis=0), 1, rtol=1e-5)


def test_a_sum_of_losses_that_stays_where_guessing_stays_is_told() -> None:
    network = nn.Network(
        nn.Inputs(facts=nn.Dense(4, weight_init=0.0)), nn.Outputs(digit=nn.Dense(3), size=nn.Dense(1)), dtype="float64"
    )  # fmt: skip
    run = us.fit(
        network,
        ({"facts": FACTS}, Y),
        targets="standardise",
        epochs=4,
        batch_size=1,
        optimizer=us.SGD(1e-9),
        loss_weights={"size": 2},
    )
    shares = np.bincount(DIGITS) / N
    guess = 2.0 - np.sum(shares * np.log(shares))
    assert [trouble.kind for trouble in run.troubles] == ["stands still"]
    assert f"guessing costs {guess:.4g}" in run.troubles[0].what


def test_a_siamese_network_has_one_set_of_weights_for_both_inputs() -> None:
    tower = [nn.Dense(6), nn.Tanh(), nn.Dense(2)]
    network = nn.Network(nn.Inputs(left=tower, right=tower), input_shape={"left": 4, "right": 4}, dtype="float64")
    assert list(network.parameters) == [
        f"inputs1.left.{name}" for name in ("dense1.weight", "dense1.bias", "dense3.weight", "dense3.bias")
    ]
    a, b, c, d = network.parameters.values()
    left, right = R.normal(size=(2, 7, 4))
    expected = [np.tanh(side @ a + b) @ c + d for side in (left, right)]
    np.testing.assert_allclose(network.outputs({"left": left, "right": right}), np.hstack(expected), rtol=1e-12)


@pytest.mark.parametrize("engine", ["reference", "cpu"])
def test_sequences_keep_their_own_masks(engine: str) -> None:
    network = nn.Network(
        nn.Inputs(words=[nn.Embedding(9, 3, padding=0), nn.GRU(4)], series=[nn.Masking(), nn.LSTM(3)]), nn.Dense(2),
        dtype="float64",
    )  # fmt: skip
    words, series = R.integers(1, 9, (N, 5)), R.normal(size=(N, 6, 2))
    words[:, 3:], series[:, 4:] = 0, 0
    us.fit(network, ({"words": words, "series": series}, DIGITS % 2), epochs=2, engine=engine)
    short = nn.Network(*network.layers, dtype="float64").build({"words": (3,), "series": (4, 2)})
    short.parameters.update(network.parameters)
    expected = short.outputs({"words": words[:, :3], "series": series[:, :4]})
    np.testing.assert_allclose(network.outputs({"words": words, "series": series}), expected, rtol=1e-10)


@pytest.mark.parametrize("engine", ["reference", "cpu"])
def test_a_step_that_any_of_the_sequences_has_counts_behind_them(engine: str) -> None:
    a, b = [nn.Masking(), nn.LSTM(2, sequences=True)], [nn.Masking(), nn.GRU(2, sequences=True)]
    network = nn.Network(nn.Inputs(a=a, b=b), nn.SimpleRNN(3), nn.Dense(3), dtype="float64")
    first, second = R.normal(size=(N, 6, 2)), R.normal(size=(N, 6, 3))
    first[:, 3:], second[:, 4:] = 0, 0
    us.fit(network, ({"a": first, "b": second}, DIGITS), epochs=1, engine=engine)
    short = nn.Network(*network.layers, dtype="float64").build({"a": (4, 2), "b": (4, 3)})
    short.parameters.update(network.parameters)
    expected = short.outputs({"a": first[:, :4], "b": second[:, :4]})
    np.testing.assert_allclose(network.outputs({"a": first, "b": second}), expected, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_labels_of_steps_and_of_rows_together(dtype: str) -> None:
    labels = R.integers(-1, 3, (N, 6))
    labels[:, 0] = 1

    def run(engine: str) -> us.Run:
        ends = nn.Outputs(steps=nn.Conv1D(3, 1), whole=[nn.GlobalAveragePool(), nn.Dense(1)])
        network = nn.Network(nn.LSTM(6, sequences=True), ends, dtype=dtype)
        return us.fit(
            network,
            (PICTURES, {"steps": labels, "whole": DIGITS > 0}),
            engine=engine,
            epochs=2,
            seed=2,
            preprocessing="pixels",
        )

    ours, reference = run("cpu"), run("reference")
    assert ours.history["loss"] == pytest.approx(reference.history["loss"], rel=1e-4)
    told = ours.network.predict(PICTURES)
    assert told["steps"].shape == (N, 6)
    assert told["whole"].shape == (N,)
    counted = labels >= 0
    measured = ours.evaluate((PICTURES, {"steps": labels, "whole": DIGITS > 0}))
    assert measured["accuracy_steps"] == np.mean(told["steps"][counted] == labels[counted])
    losses = [type(part.loss).__name__ for part in ours.loss.parts.values()]
    assert losses == ["CrossEntropy", "BinaryCrossEntropy"]


def test_a_row_of_weight_0_is_as_good_as_absent_for_every_output() -> None:
    def network() -> nn.Network:
        return nn.Network(
            nn.Inputs(facts=nn.Dense(4)), nn.Outputs(digit=nn.Dense(3), size=nn.Dense(1)), dtype="float64"
        )

    some = np.arange(N) % 2 == 0
    settings: dict[str, Any] = {"batch_size": None, "epochs": 4, "optimizer": us.SGD(0.01), "seed": 3}
    weighted = us.fit(network(), ({"facts": FACTS}, Y), sample_weight=some.astype(float), **settings)
    fewer = us.fit(network(), ({"facts": FACTS[some]}, {name: t[some] for name, t in Y.items()}), **settings)
    for name, p in weighted.network.parameters.items():
        np.testing.assert_allclose(p, fewer.network.parameters[name], rtol=1e-10, atol=1e-13)


def test_data_that_are_not_kept_prepared_train_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = trained(two_and_two())
    monkeypatch.setattr("unstuck.training.preparation.KEEP_BYTES", 0)
    for engine in ("reference", "cpu"):
        batchwise = trained(two_and_two(), engine=engine)
        for name, p in kept.network.parameters.items():
            np.testing.assert_allclose(batchwise.network.parameters[name], p, rtol=1e-3, atol=2e-5)


@pytest.mark.parametrize(
    ("key", "nonsense"),
    [
        ("task", "classification"),
        ("task", {"digit": "regression"}),
        ("class_names", None),
        ("loss", None),
        ("preprocessing", None),
    ],
)
def test_a_file_that_does_not_tell_of_each_output_is_refused(key: str, nonsense: Any, tmp_path: Path) -> None:
    import json

    from unstuck.training import saving

    path = trained(two_and_two(), epochs=1).save(tmp_path / "model.safetensors")
    text, _, tensors = saving._read(path)
    altered = json.dumps({**json.loads(text), key: nonsense})
    path.write_bytes(
        safetensors_save(tensors, metadata={"unstuck": altered, "sha256": saving._digest(altered, tensors)})
    )
    with pytest.raises(InputError, match="the description of the network cannot be read"):
        us.load(path)


def test_a_loss_of_ones_own_for_an_output_is_given_again_when_loaded(tmp_path: Path) -> None:
    def cubed(outputs: Any, targets: Any) -> Any:
        return np.sum(np.abs(outputs - targets) ** 3, axis=-1)

    run = trained(two_and_two(), loss={"size": cubed}, epochs=1, optimizer=us.SGD(1e-6))
    path = run.save(tmp_path / "model.safetensors")
    again = us.load(path, functions={"cubed": cubed})
    assert us.evaluate(again, (X, Y)) == run.evaluate((X, Y))
    bare = us.load(path)
    assert np.array_equal(bare.predict(X)["size"], run.network.predict(X)["size"])
    with pytest.raises(InputError, match="the loss 'cubed' is a function of your own; give it again"):
        us.evaluate(bare, (X, Y))


def test_open_initial_weights_before_a_relu_in_a_branch_are_those_of_he() -> None:
    network = nn.Network(
        nn.Inputs(a=[nn.Dense(400), nn.BatchNorm(), nn.ReLU()], b=nn.Dense(400), c=[nn.Dense(400), nn.Tanh()]), nn.LeakyReLU(),
        input_shape={"a": 100, "b": 100, "c": 100},
    )  # fmt: skip
    spreads = [p.std() for name, p in network.parameters.items() if name.endswith("weight")]
    assert spreads == pytest.approx([np.sqrt(2 / 100), np.sqrt(2 / 100), np.sqrt(2 / 500)], rel=0.02)


def test_the_summary_shows_the_named_inputs() -> None:
    text = str(two_and_two().build({"picture": (6, 5), "facts": 4}))
    assert [line.split() for line in text.splitlines()[1:3]] == [["picture", "6", "×", "5"], ["facts", "4"]]


def test_a_data_set_with_names_can_be_taken_apart() -> None:
    from unstuck.training.examples import as_dataset

    whole = as_dataset((X, Y))
    assert isinstance(whole, NamedDataset)
    part = whole.subset(slice(5, 9))
    assert np.array_equal(part.inputs.parts["facts"], FACTS[5:9])
    assert np.array_equal(part.answers["digit"].targets, DIGITS[5:9])
    assert np.array_equal(part.targets[:, 1], SIZES[5:9])
    assert repr(part) == "<Dataset 'data': 4 rows of shape (34,) float64, 'digit' classification, 'size' regression>"


def test_a_refused_training_leaves_the_network_as_it_was() -> None:
    network = two_and_two()
    with pytest.raises(InputError):
        us.fit(network, (X, {**Y, "digit": DIGITS + 1}))
    assert not network.is_built
    assert network.layers[0].shapes is None
    assert trained(network).epochs == 3


LESS = {"picture": PICTURES}


def fit(network: Any, *data: Any, **settings: Any) -> Any:
    return lambda: us.fit(network(), data, epochs=1, **settings)


def known() -> nn.Network:
    return trained(two_and_two(), epochs=1).network


MISTAKES: list[tuple[Any, str]] = [
    (fit(two_and_two, LESS, Y), "the input 'facts' is missing; expected picture, facts."),
    (fit(two_and_two, {**X, "fact": FACTS}, Y), "unknown input 'fact'; did you mean 'facts'? Known: facts, picture"),
    (
        fit(two_and_two, {**X, "facts": FACTS[:5]}, Y),
        "training data: inputs: the arrays have different numbers of rows ('picture' has 60, 'facts' has 5); expected the same "
        "in all.",
    ),
    (
        fit(two_and_two, {**X, "facts": FACTS[:, 0]}, Y),
        "training data: inputs: 'facts': has shape (60,); expected one row per example, (rows, values). Use reshape(-1, 1) for "
        "one value per example, or reshape(1, -1) for a single example.",
    ),
    (
        fit(two_and_two, FACTS, Y),
        "the inputs are of type ndarray; the network takes picture, facts by name, in a dict of arrays.",
    ),
    (
        fit(lambda: nn.Network(nn.Dense(3)), X, DIGITS),
        "the inputs are a dict with 'picture', 'facts', but the network takes a single array; begin it with "
        "nn.Inputs(picture=…, facts=…), or give an array.",
    ),
    (fit(two_and_two, {}, Y), "training data: inputs: an empty dict; expected an array for each name."),
    (
        fit(lambda: nn.Network(nn.Dense(3)), FACTS, Y),
        "the targets of 'training data' are a dict, but the network does not end in nn.Outputs; end it in "
        "nn.Outputs(digit=…, size=…), or give an array.",
    ),
    (
        fit(two_and_two, X, DIGITS),
        "the network tells digit, size by name; give the targets of 'training data' as a dict of arrays.",
    ),
    (fit(two_and_two, X, {"digit": DIGITS}), "the output 'size' is missing; expected digit, size."),
    (
        fit(two_and_two, X, {**Y, "size": SIZES[:4]}),
        "training data: targets: the arrays have different numbers of rows ('digit' has 60, 'size' has 4); expected the same "
        "in all.",
    ),
    (
        fit(two_and_two, X, {name: t[:4] for name, t in Y.items()}),
        "training data: 'digit': 60 rows of inputs but 4 targets; every row needs exactly one target.",
    ),
    (
        fit(two_and_two, X, {**Y, "size": 5}),
        "training data: the targets of 'size' are 5; expected an array with one row for each example.",
    ),
    (
        fit(two_and_two, X, {**Y, "digit": DIGITS + 1}),
        "output 'digit': \"training data: 'digit'\" has 4 classes, but the network has 3 outputs; give the last layer 4 units. "
        "(If the targets are amounts and no classes, give them as floats.)",
    ),
    (fit(two_and_two, X, Y, loss={"digt": "huber"}), "unknown output 'digt'; did you mean 'digit'? Known: digit, size"),
    (
        fit(two_and_two, X, Y, loss={"digit": nn.CrossEntropy(batch="sum")}),
        "the loss of the output 'size' takes the mean over the batch, and that of 'digit' the sum; give all the same batch=.",
    ),
    (fit(two_and_two, X, Y, loss_weights={"size": -1}), "loss_weights['size'] is -1; expected a number of at least 0."),
    (
        fit(lambda: nn.Network(nn.Dense(3)), FACTS, DIGITS, loss_weights={"size": 1}),
        "loss_weights is {'size': 1}, but the network has no named outputs; leave it out.",
    ),
    (
        fit(two_and_two, X, Y, class_weight="balanced"),
        "class_weight is for networks with one output, and this one has digit, size; use sample_weight.",
    ),
    (
        fit(two_and_two, X, Y, preprocessing={"fact": "scale"}),
        "unknown input 'fact'; did you mean 'facts'? Known: facts, picture",
    ),
    (
        fit(two_and_two, X, Y, validation=(X, DIGITS)),
        "the network tells digit, size by name; give the targets of 'validation data' as a dict of arrays, not as ndarray.",
    ),
    (
        lambda: known().predict(FACTS),
        "the inputs are of type ndarray; the network takes picture, facts by name, in a dict of arrays.",
    ),
    (
        lambda: known().predict({**X, "facts": FACTS[:, :2]}),
        "input 'facts': inputs: each row has shape (2,); expected (4,), as in the training data.",
    ),
    (
        lambda: us.evaluate(known(), (X, DIGITS)),
        "the network tells digit, size by name; give the targets of 'data' as a dict of arrays, not as ndarray.",
    ),
    (
        lambda: nn.Network(nn.Dense(3), nn.Inputs(a=nn.Dense(3))),
        "nn.Inputs can only be the first layer of a network, and only once; move it there.",
    ),
    (
        lambda: nn.Network(nn.Add(nn.Identity(), nn.Outputs(a=nn.Dense(3)))),
        "nn.Outputs can only be the last layer of a network, and only once; move it there.",
    ),
    (
        lambda: nn.Inputs(nn.Dense(3)),
        "Inputs got Dense(units=3, bias=True, weight_init=None, bias_init=Constant(value=0.0), bias_value=1.0) without a name; "
        "expected a branch for each name, such as Inputs(size=nn.Dense(8)).",
    ),
    (
        lambda: nn.Outputs(),
        "Outputs got no branches; expected a branch for each name, such as Outputs(size=nn.Dense(8)).",
    ),
    (
        lambda: nn.Outputs(**{"a b": nn.Dense(3)}),
        "Outputs: the name 'a b' cannot be used; expected letters, digits and _, such as 'size'.",
    ),
    (
        lambda: nn.Network(nn.Dense(3), input_shape={"a": 3}),
        "input_shape is {'a': 3}, but the network does not begin with nn.Inputs; give one shape.",
    ),
    (
        lambda: two_and_two().outputs(X),
        "the shapes of the inputs are not known yet; give input_shape={'picture': …, 'facts': …} or fit the network to data "
        "first.",
    ),
    (
        lambda: nn.Network(nn.Inputs(a=nn.Identity(), b=nn.Identity()), input_shape={"a": 3, "b": (3, 3)}),
        "layer inputs1: Inputs: the branches end in the shapes (3,), (3, 3); expected shapes that differ only in the last axis.",
    ),
    (
        fit(
            lambda: nn.Network(nn.Inputs(t=[nn.Embedding(9, 3), nn.LSTM(2)]), nn.Dense(3)),
            {"t": np.full((N, 4), 9)},
            DIGITS,
        ),
        "input 't': row 0 holds the token 9 at step 0; expected whole numbers from 0 to 8 (and preprocessing='none').",
    ),
    (
        fit(lambda: nn.Network(nn.Inputs(a=nn.Dense(3))), {"a": np.full((N, 4), 2**24 + 1)}, DIGITS),
        "input 'a' holds whole numbers as large as 16777217, which float32 does not tell apart; number them from 0 without gaps, "
        "scale them (preprocessing='standardise'), or use dtype='float64'.",
    ),
    (
        fit(
            lambda: nn.Network(nn.Inputs(a=nn.Dense(3)), dtype="float64"), {"a": np.full((N, 4), -(2**53) - 1)}, DIGITS
        ),
        "input 'a' holds whole numbers as large as 9007199254740993, which float64 does not tell apart; number them from 0 "
        "without gaps, scale them (preprocessing='standardise'), or use dtype='float64'.",
    ),
]


@pytest.mark.parametrize(("mistake", "sentence"), MISTAKES, ids=[m[1][:50] for m in MISTAKES])
def test_the_sentence_for_a_mistake(mistake: Any, sentence: str) -> None:
    with pytest.raises(InputError) as error:
        mistake()
    assert str(error.value) == sentence


def test_the_command_says_that_it_cannot_read_data_for_names(tmp_path: Path) -> None:
    from unstuck.cli.use import evaluate

    path = trained(two_and_two(), epochs=1).save(tmp_path / "model.safetensors")
    with pytest.raises(InputError, match=r"the model has inputs or outputs with names .*; use it in Python"):
        evaluate(path, "iris")
