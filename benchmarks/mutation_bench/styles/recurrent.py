"""Style: a small recurrent network with backpropagation through time, columns or rows, answer at the end or at every step."""

from __future__ import annotations

import random

from ..markup import Program
from ..pieces import Algebra, report
from ..spec import Spec

OPTIONS: dict[str, tuple[str, ...]] = {
    "head": ("linear-mse",),
    "activation": ("tanh",),
    "optimiser": ("sgd", "momentum", "rmsprop"),
    "penalty": ("0",),
    "depth": ("1",),
    "batch": ("16", "20", "40"),
}


def write(s: Spec) -> Program:
    """The program of a specification: tell a weighted sum of the last inputs, at the end or at every step."""
    v, p = s.names, Program()
    every = random.Random(f"recurrent {s.seed}").random() < 0.5
    steps, units = 6, min(s.sizes[1], 12)
    p.block("import numpy as np")
    p.gap()
    maker = "RandomState" if s.generator == "legacy" else "default_rng"
    p.block(f"rng = np.random.{maker}({s.seed})\nSTEPS, UNITS = {steps}, {units}")
    wide, tall = ("(UNITS, 1)", "(1, UNITS)") if s.columns else ("(1, UNITS)", "(UNITS, 1)")
    names = [f"{v.w}_in", f"{v.w}_rec", f"{v.w}_out", f"{v.b}_rec", f"{v.b}_out"]
    p.block(
        f"""
        {names[0]} = rng.normal(0, 0.5, {wide})
        {names[1]} = rng.normal(0, 0.7 / np.sqrt(UNITS), (UNITS, UNITS))
        {names[2]} = rng.normal(0, 0.4, {tall})
        {names[3]} = np.zeros({wide})
        {names[4]} = np.zeros((1, 1))
        """
    )
    p.gap(2)
    _sequences(p, s, every)
    _forward(p, s, names, every)
    _backward(p, s, names, every)
    _loop(p, s, names, every)
    return p


def _sequences(p: Program, s: Spec, every: bool) -> None:
    make = "rng.uniform(-1, 1, (STEPS, 1, n))" if s.columns else "rng.uniform(-1, 1, (STEPS, n, 1))"
    p.block(f"def sequences(n):\n    x = {make}")
    if every:
        p.block("y = 0.6 * x\ny[1:] += 0.5 * x[:-1]\ny[2:] -= 0.4 * x[:-2]\nreturn x, y", 4)
    else:
        p.block("return x, np.sin(x[-1] + 0.8 * x[-2] - 0.6 * x[-3] + 0.5 * x[-4])", 4)
    p.gap(2)


def _forward(p: Program, s: Spec, names: list[str], every: bool) -> None:
    v, alg = s.names, Algebra(s.columns)
    w_in, w_rec, w_out, b_rec, b_out = names
    start = "np.zeros((UNITS, x.shape[2]))" if s.columns else "np.zeros((x.shape[1], UNITS))"
    inner = (
        f"{w_in} @ x[t] + {w_rec} @ states[-1] + {b_rec}"
        if s.columns
        else f"x[t] @ {w_in} + states[-1] @ {w_rec} + {b_rec}"
    )
    p.block(
        f"""
        def {v.forward}(x):
            states = [{start}]
            for t in range(STEPS):
                states.append(np.tanh({inner}))
                #~ buffer-overwritten >> states.append(states[0]) ;; states[0][...] = np.tanh({inner})
        """
    )
    if every:
        p.block(f"return states, np.array([{alg.affine('h', w_out, b_out)} for h in states[1:]])", 4)
    else:
        p.block(f"return states, {alg.affine('states[-1]', w_out, b_out)}", 4)
    p.gap(2)


