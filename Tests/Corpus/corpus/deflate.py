"""Raw deflate streams (RFC 1951) by hand: the same bytes on every machine, broken at will."""


class Bits:
    """Bits are packed from the lowest of each byte on; Huffman codes from their highest."""

    def __init__(self):
        self.value = 0
        self.count = 0

    def put(self, value, count):
        self.value |= value << self.count
        self.count += count

    def code(self, value, count):
        for place in reversed(range(count)):
            self.put(value >> place & 1, 1)

    def align(self):
        self.count = (self.count + 7) // 8 * 8

    def bytes(self):
        return self.value.to_bytes((self.count + 7) // 8, "little")


def stored(data):
    """Blocks that hold the bytes as they are."""
    result = b""
    pieces = [data[start:start + 65535] for start in range(0, len(data), 65535)] or [b""]
    for place, piece in enumerate(pieces):
        final = place == len(pieces) - 1
        size = len(piece)
        result += bytes([final]) + size.to_bytes(2, "little")
        result += (size ^ 0xFFFF).to_bytes(2, "little") + piece
    return result


def _symbol(bits, symbol):
    """A literal or length of the fixed code."""
    if symbol < 144:
        bits.code(0x30 + symbol, 8)
    elif symbol < 256:
        bits.code(0x190 + symbol - 144, 9)
    elif symbol < 280:
        bits.code(symbol - 256, 7)
    else:
        bits.code(0xC0 + symbol - 280, 8)


def _match3(bits, distance):
    """A match of three bytes: length symbol 257 has no extra bits."""
    _symbol(bits, 257)
    starts = [1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193]
    code = max(place for place, start in enumerate(starts) if start <= distance)
    bits.code(code, 5)
    extra = max(0, code // 2 - 1)
    bits.put(distance - starts[code], extra)


def fixed(data, first_distance=None, ends=True):
    """One block with the fixed code; matches are of three bytes and at most 255 back.

    `first_distance` begins with a match that reaches back so far, before the beginning."""
    bits = Bits()
    bits.put(1, 1)
    bits.put(1, 2)
    if first_distance is not None:
        _match3(bits, first_distance)
    place = 0
    while place < len(data):
        window = data[max(0, place - 255):place]
        found = window.rfind(data[place:place + 3]) if place + 3 <= len(data) else -1
        if found >= 0:
            _match3(bits, len(window) - found)
            place += 3
        else:
            _symbol(bits, data[place])
            place += 1
    if ends:
        _symbol(bits, 256)
    return bits.bytes()


def zeros(count):
    """`count` zero bytes in about count / 1032 bytes: a block whose code has two lengths.

    The symbols: 0 (literal), 256 (end), 285 (258 bytes again), one distance (1)."""
    assert count % 258 == 1
    bits = Bits()
    bits.put(1, 1)
    bits.put(2, 2)
    bits.put(29, 5)  # 286 literals and lengths
    bits.put(0, 5)  # 1 distance
    bits.put(14, 4)  # 18 lengths of lengths
    order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1]
    lengths = {18: 1, 1: 2, 2: 2}
    for symbol in order:
        bits.put(lengths.get(symbol, 0), 3)
    codes = {18: (0, 1), 1: (2, 2), 2: (3, 2)}

    def length(value):
        bits.code(*codes[value])

    def skip(number):
        while number:
            step = min(number, 138)
            bits.code(*codes[18])
            bits.put(step - 11, 7)
            number -= step

    length(2)  # literal 0
    skip(255)
    length(2)  # 256
    skip(28)
    length(1)  # 285
    length(1)  # distance 1
    # Canonical: 285 is 0; 0 is 10; 256 is 11; the distance is 0.
    bits.code(2, 2)
    bits.count += 2 * (count // 258)
    bits.code(3, 2)
    return bits.bytes()
