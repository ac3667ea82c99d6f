"""Style: functions that hand dictionaries of parameters, caches and gradients to each other; any optimiser."""

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
    report,
    softmax,
    task,
)
from ..spec import Spec

OPTIONS: dict[str, tuple[str, ...]] = {
    "optimiser": ("sgd", "momentum", "adam", "adam", "rmsprop"),
    "scale": ("delta", "gradient"),
    "penalty": ("0",),
}
SLOPE_OF_Z = {
    "sigmoid": "{a} * (1 - {a})",
    "tanh": "1 - np.tanh({z}) ** 2",
    "relu": "({z} > 0).astype({z}.dtype)",
    "leaky": "np.where({z} > 0, 1.0, 0.1)",
}
WRONG_SLOPE_OF_Z = {
    "sigmoid": "1 - {a} ** 2",
    "tanh": "1 - {z} ** 2",
    "relu": "({z} > 0) * {z}",
    "leaky": "np.where({z} > 0, 1.0, 0.0)",
}


def write(s: Spec) -> Program:
    """The program of a specification."""
    v, alg, p = s.names, Algebra(s.columns), Program()
    axis, top = alg.class_axis, len(s.sizes) - 1
    p.block("import numpy as np")
    p.gap(2)
    if s.classes:
        p.block(softmax(axis))
        p.gap(2)
    _functions(p, s)
    _passes(p, s, top)
    _optimiser(p, s)
    p.block(task(s))
    p.block("params = {}")
    for k, (a, b) in enumerate(zip(s.sizes, s.sizes[1:], strict=False), start=1):
        shape = f"({b}, {a})" if s.columns else f"({a}, {b})"
        p.block(
            f'params["{v.w}{k}"] = {normal(s, a, shape)}\nparams["{v.b}{k}"] = np.zeros({(b, 1) if s.columns else (1, b)})'
        )
        if 1 < k < top and s.sizes[k - 1] == b and s.optimiser in ("sgd", "adam"):
            p.block(f'#~ weights-aliased:bias >> params["{v.b}{k}"] = params["{v.b}1"]')
    _loop(p, s)
    for part in ("", "_test"):
        said = metric(s, f"{v.forward}({v.x}{part}, params)[0]", f"{v.t}{part}")
        p.block(f'print("{part.strip("_") or "train"}", round(float({said}), 4))')
    return p


def _functions(p: Program, s: Spec) -> None:
    v = s.names
    value = activation(s.activation, "z")
    inner = "a = 1 / (1 + np.exp(-z))\n                " if s.activation == "sigmoid" else ""
    p.block(
        f"""
        def {v.act}(z):
            return {value}


        def {v.slope}(z):
            {inner.strip() or "# derivative by the net input"}
            return {SLOPE_OF_Z[s.activation].format(a="a", z="z")}
            #~ activation-derivative-wrong:definition >> return {WRONG_SLOPE_OF_Z[s.activation].format(a="a", z="z")}
        """
    )
    p.gap(2)


def _passes(p: Program, s: Spec, top: int) -> None:
    v, alg = s.names, Algebra(s.columns)
    axis = alg.class_axis
    p.block(f"def {v.forward}({v.x}, params):")
    p.block(f'cache = {{"{v.a}0": {v.x}}}', 4)
    for k in range(1, top + 1):
        z, a = f'cache["{v.z}{k}"]', f'cache["{v.a}{k}"]'
        below = f'cache["{v.a}{k - 1}"]'
        p.block(f"{z} = " + alg.affine(below, f'params["{v.w}{k}"]', f'params["{v.b}{k}"]'), 4)
        p.block(f"{a} = " + (output(s.head, z, axis) if k == top else f"{v.act}({z})"), 4)
    p.block(f'return cache["{v.a}{top}"], cache', 4)
    p.gap(2)
    out, scale = f'cache["{v.a}{top}"]', " / m" if s.scale == "delta" else ""
    tail = " / m" if s.scale == "gradient" else ""
    p.block(f"def {v.backward}({v.t}, params, cache):")
    p.block(f"m = {alg.count(v.t)}\ngrads = {{}}", 4)
    p.block(f"{v.d} = {output_delta(s.head, out, v.t, axis)}{scale}", 4)
    p.alternatives({k: f"{v.d} = {text}{scale}" for k, text in output_delta_faults(s.head, out, v.t, axis).items()})
    for k in range(top, 0, -1):
        below, w, d = f'cache["{v.a}{k - 1}"]', f'params["{v.w}{k}"]', v.d
        gw, gb = f'grads["{v.w}{k}"]', f'grads["{v.b}{k}"]'
        p.block(f"{gw} = {alg.grad_w(below, d)}{tail}", 4)
        p.alternatives(
            {
                f"samples-dropped:last{k}": f"{gw} = {alg.without_last(below, d)}{tail}",
                f"gradient-scale-wrong:half{k}": f"{gw} = 0.5 * ({alg.grad_w(below, d)}){tail}",
                f"product-or-axis-wrong:swapped{k}": f"{gw} = {alg.swapped(below, d)}{tail}",
            }
        )
        if k > 1:
            p.alternatives(
                {f"gradient-operand-wrong:pre{k}": f"{gw} = " + alg.grad_w(f'cache["{v.z}{k - 1}"]', d) + tail}
            )
        p.block(f"{gb} = {alg.grad_b(d)}{tail}", 4)
        p.alternatives(
            {
                f"bias-gradient-wrong:first{k}": f"{gb} = {alg.first(d)}{tail}",
                f"bias-gradient-wrong:sign{k}": f"{gb} = -{alg.grad_b(d)}{tail}",
                f"product-or-axis-wrong:bias{k}": f"{gb} = {alg.other_axis(d)}{tail}",
            }
        )
        if k > 1:
            z = f'cache["{v.z}{k - 1}"]'
            p.block(f"{d} = ({alg.back(d, w)}) * {v.slope}({z})", 4)
            p.alternatives(
                {
                    f"activation-derivative-missing:{k}": f"{d} = {alg.back(d, w)}",
                    f"activation-derivative-misplaced:{k}": f"{d} = ({alg.back(d, w)}) * {v.slope}({below})",
                    f"backprop-weights-wrong:gradient{k}": f"{d} = ({alg.back(d, gw)}) * {v.slope}({z})",
                    f"backprop-weights-wrong:untransposed{k}": f"{d} = ({alg.back_untransposed(d, w)}) * {v.slope}({z})",
                    f"wrong-variable:slope{k}": f"{d} = ({alg.back(d, w)}) * {v.slope}(" + f'cache["{v.z}{k}"])',
                }
            )
    p.block("return grads", 4)
    p.gap(2)


