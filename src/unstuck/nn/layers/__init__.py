"""The layers, one file each, all in the order shape rule, initial parameters, forward."""
