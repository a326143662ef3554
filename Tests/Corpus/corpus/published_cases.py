"""GGUF files that others have published as tests or advisories, rebuilt by their shape.

`handcrafted/…` are the kinds that llama.cpp's tests/test-gguf.cpp makes by hand, under its names (commit
03f94f1, and KV_BAD_VALUE_SIZE, which older ones had); `advisories/…` are security reports of 2024 to 2026 on programs
that read GGUF, named by their number. docs/security.md has the verdicts, and where each is published.
"""

from .book import BAD, MALFORMED, UNSUPPORTED, tokenize
from .gguf_cases import (ARCHITECTURE, ARRAY, F32, I32, STRING, U8, U32, array, file, head, info, padded, pair,
                         raw, text, value)
from .packing import f32, u8, u32, u64

INT64_MAX = (1 << 63) - 1
I8_TYPE, I64_TYPE = 24, 27


def add(book):
    handcrafted_heads(book)
    handcrafted_pairs(book)
    handcrafted_infos(book)
    handcrafted_data(book)
    talos(book)
    sizes(book)
    loaders(book)
    vocabularies(book)


def kind(book, name, rules, what, content, codes=MALFORMED, tensors=None):
    """A file that is refused, or read if there are no codes."""
    path = f"handcrafted/{name}.gguf"
    if codes is None:
        book.accept(path, rules, what, content, tensors)
    else:
        book.reject(path, rules, what, content, codes)


def handcrafted_heads(book):
    empty = head([], [])
    kind(book, "HEADER_BAD_MAGIC", "GG-01", "FUGG", b"FUGG" + empty[4:], (MALFORMED, UNSUPPORTED))
    for name, version in {"0": 0, "1": 1, "FUTURE": 4}.items():
        kind(book, f"HEADER_BAD_VERSION_{name}", "GG-01", f"version {version}",
             padded(head([], [], version=version)), (MALFORMED, UNSUPPORTED))
    kind(book, "HEADER_BAD_N_TENSORS", "GG-02", "2^64 - 1 tensors",
         padded(head([], [], tensor_count=(1 << 64) - 1)))
    kind(book, "HEADER_BAD_N_KV", "GG-02", "2^64 - 1 entries", padded(head([], [], pair_count=(1 << 64) - 1)))
    kind(book, "HEADER_EMPTY", "GG-02", "a header alone", padded(empty), None, [])


def handcrafted_pairs(book):
    one = pair("my_key_0", U32, u32(7))
    kind(book, "KV_BAD_KEY_SIZE", "GG-03", "a key of 2^64 - 1 bytes",
         padded(head([], [u64((1 << 64) - 1) + b"my_key_0" + u32(U32) + u32(7)])))
    kind(book, "KV_EMPTY_KEY", "GG-03", "an empty key", padded(head([], [pair("", U32, u32(7))])))
    kind(book, "KV_BAD_TYPE", "GG-04", "a value of type 13", padded(head([], [pair("my_key_0", 13, u8(7))])))
    kind(book, "KV_BAD_VALUE_SIZE", "GG-04", "an array of 2^64 - 1 elements",
         padded(head([], [pair("my_key_0", ARRAY, array(U32, [u32(1)], (1 << 64) - 1))])))
    kind(book, "KV_DUPLICATE_KEY", "GG-03", "a key twice", padded(head([], [one, one])))
    kind(book, "KV_BAD_ALIGN", "GG-06", "an alignment of 13",
         padded(head([], [one, pair("general.alignment", U32, u32(13))])))
    kind(book, "KV_WRONG_TYPE_ALIGN", "GG-06", "an alignment that is an i32",
         padded(head([], [one, pair("general.alignment", I32, u32(32))])))
    kind(book, "KV_SUCCESS", "GG-04", "entries alone",
         padded(head([], [one, pair("my_key_1", ARRAY, array(STRING, [text("a"), text("")]))])), None, [])


