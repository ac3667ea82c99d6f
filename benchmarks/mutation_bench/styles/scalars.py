"""Style: the author's own automatic differentiation on single numbers, and a small network built with it."""

from __future__ import annotations

from ..markup import Program
from ..pieces import report
from ..spec import Spec

OPTIONS: dict[str, tuple[str, ...]] = {
    "layout": ("rows",),
    "head": ("linear-mse", "sigmoid-bce"),
    "activation": ("tanh", "relu", "sigmoid"),
    "optimiser": ("sgd",),
    "depth": ("1",),
    "penalty": ("0",),
}
RULES = {
    "tanh": ("math.tanh(self.data)", "1 - out.data ** 2", "1 - math.tanh(out.data) ** 2", "out.data * (1 - out.data)"),
    "relu": ("max(0.0, self.data)", "(1.0 if out.data > 0 else 0.0)", "(1.0 if out.grad > 0 else 0.0)", "out.data"),
    "sigmoid": (
        "1 / (1 + math.exp(-self.data))",
        "out.data * (1 - out.data)",
        "self.data * (1 - self.data)",
        "1 - out.data ** 2",
    ),
}


def write(s: Spec) -> Program:
    """The program of a specification; logistic loss for two classes, squared error for numbers."""
    v, p = s.names, Program()
    units = 5
    task = "math.sin(1.5 * x[0]) - 0.5 * x[-1]" if s.regression else "x[1] > 0.6 * math.sin(3 * x[0])"
    value, slope, misplaced, wrong = RULES[s.activation]
    p.block("import math\nimport random")
    p.gap(2)
    p.block(
        f"""
        class Number:
            def __init__(self, data, parents=()):
                self.data = data
                self.grad = 0.0
                self.parents = parents
                self.rule = None

            def __add__(self, other):
                other = other if isinstance(other, Number) else Number(other)
                out = Number(self.data + other.data, (self, other))

                def rule():
                    self.grad += out.grad
                    #~ gradient-overwritten:sum >> self.grad = out.grad
                    other.grad += out.grad
                    #~ gradient-overwritten:other >> other.grad = out.grad

                out.rule = rule
                return out

            def __mul__(self, other):
                other = other if isinstance(other, Number) else Number(other)
                out = Number(self.data * other.data, (self, other))

                def rule():
                    self.grad += other.data * out.grad
                    #~ gradient-overwritten:product >> self.grad = other.data * out.grad
                    #~ gradient-operand-wrong:own >> self.grad += self.data * out.grad
                    other.grad += self.data * out.grad
                    #~ backprop-weights-wrong:own >> other.grad += other.data * out.grad

                out.rule = rule
                return out

            def {v.act}(self):
                out = Number({value}, (self,))

                def rule():
                    self.grad += ({slope}) * out.grad
                    #~ activation-derivative-missing >> self.grad += out.grad
                    #~ activation-derivative-wrong:other >> self.grad += ({wrong}) * out.grad
                    #~ activation-derivative-misplaced >> self.grad += ({misplaced}) * out.grad

                out.rule = rule
                return out

            def log_loss(self, label):
                sign = 1.0 if label else -1.0
                out = Number(math.log1p(math.exp(-sign * self.data)), (self,))

                def rule():
                    self.grad += -sign / (1 + math.exp(sign * self.data)) * out.grad
                    #~ output-delta-wrong:sign >> self.grad += sign / (1 + math.exp(sign * self.data)) * out.grad
                    #~ output-delta-wrong:flipped >> self.grad += -sign / (1 + math.exp(-sign * self.data)) * out.grad

                out.rule = rule
                return out

            def {v.backward}(self):
                order, seen = [], set()

                def visit(node):
                    if id(node) not in seen:
                        seen.add(id(node))
                        for parent in node.parents:
                            visit(parent)
                        order.append(node)

                visit(self)
                self.grad = 1.0
                for node in reversed(order):
                    if node.rule is not None:
                        node.rule()


        random.seed({s.seed})
        inner = [[Number(random.gauss(0, 1)) for _ in range({s.sizes[0] + 1})] for _ in range({units})]
        #~ weights-aliased >> inner = [[Number(random.gauss(0, 1)) for _ in range({s.sizes[0] + 1})]] * {units}
        outer = [Number(random.gauss(0, 0.5)) for _ in range({units + 1})]
        weights = [w for unit in inner for w in unit] + outer
        #~ layer-not-trained:outer >> weights = [w for unit in inner for w in unit]
        #~ layer-not-trained:inner >> weights = outer


        def {v.forward}(x):
            total = outer[-1]
            for unit, w in zip(inner, outer):
                {v.z} = unit[-1]
                for u, value in zip(unit, x):
                    {v.z} = {v.z} + u * value
                total = total + w * {v.z}.{v.act}()
            return total


        def examples(count):
            found = []
            for _ in range(count):
                x = [random.uniform(-1, 1) for _ in range({s.sizes[0]})]
                found.append((x, {task}))
            return found


        """
    )
    _tail(p, s)
    return p


def _tail(p: Program, s: Spec) -> None:
    v = s.names
    rate = {"tanh": 0.4, "relu": 0.2, "sigmoid": 0.8}[s.activation] * (0.5 if s.regression else 1.5)
    params = "[(w, 'data') for unit in inner for w in unit] + [(w, 'data') for w in outer]"
    cost = "error * error * 0.5" if s.regression else f"{v.forward}(x).log_loss(goal)"
    p.gap(2)
    p.block(
        f"""
        learn, check = examples(80), examples(50)
        for {v.epoch} in range(1, 61):
            random.shuffle(learn)
            mean = 0.0
            for start in range(0, 80, 10):
                #@ step {params}
                {v.loss} = Number(0.0)
                for x, goal in learn[start:start + 10]:
                #~ samples-dropped >> for x, goal in learn[start:start + 9]:
        """
    )
    if s.regression:
        p.block(f"error = {v.forward}(x) + -goal", 12)
    p.block(f"{v.loss} = {v.loss} + {cost} * 0.1", 12)
    p.block(
        f"""
        #@ loss {v.loss}.data
        {v.loss}.{v.backward}()
        mean += {v.loss}.data / 8
        for w in weights:
            w.data -= {round(rate, 4)} * w.grad
            #~ update-ascends >> w.data += {round(rate, 4)} * w.grad
            #~ update-not-applied >> data = w.data - {round(rate, 4)} * w.grad
            w.grad = 0.0
            #~ gradient-not-reset >> -
        #@ done {params}
        """,
        8,
    )
    p.block(report(s, 12, "mean"), 4)
    for name in ("learn", "check"):
        if s.regression:
            p.block(
                f"""
                middle = sum(goal for x, goal in {name}) / len({name})
                rest = sum(({v.forward}(x).data - goal) ** 2 for x, goal in {name})
                print("{name}", round(1 - rest / sum((goal - middle) ** 2 for x, goal in {name}), 4))
                """
            )
        else:
            p.block(f'print("{name}", sum(({v.forward}(x).data > 0) == goal for x, goal in {name}) / len({name}))')
