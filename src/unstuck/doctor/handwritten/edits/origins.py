"""Where a value comes from: the literals that it is read from, through assignments, arguments, attributes, dicts."""

from __future__ import annotations

import ast

from .making import is_number
from .reading import Function, Reading, called


def given_to(statement: ast.Assign, name: str, attribute: bool = False) -> list[ast.expr]:
    """What a statement assigns to a name (or to an attribute of that name): its whole value, or one member of it."""

    def wanted(target: ast.expr) -> bool:
        if attribute:
            return isinstance(target, ast.Attribute) and target.attr == name
        return isinstance(target, ast.Name) and target.id == name

    found: list[ast.expr] = []
    for target in statement.targets:
        if wanted(target):
            found.append(statement.value)
        elif isinstance(target, ast.Tuple) and isinstance(statement.value, ast.Tuple):
            found += [v for t, v in zip(target.elts, statement.value.elts, strict=False) if wanted(t)]
    return found


class Origins:
    """Follows values of one program back to where they are written."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading

    def sources(self, node: ast.expr, depth: int = 0) -> list[ast.expr]:
        """The literals that the expression's value is read from."""
        if is_number(node):
            return [node]
        if depth > 5:
            return []
        found: list[ast.expr] = []
        if (
            isinstance(node, ast.Subscript)
            and isinstance(node.slice, ast.Constant)
            and isinstance(node.slice.value, str)
        ):
            found = self._of_key(node.slice.value)
        elif isinstance(node, ast.Name):
            found = self._of_name(node)
        elif isinstance(node, ast.Attribute):
            found = self._of_attribute(node)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub) and is_number(node.right):
            found = [node.left]
        return [s for f in found for s in self.sources(f, depth + 1)]

    def _of_key(self, key: str) -> list[ast.expr]:
        found = []
        for node in self.reading.text.nodes:
            if isinstance(node, ast.Dict):
                found += [
                    v
                    for k, v in zip(node.keys, node.values, strict=True)
                    if isinstance(k, ast.Constant) and k.value == key
                ]
            call = called(node)
            if call and call[0] == "dict" and isinstance(node, ast.Call):
                found += [k.value for k in node.keywords if k.arg == key]
        return found

    def _of_name(self, node: ast.Name) -> list[ast.expr]:
        function = self.reading.function(node)
        while function is not None:
            if any(a.arg == node.id for a in [*function.args.args, *function.args.kwonlyargs]):
                return self._of_argument(function, node.id)
            local = self._assigned(function, node.id)
            if local:
                return local
            function = self.reading.function(function)
        return self._assigned(self.reading.text.tree, node.id)

    def _assigned(self, holder: ast.AST, name: str) -> list[ast.expr]:
        found: list[ast.expr] = []
        for statement in self.reading.body_statements(holder):
            if (
                isinstance(statement, ast.AnnAssign)
                and isinstance(statement.target, ast.Name)
                and statement.target.id == name
            ):
                found += [statement.value] if statement.value else []
            if isinstance(statement, ast.Assign):
                found += given_to(statement, name)
        return found

    def called_functions(self, name: str) -> list[Function]:
        """Functions and methods of this name, and the constructor of a class of this name."""
        found = self.reading.functions_named(name)
        constructor = self.reading.functions.get(f"{name}.__init__")
        return [*found, constructor] if constructor else found

    def _of_argument(self, function: Function, name: str) -> list[ast.expr]:
        arguments = function.args
        names = [a.arg for a in arguments.args]
        positions = [n for n in names if n not in ("self", "cls")]
        given: list[ast.expr] = []
        missing = False
        for node in self.reading.text.nodes:
            call = called(node)
            if not (call and isinstance(node, ast.Call) and any(f is function for f in self.called_functions(call[0]))):
                continue
            value = next((k.value for k in node.keywords if k.arg == name), None)
            place = positions.index(name) if name in positions else len(node.args)
            if (
                value is None
                and place < len(node.args)
                and not any(isinstance(a, ast.Starred) for a in node.args[: place + 1])
            ):
                value = node.args[place]
            if value is None:
                missing = True
            else:
                given.append(value)
        defaults = dict(zip(names[len(names) - len(arguments.defaults) :], arguments.defaults, strict=True))
        defaults |= {
            a.arg: d for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d is not None
        }
        if name in defaults and (missing or not given):
            given.append(defaults[name])
        return given

    def _of_attribute(self, node: ast.Attribute) -> list[ast.expr]:
        found: list[ast.expr] = []
        for statement in self.reading.statements:
            if isinstance(statement, ast.AnnAssign | ast.Assign) and isinstance(
                self.reading.text.parent(statement), ast.ClassDef
            ):
                targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
                if any(isinstance(t, ast.Name) and t.id == node.attr for t in targets) and statement.value:
                    found.append(statement.value)
            if isinstance(statement, ast.Assign):
                found += given_to(statement, node.attr, attribute=True)
        return found