def handcrafted_infos(book):
    big = 4 * ((1 << 31) - 1)
    for name, rules, what, tensor in (
        ("BAD_NAME_SIZE", "GG-07", "a name of 85 bytes", info("my_tensor_0" + "_long" * 15, (8,), 0, 0)),
        ("BAD_N_DIMS", "GG-08", "five dimensions", info("my_tensor_0", (8,), 0, 0, 5)),
        ("BAD_SHAPE", "GG-08", "an extent of -1", info("my_tensor_0", ((1 << 64) - 1,), 0, 0)),
        ("NE_TOO_BIG", "GG-08", "two extents of 2^33", info("my_tensor_0", (big, big), 0, 0)),
        ("NBYTES_TOO_BIG", "GG-08", "bytes beyond 2^64",
         info("my_tensor_0", (1533916892, 1533916892), I64_TYPE, 0)),
        ("BAD_TYPE", "GG-09", "a type that is none", info("my_tensor_0", (8,), 64, 0)),
        ("BAD_OFFSET", "GG-10", "an offset of 2^64 - 1", info("my_tensor_0", (8,), 0, (1 << 64) - 1)),
    ):
        kind(book, f"TENSORS_{name}", rules, what, raw([tensor]), (*BAD, UNSUPPORTED))
    zero = value("my_tensor_0", "F32", (0, 8))
    book.either("handcrafted/TENSORS_ZERO_DIM.gguf", "GG-08", "an extent of 0", file([zero]), BAD, [zero])
    kind(book, "TENSORS_DUPLICATE_NAME", "GG-07", "a name twice",
         raw([info("my_tensor", (8,), 0, 0), info("my_tensor", (8,), 0, 32)]))
    thirteen = pair("general.alignment", U32, u32(13))
    kind(book, "TENSORS_BAD_ALIGN", "GG-06", "an alignment of 13",
         raw([info("my_tensor_0", (8,), 0, 0)], [thirteen]))
    kind(book, "TENSORS_INCONSISTENT_ALIGN", "GG-10", "offsets that are not aligned",
         raw([info("my_tensor_0", (3,), I8_TYPE, 0), info("my_tensor_1", (3,), I8_TYPE, 3)]))
    # llama.cpp's test reads descriptions alone; a model without its data is none.
    kind(book, "TENSORS_SUCCESS", "GG-10", "descriptions without data",
         padded(head([info("my_tensor_0", (8,), 0, 0)], [ARCHITECTURE])))
    kind(book, "TENSORS_CUSTOM_ALIGN", "GG-10", "descriptions without data, an alignment of 1",
         head([info("my_tensor_0", (8,), 0, 0)], [pair("general.alignment", U32, u32(1))]))


def handcrafted_data(book):
    two = [value("my_tensor_0", "I8", (5,)), value("my_tensor_1", "F32", (3,))]
    kind(book, "DATA_NOT_ENOUGH_DATA", "GG-10", "a byte too few", file([two[0], value("x", "F32", (8,))], cut=1))
    kind(book, "DATA_BAD_ALIGN", "GG-06", "an alignment of 13",
         file(two, [pair("general.alignment", U32, u32(13))], 13))
    kind(book, "DATA_INCONSISTENT_ALIGN", "GG-10", "data that is not aligned", file(two, alignment=1))
    huge = 0x7FFFFFFFFFFFFFC0
    kind(book, "DATA_MEM_SIZE_OVERFLOW", "GG-08", "two tensors of 2^63 - 64 bytes",
         raw([info("my_tensor_0", (huge,), I8_TYPE, 0), info("my_tensor_1", (huge,), I8_TYPE, huge)],
             data=bytes(32)), BAD)
    kind(book, "DATA_SUCCESS", "GG-10", "tensors with data", file(two), None, two)
    kind(book, "DATA_CUSTOM_ALIGN", "GG-06", "an alignment of 1",
         file(two, [pair("general.alignment", U32, u32(1))], 1), None, two)


def report(book, name, rules, what, content, codes=MALFORMED, **options):
    book.reject(f"advisories/{name}.gguf", rules, what, content, codes, **options)


