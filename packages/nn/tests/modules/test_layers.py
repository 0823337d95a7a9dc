"""Layers as objects: their text, their errors, their first weights. Recorded from PyTorch 2.13."""

import pytest

import lamella_core as lc
import lamella_nn as nn


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (lambda: nn.Identity(3, a=4), "Identity()"),
        (lambda: nn.Linear(2, 3), "Linear(in_features=2, out_features=3, bias=True)"),
        (lambda: nn.Linear(2, 3, False), "Linear(in_features=2, out_features=3, bias=False)"),
        (lambda: nn.ReLU(), "ReLU()"),
        (lambda: nn.ReLU(True), "ReLU(inplace=True)"),
        (lambda: nn.SiLU(True), "SiLU(inplace=True)"),
        (lambda: nn.Sigmoid(), "Sigmoid()"),
        (lambda: nn.Tanh(), "Tanh()"),
        (lambda: nn.GELU(), "GELU(approximate='none')"),
        (lambda: nn.LeakyReLU(), "LeakyReLU(negative_slope=0.01)"),
        (lambda: nn.LeakyReLU(0.2, True), "LeakyReLU(negative_slope=0.2, inplace=True)"),
        (lambda: nn.ELU(2, True), "ELU(alpha=2, inplace=True)"),
        (lambda: nn.Softplus(), "Softplus(beta=1.0, threshold=20.0)"),
        (lambda: nn.Softmax(), "Softmax(dim=None)"),
        (lambda: nn.LogSoftmax(1), "LogSoftmax(dim=1)"),
        (lambda: nn.Dropout(0.2, True), "Dropout(p=0.2, inplace=True)"),
        (lambda: nn.Conv1d(2, 3, 4), "Conv1d(2, 3, kernel_size=(4,), stride=(1,))"),
        (
            lambda: nn.Conv1d(
                2, 4, (3,), 2, padding=1, dilation=2, groups=2, bias=False, padding_mode="reflect"
            ),
            "Conv1d(2, 4, kernel_size=(3,), stride=(2,), padding=(1,), dilation=(2,), groups=2, "
            "bias=False, padding_mode=reflect)",
        ),
        (
            lambda: nn.Conv2d(2, 3, 3, padding="same"),
            "Conv2d(2, 3, kernel_size=(3, 3), stride=(1, 1), padding=same)",
        ),
        (
            lambda: nn.Conv2d(2, 3, (3, 4), (1, 2), (1, 2), (2, 1), padding_mode="circular"),
            "Conv2d(2, 3, kernel_size=(3, 4), stride=(1, 2), padding=(1, 2), dilation=(2, 1), "
            "padding_mode=circular)",
        ),
        (
            lambda: nn.MaxPool1d(2),
            "MaxPool1d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)",
        ),
        (
            lambda: nn.MaxPool2d((3, 2), stride=(2, 1), padding=1, ceil_mode=True),
            "MaxPool2d(kernel_size=(3, 2), stride=(2, 1), padding=1, dilation=1, ceil_mode=True)",
        ),
        (lambda: nn.AvgPool1d(2, 3, 1), "AvgPool1d(kernel_size=(2,), stride=(3,), padding=(1,))"),
        (lambda: nn.AvgPool2d(2), "AvgPool2d(kernel_size=2, stride=2, padding=0)"),
        (
            lambda: nn.AdaptiveAvgPool2d((None, 3)),
            "AdaptiveAvgPool2d(output_size=(None, 3))",
        ),
        (
            lambda: nn.BatchNorm2d(3, 1e-3, None, False, False),
            "BatchNorm2d(3, eps=0.001, momentum=None, affine=False, bias=False, "
            "track_running_stats=False)",
        ),
        (
            lambda: nn.BatchNorm1d(3),
            "BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, "
            "track_running_stats=True)",
        ),
        (
            lambda: nn.LayerNorm((3, 4), 1e-3, False),
            "LayerNorm((3, 4), eps=0.001, elementwise_affine=False, bias=False)",
        ),
        (lambda: nn.GroupNorm(2, 4), "GroupNorm(2, 4, eps=1e-05, affine=True, bias=True)"),
        (lambda: nn.Flatten(), "Flatten(start_dim=1, end_dim=-1)"),
        (lambda: nn.Unflatten(1, (2, 3)), "Unflatten(dim=1, unflattened_size=(2, 3))"),
        (lambda: nn.CrossEntropyLoss(), "CrossEntropyLoss()"),
        (lambda: nn.Embedding(3, 4, padding_idx=-1), "Embedding(3, 4, padding_idx=2)"),
        (
            lambda: nn.Embedding(
                3, 4, max_norm=1.0, norm_type=1.0, scale_grad_by_freq=True, sparse=True
            ),
            "Embedding(3, 4, max_norm=1.0, norm_type=1.0, scale_grad_by_freq=True, sparse=True)",
        ),
    ],
)
def test_repr(layer, text):
    assert repr(layer()) == text


