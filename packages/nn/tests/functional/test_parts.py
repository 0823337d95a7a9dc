"""Large inputs in slices, against the function of the whole."""

import lamella_core as core
from lamella_nn.functional import parts


def test_slices() -> None:
    x = core.randn(3, 4, 500, 100)
    seen = []

    def double(part):
        seen.append(tuple(part.shape))
        return part * 2

    for dim, where in ((None, 2), (0, 0), (3, 3)):
        seen.clear()
        result = parts.in_slices(double, dim, x)
        assert core.equal(result, x + x)
        assert len(seen) > 1 and sum(shape[where] for shape in seen) == x.shape[where]
    # What is recorded, or small, is not cut.
    seen.clear()
    recorded = parts.in_slices(double, 0, x.clone().requires_grad_())
    assert recorded.requires_grad and len(seen) == 1
    parts.in_slices(double, 0, x[:1], x.clone().requires_grad_())
    assert len(seen) == 2


def test_memory_order_is_the_inputs() -> None:
    x = core.randn(3, 8, 300, 100).contiguous(memory_format=core.channels_last)
    result = parts.in_slices(lambda part: part + 1, None, x)
    assert result.stride() == x.stride() and core.equal(result, x + 1)
