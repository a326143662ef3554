"""Pickle programs, as Python's pickler writes them or opcode by opcode."""

from .packing import u8, u16, u32, u64

import struct


class Global:
    """A (module, name) pair."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class Call:
    """A function with its arguments; `state` is handed to BUILD."""

    def __init__(self, function, *arguments, state=None, new=False):
        self.function, self.arguments, self.state = function, arguments, state
        self.new = new


class Ordered:
    """An OrderedDict, with the attributes of a module's state_dict if asked for."""

    def __init__(self, items=(), metadata=None):
        self.items, self.metadata = list(items), metadata


class Persistent:
    """A persistent id."""

    def __init__(self, value):
        self.value = value


class Raw:
    """Opcodes as they are."""

    def __init__(self, code):
        self.code = code


class Reference:
    """A value that is written once and recalled from the memo afterwards."""

    def __init__(self, value):
        self.value = value


class Long(int):
    """An integer written as LONG1 whatever its size."""


class Pickle:
    """Writes values as Python's pickler would; nothing is memoised but what is asked for, and
    what `memo` adds, which changes no meaning."""

    def __init__(self, protocol=2, memo=True):
        self.protocol, self.memo = protocol, memo
        self.code = bytearray()
        self.kept = 0
        self.places = {}
        self.names = {}

    def put(self):
        """Keeps the top of the stack."""
        place = self.kept
        self.kept += 1
        if self.protocol >= 4:
            self.code += b"\x94"
        elif place < 256:
            self.code += b"q" + u8(place)
        else:
            self.code += b"r" + u32(place)
        return place

    def get(self, place):
        self.code += b"h" + u8(place) if place < 256 else b"j" + u32(place)

    def text(self, text, opcode=None):
        data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        if opcode == "U" or (self.protocol >= 4 and len(data) < 256 and opcode is None):
            self.code += (b"U" if opcode == "U" else b"\x8c") + u8(len(data)) + data
        else:
            self.code += b"X" + u32(len(data)) + data

    def integer(self, value, long=False):
        if long or not -(1 << 31) <= value < 1 << 31:
            size = (value.bit_length() // 8) + 1
            data = value.to_bytes(size, "little", signed=True)
            self.code += b"\x8a" + u8(size) + data
        elif 0 <= value < 256:
            self.code += b"K" + u8(value)
        elif 0 <= value < 65536:
            self.code += b"M" + u16(value)
        else:
            self.code += b"J" + u32(value)

    def named(self, pair):
        key = (pair.module, pair.name)
        if self.memo and key in self.names:
            return self.get(self.names[key])
        if self.protocol >= 4:
            self.value(pair.module)
            self.value(pair.name)
            self.code += b"\x93"
        else:
            self.code += b"c" + f"{pair.module}\n{pair.name}\n".encode()
        if self.memo:
            self.names[key] = self.put()

    def value(self, value):
        """Writes a value."""
        code = self.code
        if value is None:
            code += b"N"
        elif isinstance(value, bool):
            code += b"\x88" if value else b"\x89"
        elif isinstance(value, int):
            self.integer(int(value), isinstance(value, Long))
        elif isinstance(value, float):
            code += b"G" + struct.pack(">d", value)
        elif isinstance(value, str):
            self.text(value)
            if self.memo:
                self.put()
        elif isinstance(value, bytes):
            code += b"C" + u8(len(value)) + value
        elif isinstance(value, tuple):
            self.members(value)
        elif isinstance(value, list):
            code += b"]"
            if value:
                code += b"("
                for member in value:
                    self.value(member)
                code += b"e"
        elif isinstance(value, dict):
            code += b"}"
            if self.memo:
                self.put()
            self.items(value.items())
        elif isinstance(value, Global):
            self.named(value)
        elif isinstance(value, Raw):
            code += value.code
        elif isinstance(value, Persistent):
            self.value(value.value)
            code += b"Q"
        elif isinstance(value, Reference):
            if id(value) in self.places:
                return self.get(self.places[id(value)])
            self.value(value.value)
            self.places[id(value)] = self.put()
        elif isinstance(value, Ordered):
            self.ordered(value)
        elif isinstance(value, Call):
            self.call(value)
        else:
            self.value(value.node())

    def items(self, items):
        if items:
            self.code += b"("
            for key, member in items:
                self.value(key)
                self.value(member)
            self.code += b"u"

    def members(self, members):
        if not members:
            self.code += b")"
        elif len(members) <= 3:
            for member in members:
                self.value(member)
            self.code += bytes([0x84 + len(members)])
        else:
            self.code += b"("
            for member in members:
                self.value(member)
            self.code += b"t"
        if self.memo and members:
            self.put()

    def ordered(self, value):
        self.value(Global("collections", "OrderedDict"))
        self.code += b")R"
        if self.memo:
            self.put()
        self.items(value.items)
        if value.metadata is not None:
            self.value({"_metadata": value.metadata})
            self.code += b"b"

    def call(self, value):
        self.value(value.function)
        self.members(value.arguments)
        self.code += b"\x81" if value.new else b"R"
        if self.memo:
            self.put()
        if value.state is not None:
            self.value(value.state)
            self.code += b"b"


def pickled(value, protocol=2, memo=True, frame=False, start=None, stop=b"."):
    """The whole program for a value."""
    program = Pickle(protocol, memo)
    program.value(value)
    body = bytes(program.code) + stop
    if frame:
        body = b"\x95" + u64(len(body)) + body
    return (b"\x80" + u8(protocol) if start is None else start) + body


def program(*parts, protocol=2):
    """A program of raw opcodes and values, in order, without STOP unless it is given."""
    result = Pickle(protocol, memo=False)
    for part in parts:
        result.value(Raw(part) if isinstance(part, bytes) else part)
    return b"\x80" + u8(protocol) + bytes(result.code)
