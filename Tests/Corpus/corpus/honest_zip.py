"""Zip containers that torch and re-zipping tools really write (ZIP-OK)."""

from dataclasses import replace

from . import deflate
from .book import REFUSED
from .checkpoints import View, Storage, entries, expected, one, used, zip_file, TYPES
from .packing import u16, u64
from .pickles import pickled
from .zipfiles import End, Entry, archive, changed

NAMED = {"a.weight": one("F32", (2, 3), "0"), "b.bias": one("F16", (5,), "1")}
PICKLE = pickled(NAMED)
STORAGES = used(NAMED.values())


def plain():
    return entries(PICKLE, STORAGES)


def packed(entry, how=deflate.fixed):
    return replace(entry, method=8, packed=how(entry.data))


def add(book):

    def accept(name, what, content, tensors=None):
        book.accept(f"zip/{name}.pth", "ZIP-OK", what, content, tensors or expected(NAMED))

    versions(book, accept)
    compression(accept)
    wide_fields(accept)
    repacked(book, accept)
    orders(book)
    checksums(book)


def versions(book, accept):
    for style in ("1.4", "1.6", "2.1", "2.15"):
        accept(f"torch-{style}", f"entries as torch {style} writes them",
               zip_file(NAMED, NAMED.values(), style=style))
    twelve = {f"t{place}": one("I16", (place + 1,), str(place)) for place in range(12)}
    accept("torch-1.6-many", "storages in the order of their names' bytes: 0, 1, 10, 11, 2 ...",
           zip_file(twelve, twelve.values(), style="1.6"), expected(twelve))
    accept("folder-named-after-file", "the folder is named after a file with a dot",
           zip_file(NAMED, NAMED.values(), folder="consolidated.00"))
    accept("folder-unicode", "the folder's name is not ASCII",
           zip_file(NAMED, NAMED.values(), folder="\u6a21\u578b \u00e9", style="2.1"))


def compression(accept):
    accept("deflated-all", "every entry deflated with the fixed code",
           archive([packed(entry) for entry in plain()]))
    accept("deflated-stored-blocks", "deflate streams that hold the bytes as they are",
           archive([packed(entry, deflate.stored) for entry in plain()]))
    accept("deflated-pickle-only", "the pickle deflated, the storages stored",
           archive([packed(plain()[0])] + plain()[1:]))
    accept("deflated-with-hints", "flags 1 and 2 tell how hard it was deflated",
           archive([replace(packed(entry), flags=6) for entry in plain()]))
    accept("deflated-with-descriptors", "deflated entries whose sizes follow them",
           archive([replace(packed(entry), flags=8, descriptor="32s") for entry in plain()]))
    zeros = {"z": one("U8", (258 * 100 + 1,), "0")}
    zeros["z"].storage.data = bytes(258 * 100 + 1)
    made = entries(pickled(zeros), used(zeros.values()))
    accept("deflated-zeros", "zeros deflated with a dynamic code, 1 to 1000",
           archive(changed(made, "/data/0", method=8, packed=deflate.zeros(258 * 100 + 1))),
           expected(zeros))


def wide_fields(accept):
    accept("zip64-end", "a zip64 end record beside a full classic one",
           archive(plain(), End(zip64=True)))
    accept("zip64-end-alone", "a classic end record of ones only",
           archive(plain(), End(zip64=True, count=0xFFFF, size=0xFFFFFFFF, offset=0xFFFFFFFF)))
    accept("zip64-end-half", "a classic end record with one field of ones",
           archive(plain(), End(zip64=True, offset=0xFFFFFFFF)))
    for fields, what in (("s", "size"), ("o", "offset"), ("spo", "all three")):
        accept(f"zip64-extra-{fields}", f"zip64 fields of small entries: {what}",
               archive([replace(entry, wide=fields) for entry in plain()]))
    local = [
        replace(entry,
                wide="spo",
                local_size=0xFFFFFFFF,
                local_packed_size=0xFFFFFFFF,
                local_extra=u16(1) + u16(16) + u64(len(entry.data)) * 2) for entry in plain()
    ]
    accept("zip64-local", "zip64 fields in the local headers, too", archive(local))
    # torch past 4 GiB: a zip64 field of 8 bytes in the local header, sizes 0.
    past = [
        replace(entry,
                flags=0x0808,
                descriptor="64s",
                wide="o",
                local_extra=u16(1) + u16(8) + u64(0)) for entry in plain()
    ]
    accept("zip64-past-4-gib", "as torch writes entries beyond 4 GiB", archive(past))
    accept(
        "extra-fields", "extra fields of other kinds around the zip64 one",
        archive(
            [replace(entry, wide="o", extra=u16(0x5455) + u16(5) + bytes(5)) for entry in plain()]))


