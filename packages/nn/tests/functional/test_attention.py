import math
from typing import Any

import numpy as np
import pytest

import lamella_core as core
from lamella_autograd import gradcheck, gradgradcheck
from lamella_core import parallel
from lamella_nn.functional import scaled_dot_product_attention

RANDOM = np.random.default_rng(0)


def drawn(*shape: int, requires_grad: bool = False) -> core.Tensor:
    return core.tensor(RANDOM.standard_normal(shape), requires_grad=requires_grad)


def reference(
    query: Any, key: Any, value: Any, mask: Any = None, causal: bool = False, scale: Any = None
) -> Any:
    """Attention as it is defined, in NumPy."""
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = query @ np.swapaxes(key, -1, -2) * scale
    if mask is not None:
        scores = np.where(mask, scores, -np.inf) if mask.dtype == bool else scores + mask
    if causal:
        scores = np.where(np.tril(np.ones(scores.shape[-2:], bool)), scores, -np.inf)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True) @ value


# Sizes beyond one block of rows, and a scale that makes scores large.
@pytest.mark.parametrize("scale", [None, 30.0])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(("length", "keys"), [(5, 7), (150, 90), (90, 150)])
def test_it_is_the_definition(length: int, keys: int, causal: bool, scale: float | None) -> None:
    query, key, value = drawn(2, 3, length, 8), drawn(2, 3, keys, 8), drawn(2, 3, keys, 6)
    found = scaled_dot_product_attention(query, key, value, is_causal=causal, scale=scale)
    expected = reference(query.numpy(), key.numpy(), value.numpy(), None, causal, scale)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("shape", [(70, 80), (1, 80), (2, 1, 70, 80), (2, 3, 70, 80), (3, 70, 1)])
def test_masks_broadcast(shape: tuple[int, ...]) -> None:
    query, key, value = drawn(2, 3, 70, 8), drawn(2, 3, 80, 8), drawn(2, 3, 80, 8)
    arrays = query.numpy(), key.numpy(), value.numpy()
    added = RANDOM.standard_normal(shape) * 40
    found = scaled_dot_product_attention(query, key, value, core.tensor(added))
    np.testing.assert_allclose(found.numpy(), reference(*arrays, added), rtol=1e-12, atol=1e-12)
    seen = RANDOM.random(shape) < 0.7
    seen[..., 0] = True
    found = scaled_dot_product_attention(query, key, value, core.tensor(seen))
    np.testing.assert_allclose(found.numpy(), reference(*arrays, seen), rtol=1e-12, atol=1e-12)


def test_a_row_without_keys_gives_zeros_and_no_gradient() -> None:
    query = drawn(3, 4, requires_grad=True)
    seen = core.tensor([[True, True, False], [False, False, False], [True, True, True]])
    for mask in (seen, core.zeros(3, 3).masked_fill(~seen, -math.inf)):
        query.grad = None
        result = scaled_dot_product_attention(query, query.detach(), query.detach(), mask)
        result.square().sum().backward()
        assert not result[1].any() and not query.grad[1].any()
        assert query.grad[0].all()


def test_heads_of_the_query_share_those_of_key_and_value() -> None:
    query, key, value = drawn(2, 6, 5, 4), drawn(2, 3, 7, 4), drawn(2, 3, 7, 4)
    found = scaled_dot_product_attention(query, key, value, enable_gqa=True)
    repeated = (np.repeat(each.numpy(), 2, 1) for each in (key, value))
    np.testing.assert_allclose(found.numpy(), reference(query.numpy(), *repeated), rtol=1e-12)


@pytest.mark.parametrize("causal", [False, True])
def test_derivatives_are_those_of_finite_differences(causal: bool) -> None:
    query, key = drawn(2, 4, 3, requires_grad=True), drawn(2, 5, 3, requires_grad=True)
    value = drawn(1, 5, 2, requires_grad=True)
    mask = drawn(4, 5, requires_grad=True)

    def attend(*operands: core.Tensor) -> core.Tensor:
        return scaled_dot_product_attention(*operands, is_causal=causal)

    assert gradcheck(attend, (query, key, value, mask))
    assert gradgradcheck(attend, (query, key, value, mask))


def test_gradients_of_several_blocks_are_those_of_the_plain_ops() -> None:
    seen = core.ones(200, 150, dtype=core.bool).tril()
    gradients = []
    for fused in (True, False):
        core.manual_seed(1)
        leaves = [core.randn(2, n, 8, dtype=core.float64) for n in (200, 150, 150)]
        query, key, value = (leaf.requires_grad_() for leaf in leaves)
        if fused:
            result = scaled_dot_product_attention(query, key, value, is_causal=True)
        else:
            scores = query @ key.mT / math.sqrt(8)
            result = core.softmax(scores.masked_fill(~seen, -math.inf), -1) @ value
        result.sin().sum().backward()
        gradients.append([leaf.grad.numpy() for leaf in leaves])
    for mine, plain in zip(*gradients, strict=True):
        np.testing.assert_allclose(mine, plain, rtol=1e-9, atol=1e-12)


