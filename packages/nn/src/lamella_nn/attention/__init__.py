"""Which kernels attention may take.

``functional.scaled_dot_product_attention`` has one kernel here, which never holds all the weights.
It stands for the flash kernel and for the plain one; the kernels of CUDA libraries are not there.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from lamella_nn.functional.attention import SDPBackend, enabled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["WARN_FOR_UNFUSED_KERNELS", "SDPBackend", "sdpa_kernel"]

# A switch of PyTorch's for warnings of its fused kernels.
WARN_FOR_UNFUSED_KERNELS = False


@contextmanager
def sdpa_kernel(
    backends: SDPBackend | Iterable[SDPBackend], set_priority: bool = False
) -> Iterator[None]:
    """Lets attention take only the given kernels.

    Args:
        backends: one kernel or several.
        set_priority: accepted: where one kernel does, there is no order.

    Raises:
        AssertionError: when something else is given.
    """
    given = [backends] if isinstance(backends, SDPBackend) else backends
    if not isinstance(given, (list, tuple)):
        raise AssertionError(
            "Backend must be an instance of SDPBackend or a list of SDPBackend instances, got "
            f"{type(backends).__name__}"
        )
    for each in given:
        if not isinstance(each, SDPBackend):
            raise AssertionError(
                f"All backends must be instances of SDPBackend, but one is {type(each).__name__}"
            )
    before = set(enabled)
    enabled.clear()
    enabled.update(given)
    try:
        yield
    finally:
        enabled.clear()
        enabled.update(before)
