"""Small whole programs, written as for PyTorch, whose outcome is known from outside."""

import pytest

import lamella as torch
from lamella import nn
from lamella.nn import functional as F
from lamella.utils.data import DataLoader, TensorDataset

# Recorded from the program of the second test under PyTorch 2.13 on a CPU.
RECORDED = [1.1196985, 1.1494797, 1.2170563, 1.0810982]


def test_least_squares_by_gradient_descent_finds_the_line() -> None:
    torch.manual_seed(0)
    x = torch.linspace(-1, 1, 50).unsqueeze(1)
    model = nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for _ in range(200):
        optimizer.zero_grad()
        F.mse_loss(model(x), 3 * x - 2).backward()
        optimizer.step()
    assert model.weight.item() == pytest.approx(3, abs=1e-4)
    assert model.bias.item() == pytest.approx(-2, abs=1e-4)


def test_losses_are_those_that_pytorch_prints_from_the_same_seed() -> None:
    torch.manual_seed(0)
    data = TensorDataset(torch.randn(64, 10), torch.randint(0, 3, (64,)))
    model = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    losses = []
    for x, y in DataLoader(data, batch_size=16, shuffle=True):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses == pytest.approx(RECORDED, abs=1e-5)


def test_a_second_derivative_through_a_network() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(2, 8, dtype=torch.float64), nn.Tanh(), nn.Linear(8, 1, dtype=torch.float64)
    )
    x = torch.randn(4, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(model, (x,))


def test_a_checkpoint_survives_saving_and_loading(tmp_path) -> None:  # type: ignore[no-untyped-def]
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    path = tmp_path / "model.pt"
    torch.save({"model": model.state_dict(), "epoch": 3}, path)
    again = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    state = torch.load(path)
    again.load_state_dict(state["model"])
    assert state["epoch"] == 3
    for name, value in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], value)