@pytest.mark.parametrize(
    ("make", "kind", "text"),
    [
        (
            lambda: nn.Dropout(1.5),
            ValueError,
            "dropout probability has to be between 0 and 1, but got 1.5",
        ),
        (
            lambda: nn.Conv2d(2, 3, 3, padding="foo"),
            ValueError,
            "Invalid padding string 'foo', should be one of {'same', 'valid'}",
        ),
        (
            lambda: nn.Conv2d(2, 3, 3, padding="same", stride=2),
            ValueError,
            "padding='same' is not supported for strided convolutions",
        ),
        (
            lambda: nn.Conv2d(2, 3, 3, padding_mode="foo"),
            ValueError,
            "padding_mode must be one of {'circular', 'zeros', 'replicate', 'reflect'}, but got "
            "padding_mode='foo'",
        ),
        (
            lambda: nn.Conv2d(2, 3, 3, groups=2),
            ValueError,
            "out_channels must be divisible by groups",
        ),
        (
            lambda: nn.Conv2d(3, 2, 3, groups=2),
            ValueError,
            "in_channels must be divisible by groups",
        ),
        (lambda: nn.Conv2d(2, 3, 3, groups=0), ValueError, "groups must be a positive integer"),
        (
            lambda: nn.GroupNorm(2, 3),
            ValueError,
            "num_channels (3) must be divisible by num_groups (2)",
        ),
        (
            lambda: nn.Unflatten(1, 3),
            TypeError,
            "unflattened_size must be a tuple of ints, but found type int",
        ),
        (
            lambda: nn.Unflatten(1, ("a", 3)),
            TypeError,
            "unflattened_size must be tuple of ints, but found element of type str at pos 0",
        ),
        (
            lambda: nn.Embedding(3, 4, padding_idx=5),
            AssertionError,
            "Padding_idx must be within num_embeddings",
        ),
        (
            lambda: nn.Embedding.from_pretrained(lc.ones(2)),
            AssertionError,
            "Embeddings parameter is expected to be 2-dimensional",
        ),
        (
            lambda: nn.BatchNorm1d(3)(lc.ones(3)),
            ValueError,
            "expected 2D or 3D input (got 1D input)",
        ),
        (lambda: nn.BatchNorm2d(3)(lc.ones(1, 3)), ValueError, "expected 4D input (got 2D input)"),
    ],
)
def test_errors(make, kind, text):
    with pytest.raises(kind) as caught:
        make()
    assert str(caught.value) == text


def test_first_weights_of_linear():
    lc.manual_seed(0)
    layer = nn.Linear(4, 3)
    assert layer.weight.flatten().tolist()[:4] == [
        -0.003743410110473633,
        0.26822179555892944,
        -0.4115225672721863,
        -0.3679695129394531,
    ]
    assert layer.bias.tolist() == [
        -0.4776742458343506,
        -0.33114105463027954,
        -0.20611155033111572,
    ]


def test_first_weights_of_conv2d():
    lc.manual_seed(0)
    layer = nn.Conv2d(2, 4, 3, groups=2)
    assert tuple(layer.weight.shape) == (4, 1, 3, 3)
    assert layer.weight.flatten().tolist()[:4] == [
        -0.0024956068955361843,
        0.17881453037261963,
        -0.2743483781814575,
        -0.24531301856040955,
    ]
    assert layer.bias.tolist() == [
        -0.19458016753196716,
        0.2865327000617981,
        0.14873945713043213,
        0.16155752539634705,
    ]


