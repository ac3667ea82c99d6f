"""Style: plain Python lists and loops over indices, one sample after the other, no NumPy at all."""

from __future__ import annotations

from ..markup import Program
from ..spec import Spec

OPTIONS: dict[str, tuple[str, ...]] = {
    "layout": ("rows",),
    "head": ("linear-mse", "sigmoid-bce", "sigmoid-mse"),
    "activation": ("sigmoid", "tanh"),
    "optimiser": ("sgd", "momentum"),
    "depth": ("1",),
    "penalty": ("0",),
    "generator": ("legacy",),
}
RATES = {"linear-mse": 0.1, "sigmoid-bce": 0.2, "sigmoid-mse": 0.8}


def write(s: Spec) -> Program:
    """The program of a specification."""
    v, p = s.names, Program()
    inputs, hidden, outputs = s.sizes
    hidden = min(hidden, 8)
    p.block("import math\nimport random")
    p.gap()
    p.block(
        f"""
        random.seed({s.seed})
        N_IN, N_HID, N_OUT = {inputs}, {hidden}, {outputs}
        {v.rate} = {round(RATES[s.head] * (2 if s.activation == "sigmoid" else 1) / (5 if s.optimiser == "momentum" else 1), 4)}
        """
    )
    p.gap(2)
    _samples(p, s)
    p.gap(2)
    p.block(
        f"""
        {v.w}1 = [[random.gauss(0, 1) for i in range(N_IN)] for j in range(N_HID)]
        #~ weights-aliased:row >> {v.w}1 = [[random.gauss(0, 1) for i in range(N_IN)]] * N_HID
        {v.b}1 = [random.gauss(0, 0.3) for j in range(N_HID)]
        {v.w}2 = [[random.gauss(0, 0.4) for j in range(N_HID)] for k in range(N_OUT)]
        {v.b}2 = [0.0] * N_OUT
        """
    )
    if s.optimiser == "momentum":
        p.block(
            f"""
            m_{v.w}1 = [[0.0] * N_IN for j in range(N_HID)]
            #~ optimizer-formula-wrong:shared >> m_{v.w}1 = [[0.0] * N_IN] * N_HID
            m_{v.w}2 = [[0.0] * N_HID for k in range(N_OUT)]
            """
        )
    p.gap(2)
    _forward(p, s)
    _learn(p, s)
    _loop(p, s)
    return p


def _samples(p: Program, s: Spec) -> None:
    v = s.names
    if s.regression:
        goal = "[math.sin(2 * sum(x))]" if s.sizes[-1] == 1 else "[math.sin(2 * sum(x)), x[0] * x[-1]]"
    else:
        goal = "[1.0 if sum(u * u for u in x) < 0.6 else 0.0]"
    p.block(
        f"""
        def samples(count):
            {v.out} = []
            for _ in range(count):
                x = [random.uniform(-1, 1) for i in range(N_IN)]
                {v.out}.append((x, {goal}))
            return {v.out}
        """
    )


def _forward(p: Program, s: Spec) -> None:
    v = s.names
    bend = "math.tanh(total)" if s.activation == "tanh" else "1 / (1 + math.exp(-total))"
    final = "total" if s.regression else "1 / (1 + math.exp(-total))"
    p.block(
        f"""
        def {v.forward}(x):
            {v.a} = []
            for j in range(N_HID):
                total = {v.b}1[j]
                for i in range(N_IN):
                    total += {v.w}1[j][i] * x[i]
                {v.a}.append({bend})
            {v.out} = []
            for k in range(N_OUT):
                total = {v.b}2[k]
                for j in range(N_HID):
                    total += {v.w}2[k][j] * {v.a}[j]
                {v.out}.append({final})
            return {v.a}, {v.out}
        """
    )
    p.gap(2)


