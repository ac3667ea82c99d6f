"""Which other names of the catalogue describe the same fault as truly as the one it was made for."""

from __future__ import annotations

ALSO: dict[str, tuple[str, ...]] = {
    "activation-derivative-misplaced": ("activation-derivative-wrong",),
    "backprop-weights-wrong": ("wrong-variable",),
    "backprop-weights-wrong:untransposed": ("product-or-axis-wrong",),
    "bias-gradient-wrong:first": ("samples-dropped",),
    "bias-gradient-wrong:forgotten": ("layer-not-trained", "update-not-applied"),
    "bias-gradient-wrong:last": ("gradient-overwritten", "samples-dropped"),
    "bias-gradient-wrong:mean": ("gradient-scale-wrong",),
    "bias-gradient-wrong:missing": ("layer-not-trained", "update-not-applied"),
    "bias-gradient-wrong:output": ("wrong-variable",),
    "bias-gradient-wrong:place": ("conv-index-wrong", "samples-dropped"),
    "bias-gradient-wrong:scale": ("gradient-scale-wrong",),
    "bias-gradient-wrong:unused": ("layer-not-trained", "update-not-applied"),
    "bias-gradient-wrong:zero": ("layer-not-trained",),
    "bptt-broken:direct": ("backprop-weights-wrong",),
    "bptt-broken:overwritten": ("gradient-overwritten",),
    "buffer-overwritten": ("gradient-operand-wrong", "bptt-broken", "weights-aliased"),
    "buffer-overwritten:slope": ("activation-derivative-wrong",),
    "conv-index-wrong": ("gradient-operand-wrong", "time-index-wrong"),
    "conv-index-wrong:pool": ("activation-derivative-wrong",),
    "gradient-operand-wrong": ("wrong-variable",),
    "gradient-overwritten": ("samples-dropped",),
    "gradient-overwritten:in": ("bptt-broken",),
    "gradient-overwritten:out": ("bptt-broken",),
    "layer-not-trained": ("update-not-applied",),
    "optimizer-formula-wrong:mixed": ("wrong-variable",),
    "optimizer-formula-wrong:shared": ("weights-aliased",),
    "output-delta-wrong:alone": ("softmax-jacobian-wrong",),
    "output-delta-wrong:flipped": ("update-ascends",),
    "output-delta-wrong:sign": ("update-ascends",),
    "product-or-axis-wrong": ("gradient-operand-wrong",),
    "product-or-axis-wrong:bias": ("bias-gradient-wrong",),
    "product-or-axis-wrong:jacobian": ("softmax-jacobian-wrong",),
    "softmax-axis-wrong": ("product-or-axis-wrong",),
    "softmax-jacobian-wrong": ("activation-derivative-wrong", "output-delta-wrong"),
    "time-index-wrong": ("gradient-operand-wrong", "bptt-broken"),
    "time-index-wrong:slope": ("activation-derivative-wrong",),
    "update-ascends": ("optimizer-formula-wrong",),
    "update-not-applied": ("step-missing", "layer-not-trained", "wrong-variable"),
    "weights-aliased": ("init-symmetric",),
    "wrong-variable": ("gradient-operand-wrong",),
    "wrong-variable:activation": ("backprop-weights-wrong",),
    "wrong-variable:bias": ("bias-gradient-wrong",),
    "wrong-variable:first": ("layer-not-trained",),
    "wrong-variable:gradient": ("layer-not-trained", "update-not-applied"),
    "wrong-variable:layer": ("activation-derivative-wrong", "activation-derivative-misplaced"),
    "wrong-variable:out": ("backprop-weights-wrong", "output-delta-wrong"),
    "wrong-variable:slope": ("activation-derivative-wrong", "activation-derivative-misplaced"),
}


def accepted(key: str) -> list[str]:
    """The cause of a fault's key, then its other true names; a layer number at the end of the variant does not matter."""
    cause, _, variant = key.partition(":")
    return [cause, *ALSO.get(cause, ()), *(ALSO.get(f"{cause}:{variant.rstrip('0123456789')}", ()) if variant else ())]
