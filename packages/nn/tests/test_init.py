"""Initial values; numbers recorded from PyTorch 2.13 after ``manual_seed(0)``."""

import math

import numpy as np
import pytest

import lamella_core as lc
from lamella_nn import init


def seeded(name, shape, *args, **options):
    lc.manual_seed(0)
    return getattr(init, name)(lc.empty(shape), *args, **options)


@pytest.mark.parametrize(
    ("name", "gain"),
    [
        ("linear", 1),
        ("conv2d", 1),
        ("conv_transpose3d", 1),
        ("sigmoid", 1),
        ("tanh", 5 / 3),
        ("relu", math.sqrt(2)),
        ("leaky_relu", 1.4141428569978354),
        ("selu", 0.75),
    ],
)
def test_gain(name, gain):
    assert init.calculate_gain(name) == gain


def test_gain_of_a_slope():
    assert init.calculate_gain("leaky_relu", 0.2) == 1.3867504905630728
    assert init.calculate_gain("leaky_relu", 2) == 0.6324555320336759
    for slope in ("a", True):
        with pytest.raises(ValueError, match=f"negative_slope {slope} not a valid number"):
            init.calculate_gain("leaky_relu", slope)
    with pytest.raises(ValueError, match="Unsupported nonlinearity foo"):
        init.calculate_gain("foo")


@pytest.mark.parametrize(
    ("name", "shape", "args", "options", "expected"),
    [
        ("uniform_", (2, 3), (-1.0, 1.0), {}, [-0.007486820220947266, 0.5364435911178589]),
        ("normal_", (2, 3), (1.0, 2.0), {}, [4.081992149353027, 0.4131421744823456]),
        ("xavier_uniform_", (2, 3), (2.0,), {}, [-0.016402801498770714, 1.1752890348434448]),
        ("xavier_normal_", (2, 3), (), {}, [0.9746115207672119, -0.18558073043823242]),
        (
            "kaiming_uniform_",
            (2, 3),
            (),
            {"mode": "fan_out", "nonlinearity": "relu"},
            [-0.012967552989721298, 0.9291475415229797],
        ),
        (
            "kaiming_normal_",
            (2, 3, 2),
            (),
            {"a": 0.1},
            [0.88527911901474, -0.16857050359249115],
        ),
        (
            "trunc_normal_",
            (2, 3),
            (),
            {},
            [1.5409960746765137, -0.293428897857666, -0.7192575931549072, 0.5684312582015991],
        ),
        (
            "trunc_normal_",
            (2, 3),
            (0.0, 1.0, 1.0, 2.0),
            {},
            [1.4962565898895264, 1.1688590049743652, 1.088477373123169, 1.1320304870605469],
        ),
        (
            "sparse_",
            (4, 3),
            (0.5,),
            {},
            [0.0, 0.0, 0.0, 0.005684312898665667, 0.0, 0.0, 0.004033468663692474],
        ),
    ],
)
def test_numbers(name, shape, args, options, expected):
    assert seeded(name, shape, *args, **options).flatten().tolist()[: len(expected)] == expected


def test_orthogonal_numbers():
    np.testing.assert_allclose(
        seeded("orthogonal_", (2, 3), 2.0).numpy(),
        [
            [1.1479618549346924, -0.21858921647071838, -1.623084306716919],
            [-0.6908302307128906, -1.8617653846740723, -0.23787108063697815],
        ],
        rtol=1e-5,
    )


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (3, 2, 4)])
def test_orthogonal_is_orthogonal(shape):
    matrix = seeded("orthogonal_", shape).numpy().reshape(shape[0], -1)
    if matrix.shape[0] > matrix.shape[1]:
        matrix = matrix.T
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(len(matrix)), atol=1e-6)


def test_a_generator():
    first, second = (lc.Generator().manual_seed(5) for _ in range(2))
    drawn = init.normal_(lc.empty(4), generator=first)
    assert drawn.tolist() == init.normal_(lc.empty(4), generator=second).tolist()


def test_trunc_normal_keeps_to_its_bounds():
    drawn = seeded("trunc_normal_", (1000,), 0.0, 1.0, -0.5, 1.5).numpy()
    assert drawn.min() >= -0.5 and drawn.max() <= 1.5
    with pytest.warns(UserWarning, match="mean is more than 2 std from"):
        assert seeded("trunc_normal_", (50,), 5.0).numpy().max() <= 2.0


def test_constants():
    assert init.constant_(lc.empty(2), 3).tolist() == [3.0, 3.0]
    assert init.ones_(lc.empty(2)).tolist() == [1.0, 1.0]
    assert init.zeros_(lc.empty(2, dtype=lc.int64)).tolist() == [0, 0]
    assert init.eye_(lc.empty(2, 3)).tolist() == [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]


def test_dirac():
    expected = np.zeros((4, 2, 3), np.float32)
    expected[[0, 1, 2, 3], [0, 1, 0, 1], 1] = 1
    assert np.array_equal(init.dirac_(lc.empty(4, 2, 3), groups=2).numpy(), expected)
    assert init.dirac_(lc.empty(2, 1, 2, 2))[0, 0].tolist() == [[0.0, 0.0], [0.0, 1.0]]


def test_parameters_are_overwritten_unrecorded():
    leaf = lc.zeros(2, requires_grad=True)
    assert init.ones_(leaf) is leaf
    assert leaf.is_leaf and leaf.requires_grad


@pytest.mark.parametrize("name", ["kaiming_uniform_", "kaiming_normal_"])
def test_nothing_to_fill(name):
    with pytest.warns(UserWarning, match="Initializing zero-element tensors is a no-op"):
        seeded(name, (0, 4))


@pytest.mark.parametrize(
    ("name", "shape", "args", "text"),
    [
        ("eye_", (3,), (), "Only tensors with 2 dimensions are supported"),
        ("dirac_", (2,), (), "Only tensors with 3, 4, or 5 dimensions are supported"),
        ("dirac_", (4, 2, 3), (3,), "dim 0 must be divisible by groups"),
        ("sparse_", (3,), (0.1,), "Only tensors with 2 dimensions are supported"),
        ("orthogonal_", (3,), (), "Only tensors with 2 or more dimensions are supported"),
        (
            "xavier_uniform_",
            (3,),
            (),
            "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions",
        ),
        (
            "kaiming_uniform_",
            (3, 4),
            (0, "foo"),
            "Mode foo not supported, please use one of ['fan_in', 'fan_out']",
        ),
    ],
)
def test_errors(name, shape, args, text):
    with pytest.raises(ValueError) as caught:
        seeded(name, shape, *args)
    assert str(caught.value) == text


OLDER = [
    "dirac", "eye", "kaiming_normal", "kaiming_uniform", "normal", "orthogonal", "uniform",
    "xavier_normal", "xavier_uniform",
]  # fmt: skip


@pytest.mark.parametrize("name", OLDER)
def test_older_names_warn_and_do_the_same(name):
    shape = (3, 3, 3) if name == "dirac" else (3, 3)
    results = []
    for each in (name, name + "_"):
        lc.manual_seed(5)
        tensor = lc.empty(shape)
        if each is name:
            with pytest.warns(FutureWarning, match=f"nn.init.{name}` is now deprecated"):
                assert getattr(init, each)(tensor) is tensor
        else:
            getattr(init, each)(tensor)
        results.append(tensor)
    assert lc.equal(*results)
    with pytest.warns(FutureWarning):
        assert init.constant(lc.empty(2), 3.0).tolist() == [3.0, 3.0]
    with pytest.warns(FutureWarning):
        assert (init.sparse(lc.empty(4, 2), 0.5) == 0).sum() == 4
