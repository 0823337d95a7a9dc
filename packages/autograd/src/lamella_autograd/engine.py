"""The backward pass.

Nodes run in falling order of their numbers: a node's consumers were all recorded after it, so when
its turn comes, every part of its gradient has arrived. The nodes that wait stand in a heap, but for
the first of them. A node that is above all of these runs at once, without having waited.
"""

from __future__ import annotations

from functools import partial
from heapq import heappop, heappush
from itertools import product
from operator import index as as_index
from typing import TYPE_CHECKING, Any

from lamella_autograd.anomaly import checked_apply
from lamella_autograd.hooks import (
    LEAF_HOOKS,
    run_after,
    run_before,
    run_leaf_hooks,
    run_post_accumulate,
)
from lamella_autograd.leaf import accumulate_into, calibrate
from lamella_autograd.modes import ANOMALY, NO_GRAD
from lamella_autograd.node import Node, Output
from lamella_autograd.ownership import least, references
from lamella_autograd.passes import Pass, passes
from lamella_autograd.sums import SMALL, deposit, summed
from lamella_core.dispatch import REQUIRES_GRAD, modes
from lamella_core.ops.creation import empty
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def run(
    roots: Sequence[tuple[Any, Tensor]],
    *,
    retain_graph: bool,
    create_graph: bool,
    inputs: Sequence[Any] | None = None,
    accumulate: bool = True,
) -> list[Tensor | None]:
    """Sends gradients from the roots through the graph.

    Args:
        roots: edges, each with the gradient that enters there.
        retain_graph: keep what the nodes saved, for another pass.
        create_graph: record the pass, so that the gradients can be differentiated.
        inputs: edges to stop at; only nodes on the way to them run. None means all leaves.
        accumulate: add to the ``.grad`` of leaves; otherwise the gradients that arrive at
            ``inputs`` are returned.

    Returns:
        the gradients that arrived at ``inputs``, None for those that nothing arrived at; an empty
        list without ``inputs``.

    Raises:
        TypeError: for a flag that is neither a bool nor an integer.
    """
    if not (retain_graph.__class__ is create_graph.__class__ is bool):
        as_index(retain_graph), as_index(create_graph)
    before = modes.bits
    modes.bits = before & ~NO_GRAD if create_graph else before | NO_GRAD
    running = passes.stack
    try:
        wanted = None if inputs is None else _Wanted(roots, inputs)
        this = Pass([edge for edge, _ in roots], wanted)
        running.append(this)
        try:
            _sweep(roots, retain_graph, create_graph, this, accumulate)
        finally:
            running.pop()
            if this.sums:
                this.settle()
        return [] if wanted is None else wanted.collected(create_graph)
    finally:
        modes.bits = before


