"""tokenizer.model: SentencePiece models as protocol buffers (SP-01 to SP-06)."""

from .book import MALFORMED, UNSUPPORTED, tokenize
from .packing import f32, noise, u32, u64

VARINT, WIDE, BYTES, GROUP, END_GROUP, NARROW = range(6)
NORMAL, UNKNOWN, CONTROL, USER, UNUSED, BYTE = 1, 2, 3, 4, 5, 6


def varint(value):
    result = b""
    while value > 127:
        result += bytes([value & 127 | 128])
        value >>= 7
    return result + bytes([value])


def field(number, kind, data):
    return varint(number << 3 | kind) + data


def number(tag, value):
    return field(tag, VARINT, varint(value & (1 << 64) - 1))


def block(tag, data):
    return field(tag, BYTES, varint(len(data)) + data)


def piece(text, score=0.0, kind=NORMAL, more=b""):
    data = text if isinstance(text, bytes) else text.encode()
    return block(
        1,
        block(1, data) + field(2, NARROW, f32(score)) +
        (number(3, kind) if kind != NORMAL else b"") + more)


SPECIAL = [piece("<unk>", 0, UNKNOWN), piece("<s>", 0, CONTROL), piece("</s>", 0, CONTROL)]
WORDS = [
    piece(text, -float(place))
    for place, text in enumerate(["\u2581ab", "ab", "\u2581a", "\u2581", "a", "b", "c"])
]
ALL_BYTES = [piece(f"<0x{byte:02X}>", 0, BYTE) for byte in range(256)]


def trainer(model_type=2, byte_fallback=False, more=b"", **ids):
    """The settings of training, as LLaMA's tokenizer has them."""
    data = number(3, model_type)
    if byte_fallback:
        data += number(35, 1)
    for name, tag in (("unk", 40), ("bos", 41), ("eos", 42), ("pad", 43)):
        if name in ids:
            data += number(tag, ids[name])
    return block(2, data + more)


def normalizer(remove_extra=False, more=b"", name="identity"):
    return block(3, block(1, name.encode()) + number(4, int(remove_extra)) + more)


def model(pieces=None, settings=None, normal=None, more=b""):
    parts = SPECIAL + WORDS if pieces is None else pieces
    return (b"".join(parts) + (trainer() if settings is None else settings) +
            (normalizer() if normal is None else normal) + more)


GOOD = model()


def add(book):

    def reject(name, rule, what, content, codes=MALFORMED, text="ab"):
        book.reject(f"sentencepiece/{name}.model", rule, what, content, codes, tokenize(text))

    def accept(name, rule, what, content, ids, text="ab"):
        book.accept(f"sentencepiece/{name}.model", rule, what, content, None, tokenize(text), ids)

    def either(name, rule, what, content, codes, ids=None, text="ab"):
        book.either(f"sentencepiece/{name}.model", rule, what, content, codes, None, tokenize(text),
                    ids)

    honest(accept, either)
    wire(reject)
    depth(either, reject)
    pieces(reject)
    special(reject)
    long_pieces(accept, either)
    kinds(accept, either, reject)


def honest(accept, either):
    accept("plain", "SP-04", "a small vocabulary", GOOD, [1, 3])
    accept("bytes", "SP-04", "a vocabulary with all bytes",
           model(SPECIAL + ALL_BYTES + WORDS, trainer(byte_fallback=True)), [1, 261, 3 + 0x7A],
           "az")
    accept("unknown-word", "SP-04", "a text that is not in the vocabulary", GOOD, [1, 5, 0], "aZ")
    accept("empty-text", "SP-04", "an empty text", GOOD, [1], "")
    accept(
        "more-fields", "SP-01", "fields that nobody knows",
        model(more=number(999, 7) + block(1000, b"x") + field(1001, WIDE, u64(5)) +
              field(1002, NARROW, u32(5))), [1, 3])
    accept("order", "SP-01", "the settings before the pieces",
           trainer() + normalizer() + b"".join(SPECIAL + WORDS), [1, 3])
    long = SPECIAL + [
        block(1,
              block(1, b"ab") + block(1, "\u2581ab".encode()) + field(2, NARROW, f32(0)))
    ] + WORDS[1:]
    either("last-field-wins", "SP-01", "a field that is given twice: the last counts", model(long),
           MALFORMED, [1, 3])
    accept("varint-long", "SP-01", "a number in more bytes than it needs",
           model(settings=block(2, field(3, VARINT, b"\x82\x80\x80\x00"))), [1, 3])
    group = field(900, GROUP, number(1, 1)) + field(900, END_GROUP, b"")
    either("group", "SP-02", "a group that nobody knows", model(more=group), MALFORMED, [1, 3])
    nul = SPECIAL + WORDS + [piece("\0", -9.0)]
    either("nul-piece", "SP-04", "a piece of one NUL, as InternVL2 has", model(nul), MALFORMED,
           [1, 3])
    user = SPECIAL + WORDS + [piece("<human>", 0, USER)]
    accept("user-defined", "SP-04", "a piece of the user's", model(user), [1, 6, 8, 10], "b<human>")


