"""The graph as text in Graphviz's DOT language, and as a picture where Graphviz is installed."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from lamella_autograd.inplace import edge_of
from lamella_autograd.node import AccumulateGrad, Node, Output
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterable


def to_dot(
    outputs: Tensor | Iterable[Tensor],
    params: Mapping[str, Tensor] | Iterable[tuple[str, Tensor]] | None = None,
) -> str:
    """The graph behind some tensors, as text in the DOT language of Graphviz.

    Boxes are nodes, with the names of their ops; ellipses are the outputs and the leaves, with
    names and shapes. Arrows point the way the gradients flow. Where an op has several outputs, an
    arrow to it has the number of the one that it belongs to.

    Args:
        outputs: where to start: a tensor, or several.
        params: names for leaves, as ``module.named_parameters()`` gives them, or a dictionary.

    Raises:
        RuntimeError: for an output that does not require grad.

    Example: ``print(to_dot(loss, model.named_parameters()))``; :func:`render_dot` draws it.
    """
    pairs = params.items() if isinstance(params, Mapping) else params or ()
    drawing = _Drawing({id(tensor): name for name, tensor in pairs})
    given = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    for i, output in enumerate(given):
        drawing.add_output(output, "output" if len(given) == 1 else f"output {i}")
    return drawing.text()


def render_dot(
    outputs: Tensor | Iterable[Tensor],
    params: Mapping[str, Tensor] | Iterable[tuple[str, Tensor]] | None = None,
) -> Any:
    """The picture of :func:`to_dot`: a ``graphviz.Source``, which notebooks show and
    ``render("graph", format="svg")`` writes to a file.

    Raises:
        ImportError: without the ``graphviz`` package.
        RuntimeError: for an output that does not require grad.
    """
    try:
        graphviz = import_module("graphviz")
    except ImportError as error:
        raise ImportError(
            "drawing a graph needs the graphviz package: pip install lamella-autograd[graphviz], "
            "and the program `dot` of Graphviz; to_dot gives the text without them"
        ) from error
    return graphviz.Source(to_dot(outputs, params))


class _Drawing:
    """Lines of DOT, each node of the graph once."""

    def __init__(self, names: dict[int, str]) -> None:
        self.names = names
        self.lines = ["digraph {", '    node [fontname="monospace", shape=box]']
        self.keys: dict[int, str] = {}
        # Objects whose ids are keys stay alive, so that no other object gets such an id.
        self.seen: list[Any] = []

    def add_output(self, output: Tensor, name: str) -> None:
        edge = edge_of(output)
        if edge is None:
            raise RuntimeError(f"to_dot: {name} does not require grad, so it has no graph")
        key = f"o{len(self.keys)}_{len(self.lines)}"
        self._ellipse(key, self.names.get(id(output), name), output)
        self.lines.append(f"    {key} -> {self._key_of(edge)}{_label(edge)}")

    def text(self) -> str:
        return "\n".join([*self.lines, "}"]) + "\n"

    def _ellipse(self, key: str, name: str, tensor: Tensor) -> None:
        label = _quoted(f"{name}\n{tuple(tensor.shape)}" if name else f"{tuple(tensor.shape)}")
        self.lines.append(f"    {key} [label={label}, shape=ellipse]")

    def _key_of(self, edge: Any) -> str:
        """The key of the place where an edge ends; draws it, and all behind it, if it is new."""
        target = edge.node if isinstance(edge, Output) else edge
        if isinstance(target, AccumulateGrad):
            target = target.variable
        known = self.keys.get(id(target))
        if known is not None:
            return known
        first = self._new(target)
        waiting = [target]
        while waiting:
            node = waiting.pop()
            if not isinstance(node, Node):
                continue
            for each in node.edges:
                if each is None:
                    continue
                place = each.node if isinstance(each, Output) else each
                key = self.keys.get(id(place))
                if key is None:
                    key = self._new(place)
                    waiting.append(place)
                self.lines.append(f"    {self.keys[id(node)]} -> {key}{_label(each)}")
        return first

    def _new(self, place: Any) -> str:
        key = self.keys[id(place)] = f"n{len(self.keys)}"
        self.seen.append(place)
        if isinstance(place, Tensor):
            self._ellipse(key, self.names.get(id(place), ""), place)
        else:
            self.lines.append(f"    {key} [label={_quoted(place.name())}]")
        return key


def _label(edge: Any) -> str:
    several = isinstance(edge, Output) and edge.node.outputs > 1
    return f" [label={edge.index}]" if several else ""


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
