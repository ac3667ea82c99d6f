"""Half precision loses small gradients or overflows."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="half-precision",
    title="half precision loses small gradients or overflows",
    group="numerics",
    what_it_does="""
        Training in float16 without scaling of the loss, or sums and statistics kept in 16 bits.
    """,
    why_it_hurts="""
        float16 knows nothing below 6·10⁻⁸ and nothing above 65504. Gradients of 10⁻⁸ become exactly 0 and their
        weights stand still; a sum of squares overflows. An update smaller than about a two-thousandth of its weight
        is rounded away.
    """,
    test="""
        The same steps in float32: compare losses and the share of gradients that are exactly 0.
    """,
    example="""
        network.half()
        loss = loss_function(network(x.half()), y)
        loss.backward()
    """,
    use_instead="""
        with torch.autocast("cuda", dtype=torch.float16):
            loss = loss_function(network(x), y)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
    """,
    fix="""
        Mixed precision with loss scaling and float32 master weights, or bfloat16, whose range is that of float32.
    """,
    false_alarm="""
        For inference float16 is nearly always enough.
    """,
    references=("Micikevicius and others, Mixed precision training, 2018",),
)
