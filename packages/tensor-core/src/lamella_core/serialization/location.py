"""Where storages go when they are loaded: ``map_location`` and the location tags of files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core.device import Device
from lamella_core.dispatch import backend_of, backend_of_tensor
from lamella_core.storage import Storage, new_storage

if TYPE_CHECKING:
    from collections.abc import Callable

    Restore = Callable[[Storage, str], Storage]


packages: list[tuple[int, Callable[[Storage], str | None], Callable[[Storage, str], Any]]] = []
# What other packages know of places: priority, a function of a storage that returns its tag, and
# one of storage and tag that moves it there; both return None for what is not theirs.


def location_of(storage: Storage) -> str:
    # The tag that a file keeps for a storage: ``"cpu"``, ``"cuda:0"``.
    tags = (tag(storage) for _, tag, _ in packages)
    return next((tag for tag in tags if tag is not None), str(storage.device))


def restore(storage: Storage, location: str) -> Storage:
    # The storage, moved from the CPU to the device that a tag names.
    #
    # Raises:
    #     RuntimeError: when there is no such device here.
    for _, _, move in packages:
        moved = move(storage, location)
        if moved is not None:
            return moved
    try:
        device = Device(location)
        backend = backend_of(device)
    except (RuntimeError, TypeError) as error:
        raise RuntimeError(
            f"don't know how to restore a storage of {storage.nbytes()} bytes to the location "
            f"{location!r}: {error}. To load it elsewhere, say where with map_location, for "
            "instance map_location='cpu'"
        ) from None
    own = backend_of_tensor(storage)
    if backend is own:
        return storage
    return new_storage(backend.from_numpy(own.to_numpy(storage.root), device), backend.key)


def restorer(map_location: Any) -> Restore:
    # The function of a storage on the CPU and its tag that puts it in its place.
    #
    # Args:
    #     map_location: None for where it was saved from; a device or its name for all; a dict from
    #         tags to tags; a function of storage and tag that returns a storage, or None for where
    #         it was saved from.
    #
    # Raises:
    #     TypeError: for anything else.
    if map_location is None:
        return restore
    if isinstance(map_location, dict):
        places = {str(tag): place for tag, place in map_location.items()}
        return lambda storage, location: restore(storage, str(places.get(location, location)))
    if isinstance(map_location, bytes):
        map_location = map_location.decode("ascii")
    if isinstance(map_location, (str, Device)):
        place = str(map_location)
        return lambda storage, location: restore(storage, place)
    if callable(map_location):
        return lambda storage, location: _called(map_location, storage, location)
    raise TypeError(
        "map_location must be None, a device or its name, a dict or a function, not "
        f"{type(map_location).__name__}"
    )


def _called(function: Callable[..., Any], storage: Storage, location: str) -> Storage:
    moved = function(storage, location)
    if moved is None:
        return restore(storage, location)
    if not isinstance(moved, Storage):
        raise TypeError(
            f"the map_location function returned {type(moved).__name__}; expected a storage or None"
        )
    if moved.nbytes() != storage.nbytes():
        raise RuntimeError(
            f"the map_location function returned a storage of {moved.nbytes()} bytes for one of "
            f"{storage.nbytes()}"
        )
    return moved
