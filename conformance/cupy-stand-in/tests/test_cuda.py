"""lamella's CUDA backend with the facade: over the stand-in for CuPy, or on a GPU."""

import numpy as np
import pytest

import lamella as torch
from lamella import nn
from lamella.nn import functional as F
from lamella_cupy_stand_in.kernels import compiler

needs_compiler = pytest.mark.skipif(compiler() is None, reason="no C compiler")


@needs_compiler
def test_numbers_of_a_seed_are_pytorchs_on_cuda() -> None:
    # What PyTorch prints on a CUDA device after manual_seed(0), and after 42, as widely published.
    torch.manual_seed(0)
    np.testing.assert_allclose(
        torch.rand(2, 5, device="cuda").cpu().numpy(),
        [[0.3990, 0.5167, 0.0249, 0.9401, 0.9459], [0.7967, 0.4150, 0.8203, 0.2290, 0.9096]],
        atol=5e-5,
    )
    torch.manual_seed(0)
    np.testing.assert_allclose(
        torch.randn(2, 5, device="cuda").cpu().numpy(),
        [
            [-0.9247, -0.4253, -2.6438, 0.1452, -0.1209],
            [-0.5797, -0.6229, -0.3284, -1.0745, -0.3631],
        ],
        atol=5e-5,
    )
    torch.cuda.manual_seed(42)
    np.testing.assert_allclose(
        torch.rand(3, device="cuda").cpu().numpy(), [0.6130, 0.0101, 0.3984], atol=5e-5
    )


@needs_compiler
def test_a_generator_goes_on_from_its_state() -> None:
    torch.cuda.manual_seed(7)
    torch.rand(5, device="cuda")
    state = torch.cuda.get_rng_state()
    assert state.dtype == torch.uint8
    # The seed, and four numbers of the stream for each draw that fits in one round of threads.
    assert state.numpy().view(np.uint64).tolist() == [7, 4]
    first = torch.randn(1000, device="cuda")
    torch.cuda.set_rng_state(state)
    assert torch.equal(torch.randn(1000, device="cuda"), first)
    with torch.random.fork_rng(devices=[0]):
        torch.rand(3, device="cuda")
    torch.cuda.set_rng_state(state)
    assert torch.equal(torch.randn(1000, device="cuda"), first)


@needs_compiler
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_laws_have_their_moments(dtype: torch.dtype) -> None:
    torch.manual_seed(1)
    x = torch.empty(300_000, dtype=dtype, device="cuda")
    for fill, mean, std in (
        (x.uniform_, 0.5, 12**-0.5),
        (x.normal_, 0, 1),
        (x.exponential_, 1, 1),
        (lambda: x.random_(0, 2), 0.5, 0.5),
        (lambda: x.bernoulli_(0.25), 0.25, 0.1875**0.5),
        (lambda: x.geometric_(0.5), 2, 2**0.5),
    ):
        fill()
        drawn = x.cpu().double().numpy()
        assert abs(drawn.mean() - mean) < 0.01
        assert abs(drawn.std() - std) < 0.02
    assert x.uniform_().max().item() <= 1
    assert set(torch.randint(-3, 4, (5000,), device="cuda").cpu().tolist()) == set(range(-3, 4))
    assert sorted(torch.randperm(100, device="cuda").cpu().tolist()) == list(range(100))


