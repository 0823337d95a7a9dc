"""An unpickler that makes nothing but what a file of weights needs.

A pickle is a program for a small stack machine (the standard library's ``pickletools`` documents
its instructions). The standard unpickler runs it with every class and function within reach, sets
attributes on whatever the program names, and allocates what the program says. This one knows the
instructions that picklers write for plain data and tensors; calls functions from a list; sets
attributes on few kinds of object; and believes no length before it is held against the data.
"""

from __future__ import annotations

import struct
from collections import Counter, OrderedDict
from collections.abc import Callable
from functools import partial
from pickle import UnpicklingError, decode_long
from types import FunctionType
from typing import Any

from lamella_core.generator import Generator
from lamella_core.serialization import names, rebuild
from lamella_core.serialization.keys import check_key
from lamella_core.serialization.safe_globals import allowed_by_name
from lamella_core.tensor import Tensor

_MARK = object()
PYTHON_2 = {"__builtin__": "builtins", "copy_reg": "copyreg"}
_LONGEST_NAME = 1000
_NOT_FOUND = object()


class RestrictedUnpickler:
    """Runs one pickle.

    Args:
        data: bytes, or anything indexed alike (a memory map).
        persistent_load: what a storage's record in the pickle stands for.
        position: where in ``data`` the pickle begins.
        encoding: how byte strings of Python 2 are decoded; ``"bytes"`` leaves them.

    Attributes:
        position: where the next byte is read; after :meth:`load`, the end of the pickle.
    """

    __slots__ = ("_allowed", "_encoding", "_load_persistent", "data", "memo", "position", "stack")

    def __init__(
        self,
        data: Any,
        persistent_load: Callable[[Any], Any] | None = None,
        position: int = 0,
        encoding: str = "utf-8",
    ) -> None:
        self.data = data
        self.position = position
        self.memo: dict[int, Any] = {}
        self.stack: list[Any] = []
        self._allowed = allowed_by_name()
        self._load_persistent = persistent_load
        self._encoding = encoding

    def load(self) -> Any:
        """The object that the pickle describes.

        Raises:
            UnpicklingError: for a global that is not allowed, an instruction that picklers of
                weights do not write, and data that is no pickle.
        """
        data = self.data
        stack = self.stack
        try:
            while True:
                code = data[self.position]
                self.position += 1
                if code == _STOP:
                    if len(stack) != 1 or stack[0] is _MARK:
                        raise UnpicklingError("the pickle ends without leaving one object")
                    return stack.pop()
                make = _MAKERS.get(code)
                if make is not None:
                    stack.append(make(self))
                elif code in _STEPS:
                    _STEPS[code](self)
                else:
                    raise UnpicklingError(
                        f"the pickle has the instruction 0x{code:02x} at byte {self.position - 1}, "
                        "which files of weights do not have. If you trust its source, load it with "
                        "weights_only=False, which may run any code that it holds"
                    )
        except UnpicklingError as error:
            raise UnpicklingError(f"Weights only load failed: {error}") from None
        except IndexError:
            raise UnpicklingError(
                "Weights only load failed: the pickle is cut off or damaged at byte "
                f"{self.position}"
            ) from None
        except (
            AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError,
            struct.error,
        ) as error:  # fmt: skip
            raise UnpicklingError(
                f"Weights only load failed: the pickle does what its data does not allow at byte "
                f"{self.position} ({type(error).__name__}: {error})"
            ) from error

    # ------------ reading the data

    def take(self, count: int) -> bytes:
        # The next ``count`` bytes.
        end = self.position + count
        if count < 0 or end > len(self.data):
            raise UnpicklingError(
                f"the pickle claims {count} bytes at byte {self.position} and the data has "
                f"{len(self.data) - self.position}"
            )
        taken = bytes(self.data[self.position : end])
        self.position = end
        return taken

    def line(self) -> str:
        # The text up to the next line feed, which is a name.
        end = self.data.find(b"\n", self.position, self.position + _LONGEST_NAME)
        if end < 0:
            raise UnpicklingError(f"the pickle has no name at byte {self.position}")
        text = self.take(end - self.position).decode()
        self.position += 1
        return text

    def pop_to_mark(self) -> list[Any]:
        # Everything above the topmost mark, which goes too.
        stack = self.stack
        place = len(stack) - 1
        while stack[place] is not _MARK:
            place -= 1
            if place < 0:
                raise UnpicklingError("the pickle has no mark where it uses one")
        items = stack[place + 1 :]
        del stack[place:]
        return items

    def pop(self) -> Any:
        # The topmost object, which goes.
        top = self.stack.pop()
        if top is _MARK:
            raise UnpicklingError("the pickle uses a mark as an object")
        return top

    # ------------ what it allows

    def find_global(self, module_name: str, qualified_name: str) -> Any:
        # What a global stands for, if it is one that files may name.
        module_name = PYTHON_2.get(module_name, module_name)
        found = self._allowed.get(f"{module_name}.{qualified_name}", _NOT_FOUND)
        if found is not _NOT_FOUND:
            return found
        guarded = rebuild.GUARDED.get((module_name, qualified_name))
        if guarded is not None:
            return guarded
        try:
            return names.registered(module_name, qualified_name)
        except KeyError:
            pass
        full = f"{module_name}.{qualified_name}"
        raise UnpicklingError(
            f"Unsupported global: GLOBAL {full} is not among what a file of weights may name, and "
            "was not imported. If you trust this class or function, allow it by "
            f"torch.serialization.add_safe_globals([{full}]) or in the context "
            f"torch.serialization.safe_globals([{full}]). If you trust the whole file, load it "
            "with weights_only=False, which may run any code that it holds"
        )

    def call(self, function: Any, arguments: Any) -> Any:
        # Calls a function or class that :meth:`find_global` gave.
        if not isinstance(arguments, tuple):
            raise UnpicklingError("the pickle calls a function with something that is no tuple")
        if not (self._is_allowed(function) or _is_callable_global(function)):
            raise UnpicklingError(
                f"the pickle calls an object of {type(function).__name__}, which is no function "
                "that it may name"
            )
        return function(*arguments)

    def _is_allowed(self, target: Any) -> bool:
        return any(target is each for each in self._allowed.values())

    def set_state(self, target: Any, state: Any) -> None:
        # Gives an object the state that the pickle keeps for it.
        if isinstance(target, Generator):
            rebuild.set_generator_state(target, state)
        elif type(target) in (OrderedDict, Counter) or isinstance(target, Tensor):
            rebuild.set_attributes(target, state)
        elif self._is_allowed(type(target)):
            _set_any_state(target, state)
        else:
            raise UnpicklingError(f"the pickle sets the state of {type(target).__name__}")

    def make(self, cls: Any, arguments: Any, keywords: dict[str, Any] | None = None) -> Any:
        # A new object of a class that the user allowed, by ``__new__``.
        if not isinstance(cls, type) or not self._is_allowed(cls):
            raise UnpicklingError(f"the pickle makes an object of {cls!r} without calling it")
        return cls.__new__(cls, *arguments, **(keywords or {}))

    def persistent(self, identifier: Any) -> Any:
        # What a record beside the pickle stands for.
        if self._load_persistent is None:
            raise UnpicklingError("the pickle refers to a storage where there are none")
        return self._load_persistent(identifier)


