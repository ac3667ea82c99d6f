"""NumPy's functions in terms of the primitives: what a recorded value does when NumPy is called on it."""

from unstuck.autodiff.numpy_functions.elementwise import call_ufunc
from unstuck.autodiff.numpy_functions.registry import COMPOSED, FUNCTIONS, METHODS, UFUNCS, call_function, call_rule

__all__ = ["COMPOSED", "FUNCTIONS", "METHODS", "UFUNCS", "call_function", "call_rule", "call_ufunc"]
