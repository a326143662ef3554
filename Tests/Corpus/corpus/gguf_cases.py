"""GGUF files (GG-01 to GG-11)."""

from .book import BAD, INSPECT, MALFORMED, MISMATCH, NO_INPUT, UNSUPPORTED, Tensor, tokenize
from .packing import f32, f64, noise, u8, u16, u32, u64

U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
# Type: number, values in a block, bytes of a block.
TYPES = {
    "F32": (0, 1, 4),
    "F16": (1, 1, 2),
    "Q4_0": (2, 32, 18),
    "Q4_1": (3, 32, 20),
    "Q5_0": (6, 32, 22),
    "Q5_1": (7, 32, 24),
    "Q8_0": (8, 32, 34),
    "Q8_1": (9, 32, 36),
    "Q2_K": (10, 256, 84),
    "Q3_K": (11, 256, 110),
    "Q4_K": (12, 256, 144),
    "Q5_K": (13, 256, 176),
    "Q6_K": (14, 256, 210),
    "Q8_K": (15, 256, 292),
    "IQ2_XXS": (16, 256, 66),
    "IQ2_XS": (17, 256, 74),
    "IQ3_XXS": (18, 256, 98),
    "IQ1_S": (19, 256, 50),
    "IQ4_NL": (20, 32, 18),
    "IQ3_S": (21, 256, 110),
    "IQ2_S": (22, 256, 82),
    "IQ4_XS": (23, 256, 136),
    "I8": (24, 1, 1),
    "I16": (25, 1, 2),
    "I32": (26, 1, 4),
    "I64": (27, 1, 8),
    "F64": (28, 1, 8),
    "IQ1_M": (29, 256, 56),
    "BF16": (30, 1, 2),
    "TQ1_0": (34, 256, 54),
    "TQ2_0": (35, 256, 66),
    "MXFP4": (39, 32, 17),
    "NVFP4": (40, 64, 36),
}


def text(value):
    data = value if isinstance(value, bytes) else value.encode()
    return u64(len(data)) + data


def pair(key, kind, value):
    return text(key) + u32(kind) + value


def array(kind, values, count=None):
    return u32(kind) + u64(len(values) if count is None else count) + b"".join(values)


def info(name, dims, kind, offset, count=None):
    """A tensor's description; dims innermost first."""
    return (text(name) + u32(len(dims) if count is None else count) +
            b"".join(u64(extent) for extent in dims) + u32(kind) + u64(offset))


def head(tensors, pairs, version=3, magic=b"GGUF", tensor_count=None, pair_count=None):
    return (magic + u32(version) + u64(len(tensors) if tensor_count is None else tensor_count) +
            u64(len(pairs) if pair_count is None else pair_count) + b"".join(pairs) +
            b"".join(tensors))


def padded(data, alignment=32):
    return data + bytes(-len(data) % alignment)


ARCHITECTURE = pair("general.architecture", STRING, text("llama"))


