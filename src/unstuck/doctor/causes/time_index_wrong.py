"""The recurrent code reads the state of the wrong time step."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="time-index-wrong",
    title="the recurrent code reads the state of the wrong time step",
    group="gradient",
    what_it_does="""
        The state before a step and the state after it are mixed up: `h[t]` stands where `h[t−1]` went in, a loop
        starts one step late, inputs and states are stored with different offsets.
    """,
    why_it_hurts="""
        For `h_t = φ(x_t U + h_{t−1} W)` the gradient of W takes `h_{t−1}`, that of U takes `x_t`. Neighbouring
        states resemble each other, so the wrong one gives a gradient that is nearly right: the cosine may be 0.9,
        training works on simple sequences and fails on those where timing matters.
    """,
    test="""
        The check passes for sequences of length 1 and fails for longer ones, for the recurrent weights only.
        Replacing `h[t]` by `h[t−1]` brings the error under 1e-6.
    """,
    example="""
        for t in reversed(range(T)):
            dW += h[t].T @ dz[t]                # the state after the step
            dU += x[t].T @ dz[t]
    """,
    use_instead="""
        for t in reversed(range(T)):
            dW += h_before[t].T @ dz[t]         # h_before[t] is the state that entered step t
            dU += x[t].T @ dz[t]
    """,
    fix="""
        Store the states in a list that starts with the initial one, so that `states[t]` enters and `states[t + 1]`
        leaves step t.
    """,
    false_alarm="""
        With an offset list as above, `states[t]` is the state before step t and right.
    """,
    checked_in=("handwritten",),
)
