"""What the tests of the optimizers share: a trial of the one that a module is about."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lamella_core as core

START = [1.0, -2.0, 0.5]


def leaf(values: Any, dtype: core.dtype = core.float64) -> core.Tensor:
    return core.tensor(values, dtype=dtype, requires_grad=True)


@pytest.fixture
def trial(request: pytest.FixtureRequest) -> Trial:
    """Checks of the module's ``OPTIMIZER``."""
    return Trial(request.module.OPTIMIZER)


class Trial:
    """Runs an optimizer and compares what it did.

    The numbers to compare with come from PyTorch 2.13, where the same program ran.
    """

    def __init__(self, optimizer: Any) -> None:
        self.optimizer = optimizer

    def descend(
        self, options: dict[str, Any], dtype: core.dtype = core.float64, steps: int = 8
    ) -> tuple[Any, Any]:
        """Steps down the bowl x² + y²/2 + 3z²; the place, and the parameter's state."""
        param = leaf(START, dtype)
        curvature = core.tensor([1.0, 0.5, 3.0], dtype=dtype)
        optimizer = self.optimizer([param], **options)
        for _ in range(steps):
            optimizer.zero_grad()
            (param * param * curvature).sum().backward()
            optimizer.step()
        return param, optimizer.state[param]

    def check_trajectory(
        self,
        options: dict[str, Any],
        place: Any,
        state: dict[str, Any],
        *,
        steps: int = 8,
        rtol: float = 1e-9,
        atol: float = 1e-12,
    ) -> None:
        param, found = self.descend(options, steps=steps)
        np.testing.assert_allclose(param.tolist(), place, rtol=rtol, atol=atol)
        assert list(found) == list(state)
        for name, values in state.items():
            np.testing.assert_allclose(found[name].tolist(), values, rtol=rtol, atol=atol / 100)

    def check_float32(self, options: dict[str, Any]) -> None:
        """float32 goes nearly where float64 goes, and its state is float32."""
        wide, _ = self.descend(options)
        param, state = self.descend(options, core.float32)
        assert param.dtype is core.float32
        assert all(each.dtype is core.float32 for each in state.values())
        np.testing.assert_allclose(param.tolist(), wide.tolist(), rtol=1e-4, atol=1e-5)

    def check_flag(self, options: dict[str, Any], flag: str) -> None:
        """A choice of implementation changes nothing."""
        plain, _ = self.descend(options)
        flagged, _ = self.descend({**options, flag: True})
        assert flagged.tolist() == plain.tolist()

    def check_groups(self, first_place: Any, second_place: Any) -> None:
        """Two groups of different rates, and a parameter that gets no gradient."""
        first, second, idle = leaf([1.0, 2.0]), leaf([[3.0]]), leaf([7.0])
        groups = [{"params": [first, idle], "lr": 0.5}, {"params": second}]
        optimizer = self.optimizer(groups, lr=0.1)
        for _ in range(2):
            optimizer.zero_grad()
            ((first * first).sum() + (second * second * second).sum()).backward()
            optimizer.step()
        np.testing.assert_allclose(first.tolist(), first_place, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(second.tolist(), second_place, rtol=1e-12)
        assert idle.tolist() == [7.0]
        assert idle not in optimizer.state

    def check_strides(self, options: dict[str, Any]) -> None:
        """The order of elements in memory changes nothing."""
        start = np.arange(6.0).reshape(2, 3)
        plain = leaf(start)
        turned = core.tensor(start.T.copy(), dtype=core.float64).t().detach().requires_grad_()
        strided = core.tensor(np.repeat(start, 2, 1))[:, ::2].detach().requires_grad_()
        assert not turned.is_contiguous()
        assert not strided.is_contiguous()
        for param in (plain, turned, strided):
            optimizer = self.optimizer([param], **options)
            for _ in range(3):
                optimizer.zero_grad()
                (param * param).sum().backward()
                optimizer.step()
        assert turned.tolist() == plain.tolist()
        assert strided.tolist() == plain.tolist()
        assert plain.tolist() != start.tolist()

    def check_derivatives(
        self,
        options: dict[str, Any],
        steps: int,
        place: Any,
        of_start: Any,
        of_weight: Any,
        *,
        rtol: float = 1e-6,
        weight_rtol: float = 1e-4,
        weight_atol: float = 1e-6,
    ) -> None:
        """The result's derivatives by the start, and by what the gradient is made of."""
        start, weight = leaf(START), leaf([0.5, 0.4, 0.3])
        param = start.clone()
        optimizer = self.optimizer([param], differentiable=True, **options)
        for _ in range(steps):
            param.grad = weight * weight
            optimizer.step()
        (param * param).sum().backward()
        np.testing.assert_allclose(param.tolist(), place, rtol=rtol)
        np.testing.assert_allclose(start.grad.tolist(), of_start, rtol=rtol)
        np.testing.assert_allclose(
            weight.grad.tolist(), of_weight, rtol=weight_rtol, atol=weight_atol
        )

    def check_derivative_by_rate(
        self, options: dict[str, Any], place: Any, of_rate: float, of_start: Any, *, rtol: float
    ) -> None:
        """The rate is a tensor that the result is differentiated by."""
        rate, start = leaf(0.1), leaf(START)
        param = start.clone()
        optimizer = self.optimizer([param], lr=rate, differentiable=True, **options)
        for _ in range(2):
            param.grad = param.detach() * 2
            optimizer.step()
        (param * param).sum().backward()
        np.testing.assert_allclose(param.tolist(), place, rtol=rtol)
        np.testing.assert_allclose(rate.grad.tolist(), of_rate, rtol=rtol)
        np.testing.assert_allclose(start.grad.tolist(), of_start, rtol=rtol)

    def check_complex(self) -> None:
        """A complex parameter moves as its two parts would as a real one."""
        param = core.tensor([1 + 2j, -3 + 0.5j], dtype=core.complex128, requires_grad=True)
        parts = leaf([[1.0, 2.0], [-3.0, 0.5]])
        whole, apart = self.optimizer([param]), self.optimizer([parts])
        for scale in (1.0, -0.5, 2.0):
            param.grad = core.tensor([0.5 - 1j, 2 + 3j], dtype=core.complex128) * scale
            parts.grad = core.tensor([[0.5, -1.0], [2.0, 3.0]], dtype=core.float64) * scale
            whole.step()
            apart.step()
        found = [[each.real, each.imag] for each in param.tolist()]
        np.testing.assert_allclose(found, parts.tolist(), rtol=1e-14)

    def check_refusal(
        self, options: dict[str, Any], text: str, error: type[Exception] = ValueError
    ) -> None:
        with pytest.raises(error) as caught:
            self.optimizer([leaf(START)], **options)
        assert str(caught.value) == text

    def check_capturable(self) -> None:
        """``capturable`` is for accelerators."""
        param = leaf(START)
        param.grad = core.ones_like(param)
        with pytest.raises(
            AssertionError, match="capturable=True, params and state_steps must be on"
        ):
            self.optimizer([param], capturable=True).step()
