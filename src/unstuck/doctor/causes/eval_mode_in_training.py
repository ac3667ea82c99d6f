"""The network is trained in evaluation mode."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="eval-mode-in-training",
    title="the network is trained in evaluation mode",
    group="evaluation",
    what_it_does="""
        The mode was set for evaluation and never set back, or a pretrained network was loaded in it; in Keras,
        `trainable = False` on batch normalisation means just that.
    """,
    why_it_hurts="""
        Dropout regularises nothing and the network overfits. Batch normalisation works with frozen statistics of
        other data, so activations have the wrong scale, and those statistics never follow the weights.
    """,
    test="""
        The mode flag of each layer while training; running statistics that do not change after a step.
    """,
    example="""
        for epoch in range(20):
            train_one_epoch(network)
            network.eval()
            print(accuracy(network, validation))        # and the next epoch trains in eval mode
    """,
    use_instead="""
        for epoch in range(20):
            network.train()
            train_one_epoch(network)
            network.eval()
            print(accuracy(network, validation))
    """,
    fix="""
        Set the training mode at the head of every epoch.
    """,
    false_alarm="""
        Freezing batch normalisation while fine-tuning with small batches is a good practice.
    """,
)
