"""Zip containers that two readers could read differently, or that lie (ZIP-01 to ZIP-15)."""

from dataclasses import replace

from . import deflate
from .book import BAD, MALFORMED, REFUSED, UNSUPPORTED
from .checkpoints import Storage, View, entries, expected, one, used
from .honest_zip import NAMED, PICKLE, STORAGES, packed, plain
from .packing import replaced, u16, u32, u64
from .pickles import Call, Global, pickled
from .zipfiles import End, Entry, archive, central_record, changed, end_records

MARKER = "weightmill-corpus-marker"
EVIL = pickled({"x": Call(Global("os", "system"), f"touch {MARKER}")})


def add(book):

    def reject(name, rule, what, content, codes):
        book.reject(f"zip/{name}.pth", rule, what, content, codes)

    framing(reject)
    end_record(reject)
    local_headers(reject)
    extents(reject)
    wide_fields(reject)
    overlaps(reject)
    sizes(reject)
    compression(reject)
    bombs(book, reject)
    names(reject)
    members(book, reject)


def framing(reject):
    good = archive(plain())
    reject("prefix", "ZIP-01", "bytes before the first entry", archive(plain(), prefix=b"#!sh\n"),
           MALFORMED)
    reject("prefix-zip-like", "ZIP-01", "an empty archive in front of the file",
           archive(plain(), prefix=end_records(End(), 0, 0, 0, 0)), BAD)
    reject("empty-archive", "ZIP-01", "an archive without entries", archive([]), BAD)
    reject("first-entry-erased", "ZIP-01", "the first signature is gone",
           replaced(good, 0, b"PK\3\5"), MALFORMED)
    reject("four-bytes", "ZIP-01", "nothing but a signature", b"PK\3\4", MALFORMED)
    reject("no-directory", "ZIP-02", "cut before the directory", good[:good.index(b"PK\1\2")],
           MALFORMED)
    reject("cut-in-directory", "ZIP-02", "cut within the directory", good[:-40], MALFORMED)
    reject("cut-in-end", "ZIP-02", "cut within the end record", good[:-1], MALFORMED)
    reject("cut-in-data", "ZIP-02", "cut within an entry", good[:len(good) // 3], MALFORMED)


def end_record(reject):
    good = archive(plain())
    reject("trailing-bytes", "ZIP-02", "bytes after the end record",
           archive(plain(), End(after=b"more")), BAD)
    reject("trailing-zeros", "ZIP-02", "zeros after the end record",
           archive(plain(), End(after=bytes(64))), BAD)
    reject("trailing-archive", "ZIP-02", "another archive after the first",
           good + archive([Entry("archive/data.pkl", EVIL),
                           Entry("archive/version", b"3")]), BAD)
    fake = end_records(End(comment_length=0), 4, 10, 10, 0)
    reject("two-ends", "ZIP-02", "an end record in the comment of another",
           archive(plain(), End(comment=fake)), BAD)
    # Some readers take the last signature, whatever its comment says.
    lone = end_records(End(comment_length=7), 4, 10, 10, 0)
    reject("end-in-comment", "ZIP-02", "an end record in the comment whose own comment is too long",
           archive(plain(), End(comment=lone)), BAD)
    reject("comment-too-long", "ZIP-02", "the comment's length is beyond the file",
           archive(plain(), End(comment_length=9)), MALFORMED)
    reject("comment-too-short", "ZIP-02", "the comment's length is less than its bytes",
           archive(plain(), End(comment=b"123456", comment_length=2)), BAD)
    for name, fields in {
            "disk": {"disk": 1},
            "directory-disk": {"directory_disk": 1},
            "count-more": {"count": 5},
            "count-less": {"count": 3},
            "count-none": {"count": 0},
            "size-more": {"size": 5000},
            "offset-more": {"offset": 0x7FFFFFFF},
            "offset-ones": {"offset": 0xFFFFFFFF},
            "gap": {"between": b"12345678"},
    }.items():
        reject(f"end-{name}", "ZIP-02", f"an end record whose {name} is wrong",
               archive(plain(), End(**fields)), BAD)


def local_headers(reject):
    for name, fields in {
            "name": {"local_name": b"archive/date.pkl"},
            "name-case": {"local_name": b"archive/DATA.pkl"},
            "flags": {"local_flags": 0x0800},
            "method": {"local_method": 8},
            "size": {"local_size": 3},
            "packed-size": {"local_packed_size": 1},
            "signature": {"local_signature": 0x04034B51},
    }.items():
        # The first entry keeps its signature: another one lies.
        target = "/data/0" if "signature" in fields or "local_signature" in fields else "/data.pkl"
        reject(f"local-{name}", "ZIP-03", f"a local header that differs: {name}",
               archive(changed(plain(), target, **fields)), BAD)
    reject("local-crc", ["ZIP-03", "ZIP-08"], "another checksum in the directory than the data's",
           archive(changed(plain(), "/data.pkl", crc=0x12345678)), MALFORMED)
    # torch reads the directory's name, other readers the local one.
    hidden = [Entry("archive/data.pkl", PICKLE, local_name=b"archive/safe.pkl")] + plain()[1:]
    reject("local-hidden-pickle", "ZIP-03", "the pickle has another name in its local header",
           archive(hidden), BAD)


def extents(reject):
    reject(
        "data-beyond-directory", "ZIP-04", "an entry that reaches into the directory",
        archive(
            changed(plain(),
                    "/version",
                    packed_size=60,
                    size=60,
                    local_packed_size=60,
                    local_size=60)), BAD)
    reject(
        "data-beyond-file", "ZIP-04", "an entry that reaches beyond the file",
        archive(
            changed(plain(),
                    "/version",
                    packed_size=0x7FFFFFF0,
                    size=0x7FFFFFF0,
                    local_packed_size=0x7FFFFFF0,
                    local_size=0x7FFFFFF0)), BAD)
    reject("offset-beyond-file", "ZIP-04", "a local header beyond the file",
           archive(changed(plain(), "/version", offset=0x7FFFFFFF)), BAD)
    reject("offset-in-directory", "ZIP-04", "a local header within the directory",
           archive(changed(plain(), "/version", offset=len(archive(plain())) - 60)), BAD)
    good = archive(plain())
    place = good.rindex(b"PK\3\4")
    reject("local-extra-too-long", "ZIP-04", "an extra field in the local header that ends nowhere",
           replaced(good, place + 28, u16(0xFFFF)), BAD)
    reject("local-name-too-long", "ZIP-04", "a name in the local header that ends nowhere",
           replaced(good, place + 26, u16(0xFFFF)), BAD)
    central = good.index(b"PK\1\2")
    for name, position in (("name", 28), ("extra", 30), ("comment", 32)):
        reject(f"central-{name}-too-long", "ZIP-04", f"a {name} in the directory that ends nowhere",
               replaced(good, central + position, u16(0xFFF0)), BAD)
    reject("central-signature", "ZIP-04", "a directory record without its signature",
           replaced(good, central, b"PK\1\3"), BAD)


def wide_fields(reject):
    for name, fields in {
            "count": {"wide_count": 9},
            "size": {"wide_size": 1},
            "offset": {"wide_offset": 1},
            "disk": {"wide_disk": 3},
            "length": {"wide_length": 45},
            "signature": {"wide_signature": 0x06064B51},
            "locator-offset": {"locator_offset": 0},
            "locator-huge": {"locator_offset": (1 << 64) - 8},
            "locator-disks": {"locator_disks": 4},
            "locator-gap": {"locator_gap": bytes(8)},
    }.items():
        codes = (*BAD, UNSUPPORTED) if "disk" in name else BAD
        reject(f"zip64-{name}", "ZIP-05", f"a zip64 end record whose {name} is wrong",
               archive(plain(), End(zip64=True, **fields)), codes)
    reject(
        "zip64-no-locator", "ZIP-05", "a zip64 end record without its locator",
        archive(
            plain(),
            End(zip64=True, locator_signature=0, count=0xFFFF, size=0xFFFFFFFF, offset=0xFFFFFFFF)),
        BAD)
    reject("zip64-promised", "ZIP-05", "a size of ones without a zip64 field",
           archive(changed(plain(), "/data/0", size=0xFFFFFFFF)), BAD)
    reject("zip64-promised-offset", "ZIP-05", "an offset of ones without a zip64 field",
           archive(changed(plain(), "/data/0", offset=0xFFFFFFFF)), BAD)
    short = u16(1) + u16(4) + u32(24)
    reject(
        "zip64-extra-short", "ZIP-05", "a zip64 field of four bytes",
        archive(changed(plain(), "/data/0", size=0xFFFFFFFF, packed_size=0xFFFFFFFF, extra=short)),
        BAD)
    half = u16(1) + u16(8) + u64(24)
    reject(
        "zip64-extra-half", "ZIP-05", "a zip64 field that lacks its second number",
        archive(changed(plain(), "/data/0", size=0xFFFFFFFF, packed_size=0xFFFFFFFF, extra=half)),
        BAD)
    long = u16(1) + u16(200) + u64(24)
    reject("zip64-extra-long", "ZIP-05", "a zip64 field longer than its room",
           archive(changed(plain(), "/data/0", size=0xFFFFFFFF, extra=long)), BAD)
    huge = u16(1) + u16(16) + u64(1 << 63) * 2
    reject(
        "zip64-extra-huge", "ZIP-05", "sizes of 2^63",
        archive(changed(plain(), "/data/0", size=0xFFFFFFFF, packed_size=0xFFFFFFFF, extra=huge)),
        BAD)
    twice = (u16(1) + u16(8) + u64(24)) + (u16(1) + u16(8) + u64(9999))
    reject("zip64-extra-twice", "ZIP-05", "two zip64 fields that differ",
           archive(changed(plain(), "/data/0", size=0xFFFFFFFF, extra=twice)), BAD)


def overlaps(reject):
    first = plain()
    ghost = [
        replace(entry, ghost=True, offset=0) if entry.name.endswith("/version") else entry
        for entry in first
    ]
    reject("overlap-shared-header", ["ZIP-06", "ZIP-03"], "two records of one local header",
           archive(ghost), BAD)
    # Fifield's quoted overlap: the kernel of the second entry lies within the first.
    inner = archive([Entry("archive/version", b"3\n")])[:30 + 15 + 2]
    outer = Entry("archive/data/0", inner + bytes(24))
    made = [Entry("archive/data.pkl", PICKLE), Entry("archive/data/1", STORAGES[1].data), outer]
    start = len(archive(made[:2],
                        End())) - len(central_record(made[0], 0) + central_record(made[1], 0)) - 22
    nested = Entry("archive/version", b"3\n", ghost=True, offset=start + 30 + 14)
    reject("overlap-quoted", "ZIP-06", "an entry within the data of another",
           archive(made + [nested]), BAD)
    reject("overlap-descriptor", "ZIP-06", "an entry that begins in the descriptor of another",
           descriptor_overlap(), BAD)


def descriptor_overlap():
    """The second local header begins where the first one's descriptor should be."""
    made = [replace(plain()[0], flags=8, descriptor="32s")] + plain()[1:]
    data = archive(made)
    place = data.index(b"PK\7\x08")
    # Without the 16 bytes of the descriptor everything behind it moves up.
    cut = data[:place] + data[place + 16:]
    directory = cut.index(b"PK\1\2")
    records = []
    offset = None
    for entry in made:
        position = cut.index(entry.name.encode()) - 30
        offset = position if offset is not None else 0
        records.append(central_record(entry, offset))
    joined = b"".join(records)
    return cut[:directory] + joined + end_records(End(), len(made), len(joined), directory, 0)


def sizes(reject):
    reject("stored-size-more", "ZIP-07", "a stored entry whose size is more than its bytes",
           archive(changed(plain(), "/data/0", size=25, local_size=25)), BAD)
    reject("stored-size-less", "ZIP-07", "a stored entry whose size is less than its bytes",
           archive(changed(plain(), "/data/0", size=8, local_size=8)), BAD)
    reject("stored-pickle-short", "ZIP-07", "a stored pickle of which only a part is told",
           archive(changed(plain(), "/data.pkl", size=5, local_size=5)), BAD)
    data = plain()[1]
    flipped = bytes([data.data[0] ^ 1]) + data.data[1:]
    reject("crc-of-storage", "ZIP-08", "a flipped bit in a storage",
           archive(plain()).replace(data.data, flipped), MALFORMED)
    reject("crc-of-pickle", "ZIP-08", "a flipped bit in the pickle",
           archive(plain()).replace(b"a.weight", b"b.weight"), MALFORMED)
    reject("crc-of-deflated", "ZIP-08", "a deflated storage with another checksum",
           archive(changed([packed(entry) for entry in plain()], "/data/0", crc=77)), MALFORMED)
    reject("crc-of-version", "ZIP-08", "a version with another checksum",
           archive(changed(plain(), "/version", crc=77)), MALFORMED)
    for bit in (0, 5, 6, 13):
        codes = (*BAD, UNSUPPORTED)
        reject(f"flag-{bit}", "ZIP-09", f"flag bit {bit} in both headers",
               archive(changed(plain(), "/data/0", flags=1 << bit)), codes)
    reject("entry-on-disk-1", "ZIP-09", "an entry that lies on another disk",
           archive(changed(plain(), "/data/0", disk=1)), BAD)


def compression(reject):
    for method in (1, 9, 99):
        reject(f"method-{method}", "ZIP-10", f"compression method {method}",
               archive(changed(plain(), "/data/0", method=method)), (UNSUPPORTED, REFUSED))
    data = STORAGES[0].data
    good = deflate.fixed(data)
    streams = {
        "cut": (good[:-2], "ends too early"),
        "more": (good + b"\0\0", "has bytes after its end"),
        "shorter": (deflate.fixed(data[:8]), "gives less than is said"),
        "distance": (deflate.fixed(data[3:], first_distance=200), "reaches before its beginning"),
        "block-type": (b"\7" + good[1:], "has a block of no known type"),
        "stored-length": (b"\1\x18\0\0\0" + data, "has a stored block whose lengths differ"),
        "endless": (deflate.fixed(data, ends=False), "never ends"),
        "two": (good + good, "is followed by another"),
    }
    for name, (stream, what) in streams.items():
        reject(f"deflate-{name}", "ZIP-10", f"a deflate stream that {what}",
               archive(changed(plain(), "/data/0", method=8, packed=stream)), BAD)
    reject("deflate-pickle-cut", "ZIP-10", "a deflated pickle that ends too early",
           archive(changed(plain(), "/data.pkl", method=8, packed=deflate.fixed(PICKLE)[:-9])), BAD)


def bombs(book, reject):
    count = 258 * 50000 + 1
    stream = deflate.zeros(count)
    made = changed(plain(), "/data.pkl", method=8, packed=stream, data=bytes(count))
    reject("bomb-pickle", "ZIP-11", "a pickle that inflates to 13 MB of zeros", archive(made), BAD)
    made = changed(plain(), "/data/0", method=8, packed=stream, data=bytes(count))
    reject("bomb-storage", ["ZIP-11", "TEN-01"], "a storage of 24 bytes that inflates to 13 MB",
           archive(made), BAD)
    made = changed(plain(),
                   "/data/0",
                   method=8,
                   packed=stream,
                   data=bytes(count),
                   size=24,
                   local_size=24,
                   crc=0)
    reject("bomb-hidden", "ZIP-11", "a storage that says 24 bytes and inflates to 13 MB",
           archive(made), BAD)
    for name in ("/version", "/data.pkl"):
        made = changed(plain(),
                       name,
                       method=8,
                       packed=deflate.zeros(259),
                       size=0xFFFFFF00,
                       local_size=0xFFFFFF00)
        reject(f"bomb-promised-{name[1:].replace('.', '-')}", "ZIP-11",
               "an entry that promises 4 GB from a few bytes", archive(made), BAD)
    huge = View(Storage("0", "U8", 4), (1 << 40,))
    huge.storage.count = 1 << 40
    made = entries(pickled({"x": huge}), [huge.storage])
    wide = changed(made, "/data/0", method=8, packed=deflate.zeros(259), size=1 << 40, wide="s")
    reject("bomb-promised-storage", ["ZIP-11", "RES-01"],
           "a storage that promises 1 TB from a few bytes", archive(wide), BAD)
    # Honest, but 13 MB from 13 KB: it is read in a window.
    zeros = {"z": one("U8", (1,), "0")}
    zeros["z"].shape, zeros["z"].strides = (count,), (1,)
    zeros["z"].storage.count, zeros["z"].storage.data = count, bytes(count)
    made = entries(pickled(zeros), used(zeros.values()))
    book.accept("zip/inflated-window.pth", ["ZIP-11", "ZIP-OK"], "13 MB of zeros, rightly declared",
                archive(changed(made, "/data/0", method=8, packed=stream)), expected(zeros))


def names(reject):
    reject("name-twice-pickle", "ZIP-12", "two entries named data.pkl",
           archive([Entry("archive/data.pkl", EVIL)] + plain()), BAD)
    reject("name-twice-storage", "ZIP-12", "two entries of one storage",
           archive(plain() + [Entry("archive/data/0", bytes(24))]), BAD)
    reject("name-twice-by-case", "ZIP-12", "two names that differ in case only",
           archive(plain() + [Entry("archive/DATA.pkl", EVIL)]), BAD)
    reject("name-not-utf-8", "ZIP-12", "a name that is not UTF-8",
           archive(plain() + [Entry("", b"", raw_name=b"archive/\xff\xfe")]), BAD)
    reject("name-empty", "ZIP-12", "an entry without a name", archive(plain() + [Entry("", b"")]),
           BAD)
    for name, text in {
            "parent": "../evil",
            "absolute": "/etc/evil",
            "backslash": "..\\evil",
            "drive": "C:/evil",
    }.items():
        reject(f"path-{name}", ["ZIP-13", "ZIP-15"], "an entry outside of the folder",
               archive(plain() + [Entry(text, b"evil")]), BAD)


def members(book, reject):
    reject("outside-folder", "ZIP-13", "an entry outside of the archive's folder",
           archive(plain() + [Entry("other/file", b"")]), BAD)
    reject("two-folders", "ZIP-13", "two archives' entries in one file",
           archive(plain() + [Entry("archive2/data.pkl", EVIL),
                              Entry("archive2/version", b"3")]), BAD)
    reject("no-folder", "ZIP-13", "entries without a folder",
           archive([replace(entry, name=entry.name[8:]) for entry in plain()]), BAD)
    reject("no-pickle", "ZIP-13", "no data.pkl", archive(plain()[1:]), BAD)
    reject("no-version", "ZIP-13", "no version", archive(plain()[:-1]), BAD)
    for name, text in {
            "0": b"0",
            "11": b"11",
            "text": b"three",
            "huge": b"99999999999999999999",
    }.items():
        reject(f"version-is-{name}", "ZIP-13", f"a version of {name}",
               archive(changed(plain(), "/version", data=text)), (*BAD, UNSUPPORTED))
    for name, text in {"middle": b"middle"}.items():
        reject(f"byteorder-is-{name}", "ZIP-13", f"a byte order of {name}",
               archive(plain() + [Entry("archive/byteorder", text)]), BAD)
    codes = (REFUSED, UNSUPPORTED)
    reject("torchscript-constants", "ZIP-14", "a TorchScript program: constants.pkl",
           archive(plain() + [Entry("archive/constants.pkl", pickled(()))]), codes)
    reject("torchscript-code", "ZIP-14", "a TorchScript program: code/",
           archive(plain() + [Entry("archive/code/__torch__.py", b"op_version_set = 1\n")]), codes)
    mar = [Entry("MAR-INF/MANIFEST.json", b"{}"), Entry("model.py", b"")]
    reject("torchserve", "ZIP-14", "a TorchServe archive", archive(mar), (*codes, MALFORMED))
    reject("torchserve-inside", "ZIP-14", "a TorchServe archive around a checkpoint",
           archive(plain() + [Entry("archive/MAR-INF/MANIFEST.json", b"{}")]), (*codes, MALFORMED))
    reject("other-zip", "ZIP-13", "a zip file of something else",
           archive([Entry("word/document.xml", b"<xml/>"),
                    Entry("word/x", b"")]), (*BAD, UNSUPPORTED))
    # Names that would be dangerous to unpack; nothing is unpacked.
    for name, text in {
            "parent": "archive/../evil",
            "nul": "archive/data/0\0.txt",
            "backslash": "archive/..\\evil",
    }.items():
        book.either(f"zip/inside-{name}.pth", "ZIP-15", f"a name that climbs out: {name}",
                    archive(plain() + [Entry(text, b"evil")]), BAD, expected(NAMED))
    link = Entry("archive/link", b"/etc/passwd")
    data = bytearray(archive(plain() + [link]))
    place = data.rindex(b"archive/link") - 46
    data[place + 38:place + 42] = u32(0xA1FF << 16)
    data[place + 5] = 3
    book.either("zip/link.pth", "ZIP-15", "an entry that is a symbolic link", bytes(data), BAD,
                expected(NAMED))
