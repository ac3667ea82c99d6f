"""Unstuck: neural networks that train at the speed of the machine, and that say why when they don't learn."""
