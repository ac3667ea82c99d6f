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
from unstuck.nn.layers.attention import SelfAttention, scaled_dot_product
from unstuck.nn.layers.base import Context, Layer, Parameter
from unstuck.nn.layers.batch_norm import BatchNorm
from unstuck.nn.layers.bidirectional import Bidirectional
from unstuck.nn.layers.branches import Add, Concatenate
from unstuck.nn.layers.conv import Conv1D, Conv2D
from unstuck.nn.layers.conv_transpose import ConvTranspose1D, ConvTranspose2D
from unstuck.nn.layers.dense import Dense
from unstuck.nn.layers.depthwise_conv import DepthwiseConv2D
from unstuck.nn.layers.dropout import Dropout, SpatialDropout
from unstuck.nn.layers.embedding import Embedding
from unstuck.nn.layers.flatten import Flatten
from unstuck.nn.layers.function import Function
from unstuck.nn.layers.gru import GRU
from unstuck.nn.layers.layer_norm import LayerNorm
from unstuck.nn.layers.lstm import LSTM
from unstuck.nn.layers.masking import Masking
from unstuck.nn.layers.named import Inputs, Outputs
from unstuck.nn.layers.pool import (
    AveragePool1D,
    AveragePool2D,
    GlobalAveragePool,
    GlobalMaxPool,
    MaxPool1D,
    MaxPool2D,
)
from unstuck.nn.layers.recurrent import Recurrent
from unstuck.nn.layers.simple_rnn import SimpleRNN
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
    "ELU", "GELU", "GRU", "LSTM", "AbsoluteError", "Add", "AveragePool1D", "AveragePool2D", "BatchNorm",
    "Bidirectional", "BinaryCrossEntropy", "Concatenate", "Constant", "Context", "Conv1D", "Conv2D", "ConvTranspose1D",
    "ConvTranspose2D", "CrossEntropy", "CrossEntropyProbabilities", "Dense", "DepthwiseConv2D", "Dropout", "Embedding",
    "Flatten", "Function", "FunctionLoss", "GlobalAveragePool", "GlobalMaxPool", "GlorotNormal", "GlorotUniform",
    "HeNormal", "HeUniform", "Huber", "Identity", "Initializer", "Inputs", "Layer", "LayerNorm", "LeakyReLU", "LecunNormal",
    "LecunUniform", "Loss", "Masking", "MaxPool1D", "MaxPool2D", "Network", "Normal", "Ones", "Orthogonal", "Outputs",
    "Parameter", "Poisson", "ReLU", "Recurrent", "SelfAttention", "SiLU", "Sigmoid", "SimpleRNN", "Softmax", "Softplus",
    "SpatialDropout", "SquaredError", "Tanh", "Uniform", "Zeros", "scaled_dot_product",
]  # fmt: skip
