"""Files as torch.save writes them, without torch: a zip file with a pickle and the storages.

Layout and rules: formats/pytorch.md. A storage is a list of tensors that lie one after the other.
"""

import struct
import zlib

POLYNOMIAL = 0xEDB88320
ALIGNMENT = 64
ALL_ONES = 0xFFFFFFFF
LONGS = struct.Struct("<i")


def multiply(left, right):
    """The product of two polynomials over GF(2), bits reversed, modulo CRC-32's."""
    product, bit = 0, 1 << 31
    while bit:
        if left & bit:
            product ^= right
        right = right >> 1 ^ (POLYNOMIAL if right & 1 else 0)
        bit >>= 1
    return product


def crc_of_zeros(crc, count):
    """The CRC-32 after `count` more bytes of zeros, in as many steps as the number has digits."""
    power, factor = 1 << 31, 1 << 23  # 1, and x to the 8
    while count:
        if count & 1:
            power = multiply(power, factor)
        factor = multiply(factor, factor)
        count >>= 1
    return multiply(power, crc ^ ALL_ONES) ^ ALL_ONES


def integer(value):
    if value < 1 << 8:
        return b"K" + bytes([value])
    if value < 1 << 31:
        return b"J" + LONGS.pack(value)
    digits = value.to_bytes(8, "little")  # the highest bit is not set: not negative
    return b"\x8a\x08" + digits


def text(value):
    encoded = value.encode()
    return b"X" + struct.pack("<I", len(encoded)) + encoded


def numbers(values):
    return b"(" + b"".join(integer(value) for value in values) + b"t"


def pickled(storages):
    """The state dict: an ordinary dictionary of tensors, protocol 2, nothing memoized."""
    out = [b"\x80\x02}("]
    for key, members in enumerate(storages):
        count = sum(size // item for _, _, item, size, _ in members)
        place = 0
        for name, shape, item, size, _ in members:
            kind = {2: "HalfStorage", 4: "FloatStorage"}[item]
            strides = [1]
            for extent in reversed(shape[1:]):
                strides.insert(0, strides[0] * extent)
            out += [
                text(name), b"ctorch._utils\n_rebuild_tensor_v2\n((", text("storage"),
                f"ctorch\n{kind}\n".encode(), text(str(key)), text("cpu"), integer(count), b"tQ",
                integer(place), numbers(shape), numbers(strides),
                b"\x89ccollections\nOrderedDict\n)RtR"]
            place += size // item
    return b"".join(out) + b"u."


class Archive:
    """A zip file that grows entry by entry; sizes and checksums stand behind the data."""

    def __init__(self, file, folder):
        self.file = file
        self.folder = folder
        self.position = 0
        self.records = []

    def write(self, data):
        if isinstance(data, int):
            self.file.seek(data, 1)
            self.position += data
        else:
            self.position += self.file.write(data)

    def add(self, name, pieces):
        """An entry; a piece is bytes, an array, or the length of a hole."""
        name = f"{self.folder}/{name}".encode()
        start = self.position
        padding = -(start + 30 + len(name) + 4) % ALIGNMENT
        extra = b"FB" + struct.pack("<H", padding) + b"Z" * padding
        self.write(struct.pack("<IHHHHHIIIHH", 0x04034B50, 0, 0x0808, 0, 0, 0, 0, 0, 0,
                               len(name), len(extra)) + name + extra)
        crc, size = 0, self.position
        for piece in pieces:
            data = piece if isinstance(piece, (int, bytes)) else piece.reshape(-1).data.cast("B")
            crc = crc_of_zeros(crc, data) if isinstance(data, int) else zlib.crc32(data, crc)
            self.write(data)
        size = self.position - size
        sizes = "QQ" if size >= ALL_ONES else "II"
        self.write(struct.pack(f"<II{sizes}", 0x08074B50, crc, size, size))
        self.records.append((name, crc, size, start))

    def finish(self):
        start = self.position
        for name, crc, size, position in self.records:
            wide = [value for value in (size, size, position) if value >= ALL_ONES]
            extra = struct.pack(f"<HH{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
            self.write(struct.pack(
                "<IHHHHHHIIIHHHHHII", 0x02014B50, 0, 45 if wide else 0, 0x0808, 0, 0, 0, crc,
                min(size, ALL_ONES), min(size, ALL_ONES), len(name), len(extra), 0, 0, 0, 0,
                min(position, ALL_ONES)) + name + extra)
        end, count = self.position, len(self.records)
        self.write(struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, count, count,
                               end - start, start))
        self.write(struct.pack("<IIQI", 0x07064B50, 0, end, 1))
        self.write(struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, count, count,
                               end - start, min(start, ALL_ONES), 0))


def write(path, storages):
    """Writes `storages`: lists of (name, shape, bytes of an item, size in bytes, pieces)."""
    with open(path, "wb", buffering=0) as file:
        archive = Archive(file, path.stem)
        archive.add("data.pkl", [pickled(storages)])
        archive.add("byteorder", [b"little"])
        for key, members in enumerate(storages):
            archive.add(f"data/{key}", (piece for *_, pieces in members for piece in pieces))
        archive.add("version", [b"3\n"])
        archive.finish()
