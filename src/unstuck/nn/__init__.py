"""What a network is: layers, initialisers, losses."""

from unstuck.nn.initializers import (
    Constant,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    Initializer,
    LecunNormal,
    LecunUniform,
    Normal,
    Ones,
    Orthogonal,
    Uniform,
    Zeros,
)
from unstuck.nn.layers.activations import (
    ELU,
    GELU,
    Identity,
    LeakyReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from unstuck.nn.layers.base import Context, Layer, Parameter
from unstuck.nn.layers.dense import Dense
from unstuck.nn.layers.dropout import Dropout
from unstuck.nn.layers.flatten import Flatten
from unstuck.nn.layers.function import Function
from unstuck.nn.losses import (
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    CrossEntropyProbabilities,
    FunctionLoss,
    Huber,
    Loss,
    Poisson,
    SquaredError,
)
from unstuck.nn.network import Network

__all__ = [
    "ELU", "GELU", "AbsoluteError", "BinaryCrossEntropy", "Constant", "Context", "CrossEntropy",
    "CrossEntropyProbabilities", "Dense", "Dropout", "Flatten", "Function", "FunctionLoss", "GlorotNormal", "GlorotUniform",
    "HeNormal", "HeUniform", "Huber", "Identity", "Initializer", "Layer", "LeakyReLU", "LecunNormal", "LecunUniform", "Loss",
    "Network", "Normal", "Ones", "Orthogonal", "Parameter", "Poisson", "ReLU", "SiLU", "Sigmoid", "Softmax", "Softplus",
    "SquaredError", "Tanh", "Uniform", "Zeros",
]  # fmt: skip