def test_the_weights_are_never_held_at_once(peak: Any) -> None:
    length = 2048
    leaves = [core.randn(1, 1, length, 16).requires_grad_() for _ in range(3)]
    with peak:
        scaled_dot_product_attention(*leaves).sum().backward()
    assert peak.most < length * length * 4 / 2


def test_dropout_draws_the_weights_that_pytorch_draws() -> None:
    core.manual_seed(0)
    query = core.arange(12.0).reshape(1, 1, 3, 4) / 10
    found = scaled_dot_product_attention(query, query, query, dropout_p=0.5)
    # torch.manual_seed(0), then the same call, PyTorch 2.13 on a CPU.
    recorded = [
        [0.5984556, 0.6732625, 0.7480695, 0.8228765],
        [0, 0, 0, 0],
        [0.221856, 0.3032587, 0.3846613, 0.4660639],
    ]
    np.testing.assert_allclose(found.numpy()[0, 0], recorded, rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_16_bits_are_summed_in_float32(dtype: str) -> None:
    kind = getattr(core, dtype)
    operands = [drawn(2, 70, 8).to(kind) for _ in range(3)]
    found = scaled_dot_product_attention(*operands)
    assert found.dtype is kind
    exact = scaled_dot_product_attention(*(each.float() for each in operands))
    np.testing.assert_array_equal(found.float().numpy(), exact.to(kind).float().numpy())


@pytest.mark.parametrize(
    ("shapes", "options", "error", "text"),
    [
        ([(4,), (3, 4), (3, 4)], {}, RuntimeError, "at least 2 dimensional"),
        ([(3, 4), (3, 5), (3, 4)], {}, RuntimeError, "expected query"),
        ([(3, 4), (3, 4), (2, 4)], {}, RuntimeError, "expected query"),
        ([(2, 3, 4), (5, 3, 4), (5, 3, 4)], {}, RuntimeError, "broadcast|must match"),
        ([(3, 4)] * 3, {"dropout_p": 1.5}, RuntimeError, "between 0 and 1"),
        ([(6, 3, 4), (4, 3, 4), (4, 3, 4)], {"enable_gqa": True}, RuntimeError, "heads"),
        ([(3, 4)] * 3, {"enable_gqa": True}, IndexError, "heads"),
        ([(3, 4)] * 3, {"attn_mask": core.zeros(2, 3)}, RuntimeError, r"\[2, 3\].*\[3, 3\]"),
        ([(3, 4)] * 3, {"attn_mask": core.zeros(3)}, IndexError, "2 dimensions"),
        ([(3, 4)] * 3, {"attn_mask": core.zeros(3, 3).long()}, RuntimeError, "attn_mask dtype"),
    ],
)
def test_what_does_not_fit_is_refused(shapes: Any, options: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        scaled_dot_product_attention(*(drawn(*shape) for shape in shapes), **options)


def test_dtypes_must_agree_and_be_floating() -> None:
    query = drawn(3, 4)
    with pytest.raises(RuntimeError, match="same dtype"):
        scaled_dot_product_attention(query, query.float(), query)
    with pytest.raises(RuntimeError, match="floating-point"):
        scaled_dot_product_attention(query.long(), query.long(), query.long())


@pytest.mark.parametrize("kind", ["plain", "masked", "broadcast", "float mask"])
def test_the_number_of_threads_does_not_matter(kind: str, monkeypatch: Any) -> None:
    results = []
    for count in (1, 3):
        monkeypatch.setattr(parallel.state, "count", count)
        monkeypatch.setattr(parallel.state, "pool", None)
        core.manual_seed(2)
        leaves = [core.randn(2, 3, 160, 8, dtype=core.float64).requires_grad_() for _ in range(3)]
        mask = None
        if kind == "masked":
            mask = core.rand(160, 160) < 0.8
        elif kind == "float mask":
            mask = core.randn(160, 160, dtype=core.float64).requires_grad_()
            leaves.append(mask)
        value = leaves[2][:, :1] if kind == "broadcast" else leaves[2]
        result = scaled_dot_product_attention(*leaves[:2], value, mask, is_causal=kind == "plain")
        result.sin().sum().backward()
        results.append([result.detach().numpy(), *(leaf.grad.numpy() for leaf in leaves)])
    for one, several in zip(*results, strict=True):
        np.testing.assert_allclose(several, one, rtol=1e-11, atol=1e-13)
