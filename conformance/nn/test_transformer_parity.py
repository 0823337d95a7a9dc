"""lamella's attention and transformer modules against PyTorch's: every mask, text, error, seed."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import lamella

LIBRARIES = (torch, lamella)
SEED = 3
BATCH, LENGTH, SOURCE, WIDTH, HEADS = 3, 5, 6, 8, 2


def array(tensor: Any) -> Any:
    return None if tensor is None else tensor.detach().numpy()


def assert_alike(found: Any, expected: Any, tolerance: float = 1e-9) -> None:
    if isinstance(expected, (list, tuple)):
        assert len(found) == len(expected)
        for mine, theirs in zip(found, expected, strict=True):
            assert_alike(mine, theirs, tolerance)
    elif isinstance(expected, np.ndarray):
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
    else:
        assert found == expected


def both(program: Callable[[Any], Any]) -> tuple[Any, Any]:
    results = []
    for library in LIBRARIES:
        library.manual_seed(SEED)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results.append(program(library))
    return results[1], results[0]


def inputs(library: Any, *shapes: tuple[int, ...]) -> list[Any]:
    random = np.random.default_rng(SEED)
    return [library.tensor(random.standard_normal(s), requires_grad=True) for s in shapes]


def mask_of(library: Any, kind: str, shape: tuple[int, ...]) -> Any:
    hidden = np.random.default_rng(SEED + 1).random(shape) < 0.3
    hidden[..., 0] = False
    if kind == "bool":
        return library.tensor(hidden)
    numbers = np.random.default_rng(SEED + 2).standard_normal(shape)
    return library.tensor(np.where(hidden, -np.inf, numbers))


def outputs_and_gradients(module: Any, leaves: list[Any], results: Any) -> list[Any]:
    results = results if isinstance(results, tuple) else (results,)
    total = sum((r * r.detach().cos()).sum() for r in results if r is not None)
    total.backward()
    return [
        *(array(r) for r in results),
        *(array(leaf.grad) for leaf in leaves),
        *(array(p.grad) for p in module.parameters()),
    ]


@pytest.mark.parametrize("weights", ["averaged", "by head", "none"])
@pytest.mark.parametrize("padding", [None, "bool", "float"])
@pytest.mark.parametrize("mask", [None, "bool 2", "float 2", "bool 3", "float 3"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"batch_first": True, "bias": False},
        {"kdim": 4, "vdim": 7},
        {"add_bias_kv": True, "add_zero_attn": True, "dropout": 0.3},
    ],
    ids=["plain", "batch-first", "widths", "further-keys"],
)
def test_multihead_attention(options: Any, mask: Any, padding: Any, weights: str) -> None:
    def program(library: Any) -> Any:
        module = library.nn.MultiheadAttention(WIDTH, HEADS, dtype=library.float64, **options)
        shapes = [
            (LENGTH, BATCH, WIDTH),
            (SOURCE, BATCH, options.get("kdim", WIDTH)),
            (SOURCE, BATCH, options.get("vdim", WIDTH)),
        ]
        if options.get("batch_first"):
            shapes = [(b, a, c) for a, b, c in shapes]
        leaves = inputs(library, *shapes)
        chosen: Any = {"need_weights": weights != "none"}
        chosen["average_attn_weights"] = weights != "by head"
        if mask is not None:
            kind, dims = mask.split()
            lead = (BATCH * HEADS,) if dims == "3" else ()
            chosen["attn_mask"] = mask_of(library, kind, (*lead, LENGTH, SOURCE))
        if padding is not None:
            chosen["key_padding_mask"] = mask_of(library, padding, (BATCH, SOURCE))
        return outputs_and_gradients(module, leaves, module(*leaves, **chosen))

    assert_alike(*both(program))


@pytest.mark.parametrize("weights", [True, False])
@pytest.mark.parametrize("shared", ["all", "key and value"])
def test_one_sequence_and_shared_operands(shared: str, weights: bool) -> None:
    def program(library: Any) -> Any:
        module = library.nn.MultiheadAttention(WIDTH, HEADS, dtype=library.float64)
        query, key = inputs(library, (LENGTH, WIDTH), (SOURCE, WIDTH))
        key = query if shared == "all" else key
        padding = mask_of(library, "bool", (key.shape[0],))
        mask = mask_of(library, "bool", (HEADS, LENGTH, key.shape[0]))
        result = module(
            query, key, key, attn_mask=mask, key_padding_mask=padding, need_weights=weights
        )
        return outputs_and_gradients(module, [query, key], result)

    assert_alike(*both(program))


@pytest.mark.parametrize("weights", [True, False])
def test_a_causal_hint(weights: bool) -> None:
    def program(library: Any) -> Any:
        module = library.nn.MultiheadAttention(WIDTH, HEADS, dtype=library.float64)
        leaves = inputs(library, (LENGTH, BATCH, WIDTH))
        mask = library.nn.Transformer.generate_square_subsequent_mask(LENGTH, dtype=library.float64)
        result = module(*leaves * 3, attn_mask=mask, is_causal=True, need_weights=weights)
        return outputs_and_gradients(module, leaves, result)

    assert_alike(*both(program))


def test_static_keys_and_values() -> None:
    def program(library: Any) -> Any:
        query, key, joint, out = inputs(
            library, (LENGTH, BATCH, WIDTH), (SOURCE, BATCH, WIDTH), (3 * WIDTH, WIDTH),
            (WIDTH, WIDTH),
        )  # fmt: skip
        static = inputs(library, *[(BATCH * HEADS, 7, WIDTH // HEADS)] * 2)
        result = library.nn.functional.multi_head_attention_forward(
            query, key, key, WIDTH, HEADS, joint, None, None, None, True, 0.0, out, None,
            static_k=static[0], static_v=static[1],
        )  # fmt: skip
        return [array(each) for each in result]

    assert_alike(*both(program))


Q, K = (LENGTH, BATCH, WIDTH), (SOURCE, BATCH, WIDTH)
WRONG: list[tuple[list[tuple[int, ...]], dict[str, Any]]] = [
    ([Q, K, K], {"key_padding_mask": ("int", (BATCH, SOURCE))}),
    ([Q, K, K], {"key_padding_mask": ("bool", (BATCH, SOURCE - 1))}),
    ([Q, K, K], {"key_padding_mask": ("bool", (SOURCE,))}),
    ([Q, K, K], {"attn_mask": ("float", (LENGTH, LENGTH))}),
    ([Q, K, K], {"attn_mask": ("float", (BATCH, LENGTH, SOURCE))}),
    ([Q, K, K], {"attn_mask": ("float", (SOURCE,))}),
    ([Q, K, K], {"attn_mask": ("int", (LENGTH, SOURCE))}),
    ([Q, K, K], {"is_causal": True}),
    ([Q, K[1:], K], {}),
    ([(1, *Q), (1, *K), (1, *K)], {}),
    ([Q[1:], K, K], {}),
    ([(LENGTH, BATCH, 7), K, K], {}),
    ([Q, K, Q], {}),
    ([Q, (SOURCE, BATCH - 1, WIDTH), (SOURCE, BATCH - 1, WIDTH)], {}),
    ([(LENGTH, 1, WIDTH), K, K], {}),
    ([Q[1:], K[1:], K[1:]], {"key_padding_mask": ("bool", (1, SOURCE))}),
    ([Q[1:], K[1:], K[1:]], {"attn_mask": ("float", (3, BATCH, BATCH))}),
]


@pytest.mark.parametrize("weights", [True, False])
@pytest.mark.parametrize(("shapes", "options"), WRONG)
def test_what_does_not_fit_is_refused_alike(shapes: Any, options: Any, weights: bool) -> None:
    def program(library: Any) -> Any:
        module = library.nn.MultiheadAttention(WIDTH, HEADS)
        chosen = {}
        for name, value in options.items():
            if isinstance(value, tuple):
                kinds = {"int": "int32", "bool": "bool", "float": "float32"}
                value = library.zeros(value[1], dtype=getattr(library, kinds[value[0]]))
            chosen[name] = value
        with pytest.raises((AssertionError, RuntimeError)) as caught:
            module(*(library.zeros(s) for s in shapes), need_weights=weights, **chosen)
        return caught.type

    found, expected = both(program)
    assert found is expected


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"batch_first": True, "activation": "gelu"},
        {"batch_first": True, "norm_first": True, "bias": False},
    ],
    ids=["plain", "gelu", "norm-first"],
)
def test_transformer(options: Any, training: bool) -> None:
    def program(library: Any) -> Any:
        module = library.nn.Transformer(
            WIDTH, HEADS, 2, 2, 16, 0.1, dtype=library.float64, **options
        ).train(training)
        seen = [repr(module), list(module.state_dict())]
        seen += [array(value) for value in module.state_dict().values()]
        shapes = [(SOURCE, BATCH, WIDTH), (LENGTH, BATCH, WIDTH)]
        if options.get("batch_first"):
            shapes = [(b, a, c) for a, b, c in shapes]
        leaves = inputs(library, *shapes)
        mask = module.generate_square_subsequent_mask(LENGTH, dtype=library.float64)
        padding = mask_of(library, "bool", (BATCH, SOURCE))
        result = module(
            *leaves, tgt_mask=mask, src_key_padding_mask=padding, memory_key_padding_mask=padding
        )
        return [*seen, *outputs_and_gradients(module, leaves, result)]

    assert_alike(*both(program), 1e-8)


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("mask", [None, "causal", "bool"])
@pytest.mark.parametrize("padding", [None, "end", "middle", "float"])
@pytest.mark.parametrize("nested", [True, False])
@pytest.mark.parametrize("grad", [True, False])
def test_encoder_with_padding(
    padding: Any, mask: Any, norm: bool, nested: bool, grad: bool
) -> None:
    def program(library: Any) -> Any:
        nn, kind = library.nn, library.float64
        layer = nn.TransformerEncoderLayer(
            WIDTH, HEADS, 16, batch_first=True, dtype=library.float64
        )
        last = nn.LayerNorm(WIDTH, dtype=kind) if norm else None
        module = nn.TransformerEncoder(layer, 2, last, enable_nested_tensor=nested).eval()
        if norm:
            nn.init.constant_(module.norm.bias, 5.0)
        (x,) = inputs(library, (BATCH, LENGTH, WIDTH))
        hidden = np.zeros((BATCH, LENGTH), bool)
        hidden[0, 3:] = hidden[1, 2 if padding == "middle" else 4] = True
        chosen: Any = {}
        if padding is not None:
            chosen["src_key_padding_mask"] = library.tensor(hidden)
        if padding == "float":
            chosen["src_key_padding_mask"] = library.tensor(np.where(hidden, -np.inf, 0.0))
        if mask == "causal":
            chosen["mask"] = nn.Transformer.generate_square_subsequent_mask(LENGTH, dtype=kind)
        elif mask == "bool":
            chosen["mask"] = mask_of(library, "bool", (LENGTH, LENGTH))
        with library.set_grad_enabled(grad):
            return array(module(x, **chosen))

    found, expected = both(program)
    assert_alike(found, expected)


def test_warnings_of_the_encoder_are_the_same() -> None:
    def messages(library: Any) -> list[str]:
        nn = library.nn
        layers = [
            nn.TransformerEncoderLayer(8, 2, 16),
            nn.TransformerEncoderLayer(8, 2, 16, batch_first=True),
            nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True),
            nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, bias=False),
            nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, activation=library.tanh),
            nn.TransformerEncoderLayer(9, 3, 16, batch_first=True),
            nn.Linear(2, 2),
        ]
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for layer in layers:
                nn.TransformerEncoder(layer, 1)
        return [str(each.message) for each in caught]

    assert messages(lamella) == messages(torch)


@pytest.mark.parametrize(
    "shapes", [[(4, 2, 8), (3, 3, 8)], [(4, 2, 8), (3, 2, 7)], [(4, 2, 7), (3, 2, 7)]]
)
def test_transformer_refuses_alike(shapes: Any) -> None:
    def program(library: Any) -> str:
        module = library.nn.Transformer(8, 2, 1, 1, 16)
        with pytest.raises(RuntimeError) as caught:
            module(*(library.zeros(shape) for shape in shapes))
        return str(caught.value)

    found, expected = both(program)
    assert found == expected


def test_merged_masks() -> None:
    def program(library: Any) -> list[Any]:
        module = library.nn.MultiheadAttention(8, 2)
        seen: list[Any] = []
        for mask in (None, (5, 5), (6, 5, 5)):
            for padding in (None, (3, 5)):
                attn = None if mask is None else mask_of(library, "bool", mask)
                keys = None if padding is None else mask_of(library, "bool", padding)
                merged, kind = module.merge_masks(attn, keys, library.zeros(3, 5, 8))
                seen += [array(merged), kind]
        return seen

    assert_alike(*both(program))
