"""lamella's modules against PyTorch's, on the inputs that PyTorch tests its own with.

Both sides are made from one seed, so that their first parameters have to be equal bit for bit.
Then text, state, outputs, and the gradients of parameters and inputs have to agree.
"""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from torch.testing._internal.common_modules import ModuleErrorEnum, module_db

import lamella_core
import lamella_nn

SEED = 11
DTYPES = ("float32", "float64")
# PyTorch rounds the 1/6 of hardsigmoid's derivative to single precision, also in double.
TOLERANCE = {"float32": 1e-5, "float64": 1e-7}

# Made without the module database's help: it does not have these classes, or no such arguments.
CONSTRUCTIONS = [
    ("AdaptiveLogSoftmaxWithLoss", (16, 20, [4, 9], 2.0, True), {}),
    ("AdaptiveMaxPool2d", ((None, 3), True), {}),
    ("AlphaDropout", (0.2, True), {}),
    ("AvgPool3d", ((2, 1, 1), 1, (1, 0, 0), True, False, 3), {}),
    ("BatchNorm3d", (3, 1e-3, None, False, False), {}),
    ("Bilinear", (2, 3, 4, False), {}),
    ("CTCLoss", (2, "sum", True), {}),
    ("ChannelShuffle", (2,), {}),
    ("Conv3d", (2, 4, (1, 2, 3), 2, (1, 0, 2), 2, 2, False, "circular"), {}),
    ("ConvTranspose1d", (2, 4, (3,), 2, 1, 1, 2, False, 2), {}),
    ("ConvTranspose2d", (4, 2, (3, 2), 2, (1, 0), 1, 2), {"dilation": (1, 2)}),
    ("ConvTranspose3d", (4, 2, 3, (2, 1, 1), 1, (1, 0, 0)), {}),
    ("CosineEmbeddingLoss", (0.5,), {}),
    ("CrossMapLRN2d", (3, 0.1, 0.5, 2), {}),
    ("Dropout1d", (), {}),
    ("Dropout2d", (0.2, True), {}),
    ("Dropout3d", (0.1,), {}),
    ("EmbeddingBag", (5, 3), {}),
    ("EmbeddingBag", (5, 3, 2, 1.0, True, "sum", False, None, True, -2), {}),
    ("FeatureAlphaDropout", (0.3,), {}),
    ("Fold", ((4, 5), (3, 2), 2, 1, (1, 2)), {}),
    ("GRU", (3, 4, 2, False, True, 0.1, True), {}),
    ("GRUCell", (3, 4, False), {}),
    ("FractionalMaxPool2d", (2, 3), {}),
    ("FractionalMaxPool3d", ((2, 1, 2),), {"output_ratio": 0.5, "return_indices": True}),
    ("Hardsigmoid", (True,), {}),
    ("Hardswish", (True,), {}),
    ("Hardtanh", (-2, 3.5, True), {}),
    ("InstanceNorm2d", (3,), {"affine": True, "bias": False}),
    ("InstanceNorm3d", (3, 1e-3, 0.2, True, True), {}),
    ("LSTM", (3, 5, 2), {"bidirectional": True, "proj_size": 2, "dropout": 0.5}),
    ("LSTMCell", (3, 4), {}),
    ("LPPool1d", (2.5, 3, 2, True), {}),
    ("LinearCrossEntropyLoss", (5, 4), {"out_features": (2, 3), "bias": True, "reduction": "sum"}),
    ("LocalResponseNorm", (3, 1e-3, 0.5, 2), {}),
    ("MaxPool3d", ((1, 2, 2), 1, (0, 1, 1), 1, True, True), {}),
    ("MaxUnpool1d", (2,), {}),
    ("MaxUnpool2d", ((2, 3), None, 1), {}),
    ("MaxUnpool3d", (2, (3, 2, 1), 1), {}),
    ("MultiheadAttention", (6, 2, 0.1, True, True, True, 4, 5, True), {}),
    ("MultiheadAttention", (6, 2), {"bias": False}),
    ("PReLU", (3, 0.1), {}),
    ("PixelShuffle", (2,), {}),
    ("PixelUnshuffle", (2,), {}),
    ("NLLLoss2d", (None, None, 3), {}),
    ("RMSNorm", ([2, 3], 1e-5, False), {}),
    ("RNN", (3, 4, 2, "relu", True, True), {}),
    ("RNNBase", ("GRU", 3, 4), {"batch_first": True}),
    ("RNNCell", (3, 4, True, "relu"), {}),
    ("RNNCellBase", (3, 4, True, 2), {}),
    ("RReLU", (0.1, 0.2, True), {}),
    ("ReLU6", (True,), {}),
    ("SyncBatchNorm", (3, 1e-3, None, True, False), {}),
    ("TripletMarginLoss", (2, 1, 1e-5, True), {}),
    ("TripletMarginWithDistanceLoss", (), {"margin": 2.0, "swap": True}),
    ("Unfold", ((3, 2), 2, 1, (1, 2)), {}),
    ("Upsample", ((3, 4),), {"mode": "bilinear", "align_corners": True}),
    ("Upsample", (), {"scale_factor": (2, 1.5), "mode": "bicubic"}),
    ("UpsamplingBilinear2d", ((3, 4),), {}),
    ("UpsamplingNearest2d", (), {"scale_factor": 2}),
]

