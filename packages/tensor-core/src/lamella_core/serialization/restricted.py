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
from pickle import UnpicklingError, decode_long
from types import FunctionType
from typing import TYPE_CHECKING, Any

from lamella_core.generator import Generator
from lamella_core.serialization import names, rebuild
from lamella_core.serialization.keys import check_key
from lamella_core.serialization.safe_globals import allowed_by_name
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

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
                step = _STEPS.get(code)
                if step is None:
                    raise UnpicklingError(
                        f"the pickle has the instruction 0x{code:02x} at byte {self.position - 1}, "
                        "which files of weights do not have. If you trust its source, load it with "
                        "weights_only=False, which may run any code that it holds"
                    )
                step(self)
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
        """The next ``count`` bytes."""
        end = self.position + count
        if count < 0 or end > len(self.data):
            raise UnpicklingError(
                f"the pickle claims {count} bytes at byte {self.position} and the data has "
                f"{len(self.data) - self.position}"
            )
        taken = bytes(self.data[self.position : end])
        self.position = end
        return taken

    def number(self, form: struct.Struct) -> int:
        """The next number of a form."""
        return form.unpack(self.take(form.size))[0]

    def line(self) -> str:
        """The text up to the next line feed, which is a name."""
        end = self.data.find(b"\n", self.position, self.position + _LONGEST_NAME)
        if end < 0:
            raise UnpicklingError(f"the pickle has no name at byte {self.position}")
        text = self.take(end - self.position).decode()
        self.position += 1
        return text

    def pop_to_mark(self) -> list[Any]:
        """Everything above the topmost mark, which goes too."""
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
        """The topmost object, which goes."""
        top = self.stack.pop()
        if top is _MARK:
            raise UnpicklingError("the pickle uses a mark as an object")
        return top

    def top(self) -> Any:
        """The topmost object, which stays."""
        return self.stack[-1]

    # ------------ what it allows

    def find_global(self, module_name: str, qualified_name: str) -> Any:
        """What a global stands for, if it is one that files may name."""
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
        """Calls a function or class that :meth:`find_global` gave."""
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
        """Gives an object the state that the pickle keeps for it."""
        if isinstance(target, Generator):
            rebuild.set_generator_state(target, state)
        elif type(target) in (OrderedDict, Counter) or isinstance(target, Tensor):
            rebuild.set_attributes(target, state)
        elif self._is_allowed(type(target)):
            _set_any_state(target, state)
        else:
            raise UnpicklingError(f"the pickle sets the state of {type(target).__name__}")

    def make(self, cls: Any, arguments: Any, keywords: dict[str, Any] | None = None) -> Any:
        """A new object of a class that the user allowed, by ``__new__``."""
        if not isinstance(cls, type) or not self._is_allowed(cls):
            raise UnpicklingError(f"the pickle makes an object of {cls!r} without calling it")
        return cls.__new__(cls, *arguments, **(keywords or {}))

    def persistent(self, identifier: Any) -> Any:
        """What a record beside the pickle stands for."""
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


def _proto(machine: RestrictedUnpickler) -> None:
    version = machine.number(_U1)
    if not 2 <= version <= 5:
        raise UnpicklingError(f"the pickle has protocol {version}; expected 2 to 5")


def _frame(machine: RestrictedUnpickler) -> None:
    machine.number(_U8)


def _push(value: Any) -> Callable[[RestrictedUnpickler], None]:
    def step(machine: RestrictedUnpickler) -> None:
        machine.stack.append(value)

    return step


def _push_new(make: Callable[[], Any]) -> Callable[[RestrictedUnpickler], None]:
    def step(machine: RestrictedUnpickler) -> None:
        machine.stack.append(make())

    return step


def _push_number(form: struct.Struct) -> Callable[[RestrictedUnpickler], None]:
    def step(machine: RestrictedUnpickler) -> None:
        machine.stack.append(form.unpack(machine.take(form.size))[0])

    return step


def _push_long(form: struct.Struct) -> Callable[[RestrictedUnpickler], None]:
    def step(machine: RestrictedUnpickler) -> None:
        machine.stack.append(decode_long(machine.take(machine.number(form))))

    return step


def _push_text(form: struct.Struct) -> Callable[[RestrictedUnpickler], None]:
    def step(machine: RestrictedUnpickler) -> None:
        text = machine.take(machine.number(form))
        machine.stack.append(text.decode("utf-8", "surrogatepass"))

    return step


def _push_bytes(
    form: struct.Struct, kind: Callable[[bytes], Any] = bytes
) -> Callable[[RestrictedUnpickler], None]:
    def step(machine: RestrictedUnpickler) -> None:
        machine.stack.append(kind(machine.take(machine.number(form))))

    return step


def _push_old_string(form: struct.Struct) -> Callable[[RestrictedUnpickler], None]:
    def step(machine: RestrictedUnpickler) -> None:
        text = machine.take(machine.number(form))
        encoding = machine._encoding
        machine.stack.append(text if encoding == "bytes" else text.decode(encoding))

    return step


def _pop(machine: RestrictedUnpickler) -> None:
    machine.stack.pop()


def _pop_mark(machine: RestrictedUnpickler) -> None:
    machine.pop_to_mark()


def _tuple(machine: RestrictedUnpickler) -> None:
    items = machine.pop_to_mark()
    machine.stack.append(tuple(items))


def _tuple_of(count: int) -> Callable[[RestrictedUnpickler], None]:
    def step(machine: RestrictedUnpickler) -> None:
        items = [machine.pop() for _ in range(count)]
        machine.stack.append(tuple(items[::-1]))

    return step


