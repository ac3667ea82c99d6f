"""A side effect runs only while tracing."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="traced-once",
    title="a side effect runs only while tracing",
    group="framework",
    what_it_does="""
        A function under `jit` or `tf.function` draws NumPy random numbers, changes a global, appends to a list or
        branches on a Python value: this happens once, while it is traced, and is frozen.
    """,
    why_it_hurts="""
        The compiled function repeats the trace: the same "random" noise at every step, a counter that stays at 1, a
        training flag that keeps its first value. Without compilation it works, which makes it hard to see.
    """,
    test="""
        The same call with compilation switched off gives other results; a print inside appears once.
    """,
    example="""
        @jax.jit
        def step(params, x):
            noise = np.random.randn(*x.shape)           # drawn once, then a constant
            return update(params, x + noise)
    """,
    use_instead="""
        @jax.jit
        def step(params, x, key):
            noise = jax.random.normal(key, x.shape)
            return update(params, x + noise)
    """,
    fix="""
        Pass everything that changes as an argument and return what is new.
    """,
    false_alarm="""
        Constants, shapes and configuration are meant to be frozen.
    """,
)