# (class, its arguments, shapes of its inputs), for classes that the module database lacks.
CALLS = [
    ("AlphaDropout", (0.4,), [(5, 6)]),
    ("ChannelShuffle", (2,), [(2, 4, 3, 3)]),
    ("Dropout", (0.4,), [(5, 6)]),
    ("Dropout1d", (0.4,), [(5, 6, 3)]),
    ("Dropout2d", (0.4,), [(5, 6, 3, 2)]),
    ("Dropout3d", (0.4,), [(5, 6, 3, 2, 2)]),
    ("FeatureAlphaDropout", (0.4,), [(5, 6, 3)]),
    ("Fold", ((4, 5), (3, 2), 1, 1, (1, 2)), [(2, 12, 12)]),
    ("FractionalMaxPool2d", (2, 3), [(2, 3, 7, 6)]),
    ("FractionalMaxPool2d", ((2, 3), None, 0.6), [(3, 7, 6)]),
    ("FractionalMaxPool3d", (2, (2, 3, 4)), [(2, 3, 5, 6, 7)]),
    ("Hardsigmoid", (), [(5, 6)]),
    ("PixelShuffle", (2,), [(2, 8, 3, 2)]),
    ("PixelUnshuffle", (2,), [(2, 2, 4, 6)]),
    ("RReLU", (0.1, 0.6), [(5, 6)]),
    ("SyncBatchNorm", (3,), [(4, 3, 2)]),
    ("TripletMarginLoss", (2, 1, 1e-5, True), [(4, 3), (4, 3), (4, 3)]),
    ("TripletMarginWithDistanceLoss", (), [(4, 3), (4, 3), (4, 3)]),
    ("Unfold", ((3, 2), 1, 1, (1, 2)), [(2, 3, 4, 5)]),
    ("Upsample", (5,), [(1, 2, 3)]),
    ("UpsamplingBilinear2d", ((5, 4),), [(1, 2, 3, 3)]),
    ("UpsamplingNearest2d", (None, 2), [(1, 2, 3, 3)]),
]


class NotCarried(Exception):
    """The value has no counterpart in lamella."""


def ours(value: Any) -> Any:
    """PyTorch's tensors, dtypes and functions, also those in containers, as lamella's."""
    if isinstance(value, torch.Tensor):
        copy = lamella_core.tensor(value.detach().numpy().copy())
        return copy.requires_grad_(value.requires_grad)
    if isinstance(value, torch.dtype):
        return getattr(lamella_core, str(value).removeprefix("torch."))
    if isinstance(value, dict):
        return {name: ours(each) for name, each in value.items()}
    if type(value) in (list, tuple):
        return type(value)(ours(each) for each in value)
    if callable(value) and hasattr(lamella_nn.functional, getattr(value, "__name__", "")):
        return getattr(lamella_nn.functional, value.__name__)
    if isinstance(value, tuple) or not isinstance(
        value, (int, float, str, torch.device, type(None))
    ):
        raise NotCarried(type(value).__name__)
    return value


