"""One layer moves much faster or slower than the others."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="update-ratio-off",
    title="one layer moves much faster or slower than the others",
    group="optimiser",
    what_it_does="""
        The ratio of update to weight, ‖Δθ‖/‖θ‖ per step, differs by orders of magnitude between layers.
    """,
    why_it_hurts="""
        About 10⁻³ is healthy. A layer at 10⁻⁶ stands still while the rest adapts to it; one at 10⁻¹ keeps
        destroying what the others have fitted. One rate for all then suits none.
    """,
    test="""
        The ratio per layer over some steps; outside 10⁻⁴ … 10⁻² for one layer only.
    """,
    example="""
        rates = {"body": 1e-2, "head": 1e-2}            # head weights are 100 times smaller
    """,
    use_instead="""
        rates = {"body": 1e-2, "head": 1e-4}
    """,
    fix="""
        Look for the reason first (scale of inputs, init, a missing factor); then rates per layer, or Adam.
    """,
    false_alarm="""
        Biases start at 0 and have large ratios at first. Fine-tuning with small rates for the body is intended.
    """,
)
