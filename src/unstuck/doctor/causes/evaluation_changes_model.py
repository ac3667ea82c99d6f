"""Evaluating changes the network."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="evaluation-changes-model",
    title="evaluating changes the network",
    group="evaluation",
    what_it_does="""
        The evaluation pass alters what training goes on with: running statistics updated by test batches, recurrent
        state carried over, a random generator advanced, buffers of the forward pass reused, weights scaled for
        dropout and not scaled back.
    """,
    why_it_hurts="""
        The run then depends on how often you look at it. Test statistics leak into the network; with shared buffers
        the next gradient mixes training deltas with test activations.
    """,
    test="""
        Run the training twice from the same seed, once evaluating after each epoch and once never: final weights
        must be bit-equal.
    """,
    example="""
        def evaluate(network):
            for W in network.weights:
                W *= 1 - p                              # scaled for dropout, and left so
            return accuracy(network)
    """,
    use_instead="""
        def evaluate(network):
            scaled = [W * (1 - p) for W in network.weights]
            return accuracy(network, scaled)
    """,
    fix="""
        Evaluation reads and never writes; give it its own state and its own random generator.
    """,
    false_alarm="""
        A shared random generator that only changes later batches is harmless, apart from reproducibility.
    """,
)