def tensors(value: Any) -> list[Any]:
    """The tensors of a structure, in order."""
    if isinstance(value, (torch.Tensor, lamella_core.Tensor)):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [tensor for each in value for tensor in tensors(each)]
    return []


def fresh(value: Any) -> Any:
    """The structure with leaves of its own, for a call that may overwrite its input."""
    if isinstance(value, torch.Tensor):
        return value.detach().clone().requires_grad_(value.requires_grad)
    if isinstance(value, dict):
        return {name: fresh(each) for name, each in value.items()}
    if type(value) in (list, tuple):
        return type(value)(fresh(each) for each in value)
    return value


def widened(value: Any) -> Any:
    """The structure with leaves of its own, floating-point numbers in double precision."""
    if isinstance(value, torch.Tensor):
        wide = value.detach().double() if value.is_floating_point() else value.detach()
        return wide.clone().requires_grad_(value.requires_grad)
    if isinstance(value, dict):
        return {name: widened(each) for name, each in value.items()}
    if type(value) in (list, tuple):
        return type(value)(widened(each) for each in value)
    return value


def array(tensor: Any) -> np.ndarray:
    return tensor.detach().numpy()


def make(library: Any, nn: Any, name: str, args: Any, kwargs: Any, dtype: str | None) -> Any:
    library.manual_seed(SEED)
    module = getattr(nn, name)(*args, **kwargs)
    return module if dtype is None else module.to(getattr(library, dtype))


def assert_close(found: Any, expected: Any, tolerance: float) -> None:
    assert str(found.dtype).split(".")[-1] == str(expected.dtype).split(".")[-1]
    assert tuple(found.shape) == tuple(expected.shape)
    # Sums of large numbers that cancel are as exact as these numbers are.
    scale = max(1.0, float(np.nanmax(np.abs(array(expected)), initial=0.0)))
    np.testing.assert_allclose(
        array(found), array(expected), rtol=tolerance, atol=tolerance * scale
    )


def assert_as_near(found: Any, expected: Any, exact: Any) -> None:
    """Single precision may be further off than the tolerance; ours then at most as PyTorch's is."""
    error = float(np.abs(array(expected) - array(exact)).max())
    assert np.abs(array(found) - array(exact)).max() <= error


