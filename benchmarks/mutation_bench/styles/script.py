"""Style: everything at module level, one set of names per layer, gradients written out, then the updates."""

from __future__ import annotations

from ..markup import Program
from ..pieces import (
    Algebra,
    activation,
    loss,
    metric,
    normal,
    output,
    output_delta,
    output_delta_faults,
    slope_from_output,
    softmax,
    task,
    wrong_slope,
)
from ..spec import Spec

OPTIONS: dict[str, tuple[str, ...]] = {}
EPOCHS = 120


def write(s: Spec) -> Program:
    """The program of a specification."""
    v, alg, p = s.names, Algebra(s.columns), Program()
    top = len(s.sizes) - 1
    axis = alg.class_axis
    batch = "n" if s.batch == 0 else v.batch
    p.block("import numpy as np")
    p.gap(2 if s.classes else 1)
    if s.classes:
        p.block(softmax(axis))
        p.gap(2)
    p.block(task(s))
    _initial(p, s)
    p.block(f"{v.rate} = {s.rate}\n{v.epochs} = {EPOCHS if s.batch else 900}")
    if s.batch:
        p.block(f"{v.batch} = {s.batch}")
    if s.penalty:
        p.block(f"lam = {s.penalty}")
    p.block(f"n = {alg.count(v.x)}\nfor {v.epoch} in range(1, {v.epochs} + 1):")
    depth = 4
    if s.batch:
        p.block(
            f"""
            {v.order} = rng.permutation(n)
            total = 0.0
            for k in range(0, n, {batch}):
                {v.rows} = {v.order}[k:k + {batch}]
            """,
            depth,
        )
        depth = 8
        cut = f"[:, {v.rows}]" if s.columns else f"[{v.rows}]"
        p.block(f"{v.a}0, goal = {v.x}{cut}, {v.t}{cut}\nm = {alg.count(v.a + '0')}", depth)
    else:
        p.block(f"{v.a}0, goal, m = {v.x}, {v.t}, n", depth)
    names = [f"{v.w}{k}" for k in range(1, top + 1)] + [f"{v.b}{k}" for k in range(1, top + 1)]
    params = "[" + ", ".join(names) + "]"
    p.block(f"#@ step {params}", depth)
    for k in range(1, top + 1):
        p.block(f"{v.z}{k} = {alg.affine(f'{v.a}{k - 1}', f'{v.w}{k}', f'{v.b}{k}')}", depth)
        final = output(s.head, f"{v.z}{k}", axis) if k == top else activation(s.activation, f"{v.z}{k}")
        p.block(f"{v.a}{k} = {final}", depth)
    penalty = (
        " + 0.5 * lam * (" + " + ".join(f"np.sum({v.w}{k} ** 2)" for k in range(1, top + 1)) + ")" if s.penalty else ""
    )
    p.block(f"{v.loss} = {loss(s.head, f'{v.a}{top}', 'goal', 'm')}{penalty}\n#@ loss {v.loss}", depth)
    if s.batch:
        p.block(f"total += {v.loss} * m / n", depth)
    _backward(p, s, depth)
    grads = (
        "["
        + ", ".join([f"{v.g}{v.w}{k}" for k in range(1, top + 1)] + [f"{v.g}{v.b}{k}" for k in range(1, top + 1)])
        + "]"
    )
    _penalty(p, s, depth)
    p.block(f"#@ grads {grads}", depth)
    _updates(p, s, depth)
    p.block(f"#@ done {params}", depth)
    shown = "total" if s.batch else v.loss
    p.block(
        f"""
        if {v.epoch} % ({v.epochs} // 5) == 0:
            print("{v.epoch}", {v.epoch}, "{v.loss}", round(float({shown}), 5))
        """,
        4,
    )
    p.gap()
    for part in ("", "_test"):
        p.block(f"{v.a} = {v.x}{part}")
        for k in range(1, top + 1):
            p.block(f"{v.z} = {alg.affine(v.a, f'{v.w}{k}', f'{v.b}{k}')}")
            p.block(f"{v.a} = {output(s.head, v.z, axis) if k == top else activation(s.activation, v.z)}")
        p.block(f'print("{part.strip("_") or "train"}", round(float({metric(s, v.a, v.t + part)}), 4))')
    return p


