"""The loss has no connection to the parameters."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="loss-detached",
    title="the loss has no connection to the parameters",
    group="loss",
    what_it_does="""
        Somewhere between parameters and loss the computation leaves the recorded graph: `.detach()`, `.item()`,
        `.data`, `.numpy()`, a `torch.tensor(…)` around a result, an argmax, or `no_grad`.
    """,
    why_it_hurts="""
        The gradient is 0 or absent although the loss does depend on the parameters. Often the error message ("does
        not require grad") is silenced with `requires_grad=True` on the loss, and then training runs and changes
        nothing.
    """,
    test="""
        Gradients are None or 0 while the central difference of the loss with respect to a parameter is not.
    """,
    example="""
        prediction = torch.tensor(network(x).detach().numpy())
        loss = ((prediction - y) ** 2).mean()
        loss.requires_grad = True
        loss.backward()
    """,
    use_instead="""
        prediction = network(x)
        loss = ((prediction - y) ** 2).mean()
        loss.backward()
    """,
    fix="""
        Stay in the framework's operations up to the loss; convert only what is printed.
    """,
    false_alarm="""
        Targets of a second network, baselines of policy gradients and stop-gradient tricks are detached on purpose.
    """,
)
