"""tokenizer.json by itself (TJ-01 to TJ-05)."""

import json

from .book import MALFORMED, MISMATCH, UNSUPPORTED, tokenize


def bytes_of_gpt2():
    """GPT-2's letters for bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    result = {byte: chr(byte) for byte in plain}
    for byte in range(256):
        if byte not in result:
            result[byte] = chr(256 + len(result) - len(plain))
    return [result[byte] for byte in range(256)]


LETTERS = bytes_of_gpt2()
# LLaMA 3's.
SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
         r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")


def byte_level(vocab=None, merges=None, added=(), pattern=SPLIT, **model):
    """A byte-level BPE as LLaMA 3 has it."""
    if vocab is None:
        vocab = {letter: place for place, letter in enumerate(LETTERS)}
        vocab.update({"ab": 256, "abc": 257})
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": list(added),
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Sequence", "pretokenizers": [{
                "type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated",
                "invert": False
            }, {
                "type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
                "use_regex": False
            }]
        },
        "post_processor": {
            "type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True
        },
        "decoder": {
            "type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True
        },
        "model": {
            "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False,
            "ignore_merges": False, "vocab": vocab,
            "merges": ["a b", "ab c"] if merges is None else merges, **model
        },
    }


def sentencepiece(vocab=None, merges=None, **model):
    """LLaMA 2's vocabulary as transformers converts it."""
    if vocab is None:
        vocab = {"<unk>": 0, "<s>": 1, "</s>": 2}
        vocab.update({f"<0x{byte:02X}>": 3 + byte for byte in range(256)})
        for text in ("\u2581", "a", "b", "\u2581a", "ab", "\u2581ab"):
            vocab[text] = len(vocab)
    special = [{
        "id": place, "content": text, "single_word": False, "lstrip": False, "rstrip": False,
        "normalized": False, "special": True
    } for place, text in enumerate(("<unk>", "<s>", "</s>"))]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": special,
        "normalizer": {
            "type": "Sequence",
            "normalizers": [{"type": "Prepend", "prepend": "\u2581"},
                            {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]
        },
        "pre_tokenizer": None,
        "post_processor": {
            "type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
                                                     {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"SpecialToken": {"id": "<s>",
                                       "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                     {"SpecialToken": {"id": "<s>",
                                       "type_id": 1}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}
        },
        "decoder": {
            "type": "Sequence",
            "decoders": [{"type": "Replace", "pattern": {"String": "\u2581"},
                          "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
                         {"type": "Strip", "content": " ", "start": 1, "stop": 0}]
        },
        "model": {
            "type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True,
            "ignore_merges": False, "vocab": vocab,
            "merges": ["a b", "\u2581 ab", "\u2581 a"] if merges is None else merges, **model
        },
    }


def text(value):
    return json.dumps(value, ensure_ascii=False).encode()


def added(identity, content, **more):
    return {
        "id": identity, "content": content, "single_word": False, "lstrip": False, "rstrip": False,
        "normalized": False, "special": True, **more
    }


def add(book):

    def reject(name, rule, what, content, codes=MALFORMED, sample="ab"):
        data = content if isinstance(content, bytes) else text(content)
        book.reject(f"tokenizer-json/{name}.json", rule, what, data, codes, tokenize(sample))

    def accept(name, rule, what, content, sample="abc", ids=None):
        data = content if isinstance(content, bytes) else text(content)
        book.accept(f"tokenizer-json/{name}.json", rule, what, data, None, tokenize(sample), ids)

    def either(name, rule, what, content, codes=(MALFORMED, UNSUPPORTED), sample="abc"):
        data = content if isinstance(content, bytes) else text(content)
        book.either(f"tokenizer-json/{name}.json", rule, what, data, codes, None, tokenize(sample))

    honest(accept, either)
    strict(reject)
    models(reject)
    vocabularies(either, reject)
    merges(either, reject)
    patterns(either)


def honest(accept, either):
    accept("byte-level", "TJ-02", "a byte-level BPE, as LLaMA 3 has", byte_level())
    accept("byte-level-pairs", "TJ-04", "merges as pairs",
           byte_level(merges=[["a", "b"], ["ab", "c"]]))
    accept("byte-level-added", "TJ-03", "special tokens after the vocabulary",
           byte_level(added=[added(258, "<|begin_of_text|>"),
                             added(259, "<|end_of_text|>")]))
    accept("sentencepiece", "TJ-02", "LLaMA 2's vocabulary as transformers converts it",
           sentencepiece(), "ab")
    accept("sentencepiece-pairs", "TJ-04", "the same with merges as pairs",
           sentencepiece(merges=[["a", "b"], ["\u2581", "ab"], ["\u2581", "a"]]), "ab")
    accept("pretty", "TJ-01", "with line breaks and escapes",
           json.dumps(byte_level(), indent=2, ensure_ascii=True).encode())
    accept("no-merges", "TJ-04", "a vocabulary without merges", byte_level(merges=[]), "ab")
    either("no-version", "TJ-02", "no version",
           {key: value
            for key, value in byte_level().items() if key != "version"})


def strict(reject):
    good = text(byte_level()).decode()
    for name, content in {
            "empty": b"",
            "object": b"{}",
            "cut": good[:500].encode(),
            "bom": b"\xef\xbb\xbf" + good.encode(),
            "trailing-comma": good.replace('"padding": null,', '"padding": null,,').encode(),
            "nan": good.replace('"dropout": null', '"dropout": NaN').encode(),
            "half-pair": good.replace('"abc": 257', '"\\ud800": 257').encode(),
            "not-utf-8": good.encode().replace(b'"abc"', b'"a\xffc"'),
            "twice-token": good.replace('"abc": 257', '"abc": 257, "ab": 258').encode(),
            "twice-model": good.replace('"version": "1.0"',
                                        '"version": "1.0", "model": {}').encode(),
    }.items():
        reject(f"json-{name}", "TJ-01", f"JSON that is not strict: {name}", content,
               (MALFORMED, UNSUPPORTED))
    deep = good.replace('"padding": null', '"padding": ' + "[" * 20000 + "]" * 20000)
    reject("json-deep", ["TJ-01", "RES-01"], "20000 lists in a field that nobody reads",
           deep.encode())


def models(reject):
    for name in ("WordPiece", "Unigram", "bpe", ""):
        reject(f"type-{name or 'empty'}", "TJ-02", f"a model of type {name!r}",
               byte_level(type=name), (UNSUPPORTED, MALFORMED))
    for name, value in {"null": None}.items():
        reject(f"type-is-{name}", "TJ-02", f"a model whose type is a {name}",
               byte_level(type=value), (UNSUPPORTED, MALFORMED))
    missing = byte_level()
    del missing["model"]
    reject("model-missing", "TJ-02", "no model", missing, (UNSUPPORTED, MALFORMED))
    reject("model-list", "TJ-02", "a model that is a list", {**byte_level(), "model": []},
           (UNSUPPORTED, MALFORMED))


def vocabularies(either, reject):
    base = {letter: place for place, letter in enumerate(LETTERS)}
    for name, identity in {
            "negative": -1,
            "2-40": 1 << 40,
            "billion": 10**9,
            "float": 256.0,
            "text": "256",
            "true": True,
    }.items():
        reject(f"id-{name}", ["TJ-03", "RES-01"], f"a token's id that is {name}",
               byte_level({**base, "ab": identity}, []))
    reject("id-twice", "TJ-03", "two tokens of one id",
           byte_level({**base, "ab": 256, "abc": 256}, []))
    reject("vocab-list", "TJ-03", "a vocabulary that is a list", byte_level(["a", "b"], []))
    reject(
        "vocab-null", "TJ-03", "no vocabulary",
        byte_level(model=None, **{"vocab_": 1})
        | {"model": {"type": "BPE", "vocab": None, "merges": []}})
    reject("vocab-empty", "TJ-03", "a vocabulary without tokens", byte_level({}, []),
           (MALFORMED, UNSUPPORTED))
    either("id-gap",
           "TJ-03",
           "an id that leaves a gap of a thousand",
           byte_level({**base, "ab": 1256}, ["a b"]),
           sample="ab")
    either("bytes-missing",
           "TJ-03",
           "a byte-level vocabulary that lacks a byte",
           byte_level({"a": 0, "b": 1, "ab": 2}, ["a b"]),
           sample="ab")
    for name, token in {
            "id-negative": added(-1, "<x>"),
            "id-billion": added(10**9, "<x>"),
            "id-taken": added(256, "<x>"),
            "content-number": added(258, 5),
            "content-missing": {"id": 258},
            "not-object": "x",
    }.items():
        reject(f"added-{name}", "TJ-03", f"an added token that is wrong: {name}",
               byte_level(added=[token]), (MALFORMED, UNSUPPORTED, MISMATCH))
    both = [added(258, "<x>"), added(258, "<y>")]
    reject("added-twice", "TJ-03", "two added tokens of one id", byte_level(added=both))
    either("added-empty", "TJ-03", "an added token without text",
           byte_level(added=[added(258, "")]))


def merges(either, reject):
    for name, value in {
            "unknown-left": ["zz b"],
            "unknown-right": ["a zz"],
            "unknown-result": ["b c"],
            "one": ["a"],
            "empty": [""],
            "pair-one": [["a"]],
            "pair-three": [["a", "b", "c"]],
            "object": {"a": "b"},
            "text": "a b",
    }.items():
        reject(f"merge-{name}", "TJ-04", f"merges that are wrong: {name}", byte_level(merges=value))
    reject("merges-missing", "TJ-04", "no merges",
           byte_level() | {"model": {"type": "BPE", "vocab": {"a": 0}}})
    either("merge-twice", "TJ-04", "a merge twice", byte_level(merges=["a b", "ab c", "a b"]))
    either("merge-many", "TJ-04", "3000 merges of one pair", byte_level(merges=["a b"] * 3000))


def patterns(either):
    """Regular expressions of the file are not run, or bounded."""
    for name, pattern in {
            "backtracks": "(a+)+$",
            "counts": "(((a{1,1000}){1,1000}){1,1000})",
            "broken": "([",
    }.items():
        either(f"pattern-{name}",
               "TJ-05",
               f"a pattern that {name}",
               byte_level(pattern=pattern),
               sample="a" * 3000 + "!")
    either("pattern-normalizer",
           "TJ-05",
           "a pattern in the normalizer that backtracks", {
               **byte_level(), "normalizer": {
                   "type": "Replace", "pattern": {"Regex": "(a+)+$"}, "content": "x"
               }
           },
           sample="a" * 3000 + "!")