def _sweep(
    roots: Sequence[tuple[Any, Tensor]],
    retain_graph: bool,
    create_graph: bool,
    this: Pass,
    accumulate: bool,
) -> None:
    wanted = this.wanted
    sums = this.sums
    gradients: dict[Node, Any] = {}
    behind: list[tuple[int, Node]] = []
    front: Node | None = None
    front_number = -1
    front_arrived: Any = None
    frees = not retain_graph
    hooked: _HookedLeaves | None = None
    anomaly = modes.bits & ANOMALY
    watched = wanted is not None or anomaly
    collects = accumulate and wanted is None and not create_graph
    edges: Any = [edge for edge, _ in roots]
    starts = edges
    grads: Any = [grad for _, grad in roots]
    del roots
    while True:
        # The node that comes next when it is none of those that wait.
        node: Any = None
        arrived: Any = None
        index = -1
        for edge in edges:
            index += 1
            grad = grads[index]
            if edge is None or grad is None:
                continue
            if isinstance(edge, Node):
                if edge is node:
                    grads = _unread(grads, index)
                    arrived = summed(arrived, grad)
                    continue
                if edge is front:
                    front_arrived = summed(front_arrived, grad)
                    continue
                if edge in gradients:
                    gradients[edge] = summed(gradients[edge], grad)
                    continue
            elif edge.__class__ is Output:
                output = edge.index
                edge = edge.node
                if edge is node:
                    known = arrived
                else:
                    known = front_arrived if edge is front else gradients.get(edge)
                if known is not None:
                    if known[output] is not None:
                        grad = summed(known[output], grad)
                    known[output] = grad
                    continue
                known = [None] * edge.outputs
                known[output] = grad
                grad = known
            else:
                if collects and not edge._key & LEAF_HOOKS:
                    if not deposit(sums, edge, grad):
                        grads = _unread(grads, index + 1)
                        accumulate_into(edge, grad, False)
                elif wanted is None or wanted.accumulates(edge):
                    if edge._key & LEAF_HOOKS:
                        if hooked is None:
                            hooked = _HookedLeaves(starts, create_graph, this, accumulate)
                        hooked.arrive(edge, grad)
                    elif accumulate:
                        accumulate_into(edge, grad, create_graph)
                    else:
                        grads = _unread(grads, index)
                        wanted.collect_leaf(edge, grad)  # type: ignore[union-attr]
                continue
            if wanted is not None and edge not in wanted.nodes:
                continue
            number = edge.number
            if number > front_number:
                if node is None:
                    node = edge
                    arrived = grad
                    continue
                if number > node.number:
                    edge, node = node, edge
                    grad, arrived = arrived, grad
                    number = edge.number
                if front is not None:
                    heappush(behind, (-front_number, front))
                    gradients[front] = front_arrived
                front = edge
                front_number = number
                front_arrived = grad
            else:
                heappush(behind, (-number, edge))
                gradients[edge] = grad
        edge = grad = known = edges = grads = None
        if node is None:
            if front is None:
                if hooked is not None:
                    hooked.finish()
                return
            node = front
            arrived = front_arrived
            if behind:
                front_number, front = heappop(behind)
                front_number = -front_number
                front_arrived = gradients.pop(front)
            else:
                front = front_arrived = None
                front_number = -1
        while True:
            if watched or node.hooks is not None:
                captured = wanted is not None and node in wanted.captures
                # As in PyTorch: what goes on through the node is asked for before its hooks ran.
                goes_on = captured and node in wanted.runs  # type: ignore[union-attr]
                if goes_on:
                    wanted.collect_node(node, arrived)  # type: ignore[union-attr]
                if node.hooks is not None:
                    this.settle()
                    arrived = run_before(node, arrived)
                if captured and not goes_on:
                    wanted.collect_node(node, arrived)  # type: ignore[union-attr]
                    edges = grads = ()
                    break
                grads = checked_apply(node, arrived) if anomaly else node.apply(arrived)
                if node.hooks is not None:
                    grads = run_after(node, grads, arrived)
                if frees and node.saves:
                    node.release()
                edges = node.edges
                break
            grads = node.step(arrived, frees)
            edges = node.edges
            if len(edges) == 2:
                edge = edges[1]
                if edge is not None:
                    if not (
                        collects
                        and isinstance(edge, Tensor)
                        and not edge._key & LEAF_HOOKS
                        and grads[1] is not None
                        and deposit(sums, edge, grads[1])
                    ):
                        break
            elif len(edges) != 1:
                break
            # An only edge is followed at once, unless something that waits comes before.
            edge = edges[0]
            arrived = grads[0]
            if isinstance(edge, Node) and arrived is not None:
                if edge is front:
                    front_arrived = summed(front_arrived, arrived)
                    edges = ()
                    break
                if edge.number > front_number:
                    node = edge
                    continue
            edges = edges[:1]
            break


def _unread(grads: Any, index: int) -> Any:
    """Gradients without those that were read, so that nobody keeps these."""
    return (None,) * index + tuple(grads[index:])


class _HookedLeaves:
    """The leaves with hooks, which are to see a gradient once, when all parts of it have come.

    How many parts a leaf gets is counted over the graph when the first of them arrives. A part
    that never comes, because a formula returned None, leaves its leaf to the end of the pass.
    """

    def __init__(
        self, starts: Sequence[Any], create_graph: bool, this: Pass, accumulate: bool
    ) -> None:
        wanted = this.wanted
        self.create_graph = create_graph
        self.running = this
        self.wanted = wanted
        self.accumulate = accumulate
        self.parts: dict[Tensor, Tensor] = {}
        self.missing: dict[Tensor, int] = {}
        seen: set[Node] = set()
        stack = list(starts)
        while stack:
            edge = stack.pop()
            if edge is None:
                continue
            if isinstance(edge, Tensor):
                if edge._key & LEAF_HOOKS:
                    self.missing[edge] = self.missing.get(edge, 0) + 1
                continue
            node = edge.node if edge.__class__ is Output else edge
            if node not in seen and (wanted is None or node in wanted.runs):
                seen.add(node)
                stack.extend(node.edges)

    def arrive(self, leaf: Tensor, grad: Tensor) -> None:
        """Takes a part of the gradient of a leaf; passes the sum on with the last one."""
        have = self.parts.get(leaf)
        grad = grad if have is None else have + grad
        self.missing[leaf] = left = self.missing.get(leaf, 1) - 1
        if left > 0:
            self.parts[leaf] = grad
        else:
            self.parts.pop(leaf, None)
            self._pass_on(leaf, grad)

    def finish(self) -> None:
        """Passes on what waited for parts that did not come."""
        while self.parts:
            leaf, grad = self.parts.popitem()
            self._pass_on(leaf, grad)

    def _pass_on(self, leaf: Tensor, grad: Tensor) -> None:
        self.running.settle()
        grad = run_leaf_hooks(leaf, grad)
        if not self.accumulate:
            self.wanted.collect_leaf(leaf, grad)
            return
        accumulate_into(leaf, grad, self.create_graph)
        run_post_accumulate(leaf, grad)


