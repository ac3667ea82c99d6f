"""How derivatives are made: primitives, recorded graphs, reverse mode, and the numerical check of a gradient."""

from unstuck.autodiff.backward import gradients
from unstuck.autodiff.check import GradientCheck, ParameterCheck, check_gradient
from unstuck.autodiff.functions import grad, stop_gradient, value_and_grad
from unstuck.autodiff.graph import Graph, Node, apply, record
from unstuck.autodiff.recurrence import scan

__all__ = [
    "GradientCheck",
    "Graph",
    "Node",
    "ParameterCheck",
    "apply",
    "check_gradient",
    "grad",
    "gradients",
    "record",
    "scan",
    "stop_gradient",
    "value_and_grad",
]