@needs_compiler
def test_training_agrees_with_the_cpu() -> None:
    def losses(device: str) -> list[float]:
        torch.manual_seed(0)
        model = nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(36, 16), nn.GELU(), nn.LayerNorm(16), nn.Linear(16, 5),
        ).to(device)  # fmt: skip
        inputs, targets = torch.randn(32, 1, 8, 8), torch.randint(0, 5, (32,))
        inputs, targets = inputs.to(device), targets.to(device)
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
        found = []
        for _ in range(10):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(inputs), targets)
            loss.backward()
            optimizer.step()
            found.append(loss.item())
        return found

    np.testing.assert_allclose(losses("cuda"), losses("cpu"), rtol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SGD", {"lr": 0.1, "weight_decay": 0.1, "maximize": True}),
        ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
        ("Adam", {"amsgrad": True, "weight_decay": 0.1}), ("AdamW", {}), ("Adagrad", {}),
        ("Adadelta", {}), ("Adamax", {}), ("ASGD", {}), ("NAdam", {}), ("RAdam", {}),
        ("RMSprop", {"centered": True, "momentum": 0.9}), ("Rprop", {}),
    ],
)  # fmt: skip
def test_updates_agree_with_the_cpu(name: str, options: dict, dtype: torch.dtype) -> None:
    def weights(device: str) -> np.ndarray:
        start = torch.linspace(-1, 1, 35, dtype=torch.float64).reshape(5, 7)
        parameters = [start.to(dtype), start[1:3], start.to(dtype).t()]
        parameters = [nn.Parameter(each.clone().to(device)) for each in parameters]
        optimizer = getattr(torch.optim, name)(parameters, **options)
        for step in range(7):
            for each in parameters:
                # The last one's elements have another order than its gradient's.
                each.grad = torch.cos(each.detach() * 3 + step).contiguous()
            optimizer.step()
        return np.concatenate([each.detach().cpu().double().numpy().ravel() for each in parameters])

    close = {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 0.05}[dtype]
    np.testing.assert_allclose(weights("cuda"), weights("cpu"), rtol=close, atol=close)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize(
    ("left", "right"),
    [((3, 4), (4, 5)), ((4,), (4,)), ((3, 4), (4,)), ((4,), (4, 5)), ((2, 3, 4), (4, 5)),
     ((2, 3, 4), (2, 4, 5)), ((2, 1, 3, 4), (3, 4, 5)), ((3, 4), (2, 4, 5)), ((3, 0), (0, 5)),
     ((0, 4), (4, 5)), ((1, 4), (4, 1))],
)  # fmt: skip
def test_products_in_half_precision(left: tuple, right: tuple, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    a, b = torch.randn(*left).to(dtype), torch.randn(*right).to(dtype)
    expected = a.double().numpy() @ b.double().numpy()
    for turned in (False, True):
        x, y = a.cuda(), b.cuda()
        if turned and x.ndim > 1:
            x = x.mT.contiguous().mT
        if turned and y.ndim > 1:
            y = y.mT.contiguous().mT
        found = x @ y
        assert found.dtype == dtype and tuple(found.shape) == expected.shape
        np.testing.assert_allclose(found.cpu().double().numpy(), expected, rtol=0.02, atol=0.02)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64, np.float32, np.complex64, bool])
def test_repeated_places_add_up(dtype: type) -> None:
    places = np.array([3, 0, 3, 3, 1, 0])
    values = np.arange(6).astype(dtype)
    found = torch.zeros(4, dtype=torch.from_numpy(values).dtype, device="cuda")
    found.index_put_(
        (torch.from_numpy(places).cuda(),), torch.from_numpy(values).cuda(), accumulate=True
    )
    expected = np.zeros(4, dtype)
    np.add.at(expected, places, values)
    np.testing.assert_array_equal(found.cpu().numpy(), expected)


def test_products_at_repeated_places() -> None:
    found = torch.ones(3, device="cuda").index_reduce_(
        0,
        torch.tensor([2, 0, 2, 2], device="cuda"),
        torch.tensor([2.0, 3, 4, 5], device="cuda"),
        "prod",
    )
    assert found.cpu().tolist() == [3, 1, 40]


def test_running_extrema() -> None:
    x = torch.tensor([[1.0, 3, 2, 5, 4], [2, 1, float("nan"), 0, 9]], device="cuda")
    values, indices = x.cummax(1)
    np.testing.assert_array_equal(values.cpu().numpy(), np.maximum.accumulate(x.cpu().numpy(), 1))
    assert indices.cpu().tolist() == [[0, 1, 1, 3, 3], [0, 0, 2, 2, 2]]
    np.testing.assert_allclose(
        torch.logcumsumexp(x[:1], 1).cpu().numpy(),
        np.log(np.cumsum(np.exp(x[:1].cpu().numpy()), 1)),
        rtol=1e-6,
    )


