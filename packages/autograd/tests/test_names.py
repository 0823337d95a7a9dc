"""Names of nodes that depend on arguments, recorded from PyTorch 2.13."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import lamella_core as lc
from lamella_autograd import grad as grad_of
from lamella_autograd import graph, rename
from lamella_core.ops.linalg import linear
from lamella_core.special import entr

NAMES: list[tuple[str, Callable[[lc.Tensor], lc.Tensor]]] = [
    ("SelectBackward0", lambda x: x[0]),
    ("SelectBackward0", lambda x: x[1:, 0]),
    ("SelectBackward0", lambda x: x[..., 0]),
    ("SliceBackward0", lambda x: x[0, 1:]),
    ("SliceBackward0", lambda x: x[..., 1:]),
    ("SliceBackward0", lambda x: x[:]),
    ("SliceBackward0", lambda x: x[::2, ...]),
    ("SliceBackward0", lambda x: x.narrow(0, 0, 3)),
    ("AliasBackward0", lambda x: x[:, :]),
    ("AliasBackward0", lambda x: x[0:3, 0:3]),
    ("AliasBackward0", lambda x: x[...]),
    ("UnsqueezeBackward0", lambda x: x[:, None]),
    ("UnsqueezeBackward0", lambda x: x[0, None]),
    ("SumBackward0", lambda x: x.sum()),
    ("SumBackward1", lambda x: x.sum(0)),
    ("MeanBackward1", lambda x: x.mean((0, 1))),
    ("ProdBackward1", lambda x: x.prod(0)),
    ("MaxBackward1", lambda x: x.max()),
    ("AmaxBackward0", lambda x: x.amax()),
    ("AminBackward0", lambda x: x.amin(0)),
    ("PowBackward0", lambda x: x**2),
    ("PowBackward1", lambda x: x**x),
    ("PowBackward2", lambda x: 2**x),
    ("ClampBackward1", lambda x: x.clamp(min=0)),
    ("ClampBackward0", lambda x: x.clamp(lc.zeros(3))),
    ("RsubBackward1", lambda x: 1 - x),
    ("DotBackward0", lambda x: x[0] @ x[1]),
    ("MvBackward0", lambda x: x @ x[1]),
    ("MmBackward0", lambda x: x @ x),
    ("UnsafeViewBackward0", lambda x: x[None] @ x),
    ("SplitBackward0", lambda x: x.split(2)[0]),
    ("SplitBackward0", lambda x: x.chunk(2)[1]),
    ("SplitWithSizesBackward0", lambda x: x.split([1, 2])[0]),
    ("ScatterBackward1", lambda x: x.scatter(0, lc.zeros(1, 3, dtype=lc.int64), 1.0)),
    ("FillBackward2", lambda x: x.clone().fill_(2.0)),
    ("Log1PBackward0", lambda x: x.log1p()),
    ("SpecialEntrBackward0", lambda x: entr(x)),
]


@pytest.mark.parametrize(("name", "function"), NAMES)
def test_pytorchs_names(name: str, function: Callable[[lc.Tensor], lc.Tensor]) -> None:
    if name == "SpecialEntrBackward0":
        pytest.importorskip("scipy")
    x = lc.rand(3, 3).requires_grad_()
    assert function(x).grad_fn.name() == name


def test_names_after_a_backward_pass() -> None:
    x = lc.rand(3, 3).requires_grad_()
    made = [x @ x, x[0], x.sum(0), x**2]
    before = [y.grad_fn.name() for y in made]
    for y in made:
        y.sum().backward()
    assert [y.grad_fn.name() for y in made] == before


def test_a_composite_names_its_last_node() -> None:
    x, y = (lc.rand(3, 3).requires_grad_() for _ in range(2))
    named = lc.addmm(x, x, y)
    assert named.grad_fn.name() == type(named.grad_fn).__name__ == "AddmmBackward0"
    assert (x + x @ y).grad_fn.name() == "AddBackward0"
    assert [each.name() for each, _ in named.grad_fn.next_functions][0] == "MmBackward0"
    assert lc.addmm(x.detach(), x.detach(), y.detach()).grad_fn is None
    (grad,) = grad_of(lc.addmm(x, x, y).sum(), x, create_graph=True)
    (plain,) = grad_of((x + x @ y).sum(), x, create_graph=True)
    assert grad.equal(plain)


def test_a_renamed_node_keeps_what_it_saved() -> None:
    x = lc.rand(3, 3).requires_grad_()
    packed: list[tuple[int, ...]] = []

    def pack(tensor: lc.Tensor) -> lc.Tensor:
        packed.append(tuple(tensor.shape))
        return tensor

    with graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        y = rename(x * x, "SquareBackward0")
    assert packed == [(3, 3), (3, 3)]
    assert y.grad_fn.name() == "SquareBackward0"
    assert y.grad_fn._saved_other.equal(x)
    y.sum().backward()
    assert x.grad.equal(2 * x.detach())
    with pytest.raises(RuntimeError, match="second time"):
        y.sum().backward()


def test_a_renamed_node_sees_a_write_to_what_it_saved() -> None:
    x = lc.rand(3).requires_grad_()
    doubled = x * 2
    y = rename(doubled * doubled, "SquareBackward0")
    doubled.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_in_place_composites_and_views_have_the_names_of_pytorch() -> None:
    x = lc.rand(3, 3).requires_grad_()
    y = x * 1
    assert y.square_().grad_fn.name() == "PowBackward0"
    assert y.t_().grad_fn.name() == "TBackward1"
    row = y[:1]
    assert row.squeeze_().grad_fn.name() == "SqueezeBackward3"
    row.mul_(2)
    assert row.grad_fn.name() == "AsStridedBackward0"
    assert y.grad_fn.name() == "torch::autograd::CopySlices"
    y.sum().backward()
    # The first row of the transpose is the first column of the input.
    slope = 2 * x.detach()
    slope[:, 0] *= 2
    assert x.grad.equal(slope)


def test_classes_of_nodes_are_printed_as_those_of_pytorch() -> None:
    total = lc.rand(3).requires_grad_().sum()
    assert repr(type(total.grad_fn)) == "<class 'SumBackward0'>"
    accumulates = total.grad_fn.next_functions[0][0]
    assert repr(type(accumulates)) == "<class 'AccumulateGrad'>"


def test_the_bias_is_the_first_edge_of_a_linear_layer() -> None:
    """PyTorch's: that of ``addmm(bias, input, weight.t())``; without a bias there are two."""
    x = lc.ones(2, 3).requires_grad_()
    weight, bias = lc.ones(4, 3).requires_grad_(), lc.ones(4).requires_grad_()
    found = [node for node, _ in linear(x * 2, weight, bias).grad_fn.next_functions]
    assert [getattr(node, "variable", None) is bias for node in found] == [True, False, False]
    assert found[1].name() == "MulBackward0" and found[2].variable is weight
    assert len(linear(x * 2, weight).grad_fn.next_functions) == 2
