"""The text of a tensor: number formats, nested brackets, and the suffixes of its ``repr``.

The work goes in three steps, each on plain arrays:

1. :func:`_shown_part` fetches the elements that will be seen, and no others, so the text of a
   tensor of any size costs the same.
2. :func:`_element_texts` chooses one number format for all of them and writes each one.
3. :func:`_nest` lays the texts out in brackets and lines.

The rules, found by experiment with PyTorch 2.13 (let ``m`` and ``M`` be the smallest and the
largest magnitude among the shown elements that are finite and not zero):

* floating-point elements are written in scientific notation if ``M / m > 1000``, or ``M > 1e8``,
  or ``m < 1e-4`` and not all of them are whole numbers; ``sci_mode`` overrides this;
* whole numbers are otherwise written without decimals (``1.``), all others with ``precision``
  decimals;
* the column is as wide as the widest finite non-zero element; zeros, ``nan`` and ``inf`` are
  padded to it but do not widen it;
* real and imaginary parts of complex elements choose their formats apart;
* with no finite non-zero element at all there is nothing to choose, and ``sci_mode`` is not heard.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np

MODULE_PREFIX = "torch."
"""What stands before a dtype's name in a ``repr``; PyTorch's own, so that doctests carry over."""

_RATIO_LIMIT = 1e3
_LARGE_LIMIT = 1e8
_SMALL_LIMIT = 1e-4


class _PrintOptions(NamedTuple):
    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: float = 80
    sci_mode: bool | None = None


_PROFILES = {
    "default": _PrintOptions(),
    "short": _PrintOptions(precision=2, edgeitems=2),
    "full": _PrintOptions(threshold=math.inf),
}

_options = _PROFILES["default"]


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: float | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors are printed, for the whole process.

    An option that is ``None`` keeps its value, except ``sci_mode``, which every call sets.

    Args:
        precision: digits after the decimal point (default 4).
        threshold: a tensor with more elements than this is summarised (default 1000).
        edgeitems: how many items a summary shows at each end of a dimension (default 3).
        linewidth: characters on a line after which elements and suffixes wrap (default 80).
        profile: ``"default"``, ``"short"`` (2 digits, 2 edge items) or ``"full"`` (never
            summarised), applied before the other options.
        sci_mode: scientific notation always (``True``), never (``False``), or by the magnitudes
            shown (``None``).

    Raises:
        ValueError: ``precision`` is not a whole number from 0, ``edgeitems`` is negative,
            ``profile`` is unknown, or ``linewidth`` is not finite.
        TypeError: ``edgeitems`` is not an integer; ``threshold`` or ``linewidth`` is not a number.
    """
    changes: dict[str, Any] = {"sci_mode": sci_mode}
    if profile is not None and profile not in _PROFILES:
        known = ", ".join(repr(name) for name in _PROFILES)
        raise ValueError(f"set_printoptions(): profile must be one of {known}, got {profile!r}")
    if precision is not None:
        if not isinstance(precision, Integral) or precision < 0:
            raise ValueError(
                "set_printoptions(): precision must be a whole number of digits, 0 or more, "
                f"got {precision!r}"
            )
        changes["precision"] = int(precision)
    if edgeitems is not None:
        if not isinstance(edgeitems, Integral):
            raise TypeError(f"set_printoptions(): edgeitems must be an integer, got {edgeitems!r}")
        if edgeitems < 0:
            raise ValueError(f"set_printoptions(): edgeitems must be 0 or more, got {edgeitems}")
        changes["edgeitems"] = int(edgeitems)
    for name, value in (("threshold", threshold), ("linewidth", linewidth)):
        if value is not None:
            if not isinstance(value, Real):
                raise TypeError(f"set_printoptions(): {name} must be a number, got {value!r}")
            changes[name] = value
    if linewidth is not None and not math.isfinite(linewidth):
        raise ValueError(f"set_printoptions(): linewidth must be finite, got {linewidth}")
    global _options
    _options = (_options if profile is None else _PROFILES[profile])._replace(**changes)


def get_printoptions() -> dict[str, Any]:
    """The options in force, by name: ``precision``, ``threshold``, ``edgeitems``, ``linewidth``
    and ``sci_mode``."""
    return _options._asdict()


