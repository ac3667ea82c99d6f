"""Integer arithmetic truncates or wraps around."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="integer-arithmetic",
    title="integer arithmetic truncates or wraps around",
    group="data",
    what_it_does="""
        Arrays of an integer type go where real numbers are needed: uint8 pixels subtracted from each other,
        parameters created as integers, a floor division.
    """,
    why_it_hurts="""
        uint8 counts modulo 256: 3 − 5 is 254, and 200 + 100 is 44. An integer weight array cut off by assignment
        loses every update smaller than 1, so `W[...] -= 0.01 * g` leaves it unchanged forever. No exception is
        raised by a plain assignment into the array.
    """,
    test="""
        The type and the value range of each array after preparation; the same computation in float64 must give the
        same numbers.
    """,
    example="""
        difference = frame_b - frame_a                  # both uint8
        W = np.array([[1, 0], [0, 1]])                  # int64
        W[:] = W - 0.01 * gradient                      # back to integers: no change
    """,
    use_instead="""
        difference = frame_b.astype(np.float32) - frame_a
        W = np.array([[1.0, 0.0], [0.0, 1.0]])
        W[:] = W - 0.01 * gradient
    """,
    fix="""
        Convert to float at the door: `x = x.astype(np.float32)`; write `1.0` in initial values; `/` instead of
        `//`.
    """,
    false_alarm="""
        Storing uint8 and converting per batch is the right way to save memory. Indices must be integers.
    """,
)
