"""Sparse tensors against PyTorch's: values, coordinates, texts, gradients and errors."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from exchange import ours
from torch.testing._internal.common_optimizers import optim_db

import lamella

warnings.filterwarnings("ignore", message="Sparse")

INDICES = [[0, 1, 1, 0], [2, 0, 2, 2]]
VALUES = [3.0, 4.0, -5.0, 0.5]


def twice(f: Any) -> Any:
    """The matrix with a coordinate that stands twice."""
    return f.sparse_coo_tensor(INDICES, VALUES, (2, 3))


def hybrid(f: Any) -> Any:
    values = [[1.0, 2.0], [3.0, -4.0], [0.5, 0.25]]
    return f.sparse_coo_tensor([[3, 0, 3]], values, (4, 2))


def whole(value: Any) -> Any:
    """A result as NumPy arrays and plain values."""
    if isinstance(value, (torch.Tensor, lamella.Tensor)):
        if value.is_sparse:
            parts = [value._indices().numpy(), value._values().detach().numpy()]
            return "sparse", tuple(value.shape), value.is_coalesced(), *parts
        return np.asarray(value.detach().numpy())
    if isinstance(value, (tuple, list)):
        return [whole(each) for each in value]
    return value


def assert_same(found: Any, expected: Any) -> None:
    assert type(found) is type(expected)
    if isinstance(expected, (tuple, list)):
        assert len(found) == len(expected)
        for mine, theirs in zip(found, expected, strict=True):
            assert_same(mine, theirs)
    elif isinstance(expected, np.ndarray):
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    else:
        assert found == expected


PROGRAMS = {
    "parts": lambda f: [twice(f)._indices(), twice(f)._values(), twice(f)._nnz()],
    "dims": lambda f: [hybrid(f).sparse_dim(), hybrid(f).dense_dim(), hybrid(f).numel()],
    "coalesce": lambda f: [twice(f).coalesce(), hybrid(f).coalesce()],
    "coalesced parts": lambda f: [twice(f).coalesce().indices(), twice(f).coalesce().values()],
    "to_dense": lambda f: [twice(f).to_dense(), hybrid(f).to_dense()],
    "to_sparse": lambda f: f.tensor([[0.0, 1.0], [2.0, 0.0], [0.0, 0.0]]).to_sparse(),
    "to_sparse of blocks": lambda f: f.tensor([[0.0, 1.0], [0.0, 0.0]]).to_sparse(1),
    "to_sparse of a number": lambda f: f.tensor(3.0).to_sparse(),
    "size inferred": lambda f: f.sparse_coo_tensor(INDICES, VALUES),
    "no values": lambda f: f.sparse_coo_tensor((2, 3)),
    "integers": lambda f: f.sparse_coo_tensor(INDICES, [1, 2, 3, 4], dtype=f.int32),
    "dense of a dense": lambda f: f.ones(2).to_dense(),
    "mask": lambda f: f.arange(6.0).reshape(2, 3).sparse_mask(twice(f).coalesce()),
    "add": lambda f: (twice(f) + twice(f)).coalesce(),
    "add to dense": lambda f: f.ones(2, 3) + twice(f),
    "add hybrid to dense": lambda f: f.ones(4, 2) + hybrid(f),
    "add in place": lambda f: f.ones(2, 3).add_(twice(f), alpha=-0.5),
    "sub": lambda f: [(twice(f) - twice(f)).to_dense(), f.ones(2, 3) - twice(f)],
    "by a number": lambda f: [twice(f) * 2, 2 * twice(f), twice(f) / 4, -twice(f)],
    "by a tensor without dimensions": lambda f: twice(f) * f.tensor(3.0),
    "product of sparse": lambda f: (
        twice(f) * f.tensor([[1.0, 0, 2], [0, 0, 3]]).to_sparse()
    ).to_dense(),
    "product with dense": lambda f: (twice(f) * f.arange(6.0).reshape(2, 3)).to_dense(),
    "functions": lambda f: [twice(f).sin(), twice(f).abs(), twice(f).sign(), twice(f).relu()],
    "power": lambda f: [twice(f) ** 2, twice(f).coalesce().square()],
    "to": lambda f: [twice(f).to(f.float64), twice(f).double()],
    "transpose": lambda f: [twice(f).t(), twice(f).transpose(0, 1), twice(f).permute(1, 0)],
    "index_select": lambda f: twice(f).index_select(0, f.tensor([1])).coalesce(),
    "sum": lambda f: [twice(f).sum(), f.sparse.sum(twice(f)), f.sparse.sum(hybrid(f), (0, 1))],
    "sum over a dim": lambda f: [f.sparse.sum(twice(f), d) for d in (0, 1, -1, [0])],
    "sum over dense": lambda f: [f.sparse.sum(hybrid(f), 1), f.sparse.sum(hybrid(f), 0)],
    "norm": lambda f: twice(f).norm(),
    "matmul": lambda f: [twice(f) @ f.ones(3, 2), f.ones(2, 2) @ twice(f), twice(f).mv(f.ones(3))],
    "mm": lambda f: [f.sparse.mm(twice(f), f.ones(3, 2)), f.sparse.mm(twice(f), twice(f).t())],
    "addmm": lambda f: f.sparse.addmm(f.ones(2, 2), twice(f), f.ones(3, 2), beta=2, alpha=3),
    "softmax": lambda f: [f.sparse.softmax(twice(f), d) for d in (0, 1)],
    "log_softmax": lambda f: [f.sparse.log_softmax(twice(f), d) for d in (0, 1)],
    "softmax of blocks": lambda f: [f.sparse.softmax(hybrid(f), d) for d in (0, 1)],
    "clone": lambda f: [twice(f).clone(), twice(f).detach()],
    "zero": lambda f: twice(f).zero_(),
    "copy": lambda f: f.sparse_coo_tensor((2, 3)).copy_(twice(f)),
    "description": lambda f: [str(twice(f).layout), twice(f).is_sparse, len(twice(f))],
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_same_result(name: str) -> None:
    assert_same(whole(PROGRAMS[name](lamella)), whole(PROGRAMS[name](torch)))


TEXTS = {
    "plain": twice,
    "hybrid": hybrid,
    "empty": lambda f: f.sparse_coo_tensor((2, 3)),
    "float64": lambda f: twice(f).to(f.float64),
    "int64": lambda f: f.sparse_coo_tensor(INDICES, [1, 2, 3, 4]),
    "int32": lambda f: f.sparse_coo_tensor(INDICES, [1, 2, 3, 4], dtype=f.int32),
    "leaf": lambda f: twice(f).requires_grad_(),
    "long": lambda f: (f.arange(1.0, 61.0).reshape(20, 3) / 7).to_sparse(1),
}


@pytest.mark.parametrize("name", TEXTS)
def test_same_text(name: str) -> None:
    assert repr(TEXTS[name](lamella)) == repr(TEXTS[name](torch))


def weighted(f: Any, result: Any) -> Any:
    """A number from a result, with different weights for its elements."""
    if result.is_sparse:
        result = result.to_dense()
    weights = f.arange(1.0, 1.0 + result.numel(), dtype=f.float64).reshape(result.shape)
    return (result * weights).sum()


GRADIENTS = {
    "to_dense": lambda f, v, d: f.sparse_coo_tensor(INDICES, v, (2, 3)).to_dense(),
    "coalesce": lambda f, v, d: f.sparse_coo_tensor(INDICES, v, (2, 3)).coalesce(),
    "values": lambda f, v, d: f.sparse_coo_tensor(INDICES, v, (2, 3)).coalesce().values(),
    "mm": lambda f, v, d: f.sparse.mm(f.sparse_coo_tensor(INDICES, v, (2, 3)), d),
    "sum": lambda f, v, d: f.sparse.sum(f.sparse_coo_tensor(INDICES, v, (2, 3)), 0),
    "softmax": lambda f, v, d: f.sparse.softmax(f.sparse_coo_tensor(INDICES, v, (2, 3)), 1),
    "scaled": lambda f, v, d: f.sparse_coo_tensor(INDICES, v, (2, 3)) * 3,
    "to_sparse": lambda f, v, d: d.to_sparse(),
    "mask": lambda f, v, d: d.t().sparse_mask(twice(f).double().coalesce()),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_same_gradients(name: str) -> None:
    gradients = []
    for f in (lamella, torch):
        values = f.tensor(VALUES, dtype=f.float64, requires_grad=True)
        dense = f.arange(1.0, 7.0, dtype=f.float64).reshape(3, 2).requires_grad_()
        weighted(f, GRADIENTS[name](f, values, dense)).backward()
        gradients.append([None if each.grad is None else whole(each.grad.to_dense())
                          for each in (values, dense)])  # fmt: skip
    assert_same(*gradients)


@pytest.mark.parametrize("name", ["mm", "to_dense"])
def test_gradient_of_a_sparse_leaf_is_sparse(name: str) -> None:
    gradients = []
    for f in (lamella, torch):
        leaf = twice(f).double().coalesce().requires_grad_()
        dense = f.arange(6.0, dtype=f.float64).reshape(3, 2)
        result = f.sparse.mm(leaf, dense) if name == "mm" else leaf.to_dense()
        weighted(f, result).backward()
        assert leaf.grad.is_sparse or f is torch
        gradients.append(leaf.grad.to_dense().numpy() * (leaf.detach().to_dense().numpy() != 0))
    np.testing.assert_allclose(*gradients)


def lookups(f: Any, padding_idx: int | None = None) -> Any:
    """An embedding's gradient after one, two and three passes, the last one dense."""
    weight = f.arange(12.0).reshape(4, 3).requires_grad_()
    kept = []
    for indices in ([[1, 2], [1, 3]], [0]):
        out = f.nn.functional.embedding(
            f.tensor(indices), weight, sparse=True, padding_idx=padding_idx
        )
        (out * out).sum().backward()
        # How often a coordinate stands in a sum of sparse tensors is nobody's promise.
        kept.append(whole(weight.grad.coalesce()))
    (weight * 2).sum().backward()
    return [*kept, whole(weight.grad)]


