import math
from typing import Any

import numpy as np
import pytest

import lamella_core as core
from lamella_autograd import no_grad
from lamella_nn import MultiheadAttention
from lamella_nn.functional import multi_head_attention_forward

RANDOM = np.random.default_rng(0)


def drawn(*shape: int) -> core.Tensor:
    return core.tensor(RANDOM.standard_normal(shape))


def by_definition(
    module: MultiheadAttention, query: Any, key: Any, value: Any, hidden: Any
) -> tuple[Any, Any]:
    """Output and weights by head, one sequence and one head at a time; batches come first."""
    weights, biases = (
        np.split(p.detach().numpy(), 3) for p in (module.in_proj_weight, module.in_proj_bias)
    )
    out, offset = module.out_proj.weight.detach().numpy(), module.out_proj.bias.detach().numpy()
    size = module.head_dim
    outputs, all_weights = [], []
    for n in range(len(query)):
        q, k, v = (
            x[n] @ w.T + b for x, w, b in zip((query, key, value), weights, biases, strict=True)
        )
        parts, by_head = [], []
        for head in range(module.num_heads):
            own = slice(head * size, (head + 1) * size)
            scores = q[:, own] @ k[:, own].T / math.sqrt(size)
            scores[hidden[n]] = -np.inf
            shares = np.exp(scores - scores.max(1, keepdims=True))
            shares /= shares.sum(1, keepdims=True)
            parts.append(shares @ v[:, own])
            by_head.append(shares)
        outputs.append(np.concatenate(parts, 1) @ out.T + offset)
        all_weights.append(by_head)
    return np.array(outputs), np.array(all_weights)


@pytest.mark.parametrize("batch_first", [False, True])
def test_it_is_the_definition(batch_first: bool) -> None:
    module = MultiheadAttention(6, 2, batch_first=batch_first, dtype=core.float64)
    query, key, value = drawn(3, 4, 6), drawn(3, 5, 6), drawn(3, 5, 6)
    mask, padding = RANDOM.random((4, 5)) < 0.3, RANDOM.random((3, 5)) < 0.2
    mask[:, 0] = padding[:, 0] = False
    hidden = mask | padding[:, None]
    expected, weights = by_definition(module, query.numpy(), key.numpy(), value.numpy(), hidden)
    operands = (query, key, value)
    if not batch_first:
        operands = tuple(x.transpose(0, 1) for x in operands)
    options = {"attn_mask": core.tensor(mask), "key_padding_mask": core.tensor(padding)}
    found, mean = module(*operands, **options)
    by_head = module(*operands, **options, average_attn_weights=False)[1]
    lean, none = module(*operands, **options, need_weights=False)
    for output in (found, lean):
        output = output if batch_first else output.transpose(0, 1)
        np.testing.assert_allclose(output.detach().numpy(), expected, rtol=1e-10)
    np.testing.assert_allclose(by_head.detach().numpy(), weights, rtol=1e-10)
    np.testing.assert_allclose(mean.detach().numpy(), weights.mean(1), rtol=1e-10)
    assert none is None


def test_first_weights_are_pytorchs() -> None:
    core.manual_seed(0)
    module = MultiheadAttention(4, 2)
    # torch.manual_seed(0); torch.MultiheadAttention(4, 2), PyTorch 2.13.
    np.testing.assert_array_equal(
        module.in_proj_weight[0].detach().numpy(),
        np.float32([0.22242416441440582, 0.508506715297699, -0.12602636218070984,
                    0.45824551582336426]),
    )  # fmt: skip
    np.testing.assert_array_equal(
        module.out_proj.weight[0].detach().numpy(),
        np.float32([-0.003743410110473633, 0.26822179555892944, -0.4115225672721863,
                    -0.3679695129394531]),
    )  # fmt: skip
    assert not module.in_proj_bias.any() and not module.out_proj.bias.any()


def test_further_keys_take_part() -> None:
    module = MultiheadAttention(4, 2, add_bias_kv=True, add_zero_attn=True, dtype=core.float64)
    query = drawn(3, 1, 4)
    weights = module(query, query, query, attn_mask=core.zeros(3, 3, dtype=core.bool))[1]
    assert weights.shape == (1, 3, 5)
    np.testing.assert_allclose(weights.detach().numpy().sum(-1), 1)


def test_sizes_are_checked_at_construction() -> None:
    with pytest.raises(AssertionError, match="divisible"):
        MultiheadAttention(8, 3)
    with pytest.raises(ValueError, match="greater than 0"):
        MultiheadAttention(0, 3)


def test_a_batch_of_another_size_is_refused_not_broadcast() -> None:
    module = MultiheadAttention(4, 2, dtype=core.float64)
    with pytest.raises(RuntimeError, match="batch size"):
        module(drawn(3, 1, 4), drawn(3, 2, 4), drawn(3, 2, 4))


def test_missing_matrices_are_named() -> None:
    x = drawn(3, 1, 4)
    rest = (None, None, None, False, 0.0, x[:, 0], None)
    with pytest.raises(AssertionError, match="in_proj_weight is None"):
        multi_head_attention_forward(x, x, x, 4, 2, None, *rest)
    with pytest.raises(AssertionError, match="q_proj_weight is None"):
        multi_head_attention_forward(x, x, x, 4, 2, None, *rest, use_separate_proj_weight=True)


def test_inference_by_pytorchs_own_kernel_has_rules_of_its_own() -> None:
    core.manual_seed(0)
    x = core.randn(2, 3, 4)
    padding = core.tensor([[False, False, True], [True, True, True]])
    other = core.eye(3).roll(1, 0).bool()
    layer = MultiheadAttention(4, 2, batch_first=True)
    with pytest.raises(RuntimeError, match="Need attn_mask"):
        layer(x, x, x, is_causal=True)
    assert not layer(x, x, x, padding, need_weights=False)[0].isnan().any()
    layer.eval()
    with no_grad():
        assert layer(x, x, x, is_causal=True)[0].tolist() == layer(x, x, x)[0].tolist()
        found = layer(x, x, x, attn_mask=other, is_causal=True, need_weights=False)[0]
        assert found.tolist() == layer(x, x, x, attn_mask=other, need_weights=False)[0].tolist()
        output, _ = layer(x, x, x, padding, need_weights=False)
        assert not output[0].isnan().any() and output[1].isnan().all()
        # An odd number of heads, another key or no bias take the way of training.
        for module in (
            MultiheadAttention(4, 1, batch_first=True).eval(),
            MultiheadAttention(4, 2, bias=False, batch_first=True).eval(),
        ):
            with pytest.raises(RuntimeError, match="Need attn_mask"):
                module(x, x, x, is_causal=True)
        with pytest.raises(RuntimeError, match="Need attn_mask"):
            layer(x, x.clone(), x, is_causal=True)


def test_a_mask_of_integers_is_refused() -> None:
    x = core.ones(3, 4)
    with pytest.raises(AssertionError, match="only bool and floating types of attn_mask"):
        MultiheadAttention(4, 2)(x, x, x, attn_mask=core.ones(3, 3, dtype=core.int64))