def format_array(array: Any, indent: int = 0) -> str:
    """The bracketed text of ``array``, without the ``tensor(...)`` around it.

    Args:
        array: an array of any shape, with ``shape``, ``dtype`` and NumPy's basic slicing. Only
            the elements that are shown are sliced out and copied to the host. Its dtype is
            boolean, integer, floating point (float16, bfloat16, float32, float64) or
            complex (complex64, complex128).
        indent: how many columns stand before the text on its first line; further lines are
            indented to match.

    Returns:
        ``[]`` for an array without elements; a single number for a 0-dimensional one.

    Raises:
        TypeError: the dtype is none of those above.
    """
    options = _options
    shape = tuple(array.shape)
    if 0 in shape:
        return "[]"
    summarised = math.prod(shape) > options.threshold
    if summarised and options.edgeitems == 0 and shape:
        return "[...]"
    # An axis is cut where the two edges do not cover it.
    cut = tuple(summarised and extent > 2 * options.edgeitems for extent in shape)
    texts, width = _element_texts(_shown_part(array, cut, options.edgeitems), options)
    return _nest(texts, cut, indent, width, options.linewidth)


def format_tensor(
    array: Any,
    *,
    dtype_name: str,
    is_default_dtype: bool,
    device_suffix: str | None = None,
    requires_grad: bool = False,
    grad_fn_name: str | None = None,
    class_name: str = "tensor",
) -> str:
    """The ``repr`` of a tensor: ``tensor([0.5000, 1.5000], dtype=torch.float64)``.

    Args:
        array: the elements, as :func:`format_array` takes them.
        dtype_name: the dtype's bare name, such as ``"float64"``.
        is_default_dtype: whether this is the default floating-point dtype or the complex dtype
            that goes with it (complex128 with float64, else complex64). Neither these nor
            ``int64`` and ``bool`` are spelled out, since the elements show them; a tensor without
            elements spells out all but the default floating-point dtype.
        device_suffix: the device, such as ``"cuda:0"``, or ``None`` to leave it out.
        requires_grad: whether to say ``requires_grad=True`` (not said next to a ``grad_fn``).
        grad_fn_name: the name of the node that made the tensor, such as ``"AddBackward0"``.
        class_name: what stands before the bracket; a subclass of Tensor gives its own name.

    Returns:
        The text. A suffix that would pass the line width starts a line of its own.
    """
    options = _options
    shape = tuple(array.shape)
    numel = math.prod(shape)
    prefix = f"{class_name}("
    suffixes = []
    if device_suffix is not None:
        suffixes.append(f"device='{device_suffix}'")

    if numel == 0:
        size_shown = len(shape) > 1
        dtype_shown = not is_default_dtype or array.dtype.kind in "bic"
    else:
        # Without edge items a summary does not tell the shape; PyTorch then names it every time.
        size_shown = options.edgeitems == 0
        dtype_shown = not is_default_dtype and dtype_name not in ("int64", "bool")
    if size_shown:
        suffixes.append(f"size={shape}")
    if dtype_shown:
        suffixes.append(f"dtype={MODULE_PREFIX}{dtype_name}")

    if grad_fn_name is not None:
        suffixes.append(f"grad_fn=<{grad_fn_name}>")
    elif requires_grad:
        suffixes.append("requires_grad=True")
    text = prefix + format_array(array, len(prefix))
    return append_suffixes(text, suffixes, len(prefix), options.linewidth)


def _to_host(array: Any) -> np.ndarray:
    # Arrays on an accelerator refuse an implicit copy and offer get() instead.
    get = getattr(array, "get", None)
    return np.asarray(array) if get is None else get()


def _shown_part(array: Any, cut: Sequence[bool], edgeitems: int, axis: int = 0) -> np.ndarray:
    # ``array`` on the host, with the middle of every axis marked in ``cut`` left out.
    if True not in cut[axis:]:
        return _to_host(array)
    if not cut[axis]:
        return _shown_part(array, cut, edgeitems, axis + 1)
    whole = (slice(None),) * axis
    ends = (array[(*whole, slice(edgeitems))], array[(*whole, slice(-edgeitems, None))])
    return np.concatenate([_shown_part(end, cut, edgeitems, axis + 1) for end in ends], axis=axis)


