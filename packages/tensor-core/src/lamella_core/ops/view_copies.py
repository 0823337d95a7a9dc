"""The views as copies: ``permute_copy(x, dims)`` is ``permute(x, dims)`` in memory of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core.conventions.results import write_out
from lamella_core.formats import contiguous_format
from lamella_core.ops.complex_parts import view_as_complex, view_as_real
from lamella_core.ops.copying import clone, detach
from lamella_core.ops.splitting import split, split_with_sizes, unbind
from lamella_core.ops.view_order import permute, t, transpose
from lamella_core.ops.views import (
    alias,
    as_strided,
    diagonal,
    narrow,
    select,
    squeeze,
    unsqueeze,
)
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "alias_copy", "as_strided_copy", "detach_copy", "diagonal_copy", "expand_copy", "narrow_copy",
    "permute_copy", "select_copy", "split_copy", "split_with_sizes_copy", "squeeze_copy", "t_copy",
    "transpose_copy", "unbind_copy", "unfold_copy", "unsqueeze_copy", "view_as_complex_copy",
    "view_as_real_copy", "view_copy",
]  # fmt: skip


def _copy_of(name: str, view: Callable[..., Any]) -> Callable[..., Any]:
    def copied(found: Tensor, out: Tensor | None) -> Tensor:
        if out is None:
            found = clone(found, memory_format=contiguous_format)
        return write_out(name, found, out)

    def copy(input: Tensor, *args: Any, out: Any = None, **kwargs: Any) -> Any:
        found = view(input, *args, **kwargs)
        if isinstance(found, tuple):
            if out is None:
                return tuple([copied(each, None) for each in found])
            for target, each in zip(out, found, strict=True):
                write_out(name, each, target)
            return None
        return copied(found, out)

    copy.__name__ = copy.__qualname__ = name
    copy.__doc__ = f"A copy of what ``{name.removesuffix('_copy')}`` gives, with its arguments."
    return copy


alias_copy = _copy_of("alias_copy", alias)
as_strided_copy = _copy_of("as_strided_copy", as_strided)
detach_copy = _copy_of("detach_copy", detach)
diagonal_copy = _copy_of("diagonal_copy", diagonal)
expand_copy = _copy_of("expand_copy", Tensor.expand)
narrow_copy = _copy_of("narrow_copy", narrow)
permute_copy = _copy_of("permute_copy", permute)
select_copy = _copy_of("select_copy", select)
split_copy = _copy_of("split_copy", split)
split_with_sizes_copy = _copy_of("split_with_sizes_copy", split_with_sizes)
squeeze_copy = _copy_of("squeeze_copy", squeeze)
t_copy = _copy_of("t_copy", t)
transpose_copy = _copy_of("transpose_copy", transpose)
unbind_copy = _copy_of("unbind_copy", unbind)
unfold_copy = _copy_of("unfold_copy", Tensor.unfold)
unsqueeze_copy = _copy_of("unsqueeze_copy", unsqueeze)
view_as_complex_copy = _copy_of("view_as_complex_copy", view_as_complex)
view_as_real_copy = _copy_of("view_as_real_copy", view_as_real)
view_copy = _copy_of("view_copy", Tensor.view)

Tensor.narrow_copy = narrow_copy
