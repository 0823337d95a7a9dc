"""Views as copies: the numbers of the view, in other memory."""

from __future__ import annotations

import pytest

import lamella_core as core

X = core.arange(12.0).reshape(3, 4)


@pytest.mark.parametrize(
    ("found", "view"),
    [
        (core.permute_copy(X, (1, 0)), X.t()),
        (core.t_copy(X), X.t()),
        (core.transpose_copy(X, 0, 1), X.t()),
        (core.view_copy(X, (2, 6)), X.view(2, 6)),
        (core.view_copy(X, dtype=core.int32), X.view(core.int32)),
        (core.expand_copy(X, (2, 3, 4)), X.expand(2, 3, 4)),
        (core.select_copy(X, 1, 2), X[:, 2]),
        (core.narrow_copy(X, 0, 1, 2), X[1:]),
        (X.narrow_copy(0, 1, 2), X[1:]),
        (core.diagonal_copy(X, 1), X.diagonal(1)),
        (core.unfold_copy(X, 1, 2, 1), X.unfold(1, 2, 1)),
        (core.as_strided_copy(X, (2,), (5,)), X.as_strided((2,), (5,))),
        (core.squeeze_copy(X[:1]), X[0]),
        (core.unsqueeze_copy(X, 0), X[None]),
        (core.alias_copy(X), X),
        (core.detach_copy(X), X),
        (core.split_copy(X, 2)[1], X[2:]),
        (core.split_with_sizes_copy(X, [1, 2])[0], X[:1]),
        (core.unbind_copy(X)[2], X[2]),
    ],
)
def test_copies(found, view):
    assert found.tolist() == view.tolist() and found.is_contiguous()
    assert found.untyped_storage() is not X.untyped_storage()


def test_out():
    out = core.empty(0)
    assert core.t_copy(X, out=out) is out and out.tolist() == X.t().tolist()
