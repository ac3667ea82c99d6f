"""The optimiser does not hold all parameters."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="parameters-not-in-optimizer",
    title="the optimiser does not hold all parameters",
    group="optimiser",
    what_it_does="""
        Layers kept in a plain Python list, layers added or replaced after the optimiser was made, only one of two
        networks handed over.
    """,
    why_it_hurts="""
        What the optimiser does not know it does not move. The layer gets gradients, they pile up unused, and it
        stays random: see layer-not-trained for what that costs.
    """,
    test="""
        Compare the set of tensors that receive a gradient with the set in the optimiser's groups.
    """,
    example="""
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.layers = [nn.Linear(64, 64) for _ in range(4)]     # invisible to parameters()
    """,
    use_instead="""
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.layers = nn.ModuleList([nn.Linear(64, 64) for _ in range(4)])
    """,
    fix="""
        `ModuleList`, `ModuleDict` or `Sequential`; make the optimiser last.
    """,
    false_alarm="""
        Frozen parameters are left out on purpose.
    """,
)
