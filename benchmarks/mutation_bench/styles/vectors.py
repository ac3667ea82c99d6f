"""Style: NumPy vectors over the samples, unit after unit, gradients as means of elementwise products."""

from __future__ import annotations

from ..markup import Program
from ..pieces import activation, report, slope_from_output, task, wrong_slope
from ..spec import Spec

OPTIONS: dict[str, tuple[str, ...]] = {
    "layout": ("rows",),
    "head": ("linear-mse", "sigmoid-bce"),
    "activation": ("sigmoid", "tanh", "leaky"),
    "optimiser": ("sgd", "momentum"),
    "depth": ("1",),
    "penalty": ("0",),
    "batch": ("0", "20", "40"),
}


def write(s: Spec) -> Program:
    """The program of a specification; one output."""
    v, p = s.names, Program()
    inputs, units = s.sizes[0], min(s.sizes[1], 10)
    p.block("import numpy as np")
    p.gap()
    p.block(task(s))
    p.block(
        f"""
        {v.t}, {v.t}_test = {v.t}[:, 0], {v.t}_test[:, 0]
        #~ broadcast-residual >> -
        {v.w} = rng.normal(0, 1, ({units}, {inputs}))
        #~ weights-aliased >> {v.w} = [rng.normal(0, 1, {inputs})] * {units}
        {v.b} = rng.normal(0, 0.5, {units})
        top = rng.normal(0, 0.4, {units})
        offset = np.zeros(1)
        """
    )
    if s.optimiser == "momentum":
        p.block(f"m_top, m_{v.w} = np.zeros({units}), np.zeros(({units}, {inputs}))")
    p.gap(2)
    final = "total" if s.regression else "1 / (1 + np.exp(-total))"
    p.block(
        f"""
        def {v.forward}(x):
            {v.a} = [{activation(s.activation, f"(x @ {v.w}[j] + {v.b}[j])")} for j in range({units})]
            total = offset[0]
            for j in range({units}):
                total = total + top[j] * {v.a}[j]
            return {v.a}, {final}
        """
    )
    p.gap(2)
    value = (
        "0.5 * np.mean(miss ** 2)"
        if s.regression
        else f"-np.mean(goal * np.log({v.out} + 1e-12) + (1 - goal) * np.log(1 - {v.out} + 1e-12))"
    )
    rate = (
        {"linear-mse": 0.25, "sigmoid-bce": 0.6}[s.head]
        * (2 if s.activation == "sigmoid" else 1)
        * (0.5 if s.activation == "leaky" else 1)
    )
    rate = round(rate / 5 if s.optimiser == "momentum" else rate, 4)
    if s.batch:
        p.block(
            f"for {v.epoch} in range(150):\n    for {v.rows} in np.array_split(rng.permutation(160), {160 // max(20, s.batch)}):"
        )
        depth, cut = 8, f"[{v.rows}]"
    else:
        p.block(f"for {v.epoch} in range(600):")
        depth, cut = 4, ""
    slope = slope_from_output(s.activation, f"{v.a}[j]")
    params = f"[{v.w}, {v.b}, top, offset]"
    move_top, move_w = f"top[j] -= {rate} * g_top[j]", f"{v.w}[j] -= {rate} * g_{v.w}"
    if s.optimiser == "momentum":
        move_top = f"m_top[j] = 0.9 * m_top[j] - {rate} * g_top[j] ;; top[j] += m_top[j]"
        move_w = f"m_{v.w}[j] = 0.9 * m_{v.w}[j] - {rate} * g_{v.w} ;; {v.w}[j] += m_{v.w}[j]"
    p.block(
        f"""
        x, goal = {v.x}{cut}, {v.t}{cut}
        #@ step {params}
        {v.a}, {v.out} = {v.forward}(x)
        miss = {v.out} - goal
        #~ output-delta-wrong:sign >> miss = goal - {v.out}
        #~ output-delta-wrong:square >> miss = ({v.out} - goal) ** 2
        {v.loss} = {value}
        #@ loss {v.loss}
        g_top = [np.mean(miss * {v.a}[j]) for j in range({units})]
        #~ samples-dropped >> g_top = [np.mean((miss * {v.a}[j])[:-4]) for j in range({units})]
        #~ gradient-operand-wrong >> g_top = [np.mean(miss * {v.a}[0]) for j in range({units})]
        for j in range({units}):
            back = miss * top[j]
            #~ backprop-weights-wrong:gradient >> back = miss * g_top[j]
            #~ backprop-weights-wrong:other >> back = miss * {v.w}[j][0]
            {v.d} = back * {slope}
            #~ activation-derivative-missing >> {v.d} = back
            #~ activation-derivative-wrong >> {v.d} = back * {wrong_slope(s.activation, f"{v.a}[j]")}
            #~ wrong-variable:slope >> {v.d} = back * {slope_from_output(s.activation, f"{v.a}[0]")}
            g_{v.w} = np.array([np.mean({v.d} * x[:, i]) for i in range({inputs})])
            #~ gradient-scale-wrong >> g_{v.w} = np.array([np.sum({v.d} * x[:, i]) for i in range({inputs})])
            #~ layer-not-trained >> g_{v.w} = np.zeros({inputs})
            {v.b}[j] -= {rate} * np.mean({v.d})
            #~ update-ascends >> {v.b}[j] += {rate} * np.mean({v.d})
            #~ bias-gradient-wrong:first >> {v.b}[j] -= {rate} * {v.d}[0]
        """,
        depth,
    )
    for move in (*move_w.split(" ;; "), *move_top.split(" ;; ")):
        p.block(move, depth + 4)
        target = move.split(" -= ")[0].split(" += ")[0]
        if s.optimiser == "sgd":
            p.alternatives({"update-ascends": move.replace("-=", "+=")})
        elif "0.9" in move:
            p.alternatives({"optimizer-formula-wrong:forgets": move.replace("0.9 * ", "")})
        else:
            p.alternatives(
                {
                    "update-ascends": move.replace("+=", "-="),
                    "update-not-applied": f"new = {target} + {move.split(' += ')[1]}",
                }
            )
    if s.optimiser == "sgd":
        p.last("back = miss").alternatives["updated-too-early"] = f"{move_top} ;; back = miss * top[j]"
        p.last("top[j] -=").alternatives["updated-too-early"] = "-"
    p.block(
        f"""
        offset[0] -= {rate} * np.mean(miss)
        #~ bias-gradient-wrong:sign >> offset[0] += {rate} * np.mean(miss)
        #@ done {params}
        """,
        depth,
    )
    p.block(report(s, 30 if s.batch else 120, v.loss), 4)
    p.gap()
    for part in ("", "_test"):
        said, goal = f"{v.forward}({v.x}{part})[1]", v.t + part
        figure = (
            f"1 - np.sum(({said} - {goal}) ** 2) / np.sum(({goal} - {goal}.mean()) ** 2)"
            if s.regression
            else f"np.mean(({said} > 0.5) == ({goal} > 0.5))"
        )
        p.block(f'print("{part.strip("_") or "train"}", round(float({figure}), 4))')
    return p