def assert_states_equal(found: Any, expected: Any) -> None:
    assert list(found) == list(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(array(found[name]), array(value), err_msg=name)


def run(library: Any, module: Any, args: Any, kwargs: Any) -> tuple[list[Any], list[Any], Any]:
    """Outputs, gradients of parameters and of inputs, and the state afterwards."""
    library.manual_seed(SEED)
    leaves = [
        tensor
        for tensor in [*module.parameters(), *tensors(args), *tensors(kwargs)]
        if tensor.requires_grad
    ]
    outputs = tensors(module(*args, **kwargs))
    random = np.random.default_rng(SEED)
    total = None
    for output in outputs:
        if output.requires_grad:
            cotangent = random.standard_normal(tuple(output.shape))
            cotangent = library.tensor(cotangent, dtype=output.dtype)
            part = (output * cotangent).sum()
            total = part if total is None else total + part
    if total is not None:
        total.backward()
    return outputs, [leaf.grad for leaf in leaves], module.state_dict()


def assert_agree(
    name: str, args: Any, kwargs: Any, call_args: Any, call_kwargs: Any, dtype: str, training: bool
) -> None:
    expected = make(torch, torch.nn, name, args, kwargs, dtype).train(training)
    found = make(lamella_core, lamella_nn, name, ours(args), ours(kwargs), dtype).train(training)
    assert repr(found) == repr(expected)
    our_args, our_kwargs = ours(call_args), ours(call_kwargs)
    if name.startswith("Lazy"):
        # Parameters, and their first values, come with the first call.
        for library, module, arguments in (
            (torch, expected, (fresh(call_args), fresh(call_kwargs))),
            (lamella_core, found, (our_args, our_kwargs)),
        ):
            library.manual_seed(SEED)
            module(*arguments[0], **arguments[1])
        assert repr(found) == repr(expected)
    assert_states_equal(found.state_dict(), expected.state_dict())
    wanted = run(torch, expected, fresh(call_args), fresh(call_kwargs))
    results = run(lamella_core, found, our_args, our_kwargs)
    tolerance = TOLERANCE[dtype]
    for part, (mine, theirs) in enumerate(zip(results[:2], wanted[:2], strict=True)):
        for index, (value, reference) in enumerate(zip(mine, theirs, strict=True)):
            assert (value is None) == (reference is None)
            if value is None:
                continue
            try:
                assert_close(value, reference, tolerance)
            except AssertionError:
                if dtype != "float32":
                    raise
                wide = make(torch, torch.nn, name, args, kwargs, dtype).double().train(training)
                exact = run(torch, wide, widened(call_args), widened(call_kwargs))[part][index]
                assert_as_near(value, reference, exact)
    for key, value in wanted[2].items():
        assert_close(results[2][key], value, tolerance)


def database() -> list[Any]:
    found = []
    for info in module_db:
        name = info.module_cls.__name__
        if info.module_cls.__module__.startswith("torch.nn.modules") and hasattr(lamella_nn, name):
            found += [
                pytest.param(info, dtype, training, id=f"{name}-{dtype}-{mode}")
                for dtype in DTYPES
                for training, mode in ((True, "train"), (False, "eval"))
            ]
    return found


@pytest.mark.parametrize(("info", "dtype", "training"), database())
@pytest.mark.filterwarnings("ignore")
def test_database(info: Any, dtype: str, training: bool) -> None:
    torch.manual_seed(SEED)
    inputs = info.module_inputs_func(
        info, device="cpu", dtype=getattr(torch, dtype), requires_grad=True, training=training
    )
    name = info.module_cls.__name__
    compared = 0
    for each in inputs:
        constructor, call = each.constructor_input, each.forward_input
        try:
            ours([constructor.args, constructor.kwargs, call.args, call.kwargs])
        except NotCarried:
            continue
        case = (name, constructor.args, constructor.kwargs, call.args, call.kwargs, dtype, training)
        assert_agree(*case)
        compared += 1
    if not compared:
        pytest.skip("all inputs hold objects that are carried over to no other library")


def failing() -> list[Any]:
    found = []
    for info in module_db:
        name = info.module_cls.__name__
        if hasattr(lamella_nn, name) and info.module_error_inputs_func is not None:
            for training, mode in ((True, "train"), (False, "eval")):
                found.append(pytest.param(info, training, id=f"{name}-{mode}"))
    return found


def attempt(name: str, args: Any, kwargs: Any, call: Any) -> None:
    """Make lamella's module, and call it if there is a call; in training, as PyTorch's tests do."""
    module = getattr(lamella_nn, name)(*args, **kwargs)
    if call is not None:
        module(*ours(call.args), **ours(call.kwargs))


@pytest.mark.parametrize(("info", "training"), failing())
@pytest.mark.filterwarnings("ignore")
def test_errors_of_the_database(info: Any, training: bool) -> None:
    torch.manual_seed(SEED)
    inputs = info.module_error_inputs_func(
        info, device="cpu", dtype=torch.float32, requires_grad=False, training=training
    )
    for each in inputs:
        constructor = each.module_error_input.constructor_input
        call = each.module_error_input.forward_input
        try:
            args, kwargs = ours(constructor.args), ours(constructor.kwargs)
        except NotCarried:
            continue
        forward = each.error_on == ModuleErrorEnum.FORWARD_ERROR
        with pytest.raises(each.error_type):
            attempt(info.module_cls.__name__, args, kwargs, call if forward else None)


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("name", "args", "shapes"), CALLS, ids=[f"{case[0]}-{i}" for i, case in enumerate(CALLS)]
)
def test_calls(name: str, args: Any, shapes: Any, dtype: str, training: bool) -> None:
    random = np.random.default_rng(SEED)
    inputs = [
        torch.tensor(random.standard_normal(shape), dtype=getattr(torch, dtype), requires_grad=True)
        for shape in shapes
    ]
    assert_agree(name, args, {}, inputs, {}, dtype, training)