def _is_callable_global(function: Any) -> bool:
    # Functions and classes get on the stack through find_global alone. Tensor is there as the
    # class of rebuilt ones; called, it would give a tensor without memory.
    return isinstance(function, (type, FunctionType)) and function is not Tensor


def _set_any_state(target: Any, state: Any) -> None:
    set_state = getattr(target, "__setstate__", None)
    if set_state is not None:
        set_state(state)
        return
    slots: Any = None
    if isinstance(state, tuple) and len(state) == 2:
        state, slots = state
    if state:
        target.__dict__.update(state)
    for name, value in (slots or {}).items():
        setattr(target, name, value)


# ------------ instructions

_STOP = ord(".")
_U1, _U2, _I4 = struct.Struct("<B"), struct.Struct("<H"), struct.Struct("<i")
_U4, _U8, _F8 = struct.Struct("<I"), struct.Struct("<Q"), struct.Struct(">d")


def _same(value: Any, machine: RestrictedUnpickler) -> Any:
    return value


def _new(cls: type, machine: RestrictedUnpickler) -> Any:
    return cls()


def _number(form: struct.Struct, machine: RestrictedUnpickler) -> Any:
    return form.unpack(machine.take(form.size))[0]


def _bytes(
    length: struct.Struct, convert: Callable[[bytes], Any], machine: RestrictedUnpickler
) -> Any:
    return convert(machine.take(_number(length, machine)))


def _text(contents: bytes) -> str:
    return contents.decode("utf-8", "surrogatepass")


def _old_string(length: struct.Struct, machine: RestrictedUnpickler) -> Any:
    text = machine.take(_number(length, machine))
    return text if machine._encoding == "bytes" else text.decode(machine._encoding)


def _topmost(count: int, machine: RestrictedUnpickler) -> tuple[Any, ...]:
    return tuple([machine.pop() for _ in range(count)][::-1])


def _items(make: Callable[[list[Any]], Any], machine: RestrictedUnpickler) -> Any:
    return make(machine.pop_to_mark())


def _frozenset(items: list[Any]) -> frozenset[Any]:
    return frozenset(rebuild.make_set(items))


def _dict(items: Any, target: Any = None) -> dict[Any, Any]:
    if len(items) % 2:
        raise UnpicklingError("the pickle gives a dict a key without a value")
    target = {} if target is None else target
    for place in range(0, len(items), 2):
        target[check_key(items[place])] = items[place + 1]
    return target


def _kept(form: struct.Struct, machine: RestrictedUnpickler) -> Any:
    place = _number(form, machine)
    try:
        return machine.memo[place]
    except KeyError:
        raise UnpicklingError(f"the pickle uses object {place} before it is made") from None


