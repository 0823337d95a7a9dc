"""A device that is written outside lamella serves a training run like the CPU does."""

import numpy as np
import pytest

import lamella as torch
from lamella import nn
from lamella.nn import functional as F
from lamella_toy_backend.array import ToyNamespace


def train(device: str, optimizer: type, **options: float) -> tuple[list[float], list[np.ndarray]]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 5)).to(device)
    inputs = torch.randn(64, 20).to(device)
    targets = torch.randint(0, 5, (64,)).to(device)
    update = optimizer(model.parameters(), **options)
    losses = []
    for _ in range(40):
        update.zero_grad()
        loss = F.cross_entropy(model(inputs), targets)
        loss.backward()
        update.step()
        losses.append(loss.item())
    return losses, [p.detach().cpu().numpy() for p in model.parameters()]


@pytest.mark.parametrize(
    ("optimizer", "options"),
    [("SGD", {"lr": 0.1, "momentum": 0.9}), ("Adam", {"lr": 0.01})],
)
def test_mlp_trains_as_on_the_cpu(optimizer: str, options: dict[str, float]) -> None:
    cls = getattr(torch.optim, optimizer)
    calls = ToyNamespace.calls
    losses, weights = train("toy", cls, **options)
    assert ToyNamespace.calls - calls > 40 * 10
    expected_losses, expected_weights = train("cpu", cls, **options)
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-5)
    assert losses[-1] < losses[0] / 2
    for weight, expected in zip(weights, expected_weights, strict=True):
        np.testing.assert_allclose(weight, expected, rtol=1e-4, atol=1e-6)


def test_results_stay_on_the_device() -> None:
    a = torch.arange(6.0, device="toy").reshape(2, 3)
    assert (a + 1).device == torch.device("toy", 0)
    assert a[:, 1:].sum().item() == 1 + 2 + 4 + 5
    assert "device='toy:0'" in repr(a)


def test_operands_on_two_devices_are_an_error() -> None:
    with pytest.raises(RuntimeError, match="same device.*toy:0"):
        torch.ones(3, device="toy") + torch.ones(3)


@pytest.mark.parametrize("join", [torch.cat, torch.stack])
@pytest.mark.parametrize("count", [3, 1 << 16])
def test_joining_types_on_two_devices_is_an_error(join, count) -> None:
    with pytest.raises(RuntimeError, match="same device"):
        join([torch.ones(count), torch.ones(count, device="toy", dtype=torch.float64)])


def test_a_zero_dim_cpu_operand_follows() -> None:
    assert (torch.ones(3, device="toy") * torch.tensor(2.0)).cpu().tolist() == [2.0, 2.0, 2.0]


def test_host_memory_is_not_reached_by_accident() -> None:
    with pytest.raises(TypeError, match=r"Tensor\.cpu\(\)"):
        torch.ones(3, device="toy").numpy()


def test_an_unknown_device_names_the_known_ones() -> None:
    with pytest.raises(RuntimeError, match=r"no backend for device type 'abacus'.*toy"):
        torch.ones(3, device="abacus")


def test_transforms_of_functions() -> None:
    x = torch.arange(6.0).reshape(3, 2)

    def f(a: torch.Tensor) -> torch.Tensor:
        return (a.reshape(2, 1).expand(2, 3) ** 2).sum() + a.softmax(0)[0]

    for transform in (
        torch.vmap(f),
        torch.vmap(torch.func.grad(f)),
        torch.vmap(torch.func.hessian(f)),
        lambda a: torch.func.jvp(torch.vmap(f), (a,), (a,))[1],
    ):
        found = transform(x.to("toy"))
        assert found.device == torch.device("toy", 0)
        np.testing.assert_allclose(found.cpu().numpy(), transform(x).numpy(), rtol=1e-6)