def test_a_failed_factorization_is_an_error() -> None:
    with pytest.raises(torch.linalg.LinAlgError, match="not positive-definite"):
        torch.linalg.cholesky(-torch.eye(3, device="cuda"))
    with pytest.raises(torch.linalg.LinAlgError, match="singular"):
        torch.linalg.inv(torch.zeros(2, 2, device="cuda"))


def test_least_squares_know_one_driver() -> None:
    generator = np.random.default_rng(0)
    for rows, columns in ((5, 3), (3, 5)):
        A, B = generator.random((rows, columns)), generator.random((rows, 2))
        found = torch.linalg.lstsq(torch.from_numpy(A).cuda(), torch.from_numpy(B).cuda())
        np.testing.assert_allclose(
            found.solution.cpu().numpy(), np.linalg.lstsq(A, B)[0], rtol=1e-9, atol=1e-12
        )
    with pytest.raises(RuntimeError, match="`driver` other than `gels`"):
        torch.linalg.lstsq(torch.eye(2).cuda(), torch.eye(2).cuda(), driver="gelsd")


def test_what_the_host_computes_comes_back_to_the_device() -> None:
    indefinite = torch.tensor([[0.0, 1.0], [1.0, 0.0]], device="cuda")
    packed, pivots = torch.linalg.ldl_factor(indefinite)
    right = torch.tensor([[2.0], [3.0]], device="cuda")
    found = torch.linalg.ldl_solve(packed, pivots, right)
    assert {x.device.type for x in (packed, pivots, found)} == {"cuda"}
    assert found.tolist() == [[3.0], [2.0]]
    with pytest.raises(RuntimeError, match="diagonal"):
        torch.linalg.ldl_factor(torch.zeros(2, 2, device="cuda"))


def test_polynomials_of_each_degree() -> None:
    x = torch.linspace(-1, 1, 9, dtype=torch.float64)
    degree = torch.arange(9)
    for name in (
        *("chebyshev_polynomial_t", "chebyshev_polynomial_u", "hermite_polynomial_h"),
        *("hermite_polynomial_he", "laguerre_polynomial_l", "legendre_polynomial_p"),
    ):
        function = getattr(torch.special, name)
        found = function(x.cuda()[:, None], degree.cuda())
        expected = function(x[:, None], degree)
        np.testing.assert_allclose(found.cpu().numpy(), expected.numpy(), rtol=1e-10, atol=1e-12)


