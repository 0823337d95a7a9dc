"""Parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

from lamella_core import Tensor, cat


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All elements of the parameters, one after another, as one vector.

    Raises:
        TypeError: the parameters lie on several devices.
    """
    parameters = list(parameters)
    _check_one_device(parameters)
    return cat([parameter.reshape(-1) for parameter in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Give the parameters the elements of a vector, in order. They share its memory afterwards.

    Raises:
        TypeError: ``vec`` is no tensor, or the parameters lie on several devices.
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {type(vec).__name__}")
    parameters = list(parameters)
    _check_one_device(parameters)
    start = 0
    for parameter in parameters:
        end = start + parameter.numel()
        parameter.data = vec[start:end].view(parameter.shape).data
        start = end


def _check_one_device(parameters: list[Tensor]) -> None:
    devices = {str(parameter.device) for parameter in parameters}
    if len(devices) > 1:
        raise TypeError(
            "Found two parameters on different devices, this is currently not supported: "
            f"{', '.join(sorted(devices))}"
        )