def wire(reject):
    reject("varint-11", "SP-01", "a number of eleven bytes",
           model(more=field(999, VARINT, b"\xff" * 10 + b"\1")))
    reject("varint-endless", "SP-01", "a number that never ends", GOOD + b"\xf8" + b"\xff" * 20)
    reject("varint-cut", "SP-01", "a number cut short", GOOD + varint(999 << 3) + b"\x80")
    reject("varint-2-64", "SP-01", "a number of 2^64 and more",
           model(more=field(999, VARINT, b"\xff" * 9 + b"\x7f")))
    for name, size in {"more": 500, "2-31": 1 << 31, "max": (1 << 64) - 1}.items():
        reject(f"length-{name}", ["SP-01", "SP-02", "RES-01"], f"a field of {size} bytes promised",
               model(more=field(999, BYTES, varint(size)) + b"abc"))
        if name != "max":
            continue
        reject(f"piece-length-{name}", ["SP-01", "SP-02"], f"a piece of {size} bytes promised",
               field(1, BYTES, varint(size)) + GOOD)
    inner = block(1, field(1, BYTES, varint(100)) + b"abc")
    reject("inner-length", "SP-02", "a text longer than its piece", inner + GOOD)
    for name, code in {
            "6": field(999, 6, b""),
            "field-0": field(0, VARINT, b"\1"),
            "end-group": field(5, END_GROUP, b""),
            "open-group": field(5, GROUP, b""),
    }.items():
        reject(f"wire-{name}", "SP-02", f"a field of no known kind: {name}", model(more=code))
    reject("field-2-29", "SP-02", "a field number of 2^29 and more",
           model(more=varint(1 << 32) + b"\1"))
    for name, code in {
            "pieces-number": number(1, 5),
            "trainer-number": number(2, 5),
            "normalizer-fixed": field(3, NARROW, u32(5)),
    }.items():
        reject(f"wrong-wire-{name}", "SP-02", f"a known field of the wrong kind: {name}",
               GOOD + code, MALFORMED)
    for name, code in {
            "text-number": number(1, 5),
            "score-number": number(2, 5),
            "type-bytes": block(3, b"\1"),
    }.items():
        reject(f"wrong-wire-{name}", "SP-02", f"a piece's field of the wrong kind: {name}",
               model(SPECIAL + WORDS + [block(1,
                                              block(1, b"zz") + code)]), MALFORMED)
    reject("cut", "SP-01", "cut in the middle", GOOD[:len(GOOD) // 2 + 1], (MALFORMED, UNSUPPORTED))
    reject("noise", ["SP-01", "DET-01"], "noise", noise("sentencepiece", 400))
    reject("text", ["SP-01", "DET-01"], "a text file", b"hello, world\n" * 10)
    reject("empty", ["SP-01", "DET-01"], "an empty file", b"")
    tiktoken = b"IQ== 0\nIg== 1\nIw== 2\nJA== 3\n"
    reject("tiktoken", ["SP-01", "DET-01"], "LLaMA 3's tokenizer.model, which is of another kind",
           tiktoken, (MALFORMED, UNSUPPORTED))


def depth(either, reject):
    nested = b""
    for _ in range(300):
        nested = block(900, nested)
    either("deep-unknown", "SP-03", "300 unknown messages in each other", model(more=nested),
           MALFORMED, [1, 3])
    reject("deep-groups", "SP-03", "20000 open groups",
           model(more=varint(900 << 3 | GROUP) * 20000))
    closed = varint(900 << 3 | GROUP) * 10000 + varint(900 << 3 | END_GROUP) * 10000
    either("deep-closed-groups", "SP-03", "10000 groups in each other", model(more=closed),
           MALFORMED, [1, 3])
    # SelfTestData and TrainerSpec do not nest in themselves: only unknown fields can.


def pieces(reject):
    for name, extra in {
            "empty": piece(""),
            "twice": piece("ab"),
            "score-nan": piece("zz", float("nan")),
            "score-infinite": piece("zz", float("inf")),
            "unknown-twice": piece("<unk2>", 0, UNKNOWN),
            "byte-malformed": piece("<0x-1>", 0, BYTE),
            "byte-long": piece("<0x100>", 0, BYTE),
            "byte-text": piece("byte", 0, BYTE),
            "not-utf-8": piece(b"\xff\xfe"),
            "nothing": block(1, b""),
    }.items():
        reject(f"piece-{name}", "SP-04", f"a piece that is wrong: {name}",
               model(SPECIAL + WORDS + [extra]))
    reject("piece-twice-special", "SP-04", "a piece that is a control token, too",
           model(SPECIAL + WORDS + [piece("<s>")]))
    for name, kind in {"0": 0, "7": 7, "negative": -1, "max": (1 << 63) - 1}.items():
        reject(f"piece-type-{name}", "SP-04", f"a piece of type {kind}",
               model(SPECIAL + WORDS + [piece("zz", 0, kind)]))
    reject("no-pieces", "SP-04", "no pieces", trainer() + normalizer())
    reject("no-unknown", "SP-04", "no unknown piece", model(SPECIAL[1:] + WORDS))
    reject("bytes-missing", "SP-04", "byte_fallback without all bytes",
           model(SPECIAL + ALL_BYTES[:255] + WORDS, trainer(byte_fallback=True)))
    reject("bytes-none", "SP-04", "byte_fallback without bytes",
           model(settings=trainer(byte_fallback=True)))
    twice = SPECIAL + ALL_BYTES[:255] + [piece("<0x00>", 0, BYTE)] + WORDS
    reject("bytes-twice", "SP-04", "byte_fallback with a byte twice and one missing",
           model(twice, trainer(byte_fallback=True)))
    lower = SPECIAL + ALL_BYTES + [piece("<0xff>", 0, BYTE)] + WORDS
    reject("byte-case", "SP-04", "a byte in small letters beside the one in large ones",
           model(lower, trainer(byte_fallback=True)), MALFORMED)


def special(reject):
    for name in ("bos", "pad"):
        reject(f"id-{name}", "SP-04", f"an id of {name} beyond the pieces",
               model(settings=trainer(**{name: 10})))
    reject("id-huge", "SP-04", "an id of 2^31 - 1", model(settings=trainer(bos=(1 << 31) - 1)))
    for name, identity in {"wide": 1 << 40 | 500, "wrapped": 1 << 40 | 1}.items():
        wide = block(2, number(3, 2) + number(41, identity))
        reject(f"id-{name}", "SP-04", f"an id of {identity}, which 32 bits do not hold",
               model(settings=wide))


def long_pieces(accept, either):
    long = SPECIAL + WORDS + [piece("x" * 40000, -99.0)]
    either("piece-long", "SP-05", "a piece of 40000 letters", model(long), MALFORMED, [1, 3])
    many = SPECIAL + WORDS + [piece(f"w{place}", -100.0 - place) for place in range(3000)]
    accept("pieces-many", "SP-05", "3000 pieces", model(many), [1, 3])
    accept("text-long", "SP-05", "a text of 30000 letters", GOOD, [1, 3] + [4] * 14999,
           "ab" * 15000)
    accept("text-unknown", "SP-05", "3000 letters that are not in the vocabulary", GOOD, None,
           "Z" * 3000)
    empty = block(1, b"") * 9000
    either("pieces-empty", ["SP-04", "SP-05"], "9000 empty pieces",
           model(SPECIAL + WORDS + [empty]), MALFORMED)


def kinds(accept, either, reject):
    for name, kind in {"unigram": 1, "char": 4}.items():
        reject(f"kind-{name}", "SP-04", f"a model of another kind: {name}",
               model(settings=trainer(kind)), (UNSUPPORTED, MALFORMED))
    reject("kind-none", "SP-04", "a model that does not say its kind, which is unigram",
           model(settings=block(2, b"")), UNSUPPORTED)
    for name, charsmap in {
            "noise": noise("charsmap", 200),
            "huge-size": u32(0xFFFFFFFF) + bytes(16),
            "loop": u32(8) + u32(0x80000000) * 2,
            "short": b"\1",
    }.items():
        either(f"charsmap-{name}", "SP-06", f"a precompiled charsmap that is hostile: {name}",
               model(normal=normalizer(more=block(2, charsmap))), (UNSUPPORTED, MALFORMED))
    accept("extra-spaces", "SP-06", "a normalizer that removes spaces",
           model(normal=normalizer(True)), [1, 3], "  ab ")
