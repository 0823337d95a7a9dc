"""lamella's recurrent networks and packed sequences against PyTorch's, from the same seed."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import numpy as np
import pytest
import torch

import lamella

SEED = 5
LENGTHS = [3, 6, 1, 6]
NETWORKS = [
    ("LSTM", {}),
    ("LSTM", {"proj_size": 3}),
    ("GRU", {}),
    ("RNN", {"nonlinearity": "tanh"}),
    ("RNN", {"nonlinearity": "relu"}),
]
SETTINGS = [
    {},
    {"batch_first": True, "bias": False},
    {"num_layers": 2, "bidirectional": True},
    {"num_layers": 3, "dropout": 0.4, "batch_first": True},
    {"num_layers": 2, "dropout": 1.0, "bidirectional": True},
]
BOTH = (torch, lamella)


def arrays(value: Any) -> list[np.ndarray]:
    """The tensors of a structure, in order, as arrays."""
    if isinstance(value, (torch.Tensor, lamella.Tensor)):
        return [value.detach().numpy()]
    if isinstance(value, (list, tuple)):
        return [array for each in value for array in arrays(each)]
    return []


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).standard_normal(shape)


def assert_same(found: Any, expected: Any, tolerance: float = 1e-9) -> None:
    found, expected = arrays(found), arrays(expected)
    assert len(found) == len(expected) > 0
    for mine, theirs in zip(found, expected, strict=True):
        assert mine.dtype == theirs.dtype
        assert mine.shape == theirs.shape
        np.testing.assert_allclose(mine, theirs, rtol=tolerance, atol=tolerance)


def made(library: Any, name: str, kwargs: Any) -> Any:
    library.manual_seed(SEED)
    return getattr(library.nn, name)(4, 5, dtype=library.float64, **kwargs)


def first_states(library: Any, name: str, kwargs: Any, batch: tuple[int, ...]) -> Any:
    count = kwargs.get("num_layers", 1) * (2 if kwargs.get("bidirectional") else 1)
    h = library.tensor(numbers(count, *batch, kwargs.get("proj_size", 5)), requires_grad=True)
    if name != "LSTM":
        return h
    return h, library.tensor(numbers(count, *batch, 5), requires_grad=True)


def outcome(library: Any, module: Any, leaf: Any, input: Any, states: Any) -> Any:
    """Outputs, last states, and the gradients of the input, the states and the parameters."""
    library.manual_seed(SEED)
    output, last = module(input, states)
    data = output.data if isinstance(output, library.nn.utils.rnn.PackedSequence) else output
    parts = [data, *([last] if isinstance(last, library.Tensor) else last)]
    sum((part * part.cos()).sum() for part in parts).backward()
    leaves = [leaf, *([states] if isinstance(states, library.Tensor) else states or [])]
    return parts, [each.grad for each in [*leaves, *module.parameters()]]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("given", [False, True], ids=["zeros", "states"])
@pytest.mark.parametrize("form", ["batch", "single", "packed", "sorted"])
@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize(("name", "kwargs"), NETWORKS)
def test_network(name: str, kwargs: Any, settings: Any, form: str, given: bool) -> None:
    kwargs = kwargs | settings
    results, strides = [], []
    for library in BOTH:
        module = made(library, name, kwargs)
        batch = () if form == "single" else (4,)
        states = first_states(library, name, kwargs, batch) if given else None
        shape = (6,) if form == "single" else (4, 6) if kwargs.get("batch_first") else (6, 4)
        leaf = library.tensor(numbers(*shape, 4), requires_grad=True)
        input = leaf
        if form in ("packed", "sorted"):
            in_order = form == "sorted"
            input = library.nn.utils.rnn.pack_padded_sequence(
                leaf,
                sorted(LENGTHS, reverse=True) if in_order else LENGTHS,
                kwargs.get("batch_first", False),
                in_order,
            )
        results.append(outcome(library, module, leaf, input, states))
        strides.append([part.stride() for part in results[-1][0]])
    assert_same(results[1], results[0])
    if not kwargs.get("batch_first") or form in ("packed", "sorted"):
        assert strides[1] == strides[0]
    else:
        assert strides[1][0] == strides[0][0]


@pytest.mark.parametrize("batch", [(), (3,)], ids=["single", "batch"])
@pytest.mark.parametrize("given", [False, True], ids=["zeros", "states"])
@pytest.mark.parametrize(
    ("name", "kwargs"),
    [
        ("LSTMCell", {}),
        ("LSTMCell", {"bias": False}),
        ("GRUCell", {}),
        ("GRUCell", {"bias": False}),
        ("RNNCell", {}),
        ("RNNCell", {"bias": False, "nonlinearity": "relu"}),
    ],
)
def test_cell(name: str, kwargs: Any, given: bool, batch: tuple[int, ...]) -> None:
    results = []
    for library in BOTH:
        cell = made(library, name, kwargs)
        leaf = library.tensor(numbers(*batch, 4), requires_grad=True)
        h, c = (library.tensor(numbers(*batch, 5) + i, requires_grad=True) for i in range(2))
        states = (h, c) if name == "LSTMCell" else h
        found = cell(leaf, states) if given else cell(leaf)
        parts = found if isinstance(found, tuple) else (found,)
        sum((part * part.cos()).sum() for part in parts).backward()
        gradients = [each.grad for each in (leaf, h, c, *cell.parameters())]
        results.append((parts, [g for g in gradients if g is not None]))
    assert_same(results[1], results[0])


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn_tanh", "rnn_relu"])
def test_functions(kind: str) -> None:
    name = {"lstm": "LSTM", "gru": "GRU"}.get(kind, "RNN")
    results = []
    for library in BOTH:
        module = made(library, name, {"num_layers": 2, "bidirectional": True})
        hx = first_states(library, name, {"num_layers": 2, "bidirectional": True}, (3,))
        params, cell = list(module.parameters()), getattr(library, f"{kind}_cell")
        run = getattr(library, kind)
        padded, rows = library.tensor(numbers(3, 6, 4)), library.tensor(numbers(6, 4))
        sizes = library.tensor([3, 2, 1])
        first = tuple(h[0] for h in hx) if name == "LSTM" else hx[0]
        results.append(
            [
                run(padded, hx, params, True, 2, 0.0, False, True, True),
                run(rows, sizes, hx, params, True, 2, 0.0, False, True),
                cell(rows[:3], first, *params[:4]),
                cell(rows[:3], first, params[0], params[1], params[2]),
            ]
        )
    assert_same(results[1], results[0])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("name", ["LSTM", "GRU", "RNN"])
def test_other_precisions(name: str, dtype: str) -> None:
    spacing = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-20}[dtype]
    results = []
    for library in BOTH:
        module = made(library, name, {"num_layers": 2}).to(getattr(library, dtype))
        leaf = library.tensor(numbers(6, 3, 4), dtype=getattr(library, dtype), requires_grad=True)
        output, _ = module(leaf)
        assert str(output.dtype) == f"torch.{dtype}"
        output.float().square().mean().backward()
        grads = [each.grad.float() for each in (leaf, *module.parameters())]
        results.append([output.float(), *grads])
    assert_same(results[1], results[0], 4 * spacing)


def test_the_state_of_pytorchs_module_is_taken_over(tmp_path: Any) -> None:
    kwargs = {"num_layers": 2, "bidirectional": True, "proj_size": 2}
    expected = made(torch, "LSTM", kwargs)
    torch.save(expected.state_dict(), tmp_path / "state.pt")
    found = lamella.nn.LSTM(4, 5, dtype=lamella.float64, **kwargs)
    found.load_state_dict(lamella.load(tmp_path / "state.pt"))
    x = numbers(6, 2, 4)
    assert_same(found(lamella.tensor(x)), expected(torch.tensor(x)))
    assert [[p.shape for p in each] for each in found.all_weights] == [
        [tuple(p.shape) for p in each] for each in expected.all_weights
    ]


def test_whole_modules_are_exchanged(tmp_path: Any) -> None:
    expected = made(torch, "LSTM", {"bidirectional": True})
    x = numbers(6, 2, 4)
    torch.save(expected, tmp_path / "theirs.pt")
    found = lamella.load(tmp_path / "theirs.pt", weights_only=False)
    assert isinstance(found, lamella.nn.LSTM)
    assert_same(found(lamella.tensor(x)), expected(torch.tensor(x)))
    lamella.save(found, tmp_path / "ours.pt")
    back = torch.load(tmp_path / "ours.pt", weights_only=False)
    assert isinstance(back, torch.nn.LSTM)
    assert_same(back(torch.tensor(x)), expected(torch.tensor(x)))


# ------------ writes to results


def _written(library: Any, name: str, kwargs: Any, dtype: str, packed: bool, which: int) -> Any:
    """The gradients where a result is doubled in place, or the type of the error."""
    library.manual_seed(SEED)
    module = getattr(library.nn, name)(4, 5, dtype=getattr(library, dtype), **kwargs)
    cell = name.endswith("Cell")
    leaf = library.tensor(numbers(*((6, 4) if cell else (6, 2, 4))), dtype=getattr(library, dtype))
    leaf.requires_grad_()
    input = library.nn.utils.rnn.pack_padded_sequence(leaf, [6, 3]) if packed else leaf
    found = module(input)
    if not cell:
        output, last = found
        parts = [output.data if packed else output]
        parts += list(last) if name == "LSTM" else [last]
    else:
        parts = list(found) if isinstance(found, tuple) else [found]
    if which >= len(parts):
        return None
    parts[which].mul_(2)
    try:
        sum((part * part).sum() for part in parts).backward()
    except RuntimeError as error:
        assert "modified by an inplace operation" in str(error)
        return RuntimeError
    return [each.grad for each in (leaf, *module.parameters())]


CELLS = [("LSTMCell", {}), ("GRUCell", {}), ("RNNCell", {}), ("RNNCell", {"nonlinearity": "relu"})]
WRITTEN = [*NETWORKS, ("LSTM", {"num_layers": 2}), ("LSTM", {"bidirectional": True})]


@pytest.mark.parametrize("which", range(3))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("name", "kwargs", "packed"),
    [(*each, packed) for each in WRITTEN for packed in (False, True)]
    + [(*each, False) for each in CELLS],
)
def test_results_may_be_written_to_where_pytorchs_may(
    name: str, kwargs: Any, dtype: str, packed: bool, which: int
) -> None:
    expected, found = (_written(lib, name, kwargs, dtype, packed, which) for lib in BOTH)
    if expected is None or expected is RuntimeError:
        assert found is expected
    else:
        assert_same(found, expected, 1e-9 if dtype == "float64" else 1e-4)


# ------------ function transforms


def _transformed(library: Any, name: str, transform: str) -> Any:
    from importlib import import_module

    func = import_module(f"{library.__name__}.func")
    module, x = made(library, name, {}), library.tensor(numbers(3, 2, 4))
    given = {name: each.detach() for name, each in module.named_parameters()}

    def total(x: Any, given: Any) -> Any:
        return func.functional_call(module, given, (x,))[0].square().sum()

    def of_parameters(x: Any) -> Any:
        return sum(each.square().sum() for each in func.grad(total, argnums=1)(x, given).values())

    if transform == "grad":
        return func.grad(total, argnums=(0, 1))(x, given)[0]
    if transform == "grad of grad":
        return func.grad(lambda x: func.grad(total)(x, given).square().sum())(x)
    if transform == "grad of parameters' grad":
        return func.grad(of_parameters)(x)
    return func.jvp(lambda x: total(x, given), (x,), (x.cos(),))[1]


@pytest.mark.parametrize("transform", ["grad", "grad of grad", "grad of parameters' grad", "jvp"])
@pytest.mark.parametrize("name", ["LSTM", "GRU", "RNN"])
def test_function_transforms(name: str, transform: str) -> None:
    expected, found = (_transformed(library, name, transform) for library in BOTH)
    assert_same(found, expected)


@pytest.mark.parametrize("name", ["LSTM", "GRU", "RNN"])
def test_gradients_of_each_sample_by_vmap(name: str) -> None:
    """PyTorch has them for its LSTM in float32 alone; here they are compared with a loop."""
    func = lamella.func
    module, samples = made(lamella, name, {}), lamella.tensor(numbers(5, 3, 2, 4))
    given = {name: each.detach() for name, each in module.named_parameters()}

    def total(given: Any, x: Any) -> Any:
        return func.functional_call(module, given, (x,))[0].square().sum()

    found = func.vmap(func.grad(total), in_dims=(None, 0))(given, samples)
    for index in range(5):
        for each in module.parameters():
            each.grad = None
        module(samples[index])[0].square().sum().backward()
        for key, parameter in module.named_parameters():
            np.testing.assert_allclose(found[key][index].numpy(), parameter.grad.numpy(), 1e-9)


# ------------ sequences


def sequences(library: Any) -> list[Any]:
    return [library.tensor(numbers(length, 2), requires_grad=True) for length in LENGTHS]


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("batch_first", [False, True])
def test_pad_sequence(batch_first: bool, side: str) -> None:
    results = []
    for library in BOTH:
        leaves = sequences(library)
        padded = library.nn.utils.rnn.pad_sequence(leaves, batch_first, -1.5, side)
        (padded * padded).sum().backward()
        results.append([padded, *(leaf.grad for leaf in leaves)])
    assert_same(results[1], results[0])


@pytest.mark.parametrize("total", [None, 6, 8])
@pytest.mark.parametrize("batch_first", [False, True])
def test_packing_and_back(batch_first: bool, total: int | None) -> None:
    results, texts = [], []
    for library in BOTH:
        rnn = library.nn.utils.rnn
        leaf = library.tensor(numbers(4, 6, 2), requires_grad=True)
        input = leaf if batch_first else leaf.transpose(0, 1)
        packed = rnn.pack_padded_sequence(input, library.tensor(LENGTHS), batch_first, False)
        padded = rnn.pad_packed_sequence(packed, batch_first, 2.0, total)
        (padded[0] * packed.data.sum()).sum().backward()
        results.append([list(packed), padded, rnn.unpack_sequence(packed), leaf.grad])
        texts.append(repr(packed._replace(data=packed.data.detach()).float()))
    assert_same(results[1], results[0])
    assert texts[0] == texts[1]


def test_a_list_of_sequences_is_packed_and_unpacked() -> None:
    results = []
    for library in BOTH:
        rnn = library.nn.utils.rnn
        packed = rnn.pack_sequence(sequences(library), enforce_sorted=False)
        padded = rnn.pad_sequence(sequences(library))
        unpadded = rnn.unpad_sequence(padded, library.tensor(LENGTHS))
        order = rnn.invert_permutation(library.tensor([2, 0, 3, 1]))
        results.append([list(packed), rnn.unpack_sequence(packed), unpadded, order])
    assert_same(results[1], results[0])


def test_packed_sequences_convert_alike() -> None:
    kinds = ["double", "float", "half", "long", "int", "short", "char", "byte", "cpu"]
    results = []
    for library in BOTH:
        rnn = library.nn.utils.rnn
        packed = rnn.pack_sequence([library.tensor([1.5, 2.5]), library.tensor([3.0])])
        converted = [getattr(packed, kind)() for kind in kinds]
        assert packed.float() is packed
        assert packed.to("cpu") is packed
        assert pickle.loads(pickle.dumps(packed)).batch_sizes.tolist() == [2, 1]
        assert packed._fields == ("data", "batch_sizes", "sorted_indices", "unsorted_indices")
        results.append([each.data for each in (*converted, packed.to(library.float64))])
        assert (packed.is_cuda, packed.is_pinned()) == (False, False)
    assert_same(results[1], results[0])


# ------------ errors

WRONG = {
    "features": lambda t: t.nn.LSTM(3, 4)(t.zeros(5, 2, 4)),
    "dimensions": lambda t: t.nn.LSTM(3, 4)(t.zeros(5, 2, 3, 1)),
    "one dimension": lambda t: t.nn.RNN(3, 4)(t.zeros(5)),
    "dtype": lambda t: t.nn.GRU(3, 4)(t.zeros(5, 2, 3, dtype=t.float64)),
    "no step": lambda t: t.nn.GRU(3, 4)(t.zeros(0, 2, 3)),
    "hidden": lambda t: t.nn.LSTM(3, 4)(t.zeros(5, 2, 3), (t.zeros(1, 2, 5), t.zeros(1, 2, 4))),
    "cell": lambda t: t.nn.LSTM(3, 4)(t.zeros(5, 2, 3), (t.zeros(1, 2, 4), t.zeros(1, 3, 4))),
    "unbatched states": lambda t: t.nn.LSTM(3, 4)(t.zeros(5, 2, 3), (t.zeros(1, 4),) * 2),
    "batched states": lambda t: t.nn.GRU(3, 4)(t.zeros(5, 3), t.zeros(1, 2, 4)),
    "hidden of GRU": lambda t: t.nn.GRU(3, 4)(t.zeros(5, 2, 3), t.zeros(1, 3, 4)),
    "packed hidden": lambda t: t.nn.GRU(3, 4)(
        t.nn.utils.rnn.pack_sequence([t.zeros(2, 3)]), t.zeros(1, 3, 4)
    ),
    "packed features": lambda t: t.nn.GRU(3, 4)(t.nn.utils.rnn.pack_sequence([t.zeros(2, 5)])),
    "nonlinearity": lambda t: t.nn.RNN(3, 4, nonlinearity="sigmoid"),
    "mode": lambda t: t.nn.RNNBase("LSTN", 3, 4),
    "dropout": lambda t: t.nn.LSTM(3, 4, dropout=1.5),
    "projection": lambda t: t.nn.LSTM(3, 4, proj_size=4),
    "negative projection": lambda t: t.nn.LSTM(3, 4, proj_size=-1),
    "projection of GRU": lambda t: t.nn.GRU(3, 4, proj_size=2),
    "cell's features": lambda t: t.nn.LSTMCell(3, 4)(t.zeros(2, 4)),
    "cell's dimensions": lambda t: t.nn.GRUCell(3, 4)(t.zeros(2, 2, 3)),
    "cell's batch": lambda t: t.nn.GRUCell(3, 4)(t.zeros(2, 3), t.zeros(3, 4)),
    "cell's hidden size": lambda t: t.nn.RNNCell(3, 4)(t.zeros(2, 3), t.zeros(2, 5)),
    "cell's state": lambda t: t.nn.LSTMCell(3, 4)(t.zeros(3), t.zeros(4)),
    "cell's dtype": lambda t: t.nn.LSTMCell(3, 4)(t.zeros(2, 3, dtype=t.float64)),
    "one state": lambda t: t.lstm_cell(
        t.zeros(2, 3), (t.zeros(2, 4),), t.zeros(16, 3), t.zeros(16, 4)
    ),
    "unsorted": lambda t: t.nn.utils.rnn.pack_padded_sequence(t.zeros(4, 2), [1, 3]),
    "zero length": lambda t: t.nn.utils.rnn.pack_padded_sequence(t.zeros(4, 2), [1, 0]),
    "lengths": lambda t: t.nn.utils.rnn.pack_padded_sequence(t.zeros(4, 2), [4]),
    "empty": lambda t: t.nn.utils.rnn.pack_padded_sequence(t.zeros(0, 2), [4, 2]),
    "total": lambda t: t.nn.utils.rnn.pad_packed_sequence(
        t.nn.utils.rnn.pack_sequence([t.zeros(3)]), total_length=2
    ),
    "nothing to pad": lambda t: t.nn.utils.rnn.pad_sequence([]),
    "side": lambda t: t.nn.utils.rnn.pad_sequence([t.zeros(2)], padding_side="top"),
    "not to iterate": lambda t: t.nn.utils.rnn.pad_sequence(3),
    "no pair": lambda t: t.nn.utils.rnn.PackedSequence(t.zeros(2)),
}


@pytest.mark.parametrize("what", WRONG)
def test_errors(what: str) -> None:
    errors = []
    for library in BOTH:
        with pytest.raises(Exception) as caught:
            WRONG[what](library)
        errors.append(caught.value)
    assert type(errors[1]) is type(errors[0])
    words = str(errors[0]).split(",")[0].split(". ")[0]
    if what not in ("cell's dtype", "packed features", "packed hidden", "one dimension"):
        assert words in str(errors[1])


def test_dropout_of_a_single_layer_warns_alike() -> None:
    texts = []
    for library in BOTH:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            library.nn.LSTM(3, 4, dropout=0.3)
        texts.append([(each.category, str(each.message)) for each in caught])
    assert texts[0] == texts[1]
    assert len(texts[0]) == 1
