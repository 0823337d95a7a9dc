"""Nodes of the graph: one for each recorded call."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from lamella_core.dispatch import REQUIRES_GRAD
from lamella_core.storage import new_storage, storage_of
from lamella_core.tensor import Tensor, alias, blank

if TYPE_CHECKING:
    from collections.abc import Callable

next_number = count().__next__


class _Freed:
    """Stands in a node for a saved tensor that was dropped after a backward pass."""

    __slots__ = ()


FREED = _Freed()


# By op, for nodes whose edges PyTorch has in another order: from the node and what it leads to.
arrangements: dict[str, Callable[[Node, tuple[Any, ...]], tuple[Any, ...]]] = {}


class Node:
    """A recorded call: where its gradients go, and what its formulas need.

    A subclass has ``apply(grad)``: it takes the gradient of the output (a list where there are
    several outputs) and returns the gradients of the inputs, in the order of ``edges``.

    An *edge* is where a gradient flows to: a Node (its only output), an :class:`Output` of a node
    with several, a leaf tensor, or None where no gradient is wanted. Every consumer of a node has
    a higher ``number``, so a backward pass runs in falling order of numbers.

    Attributes:
        edges: one for each tensor that the formulas return a gradient for.
        number: counts recorded calls.
        hooks: the user's hooks, None while there are none.
        several: whether edges to it name one of several outputs.
        saves: whether the class keeps anything that ``release`` drops.
        unpacks: whether what it keeps may be packed by hooks.
        inner: whether PyTorch has no such node, but one op for this and the one that uses it.
        metadata: a dictionary for the user, kept with the node.
    """

    __slots__ = ("__weakref__", "_metadata", "edges", "hooks", "number")

    op_name = "Node"
    outputs = 1
    several = False
    saves = True
    unpacks = False
    requires_grad = True
    inner = False

    edges: tuple[Any, ...]
    number: int
    hooks: Any
    apply: Callable[[Any], tuple[Any, ...]]

    def release(self) -> None:
        """Drops what was saved; a further backward pass through this node is an error."""

    def step(self, grad: Any, frees: bool) -> tuple[Any, ...]:
        """``apply``, and ``release`` where ``frees`` is set: a node's part in a plain pass."""
        grads = self.apply(grad)
        if frees and self.saves:
            self.release()
        return grads

    def name(self) -> str:
        """``"MulBackward0"``: the op and the word Backward."""
        return type(self).__name__

    @property
    def metadata(self) -> dict[Any, Any]:
        """A dictionary for the user, kept with the node."""
        try:
            return self._metadata
        except AttributeError:
            self._metadata: dict[Any, Any] = {}
            return self._metadata

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """The nodes that gradients flow to, each with the number of its output, as PyTorch has it.

        Where PyTorch has one op in the place of two, the inner node is passed over.
        """
        found: list[tuple[Any, int]] = []
        for each, index in self.following():
            found += each.next_functions if each is not None and each.inner else ((each, index),)
        arrange = arrangements.get(self.op_name)
        return tuple(found) if arrange is None else arrange(self, tuple(found))

    def following(self) -> tuple[tuple[Any, int], ...]:
        """The nodes at the edges, each with the number of its output."""
        found: list[tuple[Any, int]] = []
        for edge in self.edges:
            if isinstance(edge, Tensor):
                found.append((accumulator(edge), 0))
            elif isinstance(edge, Output):
                found.append((edge.node, edge.index))
            else:
                found.append((edge, 0))
        return tuple(found)

    def _sequence_nr(self) -> int:
        return self.number

    def __repr__(self) -> str:
        return f"<{self.name().rpartition(':')[2]} object at {id(self):#x}>"


class Output:
    """One output of a node that has several."""

    __slots__ = ("index", "node")

    def __init__(self, node: Node, index: int) -> None:
        self.node = node
        self.index = index


class AccumulateGrad(Node):
    """Where the gradient of a leaf ends; made when the graph is looked at.

    The graph itself points to the leaf, so that no cycle keeps the leaf alive.
    """

    __slots__ = ("variable",)
    __module__ = "builtins"

    def __init__(self, variable: Tensor) -> None:
        self.variable = variable
        self.edges = ()
        self.number = -1
        self.hooks = None

    def name(self) -> str:
        return "torch::autograd::AccumulateGrad"


def accumulator(leaf: Tensor) -> AccumulateGrad:
    """The AccumulateGrad of a leaf, the same one as long as somebody holds it."""
    import weakref

    reference = leaf.__dict__.get("_accumulator")
    node = reference() if reference is not None else None
    if node is None:
        node = AccumulateGrad(leaf)
        leaf.__dict__["_accumulator"] = weakref.ref(node)
    return node


def node_of(edge: Any) -> Node:
    """The node behind an edge that is not a leaf."""
    return edge.node if edge.__class__ is Output else edge


def saved_output(tensor: Tensor) -> Tensor:
    """An output as its own node keeps it: without the way back to the node, which were a cycle."""
    storage = tensor._storage
    if storage is None:
        storage = tensor._storage = new_storage(tensor._array, tensor._key)
    saved = blank()
    saved._array = tensor._array
    saved._dtype = tensor._dtype
    saved._key = tensor._key & ~REQUIRES_GRAD
    saved._storage = storage
    saved._graph = saved._view = saved._grad = None
    return saved


def attached(saved: Tensor, edge: Any) -> Tensor:
    """A saved output with its place in the graph restored, for a gradient of a gradient."""
    tensor = alias(saved)
    tensor._graph = edge
    tensor._key |= REQUIRES_GRAD
    return tensor


def modified(op_name: str, what: str, tensor: Tensor, expected: int) -> RuntimeError:
    """The error for a saved tensor that was written to since."""
    kind = f"torch.{tensor._dtype.class_name}Tensor"
    return RuntimeError(
        f"one of the variables needed for gradient computation has been modified by an inplace "
        f"operation: [{kind} {list(tensor._array.shape)}], which is '{what}' of {op_name}, is at "
        f"version {storage_of(tensor).version}; expected version {expected} instead. "
        f"Hint: use the out-of-place form of the op that writes to it, or clone it first."
    )


def used_twice(op_name: str) -> RuntimeError:
    """The error for a second pass through a node whose saved tensors were dropped."""
    return RuntimeError(
        f"Trying to backward through the graph a second time (at {op_name}): saved intermediate "
        f"values of the graph are freed when you call .backward() or autograd.grad(). Specify "
        f"retain_graph=True if you need to backward through the graph a second time or if you need "
        f"to access saved tensors after calling backward."
    )