def _backward(p: Program, s: Spec, names: list[str], every: bool) -> None:
    v, alg = s.names, Algebra(s.columns)
    w_in, w_rec, w_out, b_rec, b_out = names
    gw_in, gw_rec, gw_out, gb_rec, gb_out = ("g_" + n.removeprefix("g_") for n in names)
    p.block(
        f"""
        def {v.backward}(x, states, miss):
            {gw_in}, {gw_rec}, {gb_rec} = np.zeros_like({w_in}), np.zeros_like({w_rec}), np.zeros_like({b_rec})
        """
    )
    if every:
        p.block(
            f"{gw_out}, {gb_out} = np.zeros_like({w_out}), np.zeros_like({b_out})\nback = np.zeros_like(states[0])", 4
        )
    else:
        p.block(
            f"""
            {gw_out} = {alg.grad_w("states[-1]", "miss")}
            #~ time-index-wrong:out >> {gw_out} = {alg.grad_w("states[-2]", "miss")}
            {gb_out} = {alg.grad_b("miss")}
            back = {alg.back("miss", w_out)}
            """,
            4,
        )
    p.block("for t in range(STEPS - 1, -1, -1):\n#~ bptt-broken:one >> for t in range(STEPS - 1, STEPS - 2, -1):", 4)
    if every:
        p.block(
            f"""
            {gw_out} += {alg.grad_w("states[t + 1]", "miss[t]")}
            #~ gradient-overwritten:out >> {gw_out} = {alg.grad_w("states[t + 1]", "miss[t]")}
            #~ time-index-wrong:out >> {gw_out} += {alg.grad_w("states[t]", "miss[t]")}
            {gb_out} += {alg.grad_b("miss[t]")}
            back = back + {alg.back("miss[t]", w_out)}
            #~ bptt-broken:forgets >> back = {alg.back("miss[t]", w_out)}
            """,
            8,
        )
    d = v.d
    p.block(
        f"""
        {d} = back * (1 - states[t + 1] ** 2)
        #~ activation-derivative-missing >> {d} = back
        #~ time-index-wrong:slope >> {d} = back * (1 - states[t] ** 2)
        #~ activation-derivative-wrong >> {d} = back * states[t + 1] * (1 - states[t + 1])
        {gw_in} += {alg.grad_w("x[t]", d)}
        #~ gradient-overwritten:in >> {gw_in} = {alg.grad_w("x[t]", d)}
        #~ time-index-wrong:in >> {gw_in} += {alg.grad_w("x[t - 1]", d)}
        {gw_rec} += {alg.grad_w("states[t]", d)}
        #~ time-index-wrong:state >> {gw_rec} += {alg.grad_w("states[t + 1]", d)}
        #~ bptt-broken:overwritten >> {gw_rec} = {alg.grad_w("states[t]", d)}
        {gb_rec} += {alg.grad_b(d)}
        #~ bias-gradient-wrong:first >> {gb_rec} += {alg.first(d)}
        back = {alg.back(d, w_rec)}
        #~ backprop-weights-wrong:untransposed >> back = {alg.back_untransposed(d, w_rec)}
        #~ bptt-broken:direct >> back = {d}
        """,
        8,
    )
    p.block(f"return [{gw_in}, {gw_rec}, {gw_out}, {gb_rec}, {gb_out}]", 4)
    p.gap(2)


def _loop(p: Program, s: Spec, names: list[str], every: bool) -> None:
    v = s.names
    params = "[" + ", ".join(names) + "]"
    axis = 2 if s.columns else 1
    pick = f"[:, :, {v.rows}]" if s.columns else f"[:, {v.rows}]"
    last = pick if every else (f"[:, {v.rows}]" if s.columns else f"[{v.rows}]")
    rate = {"sgd": 0.15, "momentum": 0.04, "rmsprop": 0.005}[s.optimiser]
    size = "goal.size" if every else f"len({v.rows})"
    p.block(f"params = {params}")
    p.block("state = [np.zeros_like(q) for q in params]") if s.optimiser != "sgd" else None
    p.block(
        f"""
        {v.x}, {v.t} = sequences(240)
        {v.x}_new, {v.t}_new = sequences(80)
        for {v.epoch} in range(1, 91):
            total = 0.0
            {v.order} = rng.permutation({v.x}.shape[{axis}])
            for k in range(0, len({v.order}), {s.batch}):
                {v.rows} = {v.order}[k:k + {s.batch}]
                x, goal = {v.x}{pick}, {v.t}{last}
                #@ step params
                states, {v.out} = {v.forward}(x)
                {v.loss} = 0.5 * np.sum(({v.out} - goal) ** 2) / {size}
                #@ loss {v.loss}
                total += {v.loss} * len({v.rows}) / len({v.order})
                grads = {v.backward}(x, states, ({v.out} - goal) / {size})
                #~ output-delta-wrong:sign >> grads = {v.backward}(x, states, (goal - {v.out}) / {size})
                #@ grads grads
        """
    )
    bodies = {
        "sgd": f"""
            for q, g in zip(params, grads):
            #~ layer-not-trained >> for q, g in zip(params[1:], grads[1:]):
                q -= {rate} * g
                #~ update-ascends >> q += {rate} * g
                #~ update-not-applied >> q = q - {rate} * g
            """,
        "momentum": f"""
            for q, g, m in zip(params, grads, state):
                m *= 0.9
                #~ optimizer-formula-wrong:forgets >> -
                m -= {rate} * g
                q += m
                #~ update-ascends >> q -= m
                #~ update-not-applied >> q = q + m
            """,
        "rmsprop": f"""
            for q, g, m in zip(params, grads, state):
                m += 0.1 * (g * g - m)
                #~ optimizer-formula-wrong:plain >> m += 0.1 * (np.abs(g) - m)
                q -= {rate} * g / (np.sqrt(m) + 1e-7)
                #~ optimizer-formula-wrong:root >> q -= {rate} * g / (m + 1e-7)
                #~ update-ascends >> q += {rate} * g / (np.sqrt(m) + 1e-7)
            """,
    }
    p.block(bodies[s.optimiser], 8)
    p.block("#@ done params", 8)
    p.block(report(s, 18, "total"), 4)
    for part in ("", "_new"):
        p.block(
            f"""
            rest = {v.forward}({v.x}{part})[1] - {v.t}{part}
            spread = {v.t}{part} - {v.t}{part}.mean()
            print("{part.strip("_") or "old"}", round(float(1 - np.sum(rest ** 2) / np.sum(spread ** 2)), 4))
            """
        )
