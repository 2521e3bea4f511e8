"""Looks through a pickle before anybody loads it: some of a few bytes would take all memory, or for ever to hash.

Unpicklers that build plain containers alone still do as they are told. A tuple of the same tuple twice, and so on, 64
times over, is 130 bytes long, and whoever makes it a key of a dict walks through 2 ** 64 parts; the C unpickler's memo
is as long as the largest index asked for; `bytearray(n)` fills n bytes.
"""

import pickletools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

PARTS_PER_BYTE = 20  # an honest pickle takes a byte and more for each part, and shows few of them often
SPARE_PARTS = 1000
DEEPEST_KEY = 64  # tuples in tuples; hashing them takes the machine's own stack
_MARK = pickletools.markobject


class HostilePickle(ValueError):
    """It would harm whoever loads it."""


@dataclass(slots=True)
class _Value:
    """What the unpickler would have on its stack."""

    parts: int = 1  # that are met by who walks through it
    depth: int = 0  # of tuples in it


_Item = _Value | None  # None: a mark


def check_pickle(stream: BinaryIO, size: int, allow: Callable[[str, str], bool] = lambda module, name: True) -> None:
    """Reads one pickle of at most `size` bytes to its end; HostilePickle for one that would grow in our hands, and for
    one that asks for a (module, name) that `allow` does not. What is malformed raises whatever pickletools does."""
    machine = _Machine(SPARE_PARTS + PARTS_PER_BYTE * size)
    for opcode, argument, _ in pickletools.genops(stream):
        if opcode.name.endswith("PUT") and not 0 <= int(argument or 0) <= size:
            raise HostilePickle("it asks for an absurd amount of memory")
        if opcode.name in ("GLOBAL", "INST"):
            module, _, name = str(argument).partition(" ")
            if not allow(module, name):
                raise HostilePickle(f"it asks for {module[:40]}.{name[:40]}")
        machine.run(opcode, argument)


@dataclass
class _Machine:
    """Follows the stack and the memo, and counts parts."""

    budget: int
    stack: list[_Item] = field(default_factory=list)
    memo: dict[int, _Value] = field(default_factory=dict)

    def run(self, opcode: pickletools.OpcodeInfo, argument: object) -> None:
        """One step."""
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
            self._made(opcode)

    def _made(self, opcode: pickletools.OpcodeInfo) -> None:
        name, items = opcode.name, self._taken(opcode)
        parts = sum(item.parts for item in items)
        if items and name not in ("STOP", "POP_MARK"):
            self.budget -= parts
            if self.budget < 0:
                raise HostilePickle("it repeats itself to grow in our hands")
        if not opcode.stack_after:
            return
        if name in ("APPEND", "APPENDS", "SETITEM", "SETITEMS", "ADDITEMS", "BUILD"):
            items[-1].parts = parts  # the container stands below what goes into it
            self.stack.append(items[-1])
            return
        depth = 1 + max((item.depth for item in items), default=0)
        if depth > DEEPEST_KEY:
            raise HostilePickle(f"it nests deeper than {DEEPEST_KEY}")
        self.stack.append(_Value(1 + parts, depth if items else 0))

    def _taken(self, opcode: pickletools.OpcodeInfo) -> list[_Value]:
        """Off the stack, the topmost first."""
        before, items = opcode.stack_before, []
        if _MARK in before:
            while (item := self.stack.pop()) is not None:
                items.append(item)
            before = before[: before.index(_MARK)]
        return items + [self._popped() for _ in before]

    def _popped(self) -> _Value:
        item = self.stack.pop()
        if item is None:
            raise HostilePickle("it has a mark where a value belongs")
        return item

    def _top(self) -> _Value:
        item = self.stack[-1]
        if item is None:
            raise HostilePickle("it has a mark where a value belongs")
        return item
