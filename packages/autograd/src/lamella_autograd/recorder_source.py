"""Writes the source of an op's recorder and of its node's methods; ``recording`` compiles it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_autograd.formulas import unchanged
from lamella_core.conventions.pointwise import Pointwise

if TYPE_CHECKING:
    from lamella_autograd.formulas import Derivative, Formula, OpCall
    from lamella_core.dispatch import Op
    from lamella_core.signature import Param


def _indented(line: str) -> str:
    return f"    {line}"


class Source:
    """Writes the source of an op's recorder and of its node's methods."""

    def __init__(self, op: Op, rules: Derivative, *, numbers: bool, checks: bool) -> None:
        self.op = op
        self.rules = rules
        self.checks = checks
        self.numbers = numbers
        self.number: str | None = None
        self.params = {p.name: p for p in op.params}
        self.arguments = rules.arguments
        self.pointwise = isinstance(op.convention, Pointwise)
        tensors = [p for p in op.params if p.kind not in ("value", "device")]
        self.broadcasts = self.pointwise and len(tensors) > 1
        # The number of `x * 2` is freed with the graph like a tensor, as in PyTorch.
        self.binary = self.pointwise and [p.kind for p in op.params] == ["operand"] * 2
        self.multiple = self._names_outputs("grads", "results")
        uses: dict[str, list[str]] = {}
        for argument in self.arguments:
            for name in self._names_for(argument):
                uses.setdefault(name, []).append(argument)
        self.uses = uses
        self.saved_tensors = [
            n for n in uses if n in self.params and self.params[n].kind not in ("value", "device")
        ]
        self.saved_values = [
            n for n in uses if n in self.params and self.params[n].kind in ("value", "device")
        ]
        self.described = [
            n for n in uses if n not in self.params and n.endswith(("_shape", "_dtype"))
        ]
        self.saves_result = "result" in uses or "results" in uses
        slots = [f"_kept_{n}" for n in (*self.saved_tensors, *self.saved_values)]
        slots += [f"_version_{n}" for n in self.saved_tensors]
        slots += [f"_{n}" for n in self.described]
        for n in self.arguments:
            if self.params[n].kind == "tensors":
                slots.append(f"_like_{n}")
            else:
                slots += [f"_type_{n}", f"_shape_{n}"] if self.broadcasts else [f"_type_{n}"]
        if self.saves_result:
            slots += ["_kept_result", "_version_result"]
        if rules.once:
            slots.append("_once")
        if self.multiple:
            slots.append("outputs")
        self.slots = tuple(slots)

    def _names_outputs(self, *names: str) -> bool:
        formulas = [*self.rules.by_argument.values()]
        if self.rules.compute is not None:
            formulas.append(self.rules.compute)
        return any(name in formula.names for formula in formulas for name in names)

    def _names_for(self, argument: str) -> tuple[str, ...]:
        if self.rules.compute is not None:
            names = self.rules.compute.names
        else:
            names = self.rules.by_argument[argument].names
        return tuple(n for n in names if n not in ("grad", "grads", "needs"))

    def _condition(self, name: str) -> str:
        users = self.uses[name]
        if set(users) == set(self.arguments) and len(self.arguments) == 1:
            return ""
        return "if " + " or ".join(f"edge_{a} is not None" for a in users) + ": "

    # ------------ the recorder

    def recorder(self, *, functional: bool) -> str:
        """The function that runs a call and records it; or, not functional, makes only its node."""
        arguments = ", ".join(p.name for p in self.op.params)
        if functional:
            lines = [f"def record({arguments}):", f"    result = below({arguments})"]
            if not self.multiple and not self._keeps_category():
                lines += ["    if result._dtype.category < 2:", "        return result"]
        else:
            lines = [f"def record(result, {arguments}):"]
        if self.binary and functional and self.numbers:
            left, right = self.params
            lines.append(f"    if {right}.__class__ in PLAIN:")
            lines += map(_indented, self._body(True, right))
            return "\n".join([*lines, *self._body(True, left)])
        return "\n".join([*lines, *self._body(functional, None)])

    def _keeps_category(self) -> bool:
        """Whether the result of floating operands is floating, too."""
        return self.pointwise and self.op.convention.result != "bool"

    def _body(self, functional: bool, number: str | None) -> list[str]:
        """The statements after the call; ``number`` is the operand that is known to be a number."""
        self.number = number
        lines = []
        for argument in self.arguments:
            lines += self._edge_lines(self.params[argument])
        tensors = [n for n, p in self.params.items() if p.kind not in ("value", "device")]
        if (
            not functional
            or {n for n in tensors if n != number} - set(self.arguments)
            or any(self.params[n].kind == "tensors" for n in tensors)
        ):
            absent = " and ".join(f"edge_{a} is None" for a in self.arguments if a != number)
            lines.append(f"    if {absent or True}: return {'result' if functional else 'None'}")
        lines += ["    node = Node()", "    node.hooks = None"]
        edges = ""
        for argument in self.arguments:
            if self.params[argument].kind == "tensors":
                edges += f"*(edge_{argument} or [None] * len({argument})), "
            else:
                edges += f"edge_{argument}, "
        lines += [f"    node.edges = ({edges})", "    node.number = next_number()"]
        if self.rules.once:
            lines.append("    node._once = None")
        for name in self.saved_values:
            lines.append(f"    node._kept_{name} = {name}")
        for name in self.saved_tensors:
            lines += self._save_lines(name)
        for name in self.described:
            lines += self._describe_lines(name)
        for argument in self.arguments:
            lines += self._like_lines(self.params[argument])
        return lines + self._output_lines(functional=functional)

    def _edge_lines(self, param: Param) -> list[str]:
        name = param.name
        if param.kind == "tensors":
            return [
                f"    edge_{name} = [edge_of(each) for each in {name}]",
                f"    if not any([each is not None for each in edge_{name}]): edge_{name} = None",
            ]
        if name == self.number:
            return [f"    edge_{name} = None"]
        test = f"{name}._key & GRAD"
        if param.kind.startswith("optional") or (
            self.number is None and param.kind == "operand" and self.numbers
        ):
            test = f"{name}.__class__ not in PLAIN and {test}"
        return [
            f"    edge_{name} = None",
            f"    if {test}:",
            f"        edge_{name} = {name}._graph if {name}._view is None else edge_of({name})",
            f"        if edge_{name} is None: edge_{name} = {name}",
        ]

    def _save_lines(self, name: str) -> list[str]:
        kind = self.params[name].kind
        if name == self.number:
            return [f"    node._kept_{name} = {name}"]
        if self.number is not None and self.uses[name] == [self.number]:
            return [f"    node._kept_{name} = None"]
        condition = "" if self.number is not None else self._condition(name)
        lines = [f"    node._kept_{name} = None"] if condition else []
        indent = "    "
        if condition:
            lines.append(f"    {condition}")
            indent = "        "
        if kind == "tensors":
            return [
                *lines,
                f"{indent}node._kept_{name} = list({name})",
                f"{indent}node._version_{name} = [each._version for each in {name}]",
            ]
        may_be_plain = kind.startswith("optional") or (
            self.number is None and kind == "operand" and self.numbers
        )
        lines.append(f"{indent}node._kept_{name} = {name}")
        if may_be_plain:
            lines.append(f"{indent}if {name}.__class__ not in PLAIN:")
            indent += "    "
        if self.checks:
            lines.append(
                f"{indent}if {name}._key & INFERENCE_TENSOR: "
                f"raise save_inference_error({self.op.name!r})"
            )
        lines += [
            f"{indent}storage = {name}._storage",
            f"{indent}node._version_{name} = 0 if storage is None else storage.version",
        ]
        return lines

    def _describe_lines(self, name: str) -> list[str]:
        argument, _, what = name.rpartition("_")
        attribute = "_array.shape" if what == "shape" else "_dtype"
        kind = self.params[argument].kind
        if kind == "tensors":
            return [f"    node._{name} = [each.{attribute} for each in {argument}]"]
        if kind == "tensor":
            return [f"    node._{name} = {argument}.{attribute}"]
        return [
            f"    node._{name} = None if {argument}.__class__ in PLAIN else {argument}.{attribute}"
        ]

    def _like_lines(self, param: Param) -> list[str]:
        """Keeps the type of an argument and, where it may have been broadcast, its shape."""
        name = param.name
        if param.kind == "tensors":
            return [
                f"    node._like_{name} = None if edge_{name} is None else "
                f"[(each._array.shape, each._dtype) for each in {name}]"
            ]
        if name == self.number:
            return []
        lines = [] if len(self.arguments) == 1 else [f"    if edge_{name} is not None:"]
        indent = "        " if lines else "    "
        lines.append(f"{indent}node._type_{name} = {name}._dtype")
        if self.broadcasts:
            shape = f"{name}._array.shape" if self.number is None else "None"
            lines.append(f"{indent}node._shape_{name} = {shape}")
        return lines

    def _output_lines(self, *, functional: bool) -> list[str]:
        lines = []
        if self.multiple:
            lines += [
                "    node.outputs = len(result)",
                "    for index, each in enumerate(result):",
                "        if each._dtype.category >= 2:",
                "            each._graph = Output(node, index)",
                "            each._key |= GRAD",
            ]
            if self.saves_result:
                kept, version = "saved_output({})", "{}._version"
                lines += [
                    f"    node._kept_result = {self._each_output(kept, 'None')}",
                    f"    node._version_result = {self._each_output(version, '0')}",
                ]
        elif self.saves_result:
            name = "result"
            condition = self._condition(name)
            indent = "    "
            if condition:
                lines += ["    node._kept_result = None", f"    {condition}"]
                indent = "        "
            lines += [
                f"{indent}node._kept_result = saved_output(result)",
                f"{indent}node._version_result = result._storage.version",
            ]
        if not functional:
            return [*lines, "    return node"]
        if not self.multiple:
            lines += ["    result._graph = node", "    result._key |= GRAD"]
        return [*lines, "    return result"]

    def _each_output(self, kept: str, other: str) -> str:
        """The source of a list, an entry for each output: one of those kept, or another."""
        keeps = self.rules.keeps
        if keeps is None:
            return f"[{kept.format('each')} for each in result]"
        entries = [
            kept.format(f"result[{i}]") if i in keeps else other for i in range(max(keeps) + 1)
        ]
        return f"[{', '.join(entries)}]"

    # ------------ the node's methods

    def node_methods(self) -> str:
        what = "grads" if self.multiple else "grad"
        lines = [f"def step(node, {what}, frees):"]
        saves = [*self.saved_tensors, *(["result"] if self.saves_result else [])]
        lines += self._edge_slices()
        if self.saves_result or any(f.call for f in self.rules.by_argument.values()):
            lines.append("    mode_bits = modes.bits")
        if self.rules.once:
            lines.append(f"    if node._once is FREED: raise used_twice({self.op.name!r})")
        for name in self.saved_values:
            lines.append(f"    {name} = node._kept_{name}")
        for name in self.described:
            lines.append(f"    {name} = node._{name}")
        for name in self.saved_tensors:
            lines += self._check_lines(name)
        if self.saves_result:
            lines += self._result_lines()
        lines += self._gradient_lines()
        releases = []
        for name in saves:
            slot = f"node._kept_{name}"
            number = name != "result" and not self.binary and self._may_be_number(name)
            held = f"{slot}.__class__ not in PLAIN" if number else f"{slot} is not None"
            releases.append(f"    if {held}: {slot} = FREED")
        if self.rules.once:
            releases.append("    node._once = FREED")
        if releases:
            lines += ["    if frees:", *map(_indented, releases)]
        lines += [f"    return ({self._results()})", "def release(node):"]
        return "\n".join([*lines, *(releases or ["    pass"])])

    def _edge_slices(self) -> list[str]:
        kinds = [self.params[a].kind for a in self.arguments]
        if "tensors" not in kinds:
            names = "".join(f"edge_{a}, " for a in self.arguments)
            return [f"    {names}= node.edges"]
        lines = ["    rest = node.edges"]
        for argument, kind in zip(self.arguments, kinds, strict=True):
            if kind == "tensors":
                after = len(self.arguments) - 1 - self.arguments.index(argument)
                end = f"len(rest) - {after}" if after else "len(rest)"
                lines += [f"    edge_{argument} = rest[:{end}]", f"    rest = rest[{end}:]"]
            else:
                lines += [f"    edge_{argument} = rest[0]", "    rest = rest[1:]"]
        return lines

    def _check_lines(self, name: str) -> list[str]:
        kind = self.params[name].kind
        op = self.op.name
        if kind == "tensors":
            return [
                f"    {name} = node._kept_{name}",
                f"    if {name} is FREED: raise used_twice({op!r})",
                f"    for each, version in zip({name} or (), "
                f"node._version_{name} if {name} else ()):",
                "        if each._version != version:",
                f"            raise modified({op!r}, {name!r}, each, version)",
            ]
        lines = [f"    {name} = node._kept_{name}"]
        test = f"{name} is not None"
        lines.append(f"    if {name} is FREED: raise used_twice({op!r})")
        if self._may_be_number(name):
            lines.append(f"    is_tensor_{name} = {name}.__class__ not in PLAIN")
            test = f"is_tensor_{name}"
        return [
            *lines,
            f"    if {test}:",
            f"        storage = {name}._storage",
            f"        if storage is not None and storage.version != node._version_{name}:",
            f"            raise modified({op!r}, {name!r}, {name}, node._version_{name})",
        ]

    def _may_be_number(self, name: str) -> bool:
        return self.params[name].kind in ("operand", "optional operand")

    def _result_lines(self) -> list[str]:
        op = self.op.name
        if self.multiple:
            return [
                "    results = node._kept_result",
                f"    if results is FREED: raise used_twice({op!r})",
                "    for each, version in zip(results, node._version_result):",
                "        if each is not None and each._version != version:",
                f"            raise modified({op!r}, 'results', each, version)",
                "    if not mode_bits & NO_GRAD:",
                "        results = [attached(each, Output(node, i)) if each is not None and "
                "each._dtype.category >= 2 else each for i, each in enumerate(results)]",
            ]
        return [
            "    result = node._kept_result",
            f"    if result is FREED: raise used_twice({op!r})",
            "    if result is not None:",
            "        if result._storage.version != node._version_result:",
            f"            raise modified({op!r}, 'result', result, node._version_result)",
            "        if not mode_bits & NO_GRAD: result = attached(result, node)",
        ]

    def _gradient_lines(self) -> list[str]:
        if self.rules.compute is not None:
            call = ", ".join(self.rules.compute.names)
            needs = "".join(f"edge_{a} is not None, " for a in self.arguments)
            targets = "".join(f"to_{a}, " for a in self.arguments)
            lines = [f"    needs = ({needs})", f"    {targets}= formula({call})"]
            for argument in self.arguments:
                wanted = f"edge_{argument} is not None and to_{argument} is not None"
                lines += self._restore_lines(argument, "    ", wanted)
        else:
            lines = self._shared_lines()
            for argument in self.arguments:
                formula = self.rules.by_argument[argument]
                call = ", ".join(formula.names)
                lines += [f"    to_{argument} = None"]
                wanted = f"edge_{argument} is not None"
                if self.params[argument].kind == "tensors":
                    wanted = f"node._like_{argument} is not None"
                lines.append(f"    if {wanted}:")
                made = f"to_{argument} = formula_{argument}({call})"
                if formula.function is unchanged:
                    lines.append(f"        to_{argument} = grad")
                elif formula.call is None:
                    lines.append(f"        {made}")
                else:
                    lines += self._call_lines(argument, formula.call, made)
                condition = "" if _is_given(formula) else f"to_{argument} is not None"
                lines += self._restore_lines(argument, "        ", condition)
        return lines

    def _results(self) -> str:
        return "".join(
            f"*(to_{a} or [None] * len(edge_{a})), "
            if self.params[a].kind == "tensors"
            else f"to_{a}, "
            for a in self.arguments
        )

    def _shared_lines(self) -> list[str]:
        """What the gradients of several arguments have in common, looked up once."""
        lines = []
        formulas = [self.rules.by_argument[a] for a in self.arguments]
        if self.broadcasts and any(map(_is_given, formulas)):
            lines.append("    size = grad._array.shape")
        if any(formula.call is not None for formula in formulas):
            lines.append("    bits = grad._key | mode_bits")
        return lines

    def _call_lines(self, argument: str, call: OpCall, made: str) -> list[str]:
        """The call of an op, made here as its own function would; or ``made``, for numbers."""
        keys = "".join(f"{name}._key | " for name in call.operands if name != "grad")
        entry = f"table_{argument}[{keys}bits]({', '.join(call.operands)})"
        given = [name for name in call.operands if name in self.params]
        tests = [f"is_tensor_{name}" for name in given if self._may_be_number(name)]
        if call.conjugated is not None:
            tests.append(f"not {call.conjugated}._dtype.is_complex")
        if not tests:
            return [f"        to_{argument} = {entry}"]
        return [
            f"        if {' and '.join(tests)}: to_{argument} = {entry}",
            f"        else: {made}",
        ]

    def _restore_lines(self, argument: str, indent: str, condition: str) -> list[str]:
        """Brings a gradient to its argument's shape and type, where ``condition`` holds."""
        like = f"node._like_{argument}"
        grad = f"to_{argument}"
        if self.params[argument].kind == "tensors":
            return [
                f"{indent}if {grad} is not None and {like} is not None:",
                f"{indent}    {grad} = [None if g is None else restore(g, shape, dtype) "
                f"for g, (shape, dtype) in zip({grad}, {like})]",
            ]
        differs = f"{grad}._dtype is not node._type_{argument}"
        lines = [f"{indent}if {condition}:"] if condition else []
        indent += "    " if condition else ""
        if not self.broadcasts:
            return [
                *lines,
                f"{indent}if {differs}: {grad} = restore({grad}, None, node._type_{argument})",
            ]
        formula = self.rules.by_argument.get(argument)
        # A product with the gradient has its shape, as the operands do not go beyond the result's.
        size = "size" if formula is not None and _is_given(formula) else f"{grad}._array.shape"
        return [
            *lines,
            f"{indent}shape = node._shape_{argument}",
            f"{indent}if {differs} or (shape is not None and {size} != shape):",
            f"{indent}    {grad} = restore({grad}, shape, node._type_{argument})",
        ]


def _is_given(formula: Formula) -> bool:
    """Whether a formula is the gradient as it is or one call of an op with it: never None."""
    return formula.function is unchanged or formula.call is not None