def talos(book):
    report(book, "CVE-2024-21802", ["GG-08"], "2^32 - 1 dimensions, written past an array of four",
           raw([info("a", (8,) * 9, 0, 0, (1 << 32) - 1)]))
    report(book, "CVE-2024-21825", ["GG-04"], "an array whose bytes wrap to few",
           raw([], [pair("x", ARRAY, array(STRING, [u64(0)], (1 << 60) + 1))]))
    report(book, "CVE-2024-21836", ["GG-02"], "tensors whose descriptions wrap to few bytes",
           raw([info("a", (8,), 0, 0)], tensor_count=(1 << 64) // 88 + 1))
    report(book, "CVE-2024-23496", ["GG-03"], "a text of 2^64 - 1 bytes, one more for its end",
           raw([], [pair("x", STRING, u64((1 << 64) - 1) + b"abc")]))
    report(book, "CVE-2024-23605", ["GG-02"], "entries that wrap to few bytes",
           raw([], [pair("x", U8, u8(1))], pair_count=(1 << 64) // 48 + 1))


def sizes(book):
    report(book, "CVE-2025-53630", ["GG-08"], "sizes whose sum wraps",
           raw([info("a", (1 << 60,), 0, 0), info("b", (1 << 60,), 0, 1 << 62), info("c", (1 << 60,), 0, 1 << 63),
                info("d", (1 << 60,), 0, 3 << 62)]), BAD)
    report(book, "CVE-2026-27940", ["GG-08"], "a size that wraps when it is padded",
           raw([info("a", (INT64_MAX - 15,), I8_TYPE, 0), info("b", (INT64_MAX - 15,), I8_TYPE, 1 << 63),
                info("c", (64,), I8_TYPE, 0)]), BAD)
    report(book, "CVE-2026-33298", ["GG-08"], "exabytes of values whose bytes wrap to 4 MB",
           raw([info("a", (1 << 20, (1 << 42) + 1), 0, 0)], data=bytes(64)), BAD)
    report(book, "CVE-2026-7482", ["GG-10"], "data that is said to reach beyond the end of the file",
           raw([info("token_embd.weight", (4096, 4096), 1, 0)], data=bytes(64)))
    report(book, "llama.cpp-18674", ["GG-08"], "an extent of 2^42 + 1 whose stride wraps",
           raw([info("token_embd.weight", (1152, (1 << 42) + 1), 8, 0)]), (*BAD, UNSUPPORTED))
    report(book, "llama.cpp-26318", ["GG-06"], "an alignment that is an i32",
           raw([info("a", (8,), 0, 0)], [pair("general.alignment", I32, u32(32))]))
    report(book, "ggml-1516", ["GG-06"], "an alignment of 2^30",
           raw([info("a", (8,), 0, 0)], [pair("general.alignment", U32, u32(1 << 30))]))
    report(book, "gguf-tools-27", ["GG-06"], "an alignment of 0, by which was divided",
           raw([info("a", (8,), 0, 0)], [pair("general.alignment", U32, u32(0))]))
    zero = [value("a", "F32", (0, 8))]
    book.either("advisories/GHSA-3p75-pq92-q28f.gguf", ["GG-08"], "an extent of 0, by which was divided",
                file(zero), BAD, zero)
    report(book, "llama.cpp-24263", ["GG-03"], "an empty key", raw([], [pair("", U8, u8(1))]))
    report(book, "llama.cpp-27188", ["GG-04"], "43 bytes: an array of 2^63 elements, read for ever",
           head([], [pair("x", ARRAY, u32(U8) + u64(1 << 63))])[:43])
    nested = array(ARRAY, [array(ARRAY, [])] * 2, 1 << 62)
    report(book, "ollama-17042", ["GG-05", "RES-01"], "arrays of arrays, room for all of which was made",
           raw([], [pair("x", ARRAY, nested)]), (MALFORMED, UNSUPPORTED))


def model(entries=(), tokens=(), **arrays):
    """The metadata of a small model of llama's architecture, for `tokenize`."""
    scores = arrays.get("scores", array(F32, [f32(0)] * len(tokens)))
    types = arrays.get("types", array(I32, [u32(1)] * len(tokens)))
    pairs = [
        ARCHITECTURE,
        pair("tokenizer.ggml.model", STRING, text("llama")),
        pair("tokenizer.ggml.tokens", ARRAY, array(STRING, [text(token) for token in tokens])),
        pair("tokenizer.ggml.scores", ARRAY, scores),
        pair("tokenizer.ggml.token_type", ARRAY, types),
    ]
    return file([], pairs + list(entries))


def loaders(book):
    layers = {
        "llama.block_count": 0, "llama.embedding_length": 8, "llama.context_length": 8,
        "llama.feed_forward_length": 8, "llama.attention.head_count": 2
    }

    def shaped(**changes):
        sizes = layers | {f"llama.{key}": number for key, number in changes.items()}
        pairs = [ARCHITECTURE] + [pair(key, U32, u32(number)) for key, number in sizes.items()]
        pairs.append(pair("llama.attention.layer_norm_rms_epsilon", F32, f32(1e-5)))
        return file([value("token_embd.weight", "F32", (4, 8))], pairs)

    convert = ["quantize", "PATH", "out.gguf", "q8_0"]
    # What is wrong is told as a broken file, or as one that is not the model it describes.
    codes = (MALFORMED, UNSUPPORTED, 78)
    report(book, "CVE-2024-8063", ["GG-11"], "no layers, by whose number was divided", shaped(), codes,
           arguments=convert)
    report(book, "llama.cpp-25821", ["GG-11"], "4294967295 layers, more than an array had room for",
           shaped(block_count=(1 << 32) - 1), codes, arguments=convert)
    report(book, "CVE-2024-39720", ["GG-01"], "four bytes: the magic", b"GGUF")
    report(book, "CVE-2024-32878", ["GG-03"], "cut within an entry, after which what was never set was freed",
           head([], [pair("x", STRING, text("abc"))])[:-9], (MALFORMED,))


def vocabularies(book):
    tokens = ["<unk>", "<s>", "</s>", "a", "b"]
    arguments = tokenize("ab")
    report(book, "llama.cpp-26690-scores", ["GG-11"], "scores of one byte each, read as four",
           model(tokens=tokens, scores=array(U8, [u8(0)] * 5)), (MALFORMED, 78), arguments=arguments)
    report(book, "llama.cpp-26690-types", ["GG-11"], "types of one byte each, read as four",
           model(tokens=tokens, types=array(U8, [u8(1)] * 5)), (MALFORMED, 78), arguments=arguments)
    byte = ["<unk>", "<s>", "</s>", "<0x-1>", "a"]
    kinds = array(I32, [u32(2), u32(3), u32(3), u32(6), u32(1)])
    report(book, "llama.cpp-26511", ["GG-11", "VM-01"], "a byte token <0x-1>, written in front of an array",
           model(tokens=byte, types=kinds), (MALFORMED, UNSUPPORTED, 78), arguments=arguments)
    report(book, "CVE-2025-49847", ["GG-03"], "a token of 2^31 bytes, cast to a negative length",
           raw([], [pair("tokenizer.ggml.tokens", ARRAY, array(STRING, [u64(1 << 31) + b"aaa"]))]))
