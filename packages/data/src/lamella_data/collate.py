"""Collation: from a list of samples to a batch, and from NumPy to tensors.

``default_collate`` looks up the type of the first sample in :data:`default_collate_fn_map`, first
the type itself, then by ``isinstance`` in the map's order. Both may be extended: add an entry to
the map, or call :func:`collate` with a map of one's own. An entry is a function
``f(batch, *, collate_fn_map)``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

from lamella_core import Tensor, as_tensor, float64, stack, tensor

_CollateFn = Callable[..., Any]
_CollateMap = dict[type | tuple[type, ...], _CollateFn]

# Text and objects have no tensor dtype.
_NO_TENSOR_KINDS = "SUOMmV"


def _unsupported(found: object) -> TypeError:
    return TypeError(
        "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; "
        f"found {found}"
    )


#: In a worker: where large batches are made, so that they need not be copied to be sent.
allocate: Callable[[int], np.ndarray] | None = None
# A smaller batch travels in its message.
_LARGE = 16 * 1024


def _collate_tensors(batch: Sequence[Tensor], *, collate_fn_map: _CollateMap | None = None) -> Any:
    first = batch[0]
    if (
        allocate is not None
        and first.nbytes * len(batch) >= _LARGE
        and all(
            type(one) is Tensor
            and one.is_cpu
            and not one.requires_grad
            and one.dtype is first.dtype
            and one.shape == first.shape
            for one in batch
        )
    ):
        return _stacked([one.numpy() for one in batch])
    return stack(batch, 0)


def _collate_arrays(batch: Sequence[Any], *, collate_fn_map: _CollateMap | None = None) -> Any:
    first = batch[0]
    if _has_no_tensor_dtype(first.dtype):
        raise _unsupported(first.dtype)
    if all(
        type(one) is np.ndarray
        and one.dtype is first.dtype
        and one.shape == first.shape
        # A tensor cannot have others.
        and all(step >= 0 for step in one.strides)
        for one in batch
    ):
        return _stacked(batch)
    return collate([as_tensor(array) for array in batch], collate_fn_map=collate_fn_map)


def _stacked(arrays: Sequence[np.ndarray]) -> Tensor:
    """Arrays of one dtype and shape on top of one another, in shared memory where it is offered."""
    first = arrays[0]
    size = first.nbytes * len(arrays)
    if allocate is None or size < _LARGE:
        return as_tensor(np.stack(arrays))
    out = allocate(size).view(first.dtype).reshape(len(arrays), *first.shape)
    return as_tensor(np.stack(arrays, out=out))


def _collate_numpy_scalars(
    batch: Sequence[Any], *, collate_fn_map: _CollateMap | None = None
) -> Any:
    return as_tensor(np.asarray(batch, dtype=batch[0].dtype))


def _collate_floats(batch: Sequence[float], *, collate_fn_map: _CollateMap | None = None) -> Any:
    return tensor(batch, dtype=float64)


def _collate_ints(batch: Sequence[int], *, collate_fn_map: _CollateMap | None = None) -> Any:
    return tensor(batch)


def _collate_text(batch: Any, *, collate_fn_map: _CollateMap | None = None) -> Any:
    return batch


#: What ``default_collate`` does with each type of sample. It may be changed in place.
default_collate_fn_map: _CollateMap = {
    Tensor: _collate_tensors,
    np.ndarray: _collate_arrays,
    (np.bool_, np.number): _collate_numpy_scalars,
    float: _collate_floats,
    int: _collate_ints,
    str: _collate_text,
    bytes: _collate_text,
}


def _has_no_tensor_dtype(dtype: Any) -> bool:
    # ml_dtypes' numbers have kind "V" too, but a type that is no void.
    return dtype.kind in _NO_TENSOR_KINDS and not (
        dtype.kind == "V" and not issubclass(dtype.type, np.void)
    )


def _find(cls: type, sample: Any, collate_fn_map: _CollateMap) -> _CollateFn | None:
    found = collate_fn_map.get(cls)
    if found is not None:
        return found
    for key, collate_fn in collate_fn_map.items():
        if isinstance(sample, key):
            return collate_fn
    return None


def rebuild_mapping(like: Mapping[Any, Any], items: dict[Any, Any]) -> Any:
    """A mapping of the type of ``like``; a plain dict where that type cannot be built so."""
    try:
        if isinstance(like, MutableMapping):
            # A copy keeps what else the mapping holds, like a default factory.
            clone = copy.copy(like)
            clone.update(items)
            return clone
        return type(like)(items)  # type: ignore[call-arg]
    except TypeError:
        return items


def rebuild_sequence(like: Sequence[Any], items: list[Any]) -> Any:
    """A sequence of the type of ``like``; a plain list where that type cannot be built so."""
    try:
        if isinstance(like, MutableSequence):
            clone = copy.copy(like)
            for position, item in enumerate(items):
                clone[position] = item
            return clone
        return type(like)(items)  # type: ignore[call-arg]
    except TypeError:
        return items


def collate(batch: Any, *, collate_fn_map: _CollateMap | None = None) -> Any:
    """Merge a list of samples, field by field, with the functions of ``collate_fn_map``.

    Args:
        batch: the samples, all of one structure.
        collate_fn_map: from a type, or a tuple of types, to the function that merges it.

    Returns:
        A mapping, named tuple or mutable sequence of the samples' type over the merged fields; a
        list where samples are tuples.

    Raises:
        TypeError: a type that is in no map and no container.
        RuntimeError: sequences of different lengths.
        KeyError: a key of the first sample that another lacks.
    """
    sample = batch[0]
    cls = type(sample)
    if collate_fn_map is not None:
        collate_fn = _find(cls, sample, collate_fn_map)
        if collate_fn is not None:
            return collate_fn(batch, collate_fn_map=collate_fn_map)

    if isinstance(sample, Mapping):
        merged = {
            key: collate([one[key] for one in batch], collate_fn_map=collate_fn_map)
            for key in sample
        }
        return rebuild_mapping(sample, merged)
    if isinstance(sample, tuple) and hasattr(sample, "_fields"):
        columns = zip(*batch, strict=True)
        return cls(*(collate(field, collate_fn_map=collate_fn_map) for field in columns))
    if isinstance(sample, Sequence):
        lengths = {len(one) for one in batch}
        if len(lengths) != 1:
            raise RuntimeError(
                "each element in list of batch should be of equal size, got lengths "
                f"{[len(one) for one in batch]}: pass a collate_fn that pads them"
            )
        columns = zip(*batch, strict=True)
        fields = [collate(field, collate_fn_map=collate_fn_map) for field in columns]
        return fields if isinstance(sample, tuple) else rebuild_sequence(sample, fields)
    raise _unsupported(cls)


def default_collate(batch: Any) -> Any:
    """Merge a list of samples into a batch; what the loader does unless told otherwise.

    Tensors, NumPy arrays and numbers are stacked along a new dimension 0 (a Python ``float``
    gives float64, an ``int`` int64), strings and bytes stay as they are, mappings, named tuples
    and sequences are merged field by field.

    Args:
        batch: the samples, all of one structure.

    Raises:
        TypeError: a sample, or a part of one, of another type.
        RuntimeError: tensors of different shapes, or sequences of different lengths.
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)


def is_plain_stack() -> bool:
    """Whether ``default_collate`` still merges tensors by ``stack`` alone."""
    return default_collate_fn_map.get(Tensor) is _collate_tensors


def default_convert(data: Any) -> Any:
    """NumPy arrays and scalars to tensors, within containers too; all else stays as it is.

    What the loader does to each sample where batching is off.

    Args:
        data: one sample.
    """
    if isinstance(data, Tensor):
        return data
    if isinstance(data, (np.ndarray, np.bool_, np.number)):
        return data if _has_no_tensor_dtype(data.dtype) else as_tensor(data)
    if isinstance(data, Mapping):
        return rebuild_mapping(data, {key: default_convert(value) for key, value in data.items()})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(default_convert(value) for value in data))
    if isinstance(data, tuple):
        return [default_convert(value) for value in data]
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return rebuild_sequence(data, [default_convert(value) for value in data])
    return data
