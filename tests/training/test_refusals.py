"""Whatever fit and evaluate cannot use is refused word for word, and before the network is changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import unstuck as us
from unstuck import nn
from unstuck.autodiff import Graph
from unstuck.engines import engine
from unstuck.engines.reference import ReferenceEngine
from unstuck.training.optimizers import optimizer

X = np.random.default_rng(0).normal(size=(10, 3))
LABELS = np.arange(10) % 3
NUMBERS = X[:, :2] * 2
BAD = X.copy()
BAD[4, 1] = np.nan


def three(*last: nn.Layer) -> nn.Network:
    return nn.Network(nn.Dense(4), nn.ReLU(), nn.Dense(3), *last)


def two() -> nn.Network:
    return nn.Network(nn.Dense(2))


def broken(x: Any) -> Any:
    return x @ np.ones((5, 2))


# What fit is called with: network, data, settings; and what it says.
FITS: list[tuple[Callable[[], nn.Network], Any, dict[str, Any], str]] = [
    # data
    (three, X, {}, "the data are of type ndarray; expected a data set such as unstuck.datasets.load('mnist').train, or a pair "
     "(inputs, targets) of arrays."),
    (three, (BAD, LABELS), {}, "training data: inputs: row 4, column 1 holds NaN; every value must be a finite number. Remove "
     "the row or fill the value in."),
    (three, (X, LABELS[:5]), {}, "training data: 10 rows of inputs but 5 targets; every row needs exactly one target."),
    (three, (X, LABELS), {"validation": (X[:, :2], LABELS)}, "inputs: each row has shape (2,); expected (3,), as in the training "
     "data."),
    (three, (X, LABELS), {"validation": (X, LABELS + 1)}, "validation data: targets: row 2 holds the class label 3; labels must "
     "be 0 to 2, because there are 3 classes. Number the classes from 0."),
    (three, (X, LABELS), {"validation": us.Dataset.from_arrays(X, NUMBERS, name="houses")}, "data set 'houses' is for "
     "regression; the network is trained for classification. Give data with the same task."),
    (three, (X, np.array(["a", "b", "c"])[LABELS]), {"validation": us.Dataset.from_arrays(X, ["a", "z"] * 5, name="later")},
     "data set 'later': row 1 has the class 'z', which the training data do not have (a, b, c). Correct it or remove the row."),
    # classes and outputs
    (two, (X, LABELS), {}, "'training data' has 3 classes, but the network has 2 outputs; give the last layer 3 units. (If the "
     "targets are amounts and no classes, give them as floats.)"),
    (lambda: nn.Network(nn.Dense(1)), (X, LABELS), {"loss": "squared_error"}, "'training data' has 3 classes, but the network "
     "has 1 output; give the last layer 3 units. (If the targets are amounts and no classes, give them as floats.)"),
    (three, (X, NUMBERS), {}, "the targets of 'training data' have shape (10, 2); the network gives (N, 3). Give the last layer "
     "2 units."),
    (lambda: nn.Network(nn.Sigmoid(), input_shape=3), (X, LABELS), {}, "the network has no parameters to train; add a layer that "
     "has some, such as nn.Dense(10)."),
    (lambda: nn.Network(nn.Function(lambda x, w: x * w, {"w": (2, 3)}, name="f")), (X.reshape(5, 2, 3), [0, 1, 2, 0, 1]), {},
     "the network gives rows of shape (2, 3); expected (outputs,). Put Flatten() at its end."),
    # shapes, with the layer's name
    (lambda: nn.Network(nn.Sigmoid(), nn.Dense(3)), (X.reshape(5, 2, 3), [0, 1, 2, 0, 1]), {}, "layer dense1: Dense(3) got rows "
     "of shape (2, 3); expected (features,). Put Flatten() before it."),
    (lambda: nn.Network(nn.Dense(3), nn.Function(broken)), (X, LABELS), {}, "layer broken1: matmul: shapes (2, 3) and (5, 2) do "
     "not fit: 3 columns of the first meet 5 rows of the second; transpose one of them or check the layer sizes."),
    (lambda: nn.Network(nn.Dense(3), input_shape=5), (X, LABELS), {}, "the rows of 'training data' have shape (3,); the network "
     "takes (5,)."),
    # loss and last layer
    (lambda: three(nn.Softmax()), (X, LABELS), {"loss": "cross_entropy"}, "the network ends in Softmax, but the loss "
     "CrossEntropy takes logits and applies it itself; leave Softmax() out, or use the loss 'cross_entropy_probabilities'."),
    (lambda: three(nn.Sigmoid()), (X, LABELS), {"loss": "binary_cross_entropy"}, "the network ends in Sigmoid, but the loss "
     "BinaryCrossEntropy takes logits and applies it itself; leave Sigmoid() out, or use the loss 'squared_error'."),
    (three, (X, LABELS), {"loss": "cross_entropy_probabilities"}, "the loss CrossEntropyProbabilities takes probabilities, but "
     "the network ends in Dense; end it in Softmax(), or use the loss 'cross_entropy', which takes logits."),
    (lambda: nn.Network(nn.Dense(1), nn.Sigmoid()), (X, NUMBERS[:, :1] ** 2), {"loss": "poisson"}, "the network ends in Sigmoid, "
     "but the loss Poisson takes the logarithms of rates, which are any numbers; leave Sigmoid() out."),
    (lambda: nn.Network(nn.Dense(1)), (X, LABELS % 2), {"loss": "cross_entropy"}, "the loss CrossEntropy compares the outputs of "
     "several classes, but the network has 1 output; give the last layer one unit for each class, or use the loss "
     "'binary_cross_entropy'."),
    # loss and targets
    (two, (X, -NUMBERS), {"loss": "poisson"}, f"the targets of 'training data' hold {-NUMBERS[0, 0]:g}, {-NUMBERS[0, 1]:g} in "
     "row 0; the loss Poisson expects counts of at least 0."),
    (three, us.Dataset.from_arrays(X, LABELS, name="set"), {"loss": "poisson"}, "the loss Poisson is for counts, but 'set' has "
     "classes as targets; give the counts as numbers (task='regression'), or use the loss 'cross_entropy'."),
    (two, us.Dataset.from_arrays(X, np.full((10, 2), 0.7), name="set"), {"loss": "cross_entropy"}, "the targets of 'set' hold "
     "0.7, 0.7 in row 0; the loss CrossEntropy expects class labels, or rows of probabilities with the sum 1."),
    (two, (X, np.full((10, 2), 1.5)), {"loss": "binary_cross_entropy"}, "the targets of 'training data' hold 1.5, 1.5 in row 0; "
     "the loss BinaryCrossEntropy expects 0, 1, or probabilities between them."),
    (two, (X, NUMBERS), {"loss": lambda o, t: (o - t) ** 2}, "the loss function 'loss' returned (10, 2) for a batch of 10 rows; "
     "expected one value a row, shape (10,), or one number."),
    (two, (X, NUMBERS), {"loss": lambda o, t: np.mean((o - t) ** 2), "sample_weight": np.ones(10)}, "the loss function gives one "
     "number for the whole batch, so rows cannot be weighted; return one value a row, shape (10,), or leave the sample and class "
     "weights out."),
    # names
    (three, (X, LABELS), {"loss": "crossentropy"}, "unknown loss 'crossentropy'; did you mean 'cross_entropy'? Known: "
     "absolute_error, binary_cross_entropy, cross_entropy, cross_entropy_probabilities, half_squared_error, huber, "
     "mean_squared_error, poisson, squared_error"),
    (three, (X, LABELS), {"optimizer": "adamm"}, "unknown optimizer 'adamm'; did you mean 'adam'? Known: adagrad, adam, adamw, "
     "momentum, nesterov, rmsprop, sgd"),
    (three, (X, LABELS), {"optimizer": us.Adam}, "optimizer is the class Adam; expected a name (sgd, momentum, nesterov, "
     "adagrad, rmsprop, adam, adamw) or an object such as SGD(0.1)."),
    (three, (X, LABELS), {"preprocessing": "standardize"}, "unknown preprocessing 'standardize'; did you mean 'standardise'? "
     "Known: auto, none, pixels, scale, standardise"),
    (three, (X, LABELS), {"early_stopping": us.EarlyStopping(3, "validation_acuracy"), "validation": (X, LABELS)},
     "unknown figure to watch 'validation_acuracy'; did you mean 'validation_accuracy'? Known: accuracy, loss, "
     "validation_accuracy, validation_balanced_accuracy, validation_loss"),
    (three, (X, LABELS), {"early_stopping": us.EarlyStopping(3, "validation_accuracy")}, "unknown figure to watch "
     "'validation_accuracy'; did you mean 'accuracy'? Known: accuracy, loss"),
    (three, (X, LABELS), {"penalties": [us.Penalty(l2=1, parameters=["dense3.weight"])]}, "penalty: parameters ['dense3.weight'] "
     "are not known; expected 'weights', 'all' or a list out of dense1.weight, dense1.bias, dense2.weight, dense2.bias."),
    # numbers
    (three, (X, LABELS), {"epochs": 0}, "epochs is 0; expected a whole number of at least 1."),
    (three, (X, LABELS), {"batch_size": 2.5}, "batch_size is 2.5; expected a whole number of at least 1."),
    (three, (X, LABELS), {"seed": -1}, "seed is -1; expected a whole number of at least 0."),
    (three, (X, LABELS), {"clip_norm": "1"}, "clip_norm is '1'; expected a positive number."),
    (three, (X, LABELS), {"l2": -1}, "l2 is -1; expected a number of at least 0."),
    (three, (X, LABELS), {"early_stopping": 0}, "EarlyStopping: patience (epochs) is 0; expected a whole number of at least 1."),
    (three, (X, LABELS), {"early_stopping": True}, "early_stopping is True; expected a patience in epochs or an "
     "EarlyStopping(…)."),
    (three, (X, LABELS), {"tolerance": 0.1}, "tolerance is 0.1; expected Tolerance(loss=…) or Tolerance(gradient=…)."),
    (three, (X, LABELS), {"callbacks": [us.PrintProgress]}, "callbacks holds <class 'unstuck.training.callbacks.PrintProgress'>; "
     "expected objects such as Callback(…) in a list."),
    (three, (X, LABELS), {"penalties": 0.1}, "penalties holds 0.1; expected objects such as Penalty(…) in a list."),
    # weights
    (three, (X, LABELS), {"sample_weight": np.ones(9)}, "sample_weight has shape (9,); expected (10,), one number for each row."),
    (three, (X, LABELS), {"sample_weight": [1.0] * 9 + [-1.0]}, "sample_weight holds -1 in row 9; expected finite numbers of at "
     "least 0."),
    (three, (X, LABELS), {"sample_weight": np.zeros(10)}, "all row weights are zero; at least one row must count."),
    (three, (X, LABELS), {"class_weight": {3: 1.0}}, "class_weight names the class 3; expected classes 0 to 2."),
    (three, (X, LABELS), {"class_weight": {"4": 1.0}}, "unknown class in class_weight '4'. Known: 0, 1, 2"),
    (three, (X, LABELS), {"class_weight": {0: -1}}, "class_weight gives class 0 the weight -1; expected a finite number ≥ 0."),
    (three, (X, LABELS), {"class_weight": [1.0, 2.0]}, "class_weight has 2 numbers; expected 3, one for each class."),
    (three, (X, LABELS), {"class_weight": "even"}, "class_weight is 'even'; expected 'balanced', a dict or a list of numbers."),
    (two, (X, NUMBERS), {"class_weight": "balanced"}, "class_weight needs classes; this is a regression. Use sample_weight for "
     "rows."),
    (three, (X, LABELS), {"targets": "standardise"}, "data set 'training data' has classes as targets; only numbers can be "
     "standardised."),
    (three, (X, LABELS), {"engine": "cuda"}, "unknown engine 'cuda'"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "data", "settings", "sentence"), FITS, ids=[f[3][:50] for f in FITS])
def test_what_cannot_be_trained_is_refused_in_one_sentence_and_the_network_is_left_alone(
    make: Callable[[], nn.Network], data: Any, settings: dict[str, Any], sentence: str
) -> None:
    network = make()
    before = {**vars(network), "parameters": network.parameters.copy()}
    with pytest.raises(us.InputError) as error:
        us.fit(network, data, **{"batch_size": None, **settings})
    if sentence == "unknown engine 'cuda'":  # which engines there are depends on what is installed
        assert str(error.value).startswith(sentence)
    else:
        assert str(error.value) == sentence
    assert vars(network) == before


def test_a_refused_second_training_leaves_the_first_as_it_was() -> None:
    network = three()
    us.fit(network, (X, LABELS), epochs=1, preprocessing="standardise")
    predicted, before = network.predict_probabilities(X), vars(network).copy()
    with pytest.raises(us.InputError):
        us.fit(network, (X * 3, NUMBERS), preprocessing="scale")
    assert vars(network) == before
    assert np.array_equal(network.predict_probabilities(X), predicted)


OTHERS: list[tuple[Callable[[], Any], str]] = [
    (lambda: us.fit("784-10", (X, LABELS)), "the first argument of fit is '784-10'; expected an nn.Network."),  # type: ignore[arg-type]
    (
        lambda: us.evaluate(nn.Network(nn.Dense(3), input_shape=3), (X, LABELS)),
        "the network has not been trained, so there is no loss to evaluate; give loss=.",
    ),
    (lambda: us.SGD(0), "the learning rate is 0; expected a positive number."),
    (lambda: us.Adam(float("nan")), "the learning rate is nan; expected a positive number."),
    (lambda: us.Adam(beta1=1), "Adam: beta1 is 1; expected a number of at least 0 and below 1."),
    (lambda: us.SGD(0.1, -0.5), "SGD: momentum is -0.5; expected a number of at least 0 and below 1."),
    (lambda: us.SGD(0.1, nesterov=True), "SGD: nesterov needs a momentum above 0, such as 0.9."),
    (lambda: us.AdamW(weight_decay=-1), "AdamW: weight_decay is -1; expected a number of at least 0."),
    (
        lambda: optimizer(3),  # type: ignore[arg-type]
        "optimizer is 3; expected a name (sgd, momentum, nesterov, adagrad, rmsprop, adam, adamw) or an object such as SGD(0.1).",
    ),
    (lambda: us.schedules.Step(0.1, every=0), "Step: every is 0; expected a whole number of at least 1."),
    (lambda: us.schedules.Exponential(0.1, -1), "Exponential: factor is -1; expected a positive number."),
    (lambda: us.schedules.Cosine(0.1, -1), "Cosine: last is -1; expected a number of at least 0."),
    (lambda: us.schedules.WarmUp(0.1, 0), "WarmUp: epochs is 0; expected a positive number."),
    (
        lambda: us.schedules.WarmUp(0.1, then=0.1),  # type: ignore[arg-type]
        "WarmUp: then is 0.1; expected a schedule such as schedules.Cosine(0.1).",
    ),
    (
        lambda: us.schedules.ReduceOnPlateau(0.1, 1.5),
        "ReduceOnPlateau: factor is 1.5; expected a number above 0 and below 1.",
    ),
    (lambda: us.Tolerance(), "Tolerance needs loss= or gradient=, a number under which training stops."),
    (lambda: us.Tolerance(gradient=0), "Tolerance: gradient is 0; expected a positive number."),
    (
        lambda: us.EarlyStopping(patience=1.5),
        "EarlyStopping: patience (epochs) is 1.5; expected a whole number of at least 1.",
    ),  # type: ignore[arg-type]
    (
        lambda: us.LambdaCallback(on_epoch_ends=print),
        "unknown callback hook 'on_epoch_ends'; did you mean 'on_epoch_end'? Known: on_epoch_begin, on_epoch_end, on_test_begin, "
        "on_test_end, on_train_batch_begin, on_train_batch_end, on_train_begin, on_train_end, on_trouble",
    ),
    (lambda: us.LambdaCallback(on_epoch_end=3), "LambdaCallback: on_epoch_end is 3; expected a function."),
    (lambda: us.PrintProgress(every=0), "PrintProgress: every is 0; expected a whole number of at least 1."),
    (
        lambda: us.fit(three(), (X, LABELS), epochs=1).history["acuracy"],
        "unknown history column 'acuracy'; did you mean 'accuracy'? Known: accuracy, epoch, learning_rate, loss, seconds",
    ),
    (
        lambda: us.metrics.accuracy(np.zeros(3), np.zeros(4)),
        "a metric compares shapes (3,) and (4,); expected two equal shapes with some rows.",
    ),
    (
        lambda: us.metrics.confusion_matrix(np.array([0, 3]), np.array([0, 1]), 3),
        "confusion matrix: there is a class 3; with classes=3 expected 0 to 2.",
    ),
    (
        lambda: us.metrics.confusion_matrix(np.array([0.5]), np.array([0.5])),
        "confusion matrix: labels has shape (1,), dtype float64; expected class numbers from 0, (N,).",
    ),
    (
        lambda: us.metrics.top_k_accuracy(np.array([0]), np.zeros((1, 3)), 5),
        "top-5 accuracy: labels of shape (1,), scores of shape (1, 3); expected (N,) and (N, K), and a k of 1 to K.",
    ),
    (
        lambda: us.metrics.top_k_accuracy(np.array([7]), np.zeros((1, 3)), 1),
        "top-1 accuracy: expected labels that are whole numbers from 0 to 2.",
    ),
]


@pytest.mark.parametrize(("mistake", "sentence"), OTHERS, ids=[m[1][:50] for m in OTHERS])
def test_the_sentence_for_a_mistake(mistake: Callable[[], Any], sentence: str) -> None:
    with pytest.raises(us.InputError) as error:
        mistake()
    assert str(error.value) == sentence


def test_data_in_all_their_parts_are_told_to_choose_one() -> None:
    splits = us.datasets.load("iris")
    with pytest.raises(us.InputError) as error:
        us.fit(three(), splits)
    assert str(error.value) == "data set 'iris' was given with all its parts; choose one, such as .train or .test."


def test_standardised_targets_are_not_asked_of_a_preprocessing_without_them() -> None:
    network = two()
    us.fit(network, (X, NUMBERS), epochs=1)
    with pytest.raises(us.InputError) as error:
        us.fit(network, (X, NUMBERS), targets="standardise", epochs=1)
    assert str(error.value) == (
        "targets='standardise' was asked for, but the preprocessing that is already there leaves targets as they are; leave "
        "targets out, or give preprocessing='standardise' or another name to measure anew."
    )


def test_the_engine_says_what_it_was_given() -> None:
    graph = Graph()
    graph.outputs = [np.tanh(graph.input("x", (2, 3)))]
    program = ReferenceEngine().compile(graph)
    for arguments, sentence in (
        ((np.zeros((3, 2)),), "input 'x' has shape (3, 2); the graph was recorded for (2, 3)."),
        ((), "the graph takes 1 inputs; 0 were given."),
    ):
        with pytest.raises(us.InputError) as error:
            program(*arguments)
        assert str(error.value) == sentence
    with pytest.raises(us.InputError, match=r"^unknown engine 'referense'; did you mean 'reference'\?"):
        engine("referense")
