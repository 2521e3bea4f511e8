"""Looks through a pickle before it is loaded: a pickle of a few bytes can take all memory, or hash for ever.

An unpickler that builds nothing but plain containers still does as it is told. A tuple of the same tuple twice, and so
on 64 times over, is 130 bytes long, and to hash it means to walk through 2 ** 64 parts. The C unpickler's memo is as
long as the largest index asked for. `bytearray(n)` fills n bytes, and the codec "hex" doubles what it is given, again
and again.
"""

import pickletools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

PARTS_PER_BYTE = 20  # an honest pickle takes a byte and more for each part, and repeats few of them
SPARE_PARTS = 1000
MOST_STEPS = 500_000  # a checkpoint with its optimiser takes some 50,000; each may make 200 bytes in memory
_FILLING = ("APPEND", "APPENDS", "SETITEM", "SETITEMS", "ADDITEMS", "BUILD")  # what stands below them
DEEPEST_KEY = 64  # tuples in tuples; hashing them takes the machine's own stack
_LONGEST_NAME = 200
_MARK = pickletools.markobject


class HostilePickle(ValueError):
    """Says that a file would run code or take far more memory than it has bytes."""


@dataclass(slots=True)
class _Value:
    """Describes what the unpickler would have on its stack."""

    parts: int = 1  # met on a walk through it
    depth: int = 0  # of tuples in it
    content: object = None  # a global's "module name", a short text or a tuple of these, where known


_Item = _Value | None  # None: a mark


def check_pickle(stream: BinaryIO, size: int, allow: Callable[[str, str], bool] = lambda module, name: True) -> None:
    """Reads one pickle of at most `size` bytes to its end.

    HostilePickle for one that would grow when it is loaded, or asks for a (module, name) that `allow` refuses. A
    malformed pickle raises whatever pickletools raises.
    """
    machine = _Machine(SPARE_PARTS + PARTS_PER_BYTE * size)
    for step, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
        if step == MOST_STEPS:
            raise HostilePickle(f"it takes more than {MOST_STEPS:,} steps to load, a long history perhaps")
        if opcode.name.endswith("PUT") and not 0 <= int(argument or 0) <= size:
            raise HostilePickle("it asks for an absurd amount of memory")
        if opcode.name in ("GLOBAL", "INST"):
            module, _, name = str(argument).partition(" ")
            if not allow(module, name):
                raise HostilePickle(f"it asks for {module[:40]}.{name[:40]}")
        machine.run(opcode, argument)


@dataclass
class _Machine:
    """Follows an unpickler's stack and memo, and counts parts."""

    budget: int
    stack: list[_Item] = field(default_factory=list)
    memo: dict[int, _Value] = field(default_factory=dict)

    def run(self, opcode: pickletools.OpcodeInfo, argument: object) -> None:
        """Takes one step."""
        name = opcode.name
        if name.endswith("PUT"):
            self.memo[int(str(argument))] = self._top()
        elif name == "MEMOIZE":
            self.memo[len(self.memo)] = self._top()
        elif name.endswith("GET"):
            self.stack.append(self.memo[int(str(argument))])
        elif name == "DUP":
            self.stack.append(self._top())
        elif name == "MARK":
            self.stack.append(None)
        elif name == "POP":
            self.stack.pop()
        else:
            self._build(opcode, argument)

    def _build(self, opcode: pickletools.OpcodeInfo, argument: object) -> None:
        name, items = opcode.name, self._taken(opcode)
        parts = sum(item.parts for item in items)
        if items and name not in ("STOP", "POP_MARK"):
            # What a container has held so far was counted as it went in.
            self.budget -= parts - items[-1].parts if name in _FILLING else parts
            if self.budget < 0:
                raise HostilePickle("it repeats itself to grow in our hands")
        if name == "REDUCE" and items[1].content == "_codecs encode":
            text_and_codec = items[0].content
            # latin1 is how old protocols spell bytes
            if not isinstance(text_and_codec, tuple) or text_and_codec[1] != "latin1":
                raise HostilePickle("it encodes text in another way than pickle spells bytes")
        if not opcode.stack_after:
            return
        if name in _FILLING:
            items[-1].parts = parts  # the container stands below what goes into it
            self.stack.append(items[-1])
            return
        depth = 1 + max((item.depth for item in items), default=0)
        if depth > DEEPEST_KEY:
            raise HostilePickle(f"it nests deeper than {DEEPEST_KEY}")
        self.stack.append(_Value(1 + parts, depth if items else 0, _content(name, argument, items)))

    def _taken(self, opcode: pickletools.OpcodeInfo) -> list[_Value]:
        """Takes what an opcode needs off the stack, the topmost first."""
        before, items = opcode.stack_before, []
        if _MARK in before:
            while (item := self.stack.pop()) is not None:
                items.append(item)
            before = before[: before.index(_MARK)]
        return items + [self._popped() for _ in before]

    def _popped(self) -> _Value:
        item = self._top()
        self.stack.pop()
        return item

    def _top(self) -> _Value:
        item = self.stack[-1]
        if item is None:
            raise HostilePickle("it has a mark where a value belongs")
        return item


def _content(opcode: str, argument: object, items: list[_Value]) -> object:
    if opcode in ("GLOBAL", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE"):
        return argument if len(str(argument)) <= _LONGEST_NAME else None
    if opcode.startswith("TUPLE") and len(items) == 2:
        return items[1].content, items[0].content
    return None
