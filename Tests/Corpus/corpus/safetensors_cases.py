"""safetensors files (ST-01 to ST-09)."""

import json

from .book import INSPECT, MALFORMED, UNSUPPORTED, Tensor
from .packing import noise, u64

# dtype: bits of a value.
TYPES = {
    "F64": 64,
    "F32": 32,
    "F16": 16,
    "BF16": 16,
    "I64": 64,
    "I32": 32,
    "I16": 16,
    "I8": 8,
    "U64": 64,
    "U32": 32,
    "U16": 16,
    "U8": 8,
    "BOOL": 8,
    "F8_E4M3": 8,
    "F8_E5M2": 8,
    "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8,
    "F8_E8M0": 8,
    "C64": 64,
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
}


def value(name, dtype="F32", shape=(2, 3)):
    """A tensor with values that are always the same."""
    count = 1
    for extent in shape:
        count *= extent
    data = noise(f"{name}/{dtype}", count * TYPES[dtype] // 8)
    if dtype == "BOOL":
        data = bytes(byte & 1 for byte in data)
    return Tensor(name, dtype, shape, data)


def framed(header, data=b"", length=None):
    """A file with any header, which may be text or bytes."""
    text = header.encode() if isinstance(header, str) else header
    return u64(len(text) if length is None else length) + text + data


def described(tensors, order=None):
    """The header's entries and the data, in the order of the tensors."""
    entries = {}
    data = b""
    for tensor in tensors:
        entries[tensor.name] = {
            "dtype": tensor.dtype, "shape": tensor.shape,
            "data_offsets": [len(data), len(data) + len(tensor.data)]
        }
        data += tensor.data
    names = order or list(entries)
    return {name: entries[name] for name in names}, data


def compact(header):
    return json.dumps(header, separators=(",", ":"), ensure_ascii=False)


def file(tensors, metadata=None, order=None, padding=""):
    header, data = described(tensors, order)
    if metadata is not None:
        header = {"__metadata__": metadata, **header}
    return framed(compact(header) + padding, data)


def entry(dtype='"F32"', shape="[2,3]", offsets="[0,24]", name='"a"', more=""):
    """A header with one entry, every part of which is text."""
    return f'{{{name}:{{"dtype":{dtype},"shape":{shape},"data_offsets":{offsets}{more}}}}}'


DATA = value("a").data


def add(book):

    def reject(name, rule, what, content, codes=MALFORMED):
        book.reject(f"safetensors/{name}.safetensors", rule, what, content, codes)

    def accept(name, rule, what, content, tensors):
        book.accept(f"safetensors/{name}.safetensors", rule, what, content, tensors)

    honest(book, accept)
    names(accept)
    white_space(book, accept, reject)
    lengths(reject)
    json_faults(reject)
    entries(book, reject)
    metadata(reject)
    shapes(reject)
    ranges(book, reject)


def honest(book, accept):
    every = [value(f"t.{dtype}", dtype, (2, 4)) for dtype in TYPES]
    accept("every-type", ["ST-06", "ST-OK"], "a tensor of each of the 22 types", file(every), every)
    for dtype in ("F4", "F6_E2M3", "C64", "F8_E8M0", "BOOL"):
        one = [value("x", dtype, (3, 4))]
        accept(f"type-{dtype.lower().replace('_', '-')}", "ST-06", f"a tensor of type {dtype}",
               file(one), one)
    odd = [value("x", "F4", (2, 3)), value("y", "F6_E3M2", (4, 1, 1))]
    book.either("safetensors/odd-rows.safetensors", "ST-06",
                "rows of values below a byte that fill no bytes by themselves", file(odd),
                UNSUPPORTED, odd)
    several = [value("b"), value("a", "F16", (5,)), value("c", "U8", (3,))]
    accept("metadata", "ST-OK", "texts beside the tensors",
           file(several, {"format": "pt", "x": ""}), several)
    accept("no-metadata", "ST-OK", "an empty __metadata__", file(several, {}), several)
    accept("any-order", "ST-OK", "names in another order than the data",
           file(several, order=["a", "c", "b"]), several)
    accept("unaligned", "ST-OK", "data that begins at an odd byte", file(several, padding=" " * 3),
           several)
    accept("padded", "ST-OK", "a header padded with spaces", file(several, padding=" " * 500),
           several)
    flat = [value("s", "F32", ()), value("t", "I64", ())]
    accept("scalars", "ST-OK", "tensors without dimensions", file(flat), flat)
    empty = [
        value("a", "F32", (0,)),
        value("b", "F16", (0, 7)),
        value("c", "F32", (2,)),
        value("d", "I8", (3, 0))
    ]
    accept("empty-tensors", ["ST-OK", "ST-08"], "tensors without values share an offset",
           file(empty), empty)
    only = [value("a", "F32", (0,))]
    accept("only-empty", "ST-OK", "nothing but a tensor without values", file(only), only)
    twelve = [value("x", "U8", (1, 2) * 6)]
    accept("twelve-dimensions", "ST-OK", "twelve dimensions", file(twelve), twelve)
    pickle = value("x", "U8", (5,))
    accept("looks-like-pickle", ["DET-01", "ST-OK"], "a header of 640 bytes: the file begins 80 02",
           file([pickle], padding=" " * (640 - len(file([pickle])) + 8 + 5)), [pickle])
    protocol = 11923
    accept("looks-like-stack", ["DET-01", "ST-OK"],
           "a header of 11923 bytes: the file begins 93 2E",
           file([pickle], padding=" " * (protocol - len(file([pickle])) + 8 + 5)), [pickle])
    many = [value(f"layers.{place}.weight", "U8", (1,)) for place in range(300)]
    accept("many", "ST-OK", "300 tensors", file(many), many)
    accept("none", "ST-OK", "no tensors at all", framed("{}"), [])
    accept("only-metadata", "ST-OK", "metadata and no tensors",
           framed('{"__metadata__":{"a":"b"}}'), [])


def names(accept):
    odd = [
        value(name, "U8", (place + 1,)) for place, name in enumerate([
            "", "../x", "/etc/passwd", "a\\b", "\u6a21\u578b", "e\u0301", "\u00e9", "\U0001f600",
            "a\"b", " ", "x" * 1000, "__metadata", "\u202eabc", "dtype"
        ])
    ]
    accept("odd-names", ["ST-OK", "ST-04"], "names that are never paths, two of one look",
           file(odd), odd)
    accept("escaped-names", ["ST-OK", "ST-03"], "names with escapes",
           framed(entry(name=r'"\u0061\/\ud83d\ude00\n\"\\"'), DATA),
           [Tensor("a/\U0001f600\n\"\\", "F32", (2, 3), DATA)])
    accept(
        "escaped-members", "ST-03", "members whose names are written with escapes",
        framed(r'{"a":{"d\u0074ype":"F\u00332","sh\u0061pe":[2,3],"data\u005foffsets":[0,24]}}',
               DATA), [value("a")])


def white_space(book, accept, reject):
    text = entry()
    accept("spaced", "ST-02", "white space everywhere",
           framed(text.replace(":", " :\t").replace(",", "\r\n, "), DATA), [value("a")])
    for name, before in {"space": " ", "newlines": "\n\r\t "}.items():
        book.either(f"safetensors/before-{name}.safetensors", "ST-02",
                    "white space before the header", framed(before + text,
                                                            DATA), MALFORMED, [value("a")])
    for name, after in {"newline": "\n", "tabs": "\t\t"}.items():
        book.either(f"safetensors/after-{name}.safetensors", "ST-02",
                    "white space after the header", framed(text + after,
                                                           DATA), MALFORMED, [value("a")])
    for name, before in {"bom": "\ufeff", "nul": "\0", "no-break": "\u00a0"}.items():
        reject(f"before-{name}", "ST-02", f"a header that begins with {name}",
               framed(before + text, DATA))
    for name, after in {"nul": "\0", "text": "x", "bracket": "}"}.items():
        reject(f"after-{name}", ["ST-02", "ST-03"], f"a header that is followed by {name}",
               framed(text + after, DATA))
    reject("utf-16", "ST-02", "a header in UTF-16", framed(text.encode("utf-16-le"), DATA))
    reject("utf-16-bom", "ST-02", "a header in UTF-16 with its mark",
           framed(text.encode("utf-16"), DATA))
    reject("latin-1", "ST-02", "a name that is not UTF-8",
           framed(text.encode().replace(b'"a"', b'"\xe9"'), DATA))
    reject("overlong", "ST-02", "a name in overlong UTF-8",
           framed(text.encode().replace(b'"a"', b'"\xc1\x81"'), DATA))
    reject("surrogate-bytes", "ST-02", "a name with the bytes of a surrogate",
           framed(text.encode().replace(b'"a"', b'"\xed\xa0\x80"'), DATA))


def lengths(reject):
    good = file([value("a")])
    for size in (1, 7):
        reject(f"bytes-{size}", "ST-01", f"a file of {size} bytes", good[:size])
    reject("bytes-8", "ST-01", "nothing but a length", good[:8])
    for name, length in {
            "zero": 0,
            "one": 1,
            "more": 10000,
            "cap": 100_000_001,
            "2-63": 1 << 63,
            "2-64": (1 << 64) - 1,
    }.items():
        reject(f"length-{name}", "ST-01", f"a header length of {name}",
               framed(entry(), DATA, length))
    text = entry()
    reject("length-less", "ST-01", "a header length one less", framed(text, DATA, len(text) - 1))
    reject("length-into-data", "ST-01", "a header length that takes in the data",
           framed(text, DATA,
                  len(text) + 24))
    reject("cut-header", "ST-01", "cut within the header", good[:40])
    reject("cut-data", "ST-09", "cut within the data", good[:-1])
    reject("no-data", "ST-09", "no data at all", good[:-24])
    reject("one-more", "ST-09", "one byte too many", good + b"\0")
    reject("behind-each-other", "ST-09", "another such file after the data", good + good)
    reject("behind-length", "ST-09", "what begins as such a file after the data, of any length",
           good + u64(2**64 - 1) + b"{")
    reject("polyglot-zip", "ST-09", "a zip archive after the data", good + b"PK\3\4" + bytes(40))


def json_faults(reject):
    tail = '"shape":[2,3],"data_offsets":[0,24]}}'
    faults = {
        "trailing-comma": '{"a":{"dtype":"F32",' + tail[:-1] + ",}",
        "trailing-comma-list": entry(shape="[2,3,]"),
        "comment": '{/* x */' + entry()[1:],
        "single-quotes": entry().replace('"', "'"),
        "bare-name": entry(name="a"),
        "nan": entry(shape="[NaN]"),
        "true": entry(shape="[true,24]"),
        "null": entry(shape="null"),
        "leading-zero": entry(shape="[02,3]"),
        "hexadecimal": entry(shape="[0x2,3]"),
        "half-pair": entry(name=r'"\ud83d"'),
        "low-pair": entry(name=r'"\ude00"'),
        "half-pair-text": entry(name=r'"\ud83dabc"'),
        "bad-escape": entry(name=r'"\x61"'),
        "short-escape": entry(name=r'"\u61"'),
        "raw-newline": entry(name='"a\nb"'),
        "raw-nul": entry(name='"a\0b"'),
        "raw-tab": entry(name='"a\tb"'),
        "open-string": '{"a',
        "open-list": '{"a":[1,',
        "no-colon": '{"a"{}}',
        "list": "[]",
        "empty": "",
        "two-objects": "{}{}",
        "minus": entry(shape="[-]"),
        "point": entry(shape="[2.,3]"),
    }
    for name, header in faults.items():
        reject(f"json-{name}", "ST-03", f"JSON that is not strict: {name}", framed(header, DATA))
    for depth in (150, 30000):
        nested = "[" * depth + "]" * depth
        reject(f"depth-{depth}", ["ST-03", "RES-01"], f"{depth} lists in each other",
               framed(f'{{"__metadata__":{{"a":{nested}}}}}'))
    reject("depth-open", ["ST-03", "RES-01"], "60000 open lists", framed("[" * 60000))
    reject("depth-objects", ["ST-03", "RES-01"], "10000 open objects", framed('{"a":' * 10000))


def entries(book, reject):
    for name, header in {
            "null": '{"a":null}',
            "no-dtype": '{"a":{"shape":[2,3],"data_offsets":[0,24]}}',
            "no-shape": '{"a":{"dtype":"F32","data_offsets":[0,24]}}',
            "no-offsets": '{"a":{"dtype":"F32","shape":[2,3]}}',
            "dtype-number": entry(dtype="32"),
            "shape-text": entry(shape='"2,3"'),
            "shape-nested": entry(shape="[[2,3]]"),
    }.items():
        reject(f"entry-{name}", "ST-04", f"an entry that is wrong: {name}", framed(header, DATA))
    book.either("safetensors/entry-more.safetensors",
                "ST-04", "an entry with a member nobody knows",
                framed(entry(more=',"extra":1'), DATA), MALFORMED, [value("a")])
    book.either("safetensors/name-nul.safetensors", "ST-04", "a name with an escaped NUL",
                framed(entry(name=r'"a\u0000b"'), DATA), MALFORMED,
                [Tensor("a\0b", "F32", (2, 3), DATA)])
    pair = '{"dtype":"U8","shape":[12],"data_offsets":[%d,%d]}'
    for name, first, second in (("plain", "a", "a"), ("escaped", "a", r"\u0061"), ("empty", "", ""),
                                ("unicode", "\u6a21", r"\u6a21")):
        header = f'{{"{first}":{pair % (0, 12)},"{second}":{pair % (12, 24)}}}'
        reject(f"twice-{name}", "ST-05", f"two tensors of one name: {name}", framed(header, DATA))
    same = f'{{"a":{pair % (0, 12)},"a":{pair % (0, 12)}}}'
    reject("twice-same", "ST-05", "the same entry twice", framed(same, DATA[:12]))
    reject("twice-member", "ST-05", "an entry with two shapes",
           framed(entry(more=',"shape":[6]'), DATA))
    reject("twice-metadata", "ST-05", "two __metadata__",
           framed('{"__metadata__":{"a":"b"},"__metadata__":{"a":"c"},' + entry()[1:], DATA))
    for name, dtype in {"lower": "f32", "unknown": "F33", "gguf": "Q4_0", "space": "F32 "}.items():
        reject(f"dtype-{name}", "ST-06", f"the type {dtype!r}",
               framed(entry(dtype=f'"{dtype}"'), DATA), (MALFORMED, UNSUPPORTED))
    reject("sub-byte", "ST-06", "three values of four bits",
           framed(entry(dtype='"F4"', shape="[3]", offsets="[0,1]"), b"\0"))
    reject("sub-byte-more", "ST-06", "three values of four bits in two bytes",
           framed(entry(dtype='"F4"', shape="[3]", offsets="[0,2]"), b"\0\0"))


def metadata(reject):
    for name, text in {
            "number": "1",
            "null": "null",
            "number-in": '{"a":1}',
            "nested": '{"a":{"b":"c"}}',
    }.items():
        reject(f"metadata-{name}", "ST-04", f"__metadata__ that is wrong: {name}",
               framed('{"__metadata__":' + text + "," + entry()[1:], DATA))
    reject("metadata-twice", ["ST-04", "ST-05"], "one text twice in __metadata__",
           framed('{"__metadata__":{"a":"b","a":"c"},' + entry()[1:], DATA))


def shapes(reject):
    for name, shape in {
            "point": "[2.0,3]",
            "minus-zero": "[-0]",
            "negative": "[-2,-3]",
            "text": '["2","3"]',
            "true": "[true]",
            "2-64": "[18446744073709551616]",
            "digits": "[" + "9" * 70 + "]",
            "wraps": "[4194305,4194305,211106198978564]",
            "zero-wraps": "[0,9223372036854775807,9223372036854775807]",
            "more": "[2,4]",
            "less": "[2,2]",
            "scalar": "[]",
            "empty": "[0]",
    }.items():
        reject(f"shape-{name}", "ST-07", f"a shape that is wrong: {shape[:60]}",
               framed(entry(shape=shape), DATA))
    # The evil triple's product is 4 modulo 2^64.
    reject(
        "shape-triple", "ST-07", "a shape whose product wraps to four",
        framed(entry(dtype='"U8"', shape="[4194305,4194305,211106198978564]", offsets="[0,4]"),
               b"abcd"))


def ranges(book, reject):

    def three(*offsets):
        parts = [
            f'"{"abc"[place]}":{{"dtype":"U8","shape":[{max(end - begin, 0)}],'
            f'"data_offsets":[{begin},{end}]}}' for place, (begin, end) in enumerate(offsets)
        ]
        return "{" + ",".join(parts) + "}"

    data = noise("ranges", 24)
    for name, offsets, size in (
        ("overlap", [(0, 8), (4, 12), (12, 24)], 24),
        ("same", [(0, 24), (0, 24)], 24),
        ("inside", [(0, 24), (8, 12)], 24),
        ("hole", [(0, 8), (9, 24)], 24),
        ("hole-first", [(1, 24)], 24),
        ("hole-last", [(0, 20)], 24),
        ("beyond", [(0, 30)], 24),
        ("one-beyond", [(0, 25)], 24),
        ("reversed", [(24, 0)], 24),
        ("alias-end", [(0, 12), (11, 24)], 24),
    ):
        rule = "ST-09" if name in ("hole-last", "beyond", "one-beyond") else "ST-08"
        reject(f"range-{name}", rule, f"ranges that are wrong: {name}",
               framed(three(*offsets), data[:size]))
    for name, offsets in {
            "one": "[0]",
            "point": "[0.0,24.0]",
            "null": "null",
            "max": "[0,18446744073709551615]",
            "true": "[false,24]",
    }.items():
        reject(f"offsets-{name}", ["ST-08", "ST-07"], f"data_offsets that are wrong: {offsets}",
               framed(entry(offsets=offsets), DATA))
    inside = '{"a":{"dtype":"U8","shape":[12],"data_offsets":[0,12]},' \
             '"b":{"dtype":"U8","shape":[0],"data_offsets":[5,5]},' \
             '"c":{"dtype":"U8","shape":[12],"data_offsets":[12,24]}}'
    reject("range-empty-inside", "ST-08", "an empty tensor within another", framed(inside, data))
    hidden = file([value("a")]) + b"#!/bin/sh\ntouch weightmill-corpus-marker\n"
    reject("polyglot-shell", "ST-09", "a program after the data", hidden)
    book.accept("safetensors/inspected.safetensors",
                "ST-OK",
                "inspect shows what is there",
                file([value("a"), value("b")], {"format": "pt"}),
                arguments=INSPECT)