def test_host_memory_is_not_reached_by_accident() -> None:
    with pytest.raises(TypeError, match=r"Tensor\.cpu\(\)"):
        torch.ones(3, device="cuda").numpy()
    with pytest.raises(TypeError):
        np.asarray(torch.ones(3, device="cuda")._array)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("shape", "dim"), [((3, 7), 1), ((40, 3), 0), ((2, 65, 3), 1), ((5,), 0), ((3, 1), 1)]
)
def test_sorting_rows(shape: tuple, dim: int, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    x = (torch.randn(*shape) * 3).round().to(dtype)
    x.view(-1)[2] = torch.nan
    for descending in (False, True):
        expected = torch.sort(x, dim, descending, stable=True)
        found = torch.sort(x.cuda(), dim, descending, stable=True)
        np.testing.assert_array_equal(found[0].cpu().double(), expected[0].double())
        np.testing.assert_array_equal(found[1].cpu(), expected[1])
        chosen = torch.topk(x.cuda(), max(1, shape[dim] // 2), dim, descending)
        count = chosen[0].shape[dim]
        np.testing.assert_array_equal(
            chosen[0].cpu().double(), expected[0].narrow(dim, 0, count).double()
        )


@pytest.mark.parametrize("largest", [True, False])
def test_the_largest_of_long_rows(largest: bool) -> None:
    x = torch.from_numpy(np.random.default_rng(0).integers(0, 5000, (2, 9001)).astype("f"))
    values, order = torch.topk(x.cuda(), 100, 1, largest)
    expected = np.sort(x.numpy() * (-1 if largest else 1))[:, :100] * (-1 if largest else 1)
    np.testing.assert_array_equal(values.cpu(), expected)
    np.testing.assert_array_equal(x.gather(1, order.cpu()), expected)


@needs_compiler
@pytest.mark.parametrize(
    ("dtype", "dropped"),
    [
        (torch.float16, [4, 9, 24, 29, 30, 32, 51]),
        (torch.float32, [5, 12, 16, 27, 35, 36, 39]),
        (torch.float64, [3, 6, 8, 18, 26, 51, 56]),
    ],
)
def test_dropout_leaves_out_what_pytorch_leaves_out(dtype: torch.dtype, dropped: list) -> None:
    # PyTorch 2.11 on a GPU: of a thousand elements, whose vectors have eight, four or two places.
    torch.manual_seed(0)
    found = F.dropout(torch.ones(1000, dtype=dtype, device="cuda"), 0.1).cpu().double().numpy()
    assert np.flatnonzero(found == 0)[:7].tolist() == dropped


def test_large_dropout_drops_the_same_with_and_without_a_gradient() -> None:
    x = torch.ones(1 << 17, device="cuda")
    found = []
    for given in (x, x.clone().requires_grad_()):
        torch.manual_seed(3)
        found.append(torch.nn.functional.dropout(given, 0.3).detach().cpu())
    assert torch.equal(*found) and 0 < (found[0] == 0).sum().item() < x.numel()


def test_a_generator_of_another_device_is_refused() -> None:
    generator = torch.Generator("cuda").manual_seed(1)
    assert torch.rand(3, generator=generator, device="cuda").is_cuda
    with pytest.raises(RuntimeError, match="Expected a 'cpu' device type for generator"):
        torch.rand(3, generator=generator)
    weights = torch.ones(3)
    for draw in (
        lambda x, g: x.clone().normal_(generator=g),
        lambda x, g: x.clone().random_(generator=g),
        lambda x, g: torch.rand_like(x, generator=g),
        lambda x, g: torch.normal(x, 1.0, generator=g),
        lambda x, g: torch.normal(0.0, x, generator=g),
        lambda x, g: torch.multinomial(x, 2, generator=g),
        lambda x, g: torch.bernoulli(x, generator=g),
        lambda x, g: torch.poisson(x, generator=g),
    ):
        with pytest.raises(RuntimeError, match="Expected a 'cpu' device type for generator"):
            draw(weights, generator)
        with pytest.raises(RuntimeError, match="Expected a 'cuda' device type for generator"):
            draw(weights.cuda(), torch.Generator())


def test_results_are_resized_on_the_device() -> None:
    x = torch.arange(6.0, device="cuda").reshape(2, 3)
    for call in (torch.exp, torch.sum, lambda x, out: torch.mm(x, x.T, out=out)):
        out = torch.empty(0, device="cuda")
        assert call(x, out=out) is out and out.is_cuda
        np.testing.assert_allclose(out.tolist(), call(x.cpu(), out=torch.empty(0)).tolist())


def test_an_emptied_tensor_is_used_again_in_its_memory() -> None:
    x = torch.zeros(3, device="cuda")
    place = x.data_ptr()
    assert x[:0].storage_offset() == x[1:1].storage_offset() == 0
    x.resize_(0)
    torch.exp(torch.zeros(2, device="cuda"), out=x)
    assert x.tolist() == [1.0, 1.0] and x.data_ptr() == place


@pytest.mark.parametrize("non_blocking", [False, True])
def test_memory_order_stays_between_host_and_device(non_blocking: bool) -> None:
    x = torch.arange(48.0).reshape(4, 3, 4)
    turned = x.permute(2, 0, 1)
    for given in (
        turned,
        x.transpose(0, 2),
        x,
        turned[:, ::2],
        x[:, ::2],
        x[:, :1].expand(4, 3, 4),
    ):
        there = given.to("cuda", non_blocking=non_blocking)
        back = there.to("cpu", non_blocking=non_blocking)
        torch.cuda.synchronize()
        assert there.stride() == back.stride() == torch.empty_like(given).stride()
        assert torch.equal(back, given)
    with_gaps = x.cuda().permute(2, 0, 1)[:, :, ::2].to("cpu", non_blocking=non_blocking)
    torch.cuda.synchronize()
    assert with_gaps.stride() == torch.empty_like(turned[:, :, ::2]).stride()
    assert torch.equal(with_gaps, turned[:, :, ::2])