def _initial(p: Program, s: Spec) -> None:
    v = s.names
    for k, (fan_in, fan_out) in enumerate(zip(s.sizes, s.sizes[1:], strict=False), start=1):
        shape = f"({fan_out}, {fan_in})" if s.columns else f"({fan_in}, {fan_out})"
        bias = f"({fan_out}, 1)" if s.columns else f"(1, {fan_out})"
        p.block(f"{v.w}{k} = {normal(s, fan_in, shape)}\n{v.b}{k} = np.zeros({bias})")
        if 1 < k < len(s.sizes) - 1 and s.sizes[k - 1] == fan_out:
            p.block(f"#~ weights-aliased:bias >> {v.b}{k} = {v.b}{k - 1}")
            if s.sizes[k - 2] == fan_in:
                p.block(f"#~ weights-aliased:weights >> {v.w}{k} = {v.w}{k - 1}")
    if s.optimiser == "momentum":
        for k in range(1, len(s.sizes)):
            p.block(f"v_{v.w}{k}, v_{v.b}{k} = np.zeros_like({v.w}{k}), np.zeros_like({v.b}{k})")


def _backward(p: Program, s: Spec, depth: int) -> None:
    v, alg = s.names, Algebra(s.columns)
    top = len(s.sizes) - 1
    delta = output_delta(s.head, f"{v.a}{top}", "goal", alg.class_axis)
    scale = " / m" if s.scale == "delta" else ""
    p.block(f"{v.d}{top} = {delta}{scale}", depth)
    for key, wrong in output_delta_faults(s.head, f"{v.a}{top}", "goal", alg.class_axis).items():
        p.block(f"#~ {key} >> {v.d}{top} = {wrong}{scale}", depth)
    for k in range(top, 0, -1):
        gw, gb, d, below = f"{v.g}{v.w}{k}", f"{v.g}{v.b}{k}", f"{v.d}{k}", f"{v.a}{k - 1}"
        tail = " / m" if s.scale == "gradient" else ""
        p.block(f"{gw} = {alg.grad_w(below, d)}{tail}", depth)
        p.block(f"#~ samples-dropped:last{k} >> {gw} = {alg.without_last(below, d)}{tail}")
        p.block(f"#~ gradient-scale-wrong:layer{k} >> {gw} = {alg.grad_w(below, d)}{'' if tail else ' / m'}")
        p.block(f"#~ product-or-axis-wrong:swapped{k} >> {gw} = {alg.swapped(below, d)}{tail}")
        p.block(f"#~ updated-too-early >> + {v.w}{k} -= {v.rate} * {gw}") if k > 1 and _plain(s) else None
        if k > 1:
            p.block(f"#~ gradient-operand-wrong:pre{k} >> {gw} = {alg.grad_w(f'{v.z}{k - 1}', d)}{tail}")
        if k > 2:
            p.block(f"#~ gradient-operand-wrong:other{k} >> {gw} = {alg.grad_w(f'{v.a}{k - 2}', d)}{tail}")
        p.block(f"{gb} = {alg.grad_b(d)}{tail}", depth)
        p.block(f"#~ bias-gradient-wrong:first{k} >> {gb} = {alg.first(d)}{tail}")
        p.block(f"#~ bias-gradient-wrong:zero{k} >> {gb} = np.zeros_like({v.b}{k})")
        p.block(f"#~ product-or-axis-wrong:bias{k} >> {gb} = {alg.other_axis(d)}{tail}")
        if s.scale == "delta":
            p.block(f"#~ bias-gradient-wrong:mean{k} >> {gb} = {alg.grad_b(d).replace('.sum(', '.mean(')}")
        if k < top:
            p.block(f"#~ wrong-variable:bias{k} >> {gb} = {alg.grad_b(f'{v.d}{k + 1}')}{tail}")
        if k > 1:
            _hidden_delta(p, s, k, depth)


