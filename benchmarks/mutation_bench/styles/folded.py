"""Style: the bias is one more row of the weights, on a constant input of 1 (or -1: a threshold); samples are rows."""

from __future__ import annotations

from ..markup import Program
from ..pieces import (
    activation,
    loss,
    metric,
    normal,
    output_delta,
    output_delta_faults,
    report,
    slope_from_output,
    softmax,
    task,
    wrong_slope,
)
from ..spec import Spec

OPTIONS: dict[str, tuple[str, ...]] = {
    "layout": ("rows",),
    "optimiser": ("sgd", "momentum"),
    "depth": ("1", "2"),
    "scale": ("delta", "step"),
    "penalty": ("0",),
}


def write(s: Spec) -> Program:
    """The program of a specification."""
    v, p = s.names, Program()
    unit = "-np.ones" if s.seed % 3 == 0 else "np.ones"
    p.block("import numpy as np")
    p.gap(2)
    if s.classes:
        p.block(softmax(1))
        p.gap(2)
    p.block(f"def with_unit(m):\n    return np.hstack([m, {unit}((len(m), 1))])")
    p.gap(2)
    final = {"linear": v.z, "sigmoid": f"1 / (1 + np.exp(-{v.z}))", "softmax": f"softmax({v.z})"}[
        s.head.partition("-")[0]
    ]
    p.block(
        f"""
        def {v.forward}(x, matrices):
            layers = [with_unit(x)]
            for matrix in matrices[:-1]:
                {v.z} = layers[-1] @ matrix
                layers.append(with_unit({activation(s.activation, v.z)}))
            {v.z} = layers[-1] @ matrices[-1]
            return layers, {final}
        """
    )
    p.gap(2)
    scale = " / len(goal)" if s.scale == "delta" else ""
    back, slope = f"({v.d} @ matrices[k].T)[:, :-1]", slope_from_output(s.activation, "layers[k][:, :-1]")
    p.block(
        f"""
        def {v.backward}(layers, {v.out}, goal, matrices):
            {v.d} = {output_delta(s.head, v.out, "goal", 1)}{scale}
        """
    )
    p.alternatives({k: f"{v.d} = {t}{scale}" for k, t in output_delta_faults(s.head, v.out, "goal", 1).items()})
    misplaced = slope_from_output(s.activation, "(layers[k - 1] @ matrices[k - 1])")
    p.block(
        f"""
        found = []
        for k in range(len(matrices) - 1, -1, -1):
            found.insert(0, layers[k].T @ {v.d})
            #~ samples-dropped:first >> found.insert(0, layers[k][1:].T @ {v.d}[1:])
            #~ bias-gradient-wrong:unit >> found.insert(0, (layers[k] * ([1.0] * (layers[k].shape[1] - 1) + [-1.0])).T @ {v.d})
            #~ bias-gradient-wrong:zero >> found.insert(0, (layers[k] * ([1.0] * (layers[k].shape[1] - 1) + [0.0])).T @ {v.d})
            #~ gradient-operand-wrong:other >> found.insert(0, layers[max(k - 1, 0)].T @ {v.d})
            #~ gradient-scale-wrong:first >> found.insert(0, layers[k].T @ {v.d} / (len(goal) if k == 0 else 1))
            if k:
                {v.d} = {back} * {slope}
                #~ activation-derivative-missing >> {v.d} = {back}
                #~ activation-derivative-wrong >> {v.d} = {back} * {wrong_slope(s.activation, "layers[k][:, :-1]")}
                #~ backprop-weights-wrong:gradient >> {v.d} = ({v.d} @ found[0].T)[:, :-1] * {slope}
                #~ backprop-weights-wrong:rows >> {v.d} = ({v.d} @ matrices[k].T)[:, 1:] * {slope}
                #~ wrong-variable:layer >> {v.d} = {back} * {slope.replace("layers[k]", "layers[k - 1]")}
                #~ activation-derivative-misplaced >> {v.d} = {back} * {misplaced}
        return found
        """,
        4,
    )
    p.gap(2)
    p.block(task(s))
    rows = ", ".join(normal(s, a, f"({a} + 1, {b})") for a, b in zip(s.sizes, s.sizes[1:], strict=False))
    p.block(f"matrices = [{rows}]")
    if s.optimiser == "momentum":
        p.block("speed = [0.0] * len(matrices)")
    _loop(p, s)
    for part in ("", "_test"):
        said = metric(s, f"{v.forward}({v.x}{part}, matrices)[1]", v.t + part)
        p.block(f'print("{part.strip("_") or "train"}", round(float({said}), 4))')
    return p


def _loop(p: Program, s: Spec) -> None:
    v = s.names
    rate = f"{s.rate} / len(goal)" if s.scale == "step" else f"{s.rate}"
    if s.batch:
        head = f"for {v.epoch} in range(100):\n    for {v.rows} in np.array_split(rng.permutation(len({v.x})), {160 // s.batch}):"
        depth, cut = 8, f"[{v.rows}]"
    else:
        head, depth, cut = f"for {v.epoch} in range(800):", 4, ""
    p.block(head)
    p.block(
        f"""
        goal = {v.t}{cut}
        #@ step matrices
        layers, {v.out} = {v.forward}({v.x}{cut}, matrices)
        {v.loss} = {loss(s.head, v.out, "goal", "len(goal)")}
        #@ loss {v.loss}
        found = {v.backward}(layers, {v.out}, goal, matrices)
        #@ grads found
        for k in range(len(matrices)):
        #~ layer-not-trained:first >> for k in range(1, len(matrices)):
        """,
        depth,
    )
    if s.optimiser == "momentum":
        p.block(
            f"""
            speed[k] = 0.9 * speed[k] - {rate} * found[k]
            #~ optimizer-formula-wrong:forgets >> speed[k] = speed[k] - {rate} * found[k]
            #~ optimizer-formula-wrong:grows >> speed[k] = 1.05 * speed[k] - {rate} * found[k]
            matrices[k] = matrices[k] + speed[k]
            #~ update-ascends >> matrices[k] = matrices[k] - speed[k]
            #~ update-not-applied >> matrix = matrices[k] + speed[k]
            """,
            depth + 4,
        )
    else:
        p.block(
            f"""
            matrices[k] = matrices[k] - {rate} * found[k]
            #~ update-ascends >> matrices[k] = matrices[k] + {rate} * found[k]
            #~ update-not-applied >> matrix = matrices[k] - {rate} * found[k]
            #~ wrong-variable:first >> matrices[k] = matrices[k] - {rate} * found[min(k, 1)]
            """,
            depth + 4,
        )
    p.block("#@ done matrices", depth)
    p.block(report(s, 20 if s.batch else 160, v.loss), 4)
