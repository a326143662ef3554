"""Byte pairs in files of other kinds: Mistral's tekken.json (TK-01 to TK-04), and vocab.json with
merges.txt (VM-01 to VM-03)."""

import base64
import json

from .book import MALFORMED, NO_INPUT, UNSUPPORTED, tokenize
from .tokenizer_json_cases import LETTERS

# Mistral Nemo's.
SPLIT = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
         r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
         r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
SPECIAL = ["<unk>", "<s>", "</s>"]


def token(rank, data):
    return {"rank": rank, "token_bytes": base64.b64encode(data).decode()}


def tekken(tokens=None, special=SPECIAL, more=(), **config):
    """All bytes, `ab` and `abc`, behind three special tokens."""
    if tokens is None:
        tokens = [token(byte, bytes([byte])) for byte in range(256)]
        tokens += [token(256, b"ab"), token(257, b"abc")]
    value = {
        "config": {
            "pattern": SPLIT, "num_vocab_tokens": len(tokens),
            "default_vocab_size": len(tokens) + 3, "default_num_special_tokens": 3,
            "version": "v3", **config
        },
        "vocab": [*tokens, *more],
    }
    if special is not None:
        value["special_tokens"] = [{"rank": rank, "token_str": text, "is_control": True}
                                   for rank, text in enumerate(special)]
    return value


def text(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def files(vocab=None, merges=b"#version: 0.2\na b\nab c\n"):
    if vocab is None:
        vocab = {letter: place for place, letter in enumerate([*LETTERS, "ab", "abc"])}
    return {
        "vocab.json": vocab if isinstance(vocab, bytes) else text(vocab),
        **({} if merges is None else {"merges.txt": merges}),
    }


def add(book):
    add_tekken(book)
    add_files(book)


def add_tekken(book):

    def case(name, what, value, rule, codes=MALFORMED):
        data = value if isinstance(value, bytes) else text(value)
        book.reject(f"tekken/{name}", rule, what, {"tekken.json": data}, codes, tokenize("abc"))

    book.accept("tekken/plain", "TK-01", "Mistral's own file", {"tekken.json": text(tekken())},
                None, tokenize("abc ab"), [1, 260, 35, 259])
    book.accept("tekken/unlisted", "TK-03", "special tokens that the file does not list",
                {"tekken.json": text(tekken(special=None))}, None, tokenize("abc"), [1, 260])
    book.accept("tekken/more", "TK-02", "tokens for which the model has no ids",
                {"tekken.json": text(tekken(more=[token(258, b"bc")], default_vocab_size=261))},
                None, tokenize("abcbc"), [1, 260, 101, 102])
    good = text(tekken())
    for name, content in {
            "empty": b"",
            "object": b"{}",
            "list": b"[]",
            "cut": good[:900],
            "bom": b"\xef\xbb\xbf" + good,
            "twice": good.replace(b'"vocab":[', b'"vocab":[],"vocab":['),
            "not-utf-8": good.replace(b"v3", b"v\xff"),
    }.items():
        case(f"json-{name}", f"JSON that is not strict, or not this: {name}", content, "TK-01")
    case("json-deep", "20000 lists in a field that nobody reads",
         good[:-1] + b',"x":' + b"[" * 20000 + b"]" * 20000 + b"}", ["TK-01", "RES-01"])
    letters = [token(byte, bytes([byte])) for byte in range(256)]
    for name, extra in {
            "rank-missing": {"token_bytes": "YWI="},
            "rank-text": {"rank": "256", "token_bytes": "YWI="},
            "rank-float": {"rank": 256.0, "token_bytes": "YWI="},
            "rank-negative": token(-1, b"ab"),
            "rank-twice": token(0, b"ab"),
            "bytes-twice": token(256, b"a"),
            "bytes-missing": {"rank": 256},
            "bytes-empty": token(256, b""),
            "bytes-long": token(256, b"a" * 1025),
            "base64": {"rank": 256, "token_bytes": "YW=I"},
            "base64-short": {"rank": 256, "token_bytes": "YWI"},
            "number": 5,
    }.items():
        case(f"token-{name}", f"a token that is wrong: {name}", tekken([*letters, extra]), "TK-02")
    case("rank-gap", "a rank that no token has", tekken([*letters, token(257, b"ab")],
                                                       default_vocab_size=260), "TK-02")
    case("letters", "a byte that has no token", tekken(letters[1:], default_vocab_size=258), "TK-02")
    case("few", "fewer tokens than the model has", tekken(default_vocab_size=1000), "TK-02")
    for name, config in {
            "size-billion": {"default_vocab_size": 10**9},
            "size-0": {"default_vocab_size": 0},
            "special-all": {"default_num_special_tokens": 261},
            "special-negative": {"default_num_special_tokens": -1},
            "special-2-63": {"default_num_special_tokens": 2**63},
            "pattern-number": {"pattern": 5},
    }.items():
        case(f"config-{name}", f"sizes that are wrong: {name}", tekken(**config),
             ["TK-02", "RES-01"], (MALFORMED, UNSUPPORTED))
    for name, special in {
            "twice": ["<unk>", "<s>", "<s>"],
            "many": ["<unk>", "<s>", "</s>", "<x>"],
            "empty": ["", "<s>", "</s>"],
            "long": ["x" * 1025, "<s>", "</s>"],
    }.items():
        case(f"special-{name}", f"special tokens that are wrong: {name}", tekken(special=special),
             "TK-03", (MALFORMED, UNSUPPORTED))
    case("pattern", "an expression that takes exponential time", tekken(pattern="(a+)+$"), "TK-04",
         UNSUPPORTED)


def add_files(book):

    def case(name, what, content, rule, codes=MALFORMED):
        book.reject(f"vocab-merges/{name}", rule, what, content, codes, tokenize("abc"))

    book.accept("vocab-merges/plain", "VM-01", "GPT-2's files", files(), None, tokenize("abc ab"),
                [257, 32, 256])
    book.accept("vocab-merges/unversioned", "VM-02", "merges without a version, ended by CR and LF",
                files(merges=b"a b\r\nab c\r\n"), None, tokenize("abc"), [257])
    for name, vocab in {
            "empty": b"", "list": b"[]", "none": {}, "cut": b'{"a":0',
            "twice": b'{"a":0,"a":1}', "id-twice": {"a": 0, "b": 0}, "id-float": b'{"a":0.0}',
            "id-negative": {"a": -1}, "id-billion": {"a": 10**9}, "id-text": {"a": "0"},
    }.items():
        case(f"vocab-{name}", f"a vocabulary that is wrong: {name}", files(vocab, b""),
             ["VM-01", "RES-01"])
    for name, merges in {
            "one": b"a\n", "three": b"a b c\n", "two-spaces": b"a  b\n", "left": b" b\n",
            "right": b"a \n", "unknown": b"a zz\n", "result": b"b c\n", "twice": b"a b\na b\n",
            "not-utf-8": b"a \xff\n", "null": b"a \0\n", "bom": b"\xef\xbb\xbfa b\n",
            "late-version": b"a b\n#version: 0.2\n",
    }.items():
        case(f"merges-{name}", f"a list of merges that is wrong: {name}", files(merges=merges),
             "VM-02")
    case("merges-missing", "no merges.txt", files(merges=None), "VM-03", (MALFORMED, NO_INPUT))
