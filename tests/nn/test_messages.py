"""What nn says to a mistake, word for word."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from unstuck import nn
from unstuck.errors import InputError
from unstuck.nn.initializers import initializer
from unstuck.nn.layers.activations import activation
from unstuck.nn.layers.base import LAYERS, layer_from_dict
from unstuck.nn.losses import loss_function

BUILT = nn.Network(nn.Dense(2), input_shape=3)

MESSAGES: list[tuple[Callable[[], Any], str]] = [
    # convolutions and pools
    (
        lambda: nn.Network(nn.Conv2D(4, 5), input_shape=(3, 8)),
        "layer conv2d1: Conv2D(4, 5×5): a window of 5 × 5 does not fit into an image of 3 × 8; take a smaller window, or "
        "padding='same'.",
    ),
    (
        lambda: nn.Network(nn.MaxPool1D(3), input_shape=(2, 1)),
        "layer maxpool1d1: MaxPool1D(3): a window of 3 steps does not fit into a sequence of 2 steps; take a smaller window, "
        "or padding='same'.",
    ),
    (
        lambda: nn.Network(nn.Conv2D(4, 3), input_shape=7),
        "layer conv2d1: Conv2D(4, 3×3) got rows of shape (7,); expected (height, width, channels) or (height, width).",
    ),
    (
        lambda: nn.Network(nn.Conv2D(4, 3, groups=2), input_shape=(5, 5, 3)),
        "layer conv2d1: Conv2D(4, 3×3, groups=2): 3 channels do not fall into 2 equal groups.",
    ),
    (lambda: nn.Conv2D(3, 3, groups=2), "Conv2D: 3 filters do not fall into 2 equal groups."),
    (lambda: nn.Conv2D(3, (3, 3, 3)), "Conv2D: size is (3, 3, 3); expected a whole number, or 2 of them."),
    (lambda: nn.Conv2D(3, 0), "Conv2D: size is 0; expected a whole number of at least 1."),
    (
        lambda: nn.Conv2D(3, 3, padding="full"),
        "Conv2D: padding is 'full'; expected 'valid', 'same', a whole number, or 2 of them or of pairs (before, after).",
    ),
    (
        lambda: nn.Conv2D(3, 3, bias="relu"),  # type: ignore[arg-type]
        "Conv2D: bias is 'relu'; expected True or False. An activation is a layer of its own, such as nn.ReLU().",
    ),
    (
        lambda: nn.Network(nn.MaxPool2D(2, padding=2), input_shape=(4, 4, 1)),
        "layer maxpool2d1: MaxPool2D(2×2, padding=((2, 2), (2, 2))): some windows hold nothing but padding; expected padding "
        "smaller than the window.",
    ),
    (
        lambda: nn.Network(nn.ConvTranspose1D(1, 2, padding=3), input_shape=(3, 1)),
        "layer convtranspose1d1: ConvTranspose1D(1, 2, stride=(1,)): the padding leaves nothing of an output of (3,) places; "
        "take less padding.",
    ),
    (
        lambda: nn.Network(nn.GlobalMaxPool(), input_shape=3),
        "layer globalmaxpool1: GlobalMaxPool() got rows of shape (3,); expected (steps, channels) or (height, width, "
        "channels).",
    ),
    # networks
    (lambda: nn.Network(), "a network needs at least one layer, such as nn.Dense(10)."),
    (
        lambda: nn.Network(nn.Dense(3), nn.Sigmoid),
        "layer 2 of the network is <class 'unstuck.nn.layers.activations.Sigmoid'>; expected a layer such as nn.Dense(16); did "
        "you mean Sigmoid()?",
    ),
    (lambda: nn.Network(nn.Dense(3), dtype="float16"), "dtype is 'float16'; expected float32 or float64."),
    (
        lambda: nn.Network.from_sizes("784x16"),
        "network '784x16' is not understood; expected sizes joined by '-', inputs first, such as 784-16-16-10.",
    ),
    (
        lambda: nn.Network.from_sizes([784]),
        "network [784] is not understood; expected sizes joined by '-', inputs first, such as 784-16-16-10.",
    ),
    (
        lambda: nn.Network.from_sizes(784),  # type: ignore[arg-type]
        "network 784 is not understood; expected sizes joined by '-', inputs first, such as 784-16-16-10.",
    ),
    (lambda: nn.Network(nn.Dense(3)).build("4"), "input_shape: a size is '4'; expected a whole number of at least 1."),
    (lambda: nn.Network(nn.Dense(3)).build(2.5), "input_shape: a size is 2.5; expected a whole number of at least 1."),  # type: ignore[arg-type]
    (lambda: nn.Network(nn.Dense(3)).build(4, seed=-1), "seed is -1; expected a whole number of at least 0."),
    (
        lambda: nn.Network(nn.Dense(3)).output_shape,
        "the network does not know the shape of its inputs yet; give input_shape= or fit it to data first.",
    ),
    (
        lambda: nn.Network(nn.Sigmoid(), nn.Dense(16), input_shape=(28, 28)),
        "layer dense1: Dense(16) got rows of shape (28, 28); expected (features,). Put Flatten() before it.",
    ),
    (
        lambda: BUILT.outputs(np.zeros((2, 4))),
        "the inputs have shape (2, 4); the network takes (N, 3).",
    ),
    (
        lambda: BUILT.outputs(np.zeros(3)),
        "the inputs have shape (3,); the network takes (N, 3); for a single row use inputs[None].",
    ),
    (lambda: BUILT.outputs([["a", "b", "c"]]), "the inputs have dtype <U1; expected numbers."),
    (
        lambda: BUILT.outputs([[1.0, 2.0], [3.0]]),
        "the rows of the inputs have different lengths; expected rows of one shape.",
    ),
    (
        lambda: BUILT.outputs([[0.0, 0.0, 0.0], [0.0, np.nan, 0.0]]),
        "the inputs hold nan in row 1, column 1; expected finite float32 numbers.",
    ),
    (
        lambda: BUILT.outputs([[0.0, 0.0, 1e300]]),
        "the inputs hold inf in row 0, column 2; expected finite float32 numbers.",
    ),
    (
        lambda: BUILT.predict_probabilities(np.zeros((1, 3))),
        "predict_probabilities needs a network trained for classes; use predict for values.",
    ),
    # layers
    (lambda: nn.Dense(0), "Dense: units is 0; expected a whole number of at least 1."),
    (lambda: nn.Dense(2.0), "Dense: units is 2.0; expected a whole number of at least 1."),  # type: ignore[arg-type]
    (
        lambda: nn.Dense(2, "relu"),  # type: ignore[arg-type]
        "Dense: bias is 'relu'; expected True or False. An activation is a layer of its own, such as nn.ReLU().",
    ),
    (lambda: nn.Dense(2, bias_value=float("nan")), "Dense: bias_value is nan; expected a finite number."),
    (lambda: nn.Dropout(1.0), "Dropout: rate is 1.0; expected a number of at least 0 and below 1."),
    (lambda: nn.Dropout("0.5"), "Dropout: rate is '0.5'; expected a number of at least 0 and below 1."),  # type: ignore[arg-type]
    (lambda: nn.LeakyReLU("x"), "LeakyReLU: slope is 'x'; expected a finite number."),  # type: ignore[arg-type]
    (lambda: nn.ELU(float("inf")), "ELU: alpha is inf; expected a finite number."),
    (lambda: nn.Function(3), "Function: expected an array function, got 3."),  # type: ignore[arg-type]
    (
        lambda: nn.Function(np.sin, shapes={"a": (0,)}),
        "Function: shapes['a']: a size is 0; expected a whole number of at least 1.",
    ),
    (
        lambda: nn.Function(np.sin, init={"gain": 1.0}),
        "Function: init names 'gain', but shapes gives no such parameter; add its shape.",
    ),
    (
        lambda: nn.Network(nn.Function(lambda x: x.sum(), name="total"), input_shape=3),
        "layer total1: for a batch of shape (2, 3) the function 'total' returned (); expected an array with one row for each "
        "row of the batch.",
    ),
    (
        lambda: nn.Network(nn.Function(lambda x: 5, name="five"), input_shape=3),
        "layer five1: for a batch of shape (2, 3) the function 'five' returned int; expected an array with one row for each "
        "row of the batch.",
    ),
    (
        lambda: nn.Network(nn.Function(lambda x, w: x @ w, shapes={"w": (4, 2)}, name="mix"), input_shape=3),
        "layer mix1: matmul: shapes (2, 3) and (4, 2) do not fit: 3 columns of the first meet 4 rows of the second; transpose "
        "one of them or check the layer sizes.",
    ),
    (
        lambda: layer_from_dict({"layer": "Denze", "units": 3}),
        f"unknown layer 'Denze'; did you mean 'Dense'? Known: {', '.join(sorted(LAYERS))}",
    ),
    (
        lambda: layer_from_dict({"layer": "Dense", "unitz": 3}),
        "layer Dense: got an unexpected keyword argument 'unitz'; its settings are units, bias, weight_init, bias_init, "
        "bias_value.",
    ),
    # names
    (
        lambda: activation("sigmoyd"),
        "unknown activation 'sigmoyd'; did you mean 'sigmoid'? Known: elu, gelu, identity, leaky_relu, linear, relu, sigmoid, "
        "silu, softmax, softplus, tanh",
    ),
    (
        lambda: activation(None),  # type: ignore[arg-type]
        "activation is None; expected a name (identity, linear, sigmoid, tanh, relu, leaky_relu, elu, gelu, silu, softplus, "
        "softmax) or a layer such as nn.ReLU().",
    ),
    (
        lambda: initializer("he_norml"),
        "unknown initialiser 'he_norml'; did you mean 'he_normal'? Known: constant, glorot, glorot_normal, glorot_uniform, he, "
        "he_normal, he_uniform, kaiming, kaiming_normal, kaiming_uniform, lecun, lecun_normal, lecun_uniform, normal, ones, "
        "orthogonal, uniform, xavier, xavier_normal, xavier_uniform, zeros",
    ),
    (
        lambda: initializer(nn.HeNormal),  # type: ignore[arg-type]
        "an initialiser was given as the class HeNormal; expected a name, a number or an object such as nn.Uniform(0, 1).",
    ),
    (lambda: nn.Uniform(1, 0), "Uniform: low is 1 and high is 0; expected low ≤ high."),
    (lambda: nn.Normal(std=-1), "Normal: std is -1.0; expected a number of at least 0."),
    (lambda: nn.Constant(float("nan")), "Constant: value is nan; expected a finite number."),
    # losses
    (
        lambda: loss_function("cros_entropy"),
        "unknown loss 'cros_entropy'; did you mean 'cross_entropy'? Known: absolute_error, binary_cross_entropy, cross_entropy, "
        "cross_entropy_probabilities, half_squared_error, huber, mean_squared_error, poisson, squared_error",
    ),
    (
        lambda: loss_function(7),  # type: ignore[arg-type]
        "loss is 7; expected a name (squared_error, half_squared_error, mean_squared_error, absolute_error, huber, "
        "cross_entropy, cross_entropy_probabilities, binary_cross_entropy, poisson), an nn loss or an array function.",
    ),
    (lambda: loss_function(nn.CrossEntropy), "loss is the class CrossEntropy; expected an object: CrossEntropy()."),
    (lambda: nn.CrossEntropy(batch="total"), "CrossEntropy: batch is 'total'; expected 'mean' or 'sum'."),
    (lambda: nn.SquaredError(outputs="all"), "SquaredError: outputs is 'all'; expected 'mean' or 'sum'."),
    (lambda: nn.Huber(0), "Huber: delta is 0; expected a positive number."),
    (
        lambda: nn.CrossEntropyProbabilities(floor=1),
        "CrossEntropyProbabilities: floor is 1; expected a number of at least 0 and below 1.",
    ),
    (
        lambda: nn.FunctionLoss(lambda o, t: o, takes="logit"),
        "unknown meaning of outputs (takes) 'logit'; did you mean 'logits'? Known: logits, probabilities, values",
    ),
]


@pytest.mark.parametrize(("mistake", "sentence"), MESSAGES, ids=[m[1][:40] for m in MESSAGES])
def test_the_sentence_for_a_mistake(mistake: Callable[[], Any], sentence: str) -> None:
    with pytest.raises(InputError) as error:
        mistake()
    assert str(error.value) == sentence


def test_a_users_loss_of_a_wrong_shape_is_told_both_shapes() -> None:
    from unstuck.autodiff import Graph

    graph = Graph()
    outputs, targets = graph.input("o", (6, 4)), graph.input("t", (6, 4))
    with pytest.raises(InputError) as error:
        nn.FunctionLoss(lambda o, t: (o - t) ** 2, name="mine")(outputs, targets)
    assert str(error.value) == (
        "the loss function 'mine' returned (6, 4) for a batch of 6 rows; expected one value a row, shape (6,), or one number."
    )
