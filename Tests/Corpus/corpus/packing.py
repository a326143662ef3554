"""Little-endian numbers, and bytes that look random but never change."""

import hashlib
import struct


def u8(value):
    return struct.pack("<B", value & 0xFF)


def u16(value):
    return struct.pack("<H", value & 0xFFFF)


def u32(value):
    return struct.pack("<I", value & 0xFFFFFFFF)


def u64(value):
    return struct.pack("<Q", value & 0xFFFFFFFFFFFFFFFF)


def f32(value):
    return struct.pack("<f", value)


def f64(value):
    return struct.pack("<d", value)


def noise(seed, count):
    """Bytes that depend on nothing but the seed."""
    result = b""
    block = 0
    while len(result) < count:
        result += hashlib.sha256(f"{seed}/{block}".encode()).digest()
        block += 1
    return result[:count]


def replaced(data, position, new):
    """The bytes with some of them overwritten."""
    assert position + len(new) <= len(data)
    return data[:position] + new + data[position + len(new):]
