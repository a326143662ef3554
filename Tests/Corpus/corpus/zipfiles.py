"""Zip files, entry by entry, in which every field can lie."""

import zlib
from dataclasses import dataclass, replace
from typing import Optional

from .packing import u16, u32, u64

LOCAL, CENTRAL, DESCRIPTOR = 0x04034B50, 0x02014B50, 0x08074B50
END, END64, LOCATOR = 0x06054B50, 0x06064B50, 0x07064B50
ONES16, ONES32 = 0xFFFF, 0xFFFFFFFF


@dataclass
class Entry:
    """One entry; what is None is told truly."""

    name: str
    data: bytes
    method: int = 0
    flags: int = 0
    # The bytes as they lie in the file, if compressed.
    packed: Optional[bytes] = None
    crc: Optional[int] = None
    size: Optional[int] = None
    packed_size: Optional[int] = None
    offset: Optional[int] = None
    disk: int = 0
    extra: bytes = b""
    comment: bytes = b""
    signature: int = CENTRAL
    # The sizes and the offset go to a zip64 field of the directory.
    wide: str = ""
    raw_name: Optional[bytes] = None
    # What the local header says.
    local_signature: int = LOCAL
    local_name: Optional[bytes] = None
    local_flags: Optional[int] = None
    local_method: Optional[int] = None
    local_crc: Optional[int] = None
    local_size: Optional[int] = None
    local_packed_size: Optional[int] = None
    local_extra: bytes = b""
    # Data begins at multiples of this, by an extra field as torch writes it.
    alignment: int = 1
    # "": none; else 32 or 64 for the width, "s" with a signature.
    descriptor: str = ""
    # The local header is not written: another entry's is used.
    ghost: bool = False
    # Bytes between this entry and the next.
    gap: bytes = b""

    def true_crc(self):
        return zlib.crc32(self.data) if self.crc is None else self.crc

    def body(self):
        return self.data if self.packed is None else self.packed


@dataclass
class End:
    """The end records; what is None is told truly."""

    zip64: bool = False
    comment: bytes = b""
    comment_length: Optional[int] = None
    disk: int = 0
    directory_disk: int = 0
    disk_count: Optional[int] = None
    count: Optional[int] = None
    size: Optional[int] = None
    offset: Optional[int] = None
    # The zip64 record's fields.
    wide_signature: int = END64
    wide_length: Optional[int] = None
    wide_disk: int = 0
    wide_disk_count: Optional[int] = None
    wide_count: Optional[int] = None
    wide_size: Optional[int] = None
    wide_offset: Optional[int] = None
    wide_extra: bytes = b""
    locator_offset: Optional[int] = None
    locator_disks: int = 1
    locator_signature: int = LOCATOR
    # Bytes before the directory, between it and the end records, and after everything.
    before: bytes = b""
    between: bytes = b""
    locator_gap: bytes = b""
    after: bytes = b""


def pick(value, truth):
    return truth if value is None else value


def local_record(entry, position):
    """The local header, the data and the descriptor."""
    name = pick(entry.local_name, pick(entry.raw_name, entry.name.encode()))
    flags = pick(entry.local_flags, entry.flags)
    # With a descriptor the header says nothing of sizes.
    late = bool(entry.descriptor)
    crc = pick(entry.local_crc, 0 if late else entry.true_crc())
    packed_size = pick(entry.local_packed_size, 0 if late else len(entry.body()))
    size = pick(entry.local_size, 0 if late else len(entry.data))
    extra = entry.local_extra
    if entry.alignment > 1:
        start = position + 30 + len(name) + len(extra) + 4
        padding = -start % entry.alignment
        extra += b"FB" + u16(padding) + b"Z" * padding
    record = u32(entry.local_signature) + u16(0) + u16(flags)
    record += u16(pick(entry.local_method, entry.method)) + u32(0) + u32(crc)
    record += u32(packed_size) + u32(size) + u16(len(name)) + u16(len(extra)) + name + extra
    record += entry.body()
    if late:
        number = u64 if entry.descriptor.startswith("64") else u32
        record += u32(DESCRIPTOR) if entry.descriptor.endswith("s") else b""
        record += u32(entry.true_crc()) + number(len(entry.body())) + number(len(entry.data))
    return record + entry.gap


def central_record(entry, offset):
    """The directory's record of an entry."""
    name = pick(entry.raw_name, entry.name.encode())
    size = pick(entry.size, len(entry.data))
    packed_size = pick(entry.packed_size, len(entry.body()))
    offset = pick(entry.offset, offset)
    extra = b""
    fields = [("s", size), ("p", packed_size), ("o", offset)]
    wide = b"".join(u64(value) for key, value in fields if key in entry.wide)
    if wide:
        extra = u16(1) + u16(len(wide)) + wide
    narrow = {key: ONES32 if key in entry.wide else value for key, value in fields}
    extra += entry.extra
    record = u32(entry.signature) + u16(0) + u16(0) + u16(entry.flags) + u16(entry.method)
    record += u32(0) + u32(entry.true_crc()) + u32(narrow["p"]) + u32(narrow["s"])
    record += u16(len(name)) + u16(len(extra)) + u16(len(entry.comment)) + u16(entry.disk)
    return record + bytes(6) + u32(narrow["o"]) + name + extra + entry.comment


def end_records(end, count, size, offset, position):
    """The zip64 record with its locator, if asked for, and the end record."""
    result = b""
    if end.zip64:
        start = position
        body = u16(45) + u16(45) + u32(end.wide_disk) + u32(end.wide_disk)
        wide_count = pick(end.wide_count, count)
        body += u64(pick(end.wide_disk_count, wide_count)) + u64(wide_count)
        body += u64(pick(end.wide_size, size)) + u64(pick(end.wide_offset, offset))
        body += end.wide_extra
        result += u32(end.wide_signature) + u64(pick(end.wide_length, len(body))) + body
        result += end.locator_gap
        result += u32(end.locator_signature) + u32(0) + u64(pick(end.locator_offset, start))
        result += u32(end.locator_disks)
    result += u32(END) + u16(end.disk) + u16(end.directory_disk)
    narrow = pick(end.count, count)
    result += u16(pick(end.disk_count, narrow)) + u16(narrow)
    result += u32(pick(end.size, size)) + u32(pick(end.offset, offset))
    return result + u16(pick(end.comment_length, len(end.comment))) + end.comment


def archive(entries, end=None, prefix=b"", order=None):
    """A zip file. `order` gives the order of the directory, if it is another one."""
    end = end or End()
    file = prefix
    offsets = []
    for entry in entries:
        offsets.append(len(file))
        if not entry.ghost:
            file += local_record(entry, len(file))
    file += end.before
    records = [central_record(entry, offset) for entry, offset in zip(entries, offsets)]
    directory = b"".join(records[place] for place in order or range(len(records)))
    offset = len(file)
    file += directory + end.between
    return file + end_records(end, len(entries), len(directory), offset, len(file)) + end.after


def changed(entries, name, **fields):
    """The entries with some fields of one of them changed; its name may be cut at the front."""
    found = [place for place, entry in enumerate(entries) if entry.name.endswith(name)]
    assert len(found) == 1, (name, found)
    result = list(entries)
    result[found[0]] = replace(entries[found[0]], **fields)
    return result