@pytest.mark.parametrize(
    ("name", "args", "kwargs"),
    CONSTRUCTIONS,
    ids=[f"{case[0]}-{i}" for i, case in enumerate(CONSTRUCTIONS)],
)
def test_construction(name: str, args: Any, kwargs: Any) -> None:
    expected = make(torch, torch.nn, name, args, kwargs, None)
    found = make(lamella_core, lamella_nn, name, args, kwargs, None)
    assert repr(found) == repr(expected)
    assert_states_equal(found.state_dict(), expected.state_dict())
    for attribute, value in vars(expected).items():
        if not attribute.startswith("_"):
            assert getattr(found, attribute) == value, attribute


def signature(function: Any, defaults: bool) -> list[Any]:
    parameters = inspect.signature(function).parameters.values()
    return [(each.name, each.kind, each.default if defaults else None) for each in parameters]


@pytest.mark.parametrize(
    "name", sorted({case[0] for case in CONSTRUCTIONS} | {case[0] for case in CALLS})
)
def test_signature(name: str) -> None:
    found, expected = getattr(lamella_nn, name), getattr(torch.nn, name)
    assert signature(found.__init__, True) == signature(expected.__init__, True)
    assert signature(found.forward, True) == signature(expected.forward, True)


UNPOOLED = [
    ("1d", (2, 3, 8), {}),
    ("2d", (2, 3, 6, 8), {}),
    ("3d", (2, 2, 4, 6, 4), {}),
    ("2d", (1, 2, 5, 7), {"output_size": (5, 7)}),
]


@pytest.mark.parametrize(("kind", "shape", "options"), UNPOOLED)
def test_max_unpool(kind: str, shape: Any, options: Any) -> None:
    values = np.random.default_rng(SEED).standard_normal(shape)
    results = []
    for library, nn in ((torch, torch.nn), (lamella_core, lamella_nn)):
        leaf = library.tensor(values, requires_grad=True)
        pooled, indices = getattr(nn, f"MaxPool{kind}")(2, return_indices=True)(leaf)
        output = getattr(nn, f"MaxUnpool{kind}")(2)(pooled, indices, **options)
        (output * output).sum().backward()
        results.append((output, leaf.grad))
    for mine, theirs in zip(results[1], results[0], strict=True):
        assert_close(mine, theirs, 1e-9)


TRANSPOSED = [
    ("1d", (2, 3, 5), {"stride": 3}, (17,)),
    ("1d", (3, 5), {"stride": 2, "padding": 1}, (4, 10)),
    ("2d", (2, 3, 4, 5), {"stride": (2, 3), "dilation": 2}, (2, 4, 11, 18)),
    ("3d", (1, 3, 2, 3, 2), {"stride": 2, "padding": 1}, (4, 5, 4)),
]


@pytest.mark.parametrize(("kind", "shape", "options", "size"), TRANSPOSED)
def test_transposed_convolution_of_a_requested_size(
    kind: str, shape: Any, options: Any, size: Any
) -> None:
    name = f"ConvTranspose{kind}"
    expected = make(torch, torch.nn, name, (3, 4, 3), options, "float64")
    found = make(lamella_core, lamella_nn, name, (3, 4, 3), options, "float64")
    values = np.random.default_rng(SEED).standard_normal(shape)
    assert_close(
        found(lamella_core.tensor(values), output_size=size),
        expected(torch.tensor(values), output_size=size),
        1e-9,
    )
    errors = []
    for library, module in ((torch, expected), (lamella_core, found)):
        for wrong in ((1,) * len(size), (*size, 1, 1)):
            with pytest.raises(ValueError) as caught:
                module(library.tensor(values), output_size=wrong)
            errors.append(str(caught.value).split(",")[0])
    assert len(errors) == 4


def test_older_names_of_bounds_warn_alike() -> None:
    texts = []
    for nn in (torch.nn, lamella_nn):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            assert repr(nn.Hardtanh(min_value=-2.0, max_value=1.5)).endswith("max_val=1.5)")
        texts.append([(each.category, str(each.message)) for each in caught])
    assert texts[0] == texts[1]


