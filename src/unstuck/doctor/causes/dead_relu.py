"""ReLU units are dead."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="dead-relu",
    title="ReLU units are dead",
    group="activations",
    what_it_does="""
        Some units output 0 for every example. Usually one step that was too long pushed their bias or weights so
        far that z is negative everywhere.
    """,
    why_it_hurts="""
        Where z < 0 the derivative is 0: the unit passes nothing on and receives nothing, so it cannot come back.
        With half of a layer dead the network is half as wide; with a whole layer, or the output, dead, the answer
        is constant and the loss stands still.
    """,
    test="""
        The share of units with no positive z on any row of the whole training set, at the start and later. A rising
        share that a tenth of the rate prevents confirms the cause.
    """,
    example="""
        lr = 1.0
        h = np.maximum(x @ W1 + b1, 0)                  # after some steps: all zeros
    """,
    use_instead="""
        lr = 0.05
        z = x @ W1 + b1
        h = np.where(z > 0, z, 0.01 * z)                # leaky: a way back
    """,
    fix="""
        A lower learning rate first; then He's initialisation, standardised inputs, or leaky ReLU.
    """,
    false_alarm="""
        Some dead units (up to a third in wide layers) do no harm. Units that are silent for most rows and fire for
        a few are selective, not dead.
    """,
    checked_in=("handwritten",),
)