def _global(machine: RestrictedUnpickler) -> Any:
    module_name = machine.line()
    return machine.find_global(module_name, machine.line())


def _stack_global(machine: RestrictedUnpickler) -> Any:
    module_name, qualified_name = _topmost(2, machine)
    if type(qualified_name) is not str or type(module_name) is not str:
        raise UnpicklingError("the pickle names a global by something that is no text")
    return machine.find_global(module_name, qualified_name)


def _applied(method: Callable[..., Any], count: int, machine: RestrictedUnpickler) -> Any:
    return method(machine, *_topmost(count, machine))


_MAKERS: dict[int, Callable[[RestrictedUnpickler], Any]] = {
    ord("("): partial(_same, _MARK),
    ord("N"): partial(_same, None),
    0x88: partial(_same, True),
    0x89: partial(_same, False),
    ord(")"): partial(_same, ()),
    ord("]"): partial(_new, list),
    ord("}"): partial(_new, dict),
    0x8F: partial(_new, set),
    ord("K"): partial(_number, _U1),
    ord("M"): partial(_number, _U2),
    ord("J"): partial(_number, _I4),
    ord("G"): partial(_number, _F8),
    0x8A: partial(_bytes, _U1, decode_long),
    0x8B: partial(_bytes, _I4, decode_long),
    0x8C: partial(_bytes, _U1, _text),
    ord("X"): partial(_bytes, _U4, _text),
    0x8D: partial(_bytes, _U8, _text),
    ord("C"): partial(_bytes, _U1, bytes),
    ord("B"): partial(_bytes, _U4, bytes),
    0x8E: partial(_bytes, _U8, bytes),
    0x96: partial(_bytes, _U8, bytearray),
    ord("U"): partial(_old_string, _U1),
    ord("T"): partial(_old_string, _I4),
    0x85: partial(_topmost, 1),
    0x86: partial(_topmost, 2),
    0x87: partial(_topmost, 3),
    ord("t"): partial(_items, tuple),
    ord("l"): partial(_items, list),
    ord("d"): partial(_items, _dict),
    0x91: partial(_items, _frozenset),
    ord("h"): partial(_kept, _U1),
    ord("j"): partial(_kept, _U4),
    ord("c"): _global,
    0x93: _stack_global,
    ord("R"): partial(_applied, RestrictedUnpickler.call, 2),
    0x81: partial(_applied, RestrictedUnpickler.make, 2),
    0x92: partial(_applied, RestrictedUnpickler.make, 3),
    ord("Q"): partial(_applied, RestrictedUnpickler.persistent, 1),
}
"""What each instruction puts on the stack, by its code."""


def _proto(machine: RestrictedUnpickler) -> None:
    version = _number(_U1, machine)
    if not 2 <= version <= 5:
        raise UnpicklingError(f"the pickle has protocol {version}; expected 2 to 5")


def _frame(machine: RestrictedUnpickler) -> None:
    machine.take(8)


def _pop(machine: RestrictedUnpickler) -> None:
    machine.stack.pop()


def _pop_mark(machine: RestrictedUnpickler) -> None:
    machine.pop_to_mark()


def _append(machine: RestrictedUnpickler) -> None:
    item = machine.pop()
    _top_of(machine, list).append(item)


def _appends(machine: RestrictedUnpickler) -> None:
    items = machine.pop_to_mark()
    _top_of(machine, list).extend(items)


def _setitem(machine: RestrictedUnpickler) -> None:
    value = machine.pop()
    key = machine.pop()
    _top_of(machine, dict)[check_key(key)] = value


def _setitems(machine: RestrictedUnpickler) -> None:
    items = machine.pop_to_mark()
    _dict(items, _top_of(machine, dict))


def _additems(machine: RestrictedUnpickler) -> None:
    items = machine.pop_to_mark()
    _top_of(machine, set).update(rebuild.make_set(items))


def _top_of(machine: RestrictedUnpickler, kind: type) -> Any:
    target = machine.stack[-1]
    if not isinstance(target, kind):
        raise UnpicklingError(
            f"the pickle fills a {kind.__name__} that is an object of {type(target).__name__}"
        )
    return target


def _keep(form: struct.Struct | None, machine: RestrictedUnpickler) -> None:
    place = _number(form, machine) if form else len(machine.memo)
    top = machine.stack[-1]
    if top is _MARK:
        raise UnpicklingError("the pickle keeps a mark as an object")
    machine.memo[place] = top


def _build(machine: RestrictedUnpickler) -> None:
    state = machine.pop()
    machine.set_state(machine.stack[-1], state)


_STEPS: dict[int, Callable[[RestrictedUnpickler], None]] = {
    0x80: _proto,
    0x95: _frame,
    ord("0"): _pop,
    ord("1"): _pop_mark,
    ord("a"): _append,
    ord("e"): _appends,
    ord("s"): _setitem,
    ord("u"): _setitems,
    0x90: _additems,
    ord("b"): _build,
    ord("q"): partial(_keep, _U1),
    ord("r"): partial(_keep, _U4),
    0x94: partial(_keep, None),
}
"""What each of the other instructions does."""
