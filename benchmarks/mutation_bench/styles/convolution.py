"""Style: a one-dimensional convolution, a pool (maximum or mean) and a dense softmax; signals with a pattern somewhere."""

from __future__ import annotations

import random

from ..markup import Program
from ..pieces import activation, metric, normal, report, slope_from_output, softmax, wrong_slope
from ..spec import Spec

OPTIONS: dict[str, tuple[str, ...]] = {
    "layout": ("rows",),
    "head": ("softmax-ce",),
    "activation": ("tanh", "relu", "leaky"),
    "optimiser": ("sgd", "momentum"),
    "penalty": ("0",),
    "depth": ("1",),
    "batch": ("16", "20"),
}
LENGTH, TAPS = 20, 4


def write(s: Spec) -> Program:
    """The program of a specification."""
    v, p = s.names, Program()
    pool = random.Random(f"convolution {s.seed}").choice(("max", "mean"))
    filters, places = 5, LENGTH - TAPS + 1
    p.block("import numpy as np")
    p.gap(2)
    p.block(softmax(1))
    p.gap(2)
    p.block(
        f"""
        rng = np.random.{"RandomState" if s.generator == "legacy" else "default_rng"}({s.seed})
        PATTERNS = np.array([[1.0, 1.0, -1.0, -1.0], [-1.0, 1.0, 1.0, -1.0], [-1.0, -1.0, 1.0, 1.0]]) * 1.5


        def signals(n):
            x = 0.2 * rng.normal(size=(n, {LENGTH}))
            c = rng.permutation(n) % 3
            for i in range(n):
                start = rng.permutation({places})[0]
                x[i, start:start + {TAPS}] += PATTERNS[c[i]]
            return x, np.eye(3)[c]


        {v.w}_c = rng.normal(0, 0.5, ({filters}, {TAPS}))
        {v.b}_c = np.zeros({filters})
        {v.w}_d = {normal(s, filters, f"({filters}, 3)")}
        {v.b}_d = np.zeros(3)
        """
    )
    p.gap(2)
    pooled = f"{v.a}.max(axis=2)" if pool == "max" else f"{v.a}.mean(axis=2)"
    p.block(
        f"""
        def {v.forward}(x):
            {v.z} = np.zeros((len(x), {filters}, {places}))
            for i in range({places}):
                {v.z}[:, :, i] = x[:, i:i + {TAPS}] @ {v.w}_c.T + {v.b}_c
            {v.a} = {activation(s.activation, v.z)}
            pooled = {pooled}
            return {v.a}, pooled, softmax(pooled @ {v.w}_d + {v.b}_d)


        def {v.backward}(x, {v.a}, pooled, {v.out}, goal):
            {v.d} = ({v.out} - goal) / len(x)
            #~ output-delta-wrong:sign >> {v.d} = (goal - {v.out}) / len(x)
            #~ softmax-jacobian-wrong >> {v.d} = ({v.out} - goal) * {v.out} * (1 - {v.out}) / len(x)
            g_wd, g_bd = pooled.T @ {v.d}, {v.d}.sum(axis=0)
            #~ samples-dropped >> g_wd, g_bd = pooled[:-1].T @ {v.d}[:-1], {v.d}.sum(axis=0)
            #~ bias-gradient-wrong:first >> g_wd, g_bd = pooled.T @ {v.d}, {v.d}[0]
            down = {v.d} @ {v.w}_d.T
            #~ backprop-weights-wrong:gradient >> down = {v.d} @ g_wd.T
        """
    )
    if pool == "max":
        p.block(
            f"""
            spread = ({v.a} == {v.a}.max(axis=2, keepdims=True)) * down[:, :, None]
            #~ conv-index-wrong:pool >> spread = ({v.a} == {v.a}.min(axis=2, keepdims=True)) * down[:, :, None]
            """,
            4,
        )
    else:
        p.block(
            f"""
            spread = np.ones_like({v.a}) * down[:, :, None] / {places}
            #~ gradient-scale-wrong:pool >> spread = np.ones_like({v.a}) * down[:, :, None]
            """,
            4,
        )
    slope = slope_from_output(s.activation, v.a)
    p.block(
        f"""
        {v.d} = spread * {slope}
        #~ activation-derivative-missing >> {v.d} = spread
        #~ activation-derivative-wrong >> {v.d} = spread * {wrong_slope(s.activation, v.a)}
        g_wc = np.zeros_like({v.w}_c)
        for j in range({TAPS}):
            g_wc[:, j] = np.sum({v.d} * x[:, None, j:j + {places}], axis=(0, 2))
            #~ conv-index-wrong:flipped >> g_wc[:, j] = np.sum({v.d} * x[:, None, {TAPS - 1} - j:{LENGTH} - j], axis=(0, 2))
            #~ conv-index-wrong:shifted >> g_wc[:, j] = np.sum({v.d}[:, :, :-1] * x[:, None, j + 1:j + {places}], axis=(0, 2))
            #~ conv-index-wrong:fixed >> g_wc[:, j] = np.sum({v.d} * x[:, None, 0:{places}], axis=(0, 2))
        g_bc = {v.d}.sum(axis=(0, 2))
        #~ bias-gradient-wrong:place >> g_bc = {v.d}[:, :, 0].sum(axis=0)
        return [g_wc, g_bc, g_wd, g_bd]
        """,
        4,
    )
    p.gap(2)
    _loop(p, s, pool)
    return p


def _loop(p: Program, s: Spec, pool: str) -> None:
    v = s.names
    params = f"[{v.w}_c, {v.b}_c, {v.w}_d, {v.b}_d]"
    rate = round((0.3 if pool == "max" else 0.8) / (5 if s.optimiser == "momentum" else 1), 4)
    p.block(f"params = {params}")
    if s.optimiser == "momentum":
        p.block("moving = [np.zeros_like(q) for q in params]")
    p.block(
        f"""
        {v.x}, {v.t} = signals(240)
        {v.x}_test, {v.t}_test = signals(120)
        for {v.epoch} in range(1, {61 if pool == "max" else 101}):
            {v.loss} = 0.0
            for {v.rows} in np.array_split(rng.permutation(240), {240 // s.batch}):
                x, goal = {v.x}[{v.rows}], {v.t}[{v.rows}]
                #@ step params
                {v.a}, pooled, {v.out} = {v.forward}(x)
                value = -np.sum(goal * np.log({v.out} + 1e-12)) / len(x)
                #@ loss value
                {v.loss} += value * len(x) / 240
                grads = {v.backward}(x, {v.a}, pooled, {v.out}, goal)
                #@ grads grads
        """
    )
    if s.optimiser == "momentum":
        p.block(
            f"""
            for q, g, u in zip(params, grads, moving):
                u[...] = 0.9 * u + g
                #~ optimizer-formula-wrong:forgets >> u[...] = u + g
                q -= {rate} * u
                #~ update-ascends >> q += {rate} * u
                #~ update-not-applied >> q = q - {rate} * u
            """,
            8,
        )
    else:
        p.block(
            f"""
            for q, g in zip(params, grads):
            #~ layer-not-trained >> for q, g in zip(params[2:], grads[2:]):
                q -= {rate} * g
                #~ update-ascends >> q += {rate} * g
                #~ update-not-applied >> q = q - {rate} * g
            """,
            8,
        )
    p.block("#@ done params", 8)
    p.block(report(s, 12 if pool == "max" else 20, v.loss), 4)
    for part in ("", "_test"):
        said = metric(s, f"{v.forward}({v.x}{part})[2]", v.t + part)
        p.block(f'print("{part.strip("_") or "train"}", {said}.round(4))')