def _learn(p: Program, s: Spec) -> None:
    v = s.names
    err = f"({v.out}[k] - goal[k])"
    delta = f"{err} * {v.out}[k] * (1 - {v.out}[k])" if s.head == "sigmoid-mse" else err
    value = (
        f"-sum(g * math.log(o + 1e-12) + (1 - g) * math.log(1 - o + 1e-12) for g, o in zip(goal, {v.out}))"
        if s.head == "sigmoid-bce"
        else f"0.5 * sum((o - g) ** 2 for g, o in zip(goal, {v.out}))"
    )
    slope = f"{v.a}[j] * (1 - {v.a}[j])" if s.activation == "sigmoid" else f"(1 - {v.a}[j] ** 2)"
    wrong = f"(1 - {v.a}[j] ** 2)" if s.activation == "sigmoid" else f"{v.a}[j] * (1 - {v.a}[j])"
    misplaced = (
        f"(1 - math.tanh({v.a}[j]) ** 2)"
        if s.activation == "tanh"
        else (f"(1 / (1 + math.exp(-{v.a}[j]))) * (1 - 1 / (1 + math.exp(-{v.a}[j])))")
    )
    d = v.d
    p.block(
        f"""
        def {v.train}_one(x, goal):
            #@ step [{v.w}1, {v.b}1, {v.w}2, {v.b}2]
            {v.a}, {v.out} = {v.forward}(x)
            {v.loss} = {value}
            #@ loss {v.loss}
            {d}2 = [0.0] * N_OUT
            for k in range(N_OUT):
                {d}2[k] = {delta}
                #~ output-delta-wrong:sign >> {d}2[k] = {delta.replace(err, f"(goal[k] - {v.out}[k])")}
                #~ output-delta-wrong:square >> {d}2[k] = {delta.replace(err, f"{err} ** 2")}
            {d}1 = [0.0] * N_HID
            for j in range(N_HID):
                total = 0.0
                for k in range(N_OUT):
                    total += {d}2[k] * {v.w}2[k][j]
                    #~ backprop-weights-wrong:step >> total += {d}2[k] * {v.rate} * {d}2[k] * {v.a}[j]
                    #~ backprop-weights-wrong:other >> total += {d}2[k] * {v.w}1[j][0]
                    #~ gradient-overwritten >> total = {d}2[k] * {v.w}2[k][j]
                    #~ wrong-variable:activation >> total += {v.out}[k] * {v.w}2[k][j]
                {d}1[j] = total * {slope}
                #~ activation-derivative-missing >> {d}1[j] = total
                #~ activation-derivative-wrong >> {d}1[j] = total * {wrong}
                #~ activation-derivative-misplaced >> {d}1[j] = total * {misplaced}
        """
    )
    if s.optimiser == "momentum":
        p.block(
            f"""
            for k in range(N_OUT):
                for j in range(N_HID):
                    m_{v.w}2[k][j] = 0.9 * m_{v.w}2[k][j] - {v.rate} * {d}2[k] * {v.a}[j]
                    #~ gradient-operand-wrong:first >> m_{v.w}2[k][j] = 0.9 * m_{v.w}2[k][j] - {v.rate} * {d}2[k] * {v.a}[0]
                    #~ optimizer-formula-wrong:forgets >> m_{v.w}2[k][j] = m_{v.w}2[k][j] - {v.rate} * {d}2[k] * {v.a}[j]
                    {v.w}2[k][j] += m_{v.w}2[k][j]
                    #~ update-ascends >> {v.w}2[k][j] -= m_{v.w}2[k][j]
                {v.b}2[k] -= {v.rate} * {d}2[k]
                #~ update-ascends >> {v.b}2[k] += {v.rate} * {d}2[k]
            for j in range(N_HID):
                for i in range(N_IN):
                    m_{v.w}1[j][i] = 0.9 * m_{v.w}1[j][i] - {v.rate} * {d}1[j] * x[i]
                    #~ optimizer-formula-wrong:mixed >> m_{v.w}1[j][i] = 0.9 * m_{v.w}2[0][j] - {v.rate} * {d}1[j] * x[i]
                    {v.w}1[j][i] += m_{v.w}1[j][i]
                    #~ update-ascends >> {v.w}1[j][i] -= m_{v.w}1[j][i]
                    #~ layer-not-trained:first >> -
                {v.b}1[j] -= {v.rate} * {d}1[j]
                #~ update-ascends >> {v.b}1[j] += {v.rate} * {d}1[j]
                #~ bias-gradient-wrong:double >> {v.b}1[j] -= {v.rate} * {d}1[j] * {v.b}1[j]
            """,
            4,
        )
        p.last(f"m_{v.w}1[j][i] = 0.9").alternatives["layer-not-trained:first"] = "pass"
    else:
        p.block(
            f"""
            for k in range(N_OUT):
                for j in range(N_HID):
                    {v.w}2[k][j] -= {v.rate} * {d}2[k] * {v.a}[j]
                    #~ update-ascends >> {v.w}2[k][j] += {v.rate} * {d}2[k] * {v.a}[j]
                    #~ gradient-operand-wrong:first >> {v.w}2[k][j] -= {v.rate} * {d}2[k] * {v.a}[0]
                    #~ gradient-operand-wrong:weight >> {v.w}2[k][j] -= {v.rate} * {d}2[k] * {v.w}2[k][j]
                {v.b}2[k] -= {v.rate} * {d}2[k]
                #~ update-ascends >> {v.b}2[k] += {v.rate} * {d}2[k]
                #~ bias-gradient-wrong:sign >> {v.b}2[k] += {v.rate} * {d}2[k]
            for j in range(N_HID):
                for i in range(N_IN):
                    {v.w}1[j][i] -= {v.rate} * {d}1[j] * x[i]
                    #~ update-ascends >> {v.w}1[j][i] += {v.rate} * {d}1[j] * x[i]
                    #~ gradient-operand-wrong:hidden >> {v.w}1[j][i] -= {v.rate} * {d}1[j] * {v.a}[i]
                    #~ layer-not-trained:first >> pass
                    #~ gradient-scale-wrong:layer >> {v.w}1[j][i] -= {v.rate} * {d}1[j] * x[i] / N_HID
                {v.b}1[j] -= {v.rate} * {d}1[j]
                #~ update-ascends >> {v.b}1[j] += {v.rate} * {d}1[j]
                #~ bias-gradient-wrong:output >> {v.b}1[j] -= {v.rate} * {d}2[0]
            """,
            4,
        )
    p.block(f"#@ done [{v.w}1, {v.b}1, {v.w}2, {v.b}2]\nreturn {v.loss}", 4)
    p.gap(2)


def _loop(p: Program, s: Spec) -> None:
    v = s.names
    p.block(
        f"""
        learn, check = samples(160), samples(80)
        for {v.epoch} in range(1, 101):
            random.shuffle(learn)
            {v.loss} = sum({v.train}_one(x, goal) for x, goal in learn) / len(learn)
            if {v.epoch} % 20 == 0:
                print("{v.epoch}", {v.epoch}, "{v.loss}", round({v.loss}, 5))
        """
    )
    for name in ("learn", "check"):
        if s.regression:
            p.block(
                f"""
                rest = sum((o - g) ** 2 for x, goal in {name} for o, g in zip({v.forward}(x)[1], goal))
                mean = sum(sum(goal) for x, goal in {name}) / len({name}) / N_OUT
                print("{name}", round(1 - rest / sum((g - mean) ** 2 for x, goal in {name} for g in goal), 4))
                """
            )
        else:
            p.block(
                f'print("{name}", sum(({v.forward}(x)[1][0] > 0.5) == (goal[0] > 0.5) for x, goal in {name}) / len({name}))'
            )