@pytest.mark.parametrize("single", [False, True])
def test_adaptive_softmax(single: bool) -> None:
    expected = make(
        torch, torch.nn, "AdaptiveLogSoftmaxWithLoss", (8, 12, [3, 6], 2.0), {}, "float64"
    )
    found = make(
        lamella_core, lamella_nn, "AdaptiveLogSoftmaxWithLoss", (8, 12, [3, 6], 2.0), {}, "float64"
    )
    values = torch.randn(7, 8, dtype=torch.float64, requires_grad=True)
    target = torch.tensor([0, 2, 3, 11, 6, 5, 1])
    call = (values[0].detach().requires_grad_(), target[3]) if single else (values, target)
    ours_call = tuple(ours(each) for each in call)
    for mine, theirs in zip(
        run(lamella_core, found, ours_call, {})[:2], run(torch, expected, call, {})[:2], strict=True
    ):
        for value, reference in zip(mine, theirs, strict=True):
            assert (value is None) == (reference is None)
            if value is not None:
                assert_close(value, reference, 1e-9)
    if not single:
        assert_close(found.log_prob(ours_call[0]), expected.log_prob(values), 1e-9)
        assert found.predict(ours_call[0]).tolist() == expected.predict(values).tolist()


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 9])
def test_older_local_response_norm(size: int) -> None:
    values = torch.randn(2, 6, 3, 2, dtype=torch.float64)
    expected = torch.nn.CrossMapLRN2d(size, 0.3, 0.6, 1.5)(values)
    assert_close(lamella_nn.CrossMapLRN2d(size, 0.3, 0.6, 1.5)(ours(values)), expected, 1e-9)


def test_every_public_class_is_there() -> None:
    later = {
        # Attention, lazy modules.
        "MultiheadAttention", "UninitializedBuffer", "UninitializedParameter",
    }  # fmt: skip
    names = {name for name in dir(torch.nn) if isinstance(getattr(torch.nn, name), type)}
    missing = {name for name in names if not hasattr(lamella_nn, name)} - later
    assert not {name for name in missing if not name.startswith(("Lazy", "Transformer"))}


# Their backward passes read the states, which are the output; PyTorch's has copies of its own.
KEPT_OUTPUTS = {"RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell"}


@pytest.mark.parametrize(
    "info",
    [
        pytest.param(info, id=info.module_cls.__name__)
        for info in module_db
        if info.module_cls.__module__.startswith("torch.nn.modules")
        and info.module_cls.__name__ not in KEPT_OUTPUTS
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_outputs_may_be_overwritten(info: Any) -> None:
    """Where PyTorch lets an in-place op follow a module, so do we, with the same gradients."""
    torch.manual_seed(SEED)
    inputs = info.module_inputs_func(
        info, device="cpu", dtype=torch.float64, requires_grad=True, training=True
    )
    name = info.module_cls.__name__
    compared = 0
    for each in inputs[:3]:
        constructor, call = each.constructor_input, each.forward_input
        try:
            ours([constructor.args, constructor.kwargs, call.args, call.kwargs])
        except NotCarried:
            continue
        expected = make(torch, torch.nn, name, constructor.args, constructor.kwargs, "float64")
        found = make(
            lamella_core,
            lamella_nn,
            name,
            ours(constructor.args),
            ours(constructor.kwargs),
            "float64",
        )
        results = []
        for library, module, convert in ((torch, expected, fresh), (lamella_core, found, ours)):
            library.manual_seed(SEED)
            args, kwargs = convert(call.args), convert(call.kwargs)
            outputs = [t for t in tensors(module(*args, **kwargs)) if t.requires_grad]
            try:
                for output in outputs:
                    output.mul_(2)
                if outputs:
                    sum(output.sum() for output in outputs).backward()
            except RuntimeError as error:
                results.append(type(error))
                continue
            leaves = [t for t in [*module.parameters(), *tensors(args)] if t.requires_grad]
            results.append([leaf.grad for leaf in leaves])
        if isinstance(results[0], type):
            continue
        compared += 1
        assert not isinstance(results[1], type)
        for mine, theirs in zip(results[1], results[0], strict=True):
            assert (mine is None) == (theirs is None)
            if mine is not None:
                assert_close(mine, theirs, 1e-7)
    if not compared:
        pytest.skip("PyTorch refuses too, or the inputs are carried over to no other library")