class _Wanted:
    """What a pass towards given inputs has to run and to collect.

    Attributes:
        nodes: the nodes that gradients may enter.
        runs: those of them whose own formulas run.
        captures: by node, the numbers of its outputs whose gradients are collected.
    """

    def __init__(self, roots: Sequence[tuple[Any, Tensor]], inputs: Sequence[Any]) -> None:
        self.inputs = list(inputs)
        self.captures: dict[Node, list[int]] = {}
        self.leaves: dict[int, Tensor | None] = {}
        self.outputs: dict[tuple[Node, int], Tensor | None] = {}
        for edge in self.inputs:
            if isinstance(edge, Tensor):
                self.leaves[id(edge)] = None
            elif edge is not None:
                node, index = (edge.node, edge.index) if edge.__class__ is Output else (edge, 0)
                self.captures.setdefault(node, []).append(index)
                self.outputs[node, index] = None
        self.runs = self._on_the_way(roots)
        self.nodes = self.runs | self.captures.keys()

    def _on_the_way(self, roots: Sequence[tuple[Any, Tensor]]) -> set[Node]:
        reached: set[Node] = set()
        stack = [edge for edge, _ in roots]
        while stack:
            edge = stack.pop()
            if edge is None or isinstance(edge, Tensor):
                continue
            node = edge.node if edge.__class__ is Output else edge
            if node not in reached:
                reached.add(node)
                stack.extend(node.edges)
        runs: set[Node] = set()
        for node in sorted(reached, key=lambda each: each.number):
            for edge in node.edges:
                if edge is None:
                    continue
                if isinstance(edge, Tensor):
                    leads = id(edge) in self.leaves
                else:
                    producer = edge.node if edge.__class__ is Output else edge
                    leads = producer in runs or producer in self.captures
                if leads:
                    runs.add(node)
                    break
        return runs

    def accumulates(self, leaf: Tensor) -> bool:
        return id(leaf) in self.leaves

    def collect_leaf(self, leaf: Tensor, grad: Tensor) -> None:
        if self.leaves[id(leaf)] is not None:
            grad = summed(self.leaves[id(leaf)], grad)
        self.leaves[id(leaf)] = grad

    def collect_node(self, node: Node, arrived: Any) -> None:
        for index in self.captures[node]:
            self.outputs[node, index] = arrived[index] if isinstance(arrived, list) else arrived

    def collected(self, create_graph: bool) -> list[Tensor | None]:
        """The gradients, in the order of the inputs."""
        found: list[Tensor | None] = []
        for edge in self.inputs:
            if edge is None:
                grad = None
            elif isinstance(edge, Tensor):
                grad = self.leaves[id(edge)]
            elif edge.__class__ is Output:
                grad = self.outputs[edge.node, edge.index]
            else:
                grad = self.outputs[edge, 0]
            if grad is not None and not create_graph and grad._key & REQUIRES_GRAD:
                grad = grad.detach()
            found.append(grad)
        return found


class _Spring(Node):
    """Gives what is behind it gradients from nowhere, to count references."""

    __slots__ = ("make",)

    make: Callable[[], Tensor]
    saves = False

    def __init__(self, number: int, make: Callable[[], Tensor], *edges: Any) -> None:
        self.edges = edges
        self.number = number
        self.hooks = None
        self.make = make

    def apply(self, grad: Any) -> tuple[Any, ...]:
        return tuple([self.make() for _ in self.edges])


class _End(Node):
    """Notes which gradient arrives."""

    __slots__ = ("arrived",)

    saves = False

    def __init__(self) -> None:
        self.edges = (None,)
        self.number = 0
        self.hooks = None
        self.arrived: list[Any] = []

    def apply(self, grad: Any) -> tuple[Any, ...]:
        self.arrived.append(id(grad[0] if isinstance(grad, list) else grad))
        return (None,)


def _run_pass(leaf: Tensor, make: Callable[[], Tensor]) -> None:
    run([(_Spring(0, make, leaf), leaf)], retain_graph=False, create_graph=False)


def _is_summed_in_place(place: str, alone: bool, waits: bool) -> bool:
    """Whether a second gradient is added to the first.

    Args:
        place: where they arrive: a ``node``, one ``output`` of it, or a ``leaf`` asked for.
        alone: whether the second is the only one that its node gives.
        waits: whether another node stands before the one that they arrive at.
    """
    made: list[int] = []

    def make() -> Tensor:
        grad = empty(SMALL + 1)
        made.append(id(grad))
        return grad

    end = _End()
    leaf = empty(SMALL + 1)
    edge = {"node": end, "output": Output(end, 0), "leaf": leaf}[place]
    other = _Spring(3, make, *((edge,) if alone else (edge, None, None)))
    others = (other, _Spring(2, make, None)) if waits else (other,)
    root = (_Spring(4, make, *others, edge), leaf)
    inputs = [leaf] if place == "leaf" else None
    given = run([root], retain_graph=False, create_graph=False, inputs=inputs, accumulate=False)
    return made[len(others)] in end.arrived + [id(each) for each in given]


def _calibrate_sums() -> None:
    # The least of the counts, so that a sum is never made in what somebody else has.
    places = product(("node", "output", "leaf"), (True, False), (True, False))
    cases: Any = [partial(_is_summed_in_place, *each) for each in places]
    least("summed", cases[0])
    while references.summed:
        references.summed -= 1
        if not any([case() for case in cases]):
            references.summed += 1
            return


calibrate(_run_pass)
_calibrate_sums()