def _optimiser(p: Program, s: Spec) -> None:
    v = s.names
    p.block(f"def {v.update}(params, grads, state, {v.rate}):")
    if s.optimiser == "adam":
        p.block('state["t"] = state.get("t", 0) + 1', 4)
        p.block('#~ optimizer-formula-wrong:tick >> state["t"] = 1')
    p.block("for key in params:\n#~ layer-not-trained:first >> for key in list(params)[2:]:", 4)
    bodies = {
        "sgd": f"""
            params[key] -= {v.rate} * grads[key]
            #~ update-ascends >> params[key] += {v.rate} * grads[key]
            #~ update-not-applied >> new = params[key] - {v.rate} * grads[key]
            """,
        "momentum": f"""
            state[key] = 0.9 * state.get(key, 0.0) + grads[key]
            #~ optimizer-formula-wrong:forgets >> state[key] = state.get(key, 0.0) + grads[key]
            params[key] = params[key] - {v.rate} * state[key]
            #~ update-ascends >> params[key] = params[key] + {v.rate} * state[key]
            #~ update-not-applied >> new = params[key] - {v.rate} * state[key]
            """,
        "rmsprop": f"""
            state[key] = 0.9 * state.get(key, 0.0) + 0.1 * grads[key] ** 2
            #~ optimizer-formula-wrong:sum >> state[key] = 0.9 * state.get(key, 0.0) + 0.1 * np.abs(grads[key])
            params[key] = params[key] - {v.rate} * grads[key] / (np.sqrt(state[key]) + 1e-7)
            #~ optimizer-formula-wrong:root >> params[key] = params[key] - {v.rate} * grads[key] / (state[key] + 1e-7)
            #~ update-ascends >> params[key] = params[key] + {v.rate} * grads[key] / (np.sqrt(state[key]) + 1e-7)
            """,
        "adam": f"""
            m, u = state.get(key, (0.0, 0.0))
            m = 0.9 * m + 0.1 * grads[key]
            #~ optimizer-formula-wrong:betas >> m = 0.999 * m + 0.001 * grads[key]
            u = 0.999 * u + 0.001 * grads[key] ** 2
            #~ optimizer-formula-wrong:weight >> u = 0.999 * u + grads[key] ** 2
            state[key] = (m, u)
            m_hat = m / (1 - 0.9 ** state["t"])
            #~ optimizer-formula-wrong:power >> m_hat = m / (1 - 0.9 * state["t"])
            u_hat = u / (1 - 0.999 ** state["t"])
            #~ optimizer-formula-wrong:uncorrected >> u_hat = u
            params[key] -= {v.rate} * m_hat / (np.sqrt(u_hat) + 1e-8)
            #~ optimizer-formula-wrong:root >> params[key] -= {v.rate} * m_hat / (u_hat + 1e-8)
            #~ update-ascends >> params[key] += {v.rate} * m_hat / (np.sqrt(u_hat) + 1e-8)
            #~ update-not-applied >> new = params[key] - {v.rate} * m_hat / (np.sqrt(u_hat) + 1e-8)
            """,
    }
    p.block(bodies[s.optimiser], 8)
    p.gap(2)


def _loop(p: Program, s: Spec) -> None:
    v, alg = s.names, Algebra(s.columns)
    many = alg.count(v.x)
    params = "list(params.values())"
    step = f"""
        #@ step {params}
        {v.out}, cache = {v.forward}(part, params)
        {v.loss} = {loss(s.head, v.out, "goal", alg.count("part"))}
        #@ loss {v.loss}
        grads = {v.backward}(goal, params, cache)
        #@ grads [grads[k] for k in params]
        {v.update}(params, grads, state, {s.rate})
        #@ done {params}
        """
    p.block("state = {}")
    if not s.batch:
        p.block(f"part, goal = {v.x}, {v.t}\nfor {v.epoch} in range(800):")
        p.block(step, 4)
        p.block(report(s, 160, v.loss), 4)
        return
    cut = f"[:, {v.rows}]" if s.columns else f"[{v.rows}]"
    p.block(f"for {v.epoch} in range(1, 101):\n    {v.order} = rng.permutation({many})\n    sum_of_losses = 0.0")
    p.block(
        f"for {v.rows} in np.array_split({v.order}, {many} // {s.batch}):\n    part, goal = {v.x}{cut}, {v.t}{cut}", 4
    )
    p.block(step, 8)
    p.block(f"sum_of_losses += {v.loss} * len({v.rows})", 8)
    p.block(report(s, 20, f"sum_of_losses / {many}"), 4)