def repacked(book, accept):
    for kind in ("32s", "32", "64s", "64"):
        accept(
            f"descriptor-{kind}", "descriptors of %s bits, %s signature" %
            (kind[:2], "with a" if kind.endswith("s") else "without"),
            archive([replace(entry, flags=8, descriptor=kind) for entry in plain()]))
    folders = [Entry("archive/", b""), Entry("archive/data/", b"")]
    accept("folder-entries", "entries for the folders", archive(folders + plain()))
    accept("no-alignment", "no padding before data", archive(plain()))
    accept("comment", "a comment at the end", archive(plain(), End(comment=b"made by hand")))
    accept("comment-longest", "a comment of 20000 bytes", archive(plain(),
                                                                  End(comment=b"c" * 20000)))
    accept("entry-comments", "comments of entries",
           archive([replace(entry, comment=b"hello") for entry in plain()]))
    accept("entries-reversed", "the entries in another order", archive(plain()[::-1]))
    accept("directory-reordered", "the directory in another order than the entries",
           archive(plain(), order=[0, 3, 2, 1]))
    accept("other-entries", "entries that nobody knows",
           archive(plain() + [Entry("archive/notes.txt", b"hello"),
                              Entry("archive/data2/0", b"")]))
    accept("unused-storage", "a storage that no tensor sees",
           archive(plain() + [Entry("archive/data/77", b"unused")]))
    book.either("zip/gap-between-entries.pth", ["ZIP-OK", "ZIP-06"],
                "bytes between entries that no reader sees",
                archive(changed(plain(), "/data/0", gap=bytes(16))), REFUSED, expected(NAMED))
    for text in (b"1", b"10\n"):
        content = archive(changed(plain(), "/version", data=text))
        accept(f"version-{text.decode().strip()}{'-newline' if text[-1:] == bytes([10]) else ''}",
               "versions that torch takes", content)


def orders(book):
    named = {}
    for place, dtype in enumerate(TYPES):
        if TYPES[dtype][1]:
            named[dtype.lower()] = one(dtype, (3, 2), str(place))
    book.accept("zip/big-endian.pth", ["ZIP-13", "ZIP-OK"],
                "byteorder big: each value's bytes are swapped",
                zip_file(named, named.values(), big=True), expected(named))
    view = View(Storage("0", "F32", 12), (2, 3), (6, 2), 1)
    book.accept("zip/big-endian-view.pth", ["ZIP-13", "TEN-02"], "a strided view of swapped values",
                zip_file({"v": view}, [view], big=True), expected({"v": view}))
    book.accept("zip/little-endian.pth", "ZIP-13", "byteorder little",
                archive(plain() + [Entry("archive/byteorder", b"little")]), expected(NAMED))
    wide = one("F8_E4M3", (4,), "0")
    book.accept("zip/big-endian-bytes.pth", "ZIP-13", "nothing to swap in single bytes",
                zip_file({"w": wide}, [wide], big=True), expected({"w": wide}))


def checksums(book):
    none = [replace(entry, crc=0) for entry in plain()]
    book.accept("zip/crc-none.pth", "ZIP-08", "no checksums: torch's set_crc32_options(False)",
                archive(none), expected(NAMED))
    torch = [replace(entry, crc=0) for entry in entries(PICKLE, STORAGES, style="2.15")]
    book.accept("zip/crc-none-torch.pth", "ZIP-08", "no checksums, descriptors of zero",
                archive(torch, End(zip64=True)), expected(NAMED))
    # A local header that says nothing of the checksum is common; the directory's counts.
    local = [replace(entry, local_crc=0, flags=8, descriptor="32s") for entry in plain()]
    book.accept("zip/crc-in-directory.pth", "ZIP-08", "checksums in the directory only",
                archive(local), expected(NAMED))