@pytest.mark.parametrize("padding_idx", [None, 3])
def test_embedding_with_sparse_gradients(padding_idx: int | None) -> None:
    assert_same(lookups(lamella, padding_idx), lookups(torch, padding_idx))


@pytest.mark.parametrize("mode", ["sum", "mean"])
@pytest.mark.parametrize("padding_idx", [None, 1])
def test_embedding_bag_with_sparse_gradients(mode: str, padding_idx: int | None) -> None:
    gradients = []
    for f in (lamella, torch):
        weight = f.arange(12.0).reshape(4, 3).requires_grad_()
        bags = f.nn.functional.embedding_bag(
            f.tensor([1, 2, 1, 3, 0]), weight, f.tensor([0, 2]), mode=mode, sparse=True,
            padding_idx=padding_idx,
        )  # fmt: skip
        (bags * bags).sum().backward()
        assert weight.grad.is_sparse
        gradients.append(weight.grad.to_dense().numpy())
    np.testing.assert_allclose(*gradients, rtol=1e-6)


(SPARSE_ADAM,) = [info for info in optim_db if info.optim_cls is torch.optim.SparseAdam]
OPTIMIZERS = {
    "SGD": {"lr": 0.1},
    "SGD momentum": {"lr": 0.1, "momentum": 0.5},
    "Adagrad": {"lr": 0.1},
    **{f"SparseAdam {each.desc}": each.kwargs for each in SPARSE_ADAM.optim_inputs_func("cpu")},
    "SparseAdam other shares": {"lr": 0.05, "betas": (0.8, 0.9), "eps": 1e-3, "maximize": True},
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_follow_sparse_gradients(name: str) -> None:
    places, states = [], []
    for f in (lamella, torch):
        weight = (f.arange(12.0, dtype=f.float64).reshape(4, 3) / 10).requires_grad_()
        weight = weight.detach().requires_grad_()
        options = OPTIMIZERS[name] if f is torch else ours(OPTIMIZERS[name])
        optimizer = getattr(f.optim, name.split()[0])([weight], **options)
        for indices in 3 * ([1, 2, 1], [0], [3, 1], [2]):
            optimizer.zero_grad()
            out = f.nn.functional.embedding(f.tensor(indices), weight, sparse=True)
            (out * out).sum().backward()
            optimizer.step()
        places.append(weight.detach().numpy())
        state = optimizer.state_dict()["state"][0] if optimizer.state_dict()["state"] else {}
        states.append(
            {
                key: value.to_dense().numpy() if hasattr(value, "to_dense") else value
                for key, value in state.items()
                if value is not None
            }
        )
    # PyTorch multiplies a rate that is a float32 tensor in float32.
    rtol = 1e-6 if isinstance(OPTIMIZERS[name].get("lr"), torch.Tensor) else 1e-10
    np.testing.assert_allclose(*places, rtol=rtol, atol=1e-12)
    assert list(states[0]) == list(states[1])
    for key, value in states[1].items():
        np.testing.assert_allclose(states[0][key], value, rtol=1e-6)


ERRORS = {
    "values twice": lambda f: twice(f).values(),
    "indices twice": lambda f: twice(f).indices(),
    "nnz differs": lambda f: f.sparse_coo_tensor([[0, 1]], [1.0, 2.0, 3.0], (3,)),
    "dims differ": lambda f: f.sparse_coo_tensor([[0, 1]], [1.0, 2.0], (3, 3)),
    "numpy": lambda f: twice(f).numpy(),
    "plus a number": lambda f: twice(f) + 1,
    "plus dense": lambda f: twice(f) + f.ones(2, 3),
    "plus dense in place": lambda f: twice(f).add_(f.ones(2, 3)),
    "coalesce dense": lambda f: f.ones(2).coalesce(),
    "indices of dense": lambda f: f.ones(2).indices(),
    "exp": lambda f: twice(f).exp(),
    "view": lambda f: twice(f).view(3, 2),
    "compare": lambda f: twice(f) == twice(f),
    "divide by sparse": lambda f: twice(f) / twice(f),
    "product of other shapes": lambda f: twice(f) * f.ones(3, 2).to_sparse(),
    "matmul of other shapes": lambda f: twice(f) @ f.ones(2, 2),
    "data_ptr": lambda f: twice(f).data_ptr(),
    "adam": lambda f: step_with_sparse_gradient(f, "Adam"),
    "dense to SparseAdam": lambda f: dense_step(f),
}


def step_with_sparse_gradient(f: Any, name: str) -> None:
    weight = f.ones(4, 3, requires_grad=True)
    f.nn.functional.embedding(f.tensor([1]), weight, sparse=True).sum().backward()
    getattr(f.optim, name)([weight]).step()


def dense_step(f: Any) -> None:
    weight = f.ones(4, 3, requires_grad=True)
    weight.sum().backward()
    f.optim.SparseAdam([weight]).step()


@pytest.mark.parametrize("name", ERRORS)
def test_same_kind_of_error(name: str) -> None:
    with pytest.raises(Exception) as expected:
        ERRORS[name](torch)
    with pytest.raises(type(expected.value)):
        ERRORS[name](lamella)


@pytest.mark.parametrize("index", [5, -1])
def test_coordinates_are_checked(index: int) -> None:
    for f in (lamella, torch):
        with pytest.raises(RuntimeError, match="index"):
            f.sparse_coo_tensor([[0, index]], [1.0, 2.0], (3,), check_invariants=True)
