"""A random key is used more than once."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="random-key-reused",
    title="a random key is used more than once",
    group="framework",
    what_it_does="""
        In JAX the same key is passed to several draws, which then give the same numbers.
    """,
    why_it_hurts="""
        Two layers of equal shape start as copies of each other; dropout drops the same units in every step and
        layer. Randomness is explicit there: nothing advances a key by itself.
    """,
    test="""
        `jax.config.update("jax_debug_key_reuse", True)`; equal parameters; equal masks in two steps.
    """,
    example="""
        W1 = jax.random.normal(key, (64, 64))
        W2 = jax.random.normal(key, (64, 64))           # equal to W1
    """,
    use_instead="""
        key1, key2 = jax.random.split(key)
        W1 = jax.random.normal(key1, (64, 64))
        W2 = jax.random.normal(key2, (64, 64))
    """,
    fix="""
        Split before every use, and carry the new key through the loop.
    """,
    false_alarm="""
        The same key on purpose, to get the same mask in two passes.
    """,
)
