"""The prediction does not depend on its input."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="prediction-ignores-input",
    title="the prediction does not depend on its input",
    group="evaluation",
    what_it_does="""
        The function that predicts or tests never runs the forward pass on what it was given: it reads activations
        left over from the last training batch, or a global array, or a cached result.
    """,
    why_it_hurts="""
        Every test image gets the same answer, so the accuracy is exactly the share of one class (about 10 % for ten
        equal ones), whatever the weights. The training is innocent, which is why days are lost in checking the
        gradient.
    """,
    test="""
        Two different inputs give bit-equal outputs, and the array that is compared was last written before the
        call.
    """,
    example="""
        def test(self, images, labels):
            good = 0
            for image, label in zip(images, labels):
                good += np.argmax(self.activations[-1]) == label    # of whom?
            return good / len(images)
    """,
    use_instead="""
        def test(self, images, labels):
            good = 0
            for image, label in zip(images, labels):
                self.forward(image)
                good += np.argmax(self.activations[-1]) == label
            return good / len(images)
    """,
    fix="""
        Run the forward pass on the input, and let it return its result instead of leaving it in an attribute.
    """,
    false_alarm="""
        Saturated or dead networks also answer the same for every input; there the forward pass runs, and values
        differ in the last digits or before the dead layer.
    """,
    checked_in=("handwritten",),
)