def _hidden_delta(p: Program, s: Spec, k: int, depth: int) -> None:
    v, alg = s.names, Algebra(s.columns)
    new, d, w, a = f"{v.d}{k - 1}", f"{v.d}{k}", f"{v.w}{k}", f"{v.a}{k - 1}"
    slope = slope_from_output(s.activation, a)
    p.block(f"{new} = {alg.back(d, w)} * {slope}" if not s.columns else f"{new} = ({alg.back(d, w)}) * {slope}", depth)
    own = {
        f"activation-derivative-missing:{k}": alg.back(d, w),
        f"activation-derivative-misplaced:{k}": f"({alg.back(d, w)}) * {slope_from_output(s.activation, f'{v.z}{k - 1}')}",
        f"activation-derivative-wrong:{k}": f"({alg.back(d, w)}) * {wrong_slope(s.activation, a)}",
        f"backprop-weights-wrong:update{k}": f"({alg.back(d, f'{v.g}{v.w}{k}')}) * {slope}",
        f"backprop-weights-wrong:untransposed{k}": f"({alg.back_untransposed(d, w)}) * {slope}",
        f"wrong-variable:slope{k}": f"({alg.back(d, w)}) * {slope_from_output(s.activation, f'{v.a}{k - 2 or k}')}",
    }
    if k > 2:
        own[f"backprop-weights-wrong:other{k}"] = f"({alg.back(d, f'{v.w}{k - 1}')}) * {slope}"
    for key, text in own.items():
        p.block(f"#~ {key} >> {new} = {text}")


def _plain(s: Spec) -> bool:
    return s.optimiser == "sgd" and not s.penalty and s.scale != "step"


def _penalty(p: Program, s: Spec, depth: int) -> None:
    v = s.names
    for k in range(1, len(s.sizes)) if s.penalty else ():
        gw, w = f"{v.g}{v.w}{k}", f"{v.w}{k}"
        term = "lam * m" if s.scale == "step" else "lam"
        p.block(
            f"""
            {gw} += {term} * {w}
            #~ penalty-gradient-wrong:sign >> {gw} -= {term} * {w}
            #~ penalty-gradient-wrong:missing{k} >> -
            #~ penalty-gradient-wrong:twice >> {gw} += 2 * {term} * {w}
            """,
            depth,
        )


def _updates(p: Program, s: Spec, depth: int) -> None:
    v = s.names
    top = len(s.sizes) - 1
    rate = f"{v.rate} / m" if s.scale == "step" else v.rate
    for k in range(1, top + 1):
        for name in (f"{v.w}{k}", f"{v.b}{k}"):
            grad, vel = f"{v.g}{name}", f"v_{name}"
            if s.optimiser == "momentum":
                p.block(
                    f"""
                    {vel} = 0.9 * {vel} - {rate} * {grad}
                    #~ optimizer-formula-wrong:forgets >> {vel} = {vel} - {rate} * {grad}
                    #~ optimizer-formula-wrong:grows >> {vel} = 1.1 * {vel} - {rate} * {grad}
                    #~ update-ascends >> {vel} = 0.9 * {vel} + {rate} * {grad}
                    {name} += {vel}
                    #~ optimizer-formula-wrong:twice >> {name} += {v.rate} * {vel}
                    #~ update-not-applied >> new_{name} = {name} + {vel}
                    """,
                    depth,
                )
            else:
                p.block(
                    f"""
                    {name} -= {rate} * {grad}
                    #~ update-ascends >> {name} += {rate} * {grad}
                    #~ update-not-applied >> new_{name} = {name} - {rate} * {grad}
                    """,
                    depth,
                )
            if k == 1:
                p.block("#~ layer-not-trained:first >> -")
            if s.optimiser == "sgd" and k > 1 and name.startswith(v.w) and _plain(s):
                p.block("#~ updated-too-early >> -")
            if s.optimiser == "sgd" and name == f"{v.w}{k}":
                other = k - 1 if k == top else k + 1
                p.block(f"#~ wrong-variable:gradient{k} >> {name} -= {rate} * {v.g}{v.w}{other}")