def _host_values(values: np.ndarray) -> np.ndarray:
    # ``values`` in a dtype whose elements turn into Python numbers without a change of value.
    kind = values.dtype.kind
    if kind in "biu":
        return values
    if kind == "f" or values.dtype == ml_dtypes.bfloat16:
        return values.astype(np.float64)
    if kind == "c":
        return values.astype(np.complex128)
    raise TypeError(
        f"cannot print elements of dtype {values.dtype}: expected a boolean, integer, "
        "floating-point or complex dtype"
    )


def _element_texts(shown: np.ndarray, options: _PrintOptions) -> tuple[np.ndarray, int]:
    # The text of each element, in an object array of the same shape, and the column's width.
    values = _host_values(shown)
    if values.dtype.kind == "c":
        real = _FloatFormat(values.real, options)
        imag = _FloatFormat(values.imag, options)
        texts = [
            real.text(z.real).rjust(real.width) + _signed(imag.text(z.imag)) + "j"
            for z in values.ravel().tolist()
        ]
        width = real.width + imag.width + 1
    elif values.dtype.kind == "f":
        number = _FloatFormat(values, options)
        width = number.width
        texts = [number.text(x).rjust(width) for x in values.ravel().tolist()]
    else:
        plain = [str(x) for x in values.ravel().tolist()]
        width = max(map(len, plain))
        texts = [text.rjust(width) for text in plain]
    return np.array(texts, dtype=object).reshape(values.shape), width


def _signed(text: str) -> str:
    return text if text.startswith("-") else "+" + text


class _FloatFormat:
    # The one number format that all elements of a tensor share.
    __slots__ = ("spec", "point", "width")

    def __init__(self, values: np.ndarray, options: _PrintOptions) -> None:
        self.spec = ".0f"
        self.point = "."
        self.width = 1
        deciding = values[np.isfinite(values) & (values != 0)]
        if deciding.size == 0:
            return
        magnitudes = np.abs(deciding)
        smallest, largest = float(magnitudes.min()), float(magnitudes.max())
        whole = bool((magnitudes == np.floor(magnitudes)).all())
        scientific = options.sci_mode
        if scientific is None:
            scientific = (
                largest / smallest > _RATIO_LIMIT
                or largest > _LARGE_LIMIT
                or (not whole and smallest < _SMALL_LIMIT)
            )
        if scientific:
            self.spec, self.point = f".{options.precision}e", ""
        elif not whole:
            self.spec, self.point = f".{options.precision}f", ""
        self.width = max(len(self.text(x)) for x in deciding.tolist())

    def text(self, value: float) -> str:
        written = format(value, self.spec)
        return written + self.point if math.isfinite(value) else written


def _nest(texts: np.ndarray, cut: Sequence[bool], indent: int, width: int, linewidth: float) -> str:
    # Brackets around ``texts``, with an ellipsis in the middle of every axis marked in ``cut``.
    if texts.ndim == 0:
        return str(texts.item())
    margin = " " * (indent + 1)
    middle = len(texts) // 2
    if texts.ndim > 1:
        parts = [_nest(part, cut[1:], indent + 1, width, linewidth) for part in texts]
        if cut[0]:
            parts.insert(middle, "...")
        return "[" + ("," + "\n" * (texts.ndim - 1) + margin).join(parts) + "]"
    row = texts.tolist()
    if cut[0]:
        row.insert(middle, " ...")
    # Two more for the comma and the space that follow an element.
    per_line = max(1, math.floor((linewidth - indent) / (width + 2)))
    lines = [", ".join(row[i : i + per_line]) for i in range(0, len(row), per_line)]
    return "[" + (",\n" + margin).join(lines) + "]"


def append_suffixes(
    text: str, suffixes: list[str], indent: int, linewidth: float, new_line: bool = False
) -> str:
    """``text`` and ``suffixes``, comma-separated, wrapped at ``linewidth``, and ``)``.

    ``new_line`` puts the first one on a line of its own.
    """
    pieces = [text]
    # PyTorch counts the line that the brackets end as two columns longer than it is (a suffix line
    # as long as it is); where text wraps must not differ.
    column = len(text) - (text.rfind("\n") + 1) + 2
    for suffix in suffixes:
        if new_line or column + len(", ") + len(suffix) > linewidth:
            new_line = False
            pieces.append(",\n" + " " * indent + suffix)
            column = indent + len(suffix)
        else:
            pieces.append(", " + suffix)
            column += len(", ") + len(suffix)
    return "".join(pieces) + ")"