def _list(machine: RestrictedUnpickler) -> None:
    items = machine.pop_to_mark()
    machine.stack.append(items)


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
    if len(items) % 2:
        raise UnpicklingError("the pickle gives a dict a key without a value")
    target = _top_of(machine, dict)
    for place in range(0, len(items), 2):
        target[check_key(items[place])] = items[place + 1]


def _dict(machine: RestrictedUnpickler) -> None:
    items = machine.pop_to_mark()
    machine.stack.append({})
    machine.stack.append(_MARK)
    machine.stack.extend(items)
    _setitems(machine)


def _additems(machine: RestrictedUnpickler) -> None:
    items = machine.pop_to_mark()
    _top_of(machine, set).update(rebuild.make_set(items))


def _frozenset(machine: RestrictedUnpickler) -> None:
    items = machine.pop_to_mark()
    machine.stack.append(frozenset(rebuild.make_set(items)))


def _top_of(machine: RestrictedUnpickler, kind: type) -> Any:
    target = machine.top()
    if not isinstance(target, kind):
        raise UnpicklingError(
            f"the pickle fills a {kind.__name__} that is an object of {type(target).__name__}"
        )
    return target


def _put(form: struct.Struct) -> Callable[[RestrictedUnpickler], None]:
    def step(machine: RestrictedUnpickler) -> None:
        place = form.unpack(machine.take(form.size))[0]
        top = machine.stack[-1]
        if top is _MARK:
            raise UnpicklingError("the pickle keeps a mark as an object")
        machine.memo[place] = top

    return step


def _memoize(machine: RestrictedUnpickler) -> None:
    top = machine.stack[-1]
    if top is _MARK:
        raise UnpicklingError("the pickle keeps a mark as an object")
    machine.memo[len(machine.memo)] = top


def _get(form: struct.Struct) -> Callable[[RestrictedUnpickler], None]:
    def step(machine: RestrictedUnpickler) -> None:
        place = form.unpack(machine.take(form.size))[0]
        try:
            machine.stack.append(machine.memo[place])
        except KeyError:
            raise UnpicklingError(f"the pickle uses object {place} before it is made") from None

    return step


def _global(machine: RestrictedUnpickler) -> None:
    module_name = machine.line()
    machine.stack.append(machine.find_global(module_name, machine.line()))


def _stack_global(machine: RestrictedUnpickler) -> None:
    qualified_name = machine.pop()
    module_name = machine.pop()
    if type(qualified_name) is not str or type(module_name) is not str:
        raise UnpicklingError("the pickle names a global by something that is no text")
    machine.stack.append(machine.find_global(module_name, qualified_name))


def _reduce(machine: RestrictedUnpickler) -> None:
    arguments = machine.pop()
    function = machine.pop()
    machine.stack.append(machine.call(function, arguments))


def _newobj(machine: RestrictedUnpickler) -> None:
    arguments = machine.pop()
    cls = machine.pop()
    machine.stack.append(machine.make(cls, arguments))


def _newobj_ex(machine: RestrictedUnpickler) -> None:
    keywords = machine.pop()
    arguments = machine.pop()
    cls = machine.pop()
    machine.stack.append(machine.make(cls, arguments, keywords))


def _build(machine: RestrictedUnpickler) -> None:
    state = machine.pop()
    machine.set_state(machine.top(), state)


def _persistent(machine: RestrictedUnpickler) -> None:
    machine.stack.append(machine.persistent(machine.pop()))


_STEPS: dict[int, Callable[[RestrictedUnpickler], None]] = {
    0x80: _proto,
    0x95: _frame,
    ord("("): _push(_MARK),
    ord("N"): _push(None),
    0x88: _push(True),
    0x89: _push(False),
    ord("K"): _push_number(_U1),
    ord("M"): _push_number(_U2),
    ord("J"): _push_number(_I4),
    0x8A: _push_long(_U1),
    0x8B: _push_long(_I4),
    ord("G"): _push_number(_F8),
    0x8C: _push_text(_U1),
    ord("X"): _push_text(_U4),
    0x8D: _push_text(_U8),
    ord("U"): _push_old_string(_U1),
    ord("T"): _push_old_string(_I4),
    ord("C"): _push_bytes(_U1),
    ord("B"): _push_bytes(_U4),
    0x8E: _push_bytes(_U8),
    0x96: _push_bytes(_U8, bytearray),
    ord("0"): _pop,
    ord("1"): _pop_mark,
    ord(")"): _push(()),
    0x85: _tuple_of(1),
    0x86: _tuple_of(2),
    0x87: _tuple_of(3),
    ord("t"): _tuple,
    ord("]"): _push_new(list),
    ord("l"): _list,
    ord("a"): _append,
    ord("e"): _appends,
    ord("}"): _push_new(dict),
    ord("d"): _dict,
    ord("s"): _setitem,
    ord("u"): _setitems,
    0x8F: _push_new(set),
    0x90: _additems,
    0x91: _frozenset,
    ord("q"): _put(_U1),
    ord("r"): _put(_U4),
    0x94: _memoize,
    ord("h"): _get(_U1),
    ord("j"): _get(_U4),
    ord("c"): _global,
    0x93: _stack_global,
    ord("R"): _reduce,
    0x81: _newobj,
    0x92: _newobj_ex,
    ord("b"): _build,
    ord("Q"): _persistent,
}
"""What each instruction does, by its code."""