def test_first_table_of_embedding():
    lc.manual_seed(0)
    assert nn.Embedding(3, 2, padding_idx=1).weight.tolist() == [
        [1.5409960746765137, -0.293428897857666],
        [0.0, 0.0],
        [-1.0845223665237427, -1.3985954523086548],
    ]


def test_a_layer_without_inputs_warns():
    with pytest.warns(UserWarning, match="Initializing zero-element tensors is a no-op"):
        layer = nn.Linear(0, 3)
    assert layer.bias.tolist() == [0.0, 0.0, 0.0]


def test_device_and_dtype():
    layer = nn.Linear(2, 3, device="cpu", dtype=lc.float64)
    assert layer.weight.dtype is lc.float64 and layer.bias.dtype is lc.float64
    norm = nn.BatchNorm1d(2, dtype=lc.float64)
    assert norm.running_var.dtype is lc.float64 and norm.num_batches_tracked.dtype is lc.int64


def test_padding_of_the_input_by_other_modes():
    def sides(**options):
        return list(nn.Conv2d(1, 2, **options)._reversed_padding_repeated_twice)

    assert sides(kernel_size=3, padding="same") == [1, 1, 1, 1]
    assert sides(kernel_size=(3, 4), padding="same", dilation=2) == [3, 3, 2, 2]
    assert sides(kernel_size=(2, 4), padding="same") == [1, 2, 0, 1]
    assert sides(kernel_size=3, padding=(1, 2)) == [2, 2, 1, 1]
    assert sides(kernel_size=3, padding="valid") == [0, 0, 0, 0]


def test_batch_norm_members():
    norm = nn.BatchNorm1d(2, bias=False)
    assert norm.weight.tolist() == [1.0, 1.0] and norm.bias is None
    norm.running_mean.fill_(5.0)
    norm.num_batches_tracked.fill_(3)
    norm.reset_running_stats()
    assert norm.running_mean.tolist() == [0.0, 0.0] and norm.num_batches_tracked.item() == 0
    bare = nn.BatchNorm1d(2, affine=False, track_running_stats=False)
    assert list(bare.state_dict()) == [] and bare.running_mean is None


def test_batch_norm_reads_its_first_version():
    norm = nn.BatchNorm1d(2)
    state = norm.state_dict()
    del state["num_batches_tracked"]
    with pytest.raises(RuntimeError, match="num_batches_tracked"):
        norm.load_state_dict(state)
    norm.load_state_dict(dict(state))
    state._metadata[""]["version"] = 1
    norm.load_state_dict(state)


@pytest.mark.parametrize(
    ("options", "reduction"),
    [
        ({}, "mean"),
        ({"reduction": "sum"}, "sum"),
        ({"size_average": False}, "sum"),
        ({"reduce": False}, "none"),
        ({"reduce": True, "size_average": True}, "mean"),
    ],
)
def test_older_names_of_the_reduction(options, reduction):
    if "reduction" in options or not options:
        assert nn.MSELoss(**options).reduction == reduction
        return
    with pytest.warns(UserWarning, match=f"please use reduction='{reduction}' instead"):
        assert nn.MSELoss(**options).reduction == reduction


def test_weights_of_losses_are_buffers():
    loss = nn.CrossEntropyLoss(lc.ones(2))
    assert list(loss.state_dict()) == ["weight"]
    assert list(nn.BCEWithLogitsLoss(pos_weight=lc.ones(1)).state_dict()) == ["pos_weight"]
    assert list(nn.NLLLoss().state_dict()) == []


def test_from_pretrained():
    table = lc.ones(2, 3)
    layer = nn.Embedding.from_pretrained(table)
    assert not layer.weight.requires_grad and layer.weight.data_ptr() == table.data_ptr()
    assert nn.Embedding.from_pretrained(table, freeze=False).weight.requires_grad
    with pytest.raises(AssertionError, match="Shape of weight does not match"):
        nn.Embedding(3, 4, _weight=table)


def test_flatten_and_unflatten():
    x = lc.ones(2, 6)
    assert tuple(nn.Unflatten(1, (2, 3))(x).shape) == (2, 2, 3)
    assert tuple(nn.Flatten()(nn.Unflatten(1, (2, 3))(x)).shape) == (2, 6)