def value(name, kind="F32", shape=(2, 4)):
    """A tensor with values that are always the same; shape outermost first."""
    _, values, size = TYPES[kind]
    count = 1
    for extent in shape:
        count *= extent
    return Tensor(name, kind, shape, noise(f"{name}/{kind}", count // values * size))


def file(tensors, pairs=(ARCHITECTURE,), alignment=32, cut=0, order=None, **fields):
    """An honest file: the data in the order of the tensors, each padded."""
    infos = []
    data = b""
    for tensor in tensors:
        infos.append(info(tensor.name, tensor.shape[::-1], TYPES[tensor.dtype][0], len(data)))
        data = padded(data + tensor.data, alignment)
    if order:
        infos = [infos[place] for place in order]
    whole = padded(head(infos, list(pairs), **fields), alignment) + data
    return whole[:len(whole) - cut]


def raw(infos, pairs=(ARCHITECTURE,), data=bytes(64), **fields):
    """A file of which every part is given."""
    return padded(head(list(infos), list(pairs), **fields)) + data


def add(book):

    def reject(name, rule, what, content, codes=MALFORMED, **options):
        book.reject(f"gguf/{name}.gguf", rule, what, content, codes, **options)

    def accept(name, rule, what, content, tensors=None, **options):
        book.accept(f"gguf/{name}.gguf", rule, what, content, tensors, **options)

    honest(book, accept)
    heads(reject)
    counts(reject)
    strings(book, reject)
    values(book, reject)
    alignments(accept, reject)
    infos(reject)
    types(reject)
    places(book, reject)
    vocabularies(book, accept, reject)


def honest(book, accept):
    every = [value(f"blk.{code}.{kind}", kind, (2, 256)) for kind, (code, _, _) in TYPES.items()]
    # 30 KB of blocks: the types in two files.
    for place in (0, 1):
        accept(f"types-{place + 1}", ["GG-09", "GG-10"], "a tensor of every other type",
               file(every[place::2]), every[place::2])
    two = [value("a.weight"), value("b.weight", "F16", (3,))]
    for version in (2, 3):
        accept(f"version-{version}", "GG-01", f"version {version}", file(two, version=version), two)
    accept("no-padding-at-end", "GG-10", "the last tensor is not padded", file(two, cut=26), two)
    accept("no-metadata", "GG-02", "no metadata at all", file(two, pairs=()), two)
    accept("no-tensors", "GG-02", "metadata and no tensors", file([]), [])
    accept("nothing", "GG-02", "neither metadata nor tensors", file([], pairs=()), [])
    scalar = [value("x", "F32", ()), value("y", "F32", (1,))]
    book.either("gguf/no-dimensions.gguf", "GG-08", "a tensor without dimensions", file(scalar),
                BAD, scalar)
    four = [value("x", "F32", (2, 3, 1, 2))]
    accept("four-dimensions", "GG-08", "four dimensions", file(four), four)
    empty = [value("x", "F32", (0, 4)), value("y", "F32", (2,))]
    book.either("gguf/empty-tensor.gguf", "GG-08", "a tensor without values", file(empty), BAD,
                empty)
    names = [
        value("n" * 63, "I8", (3,)),
        value("\u6a21.\u00e9", "I8", (2,)),
        value("e\u0301", "I8", (1,)),
        value("\u00e9", "I8", (1,))
    ]
    accept("names", "GG-07", "names of 63 bytes and in Unicode, two of one look", file(names),
           names)
    long = [value("n" * 64, "I8", (3,))]
    book.either("gguf/name-64.gguf", "GG-07", "a name of 64 bytes", file(long), MALFORMED, long)
    accept("order", "GG-10", "descriptions in another order than the data", file(two, order=[1, 0]),
           two)
    kinds = [
        pair("u8", U8, u8(255)),
        pair("i8", I8, u8(0x80)),
        pair("u16", U16, u16(65535)),
        pair("i16", I16, u16(0x8000)),
        pair("u32", U32, u32(0xFFFFFFFF)),
        pair("i32", I32, u32(1 << 31)),
        pair("f32", F32, f32(1.5)),
        pair("bool", BOOL, u8(1)),
        pair("string", STRING, text("\u00e9")),
        pair("u64", U64, u64((1 << 64) - 1)),
        pair("i64", I64, u64(1 << 63)),
        pair("f64", F64, f64(-0.5)),
        pair("empty", STRING, text("")),
        pair("f32s", ARRAY, array(F32, [f32(1), f32(2)])),
        pair("bools", ARRAY, array(BOOL, [u8(0), u8(1)])),
        pair("none", ARRAY, array(STRING, [])),
        pair("strings", ARRAY, array(STRING, [text("a"), text("")])),
        pair("nan", F32, u32(0x7FC00000)),
        pair("infinity", F64, f64(float("inf"))),
    ]
    accept("every-value", "GG-04", "a value of every type", file(two, [ARCHITECTURE] + kinds), two)
    accept("every-value-shown",
           "GG-04",
           "a value of every type, inspected",
           file(two, [ARCHITECTURE] + kinds),
           arguments=INSPECT)


def heads(reject):
    good = file([value("a")])
    for name, magic in {"lower": b"gguf", "ggjt": b"tjgg", "reversed": b"FUGG"}.items():
        reject(f"magic-{name}", ["GG-01", "DET-01"], f"the magic of {name}",
               raw([info("a", (8,), 0, 0)], magic=magic), (MALFORMED, UNSUPPORTED))
    for version in (0, 1, 4, 0x03000000, 0xFFFFFFFF):
        reject(f"version-is-{version:x}", "GG-01", f"version 0x{version:x}",
               raw([info("a", (8,), 0, 0)], version=version), (UNSUPPORTED, MALFORMED))
    for size in (3, 8, 23):
        reject(f"bytes-{size}", "GG-01", f"a file of {size} bytes", good[:size], (MALFORMED,))
    reject("cut-metadata", "GG-03", "cut within the metadata", good[:40])
    reject("cut-tensors", "GG-02", "cut within the descriptions", good[:90])
    reject("cut-data", "GG-10", "cut within the data", good[:-5])
    reject("no-data", "GG-10", "no data at all", good[:-32])


def counts(reject):
    one = [info("a", (8,), 0, 0)]
    for name, count in {"more": 2, "many": 100000, "2-62": 1 << 62, "max": (1 << 64) - 1}.items():
        reject(f"tensors-{name}", ["GG-02", "RES-01"], f"{count} tensors promised",
               raw(one, tensor_count=count))
        reject(f"entries-{name}", ["GG-02", "RES-01"], f"{count} metadata entries promised",
               raw(one, pair_count=count))
    reject("entries-none", "GG-02", "no metadata entries promised, one there", raw(one,
                                                                                   pair_count=0),
           (MALFORMED, UNSUPPORTED))


def strings(book, reject):
    for name, size in {
            "more": 500,
            "2-30": (1 << 30) + 1,
            "max": (1 << 64) - 1,
            "wraps": (1 << 64) - 24,
    }.items():
        long = u64(size) + b"abc"
        reject(f"key-{name}", ["GG-03", "RES-01"], f"a key of {size} bytes promised",
               raw([], [long + u32(U8) + u8(1)], pair_count=1))
        if name not in ("more", "max"):
            continue
        reject(f"string-{name}", ["GG-03", "RES-01"], f"a text of {size} bytes promised",
               raw([], [text("x") + u32(STRING) + long]))
        reject(f"name-{name}", ["GG-03", "GG-07"], f"a tensor's name of {size} bytes promised",
               raw([long + u32(1) + u64(8) + u32(0) + u64(0)]))
    reject("key-empty", "GG-03", "an empty key", raw([], [pair("", U8, u8(1))]))
    reject("key-twice", "GG-03", "one key twice",
           raw([], [pair("x", U8, u8(1)), pair("x", U8, u8(2))]))
    reject("key-twice-types", "GG-03", "one key with two types",
           raw([], [pair("x", U8, u8(1)), pair("x", STRING, text("y"))]))
    reject("key-not-utf-8", "GG-03", "a key that is not UTF-8",
           raw([], [pair(b"\xff\xfe", U8, u8(1))]))
    reject("string-not-utf-8", "GG-03", "a text that is not UTF-8",
           raw([], [pair("x", STRING, text(b"\xed\xa0\x80"))]))
    two = [value("a")]
    book.either("gguf/key-nul.gguf", "GG-03", "a key with a NUL",
                file(two, [pair("a\0b", U8, u8(1))]), MALFORMED, two)
    book.either("gguf/key-long.gguf", "GG-03", "a key of 20000 bytes",
                file(two, [pair("k" * 20000, U8, u8(1))]), MALFORMED, two)
    both = [pair("\u00e9", U8, u8(1)), pair("e\u0301", U8, u8(2))]
    book.accept("gguf/keys-of-one-look.gguf", "GG-03", "two keys that differ in normalisation only",
                file(two, both), two)


def values(book, reject):
    for kind in (13, 0xFFFFFFFF):
        reject(f"value-type-{kind:x}", "GG-04", f"a value of type {kind}",
               raw([], [pair("x", kind, u64(0))]))
        reject(f"array-type-{kind:x}", "GG-04", f"an array of type {kind}",
               raw([], [pair("x", ARRAY, array(kind, [u64(0)]))]))
    for byte in (2, 255):
        reject(f"bool-{byte}", "GG-04", f"a truth value of {byte}",
               raw([], [pair("x", BOOL, u8(byte))]))
    reject("bool-in-array", "GG-04", "a truth value of 7 in an array",
           raw([], [pair("x", ARRAY, array(BOOL, [u8(1), u8(7)]))]))
    sizes = {U8: "u8", STRING: "string"}
    for kind, kind_name in sizes.items():
        for name, count in {"more": 100000, "2-61": 1 << 61, "max": (1 << 64) - 1}.items():
            reject(f"array-{kind_name}-{name}", ["GG-04", "RES-01"], f"{count} elements promised",
                   raw([], [pair("x", ARRAY, array(kind, [u64(0)], count))]))
    reject("array-string-long", ["GG-03", "GG-04"], "a text longer than the file in an array",
           raw([], [pair("x", ARRAY, array(STRING, [u64(1 << 40)]))]))
    two = [value("a")]
    nested = array(ARRAY, [array(U8, [u8(1), u8(2)]), array(U8, [])])
    book.either("gguf/nested-array.gguf", "GG-05", "an array of arrays",
                file(two, [pair("x", ARRAY, nested)]), (MALFORMED, UNSUPPORTED), two)
    deep = array(U8, [u8(1)])
    for _ in range(3000):
        deep = array(ARRAY, [deep])
    reject("nested-3000", ["GG-05", "RES-01"], "arrays 3000 deep",
           raw([], [pair("x", ARRAY, deep)]), (MALFORMED, UNSUPPORTED))
    reject("nested-endless", ["GG-05", "RES-01"], "2^40 arrays without elements promised",
           raw([], [pair("x", ARRAY, array(ARRAY, [array(U8, [])] * 4, 1 << 40))]),
           (MALFORMED, UNSUPPORTED))


def alignments(accept, reject):
    for size in (8, 64, 256):
        two = [value("a"), value("b", "F16", (3,))]
        accept(f"alignment-{size}", "GG-06", f"an alignment of {size}",
               file(two, [pair("general.alignment", U32, u32(size))], size), two)
    for name, kind, data in (
        ("0", U32, u32(0)),
        ("3", U32, u32(3)),
        ("max", U32, u32(0xFFFFFFFF)),
        ("u64", U64, u64(32)),
        ("text", STRING, text("32")),
        ("array", ARRAY, array(U32, [u32(32)])),
    ):
        reject(f"alignment-is-{name}", "GG-06", f"an alignment of {name}",
               raw([info("a", (8,), 0, 0)], [pair("general.alignment", kind, data)]))


def infos(reject):
    for name, tensor in {
            "name-empty": info("", (8,), 0, 0),
            "name-65": info("n" * 65, (8,), 0, 0),
            "name-nul": info("a\0b", (8,), 0, 0),
            "name-not-utf-8": info(b"\xff", (8,), 0, 0),
    }.items():
        reject(name, "GG-07", f"a tensor's name that is wrong: {name}", raw([tensor]))
    reject("name-twice", "GG-07", "two tensors of one name",
           raw([info("a", (8,), 0, 0), info("a", (8,), 0, 32)]))
    reject(
        "name-twice-far", "GG-07", "two tensors of one name, another between them",
        raw([info("a", (8,), 0, 0),
             info("b", (8,), 0, 32),
             info("a", (8,), 0, 64)], data=bytes(96)))
    for name, dims in {
            "2-63": (1 << 63,),
            "max": ((1 << 64) - 1,),
            "wraps": (1 << 32, 1 << 32),
            "wraps-4": (1 << 62, 4),
            "triple": (4194305, 4194305, 211106198978564),
            "zero-wraps": (0, (1 << 63) - 1, (1 << 63) - 1),
            "bytes-wrap": ((1 << 61) + 8,),
            "padding-wraps": ((1 << 63) - 1,),
            "large": (1 << 40,),
    }.items():
        reject(f"shape-{name}", ["GG-08", "RES-01"], f"a shape that is impossible: {name}",
               raw([info("a", dims, 0, 0)]), BAD)
    sums = [info("a", ((1 << 60),), 0, 0), info("b", (1 << 60,), 0, 1 << 62)]
    reject("sum-wraps", "GG-08", "sizes whose sum wraps", raw(sums), BAD)
    for count in (5, 0xFFFFFFFF):
        reject(f"dimensions-{count}", ["GG-08", "RES-01"], f"{count} dimensions",
               raw([info("a", (1,) * min(count, 9), 0, 0, count)]))


def types(reject):
    for kind in (4, 31, 36, 0xFFFFFFFF):
        reject(f"type-is-{kind:x}", "GG-09", f"a tensor of type {kind}, removed or unknown",
               raw([info("a", (256,), kind, 0)], data=bytes(4096)), (UNSUPPORTED, MALFORMED))
    for kind, count in (("Q4_0", 31), ("Q4_0", 16), ("Q8_0", 33), ("Q6_K", 128), ("IQ4_XS", 255),
                        ("MXFP4", 8)):
        reject(f"block-{kind.lower().replace('_', '-')}-{count}", "GG-09",
               f"rows of {count} values of type {kind}",
               raw([info("a", (count, 4), TYPES[kind][0], 0)], data=bytes(4096)))


def places(book, reject):
    for name, offset in {
            "odd": 1,
            "16": 16,
            "beyond": 96,
            "at-end": 64,
            "max": (1 << 64) - 32,
            "2-63": 1 << 63,
            "wraps": (1 << 63) - 32,
    }.items():
        reject(f"offset-{name}", "GG-10", f"an offset of {offset}",
               raw([info("a", (8,), 0, offset)]), BAD)
    reject("too-large", ["GG-10", "RES-01"],
           "a tensor larger than the file: the leak of CVE-2026-7482",
           raw([info("a", (8, 1000), 0, 0)]), BAD)
    reject("one-byte-short", "GG-10", "a tensor that ends one byte beyond the file",
           raw([info("a", (8, 2), 0, 0)], data=bytes(63)))
    one = [info("a", (8, 2), 0, 0), info("b", (8,), 0, 32)]
    reject("overlap", "GG-10", "tensors that overlap", raw(one), BAD)
    same = [info("a", (8,), 0, 0), info("b", (8,), 0, 0)]
    reject("overlap-same", "GG-10", "two tensors at one place", raw(same), BAD)
    data = noise("gap", 128)
    gap = [info("a", (8,), 0, 0), info("b", (8,), 0, 96)]
    book.either("gguf/gap.gguf", "GG-10", "a gap between tensors", raw(gap, data=data), BAD,
                [Tensor("a", "F32", (8,), data[:32]),
                 Tensor("b", "F32", (8,), data[96:])])
    book.either("gguf/tail.gguf", "GG-10", "bytes after the last tensor",
                raw([info("a", (8,), 0, 0)], data=data), BAD, [Tensor("a", "F32", (8,), data[:32])])


PIECES = [b"<unk>", b"<s>", b"</s>", b"\xe2\x96\x81", b"a", b"b", b"ab", b"\xe2\x96\x81ab"]
SCORES = [0, 0, 0, -1, -2, -3, -0.5, -0.25]
KINDS = [2, 3, 3, 1, 1, 1, 1, 1]


def vocabulary(pieces=PIECES, scores=SCORES, kinds=KINDS, more=(), model="llama"):
    """A file with nothing but a vocabulary, whose parts may be given as finished values."""

    def given(values, kind, write):
        return values if isinstance(values, bytes) else array(kind, [write(one) for one in values])

    pairs = [
        ARCHITECTURE,
        pair("tokenizer.ggml.model", STRING, text(model)),
        pair("tokenizer.ggml.tokens", ARRAY, given(pieces, STRING, text))
    ]
    if scores is not None:
        pairs.append(pair("tokenizer.ggml.scores", ARRAY, given(scores, F32, f32)))
    if kinds is not None:
        pairs.append(pair("tokenizer.ggml.token_type", ARRAY, given(kinds, I32, u32)))
    return file([], pairs + list(more))


def vocabularies(book, accept, reject):
    read = {"arguments": tokenize("ab")}
    accept("vocabulary", "GG-11", "a vocabulary", vocabulary(), ids=[1, 7], **read)
    ids = pair("tokenizer.ggml.bos_token_id", U32, u32(2))
    accept("vocabulary-bos",
           "GG-11",
           "a vocabulary whose texts begin with another token",
           vocabulary(more=[ids]),
           ids=[2, 7],
           **read)
    for name, fields in {
            "scores-short": {"scores": SCORES[:-1]},
            "types-short": {"kinds": KINDS[:-1]},
            "tokens-numbers": {"pieces": array(U32, [u32(1)] * 8)},
            "scores-nan": {"scores": [float("nan")] * 8},
            "scores-texts": {"scores": array(STRING, [text("1")] * 8)},
            "types-texts": {"kinds": array(STRING, [text("1")] * 8)},
            "types-floats": {"kinds": array(F32, [f32(1)] * 8)},
            "types-unknown": {"kinds": [2, 3, 3, 1, 1, 1, 1, 77]},
            "types-negative": {"kinds": [2, 3, 3, 1, 1, 1, 1, -1]},
            "bos-beyond": {"more": [pair("tokenizer.ggml.bos_token_id", U32, u32(8))]},
            "bos-max": {"more": [pair("tokenizer.ggml.bos_token_id", U32, u32(0xFFFFFFFF))]},
            "bos-negative": {"more": [pair("tokenizer.ggml.bos_token_id", I32, u32(0xFFFFFFFF))]},
            "bos-text": {"more": [pair("tokenizer.ggml.bos_token_id", STRING, text("1"))]},
            "bos-float": {"more": [pair("tokenizer.ggml.bos_token_id", F32, f32(1))]},
            "eos-beyond": {"more": [pair("tokenizer.ggml.eos_token_id", U64, u64(1 << 63))]},
            "padding-beyond": {"more": [pair("tokenizer.ggml.padding_token_id", U32, u32(99))]},
            "prefix-number": {"more": [pair("tokenizer.ggml.add_space_prefix", U32, u32(1))]},
            "byte-malformed": {"pieces": PIECES[:-1] + [b"<0x-1>"], "kinds": KINDS[:-1] + [6]},
            "byte-text": {"pieces": PIECES[:-1] + [b"hello"], "kinds": KINDS[:-1] + [6]},
    }.items():
        reject(f"vocabulary-{name}", "GG-11", f"a vocabulary that is wrong: {name}",
               vocabulary(**fields), MALFORMED, **read)
    whole = array(U8, [u8(1)] * 8)
    book.either("gguf/vocabulary-scores-bytes.gguf", "GG-11", "scores that are whole numbers",
                vocabulary(scores=whole), MALFORMED, **read)
    reject("vocabulary-empty", "GG-11", "a vocabulary without tokens", vocabulary([], [], []),
           (MALFORMED, NO_INPUT, UNSUPPORTED), **read)
    reject("vocabulary-none", "GG-11", "no vocabulary", file([value("a")]), (NO_INPUT, UNSUPPORTED),
           **read)
    reject("vocabulary-other", "GG-11", "a vocabulary of a kind nobody knows",
           vocabulary(model="xyz"), (NO_INPUT, UNSUPPORTED), **read)
    tokens = pair("tokenizer.ggml.tokens", STRING, text("abc"))
    reject("vocabulary-one-text", "GG-11", "a text in place of the tokens",
           file([], [ARCHITECTURE,
                     pair("tokenizer.ggml.model", STRING, text("llama")), tokens]),
           (MALFORMED, NO_INPUT, UNSUPPORTED), **read)
    sizes(reject)


def sizes(reject):
    """Sizes of a model that would divide by zero or overflow, were they believed."""
    good = {
        "embedding_length": 8, "block_count": 1, "feed_forward_length": 16, "context_length": 32,
        "attention.head_count": 2
    }
    epsilon = pair("llama.attention.layer_norm_rms_epsilon", F32, f32(1e-5))
    arguments = ["quantize", "PATH", "out.gguf", "q8_0"]
    for name, changed in {
            "heads-zero": {"attention.head_count": 0},
            "heads-kv-zero": {"attention.head_count_kv": 0},
            "width-zero": {"embedding_length": 0},
            "layers-max": {"block_count": 0xFFFFFFFF},
            "key-length-zero": {"attention.key_length": 0},
            "context-zero": {"context_length": 0},
            "forward-max": {"feed_forward_length": 0xFFFFFFFF},
    }.items():
        sizes_ = {**good, **changed}
        pairs = [ARCHITECTURE, epsilon
                 ] + [pair(f"llama.{key}", U32, u32(size)) for key, size in sizes_.items()]
        reject(f"model-{name}",
               "GG-11",
               f"a model whose sizes are impossible: {name}",
               file([
                   value("token_embd.weight", "F32", (8, 8)),
                   value("output_norm.weight", "F32", (8,))
               ], pairs), (MALFORMED, UNSUPPORTED, MISMATCH),
               arguments=arguments)
    for name, given in {
            "text": pair("llama.embedding_length", STRING, text("8")),
            "float": pair("llama.embedding_length", F32, f32(8)),
            "negative": pair("llama.embedding_length", I32, u32(0xFFFFFFF8)),
    }.items():
        rest = [
            pair(f"llama.{key}", U32, u32(size)) for key, size in good.items()
            if key != "embedding_length"
        ]
        reject(f"model-width-{name}",
               "GG-11",
               f"a model whose width is a {name}",
               file([value("token_embd.weight", "F32", (8, 8))],
                    [ARCHITECTURE, epsilon, given] + rest), (MALFORMED, UNSUPPORTED),
               arguments=arguments)
