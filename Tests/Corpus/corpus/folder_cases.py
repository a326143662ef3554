"""Folders: indexes with their shards (IX), and whole models with their settings (CF)."""

import json

from . import safetensors_cases as safetensors
from .book import (BAD, CONVERT, HASH, INPUT_OUTPUT, MALFORMED, MISMATCH, NO_INPUT, REFUSED,
                   UNSUPPORTED, Link, Tensor)
from .checkpoints import expected, one, zip_file
from .packing import noise
from .pickles import Call, Global, pickled
from .sentencepiece_cases import SPECIAL, WORDS, model, piece

A, B = safetensors.value("a.weight"), safetensors.value("b.weight", "F16", (4,))
FIRST, SECOND = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
SHARDS = {FIRST: safetensors.file([A]), SECOND: safetensors.file([B])}
INDEX = "model.safetensors.index.json"


def index(weight_map, **more):
    return json.dumps({"metadata": {"total_size": 32}, "weight_map": weight_map, **more}).encode()


GOOD = index({"a.weight": FIRST, "b.weight": SECOND})


def add(book):
    shards(book)
    maps(book)
    names(book)
    links(book)
    contents(book)
    settings(book)
    tokenizers(book)


def shards(book):

    def accept(name, rule, what, files, tensors=None):
        book.accept(f"index/{name}", rule, what, files, tensors or [A, B])

    accept("plain", "IX-01", "two shards and their index", {**SHARDS, INDEX: GOOD})
    accept("single", "IX-03", "one file without an index",
           {"model.safetensors": safetensors.file([A, B])})
    t, u = one("F32", (2, 3), "0"), one("F16", (4,), "0")
    bins = {
        "pytorch_model-00001-of-00002.bin": zip_file({"t": t}, [t], style="1.6"),
        "pytorch_model-00002-of-00002.bin": zip_file({"u": u}, [u])
    }
    accept(
        "bins", "IX-03", "two shards of PyTorch's",
        {**bins, "pytorch_model.bin.index.json": index({"t": list(bins)[0], "u": list(bins)[1]})},
        expected({"t": t, "u": u}))
    accept("single-bin", "IX-03", "one PyTorch file without an index",
           {"pytorch_model.bin": zip_file({"t": t}, [t])}, expected({"t": t}))
    accept("wrong-total", "IX-05", "a total size that is wrong, as apply_delta writes it", {
        **SHARDS, INDEX: index({"a.weight": FIRST, "b.weight": SECOND}, metadata={"total_size": 1})
    })
    accept("no-metadata", "IX-05", "no metadata", {
        **SHARDS, INDEX: json.dumps({"weight_map": {"a.weight": FIRST, "b.weight": SECOND}
                                     }).encode()
    })
    accept(
        "odd-metadata", "IX-05", "a total size that is no integer", {
            **SHARDS, INDEX: index({"a.weight": FIRST, "b.weight": SECOND},
                                   metadata={"total_size": 1.5e300})
        })
    accept("unlisted", "IX-04", "a tensor that the index does not list",
           {**SHARDS, FIRST: safetensors.file([A, safetensors.value("c")]), INDEX: GOOD},
           [A, safetensors.value("c"), B])
    accept(
        "unlisted-shard", "IX-04", "a shard that the index does not list", {
            **SHARDS, "model-00003-of-00003.safetensors": safetensors.file([safetensors.value("c")
                                                                            ]), INDEX: GOOD
        })
    accept(
        "other-files", "IX-03", "files of other kinds beside it", {
            **SHARDS, INDEX: GOOD, "README.md": b"# hello", "training_args.bin": pickled(
                Call(Global("os", "system"), "true")), "optimizer.pt": b"junk", ".cache/x": b""
        })
    # The same tensors twice: safetensors are taken.
    accept("twice", "IX-03", "PyTorch's files beside safetensors",
           {**SHARDS, INDEX: GOOD, "pytorch_model.bin": zip_file({"t": t}, [t])})


def maps(book):

    def reject(name, rule, what, content, codes=MALFORMED):
        book.reject(f"index/{name}", rule, what, {**SHARDS, INDEX: content}, codes)

    for name, content in {
            "empty": b"",
            "list": b"[]",
            "no-map": b'{"metadata":{}}',
            "map-list": b'{"weight_map":[]}',
            "map-empty": b'{"weight_map":{}}',
            "shard-number": b'{"weight_map":{"a.weight":1}}',
            "cut": GOOD[:-10],
            "trailing-comma": GOOD[:-1] + b",}",
            "not-utf-8": GOOD.replace(b"a.weight", b"a.weigh\xff"),
            "twice": GOOD.replace(b'"b.weight"', b'"a.weight"'),
            "twice-map": GOOD[:-1] + b',"weight_map":{}}',
            "deep": GOOD[:-1] + b',"x":' + b"[" * 20000 + b"]" * 20000 + b"}",
            "git-lfs": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
            "web-page": b"<!DOCTYPE html><html></html>",
    }.items():
        rule = ["IX-01", "RES-01"
                ] if name == "deep" else ["IX-01", "DET-01"] if name in ("git-lfs",
                                                                         "web-page") else "IX-01"
        reject(f"json-{name}", rule, f"an index that is wrong: {name}", content)


def names(book):
    for name, shard in {
            "parent": "../model-00001-of-00002.safetensors",
            "absolute": "/etc/passwd",
            "backslash": "..\\x.safetensors",
            "drive": "C:\\x.safetensors",
            "extension": "model.bin",
            "empty": "",
            "dots": "..",
            "nul": FIRST + "\0.safetensors",
            "newline": "a\nb.safetensors",
            "long": "x" * 5000 + ".safetensors",
            "bidi": "\u202ex.safetensors",
    }.items():
        book.reject(f"index/name-{name}", "IX-02", f"a shard's name that is no plain file: {name}",
                    {**SHARDS, INDEX: index({"a.weight": shard, "b.weight": SECOND})},
                    (*BAD, NO_INPUT) if name in ("dot", "space", "home") else BAD)
    book.either(
        "index/name-folder", "IX-02", "a shard in a folder below", {
            SECOND: SHARDS[SECOND], "sub/" + FIRST: SHARDS[FIRST], INDEX: index(
                {"a.weight": "sub/" + FIRST, "b.weight": SECOND})
        }, (REFUSED, UNSUPPORTED, MALFORMED), [A, B])


def links(book):
    """Hugging Face's cache: snapshots of links to blobs."""
    snapshot = "models--x/snapshots/0123"
    cache = {
        f"{snapshot}/{FIRST}": Link("../../blobs/aaa"),
        f"{snapshot}/{SECOND}": Link("../../blobs/bbb"),
        f"{snapshot}/{INDEX}": Link("../../blobs/ccc"), "models--x/blobs/aaa": SHARDS[FIRST],
        "models--x/blobs/bbb": SHARDS[SECOND], "models--x/blobs/ccc": GOOD
    }
    inside = ["hash", f"PATH/{snapshot}", "--json"]
    book.accept("index/cache", "IX-02", "a snapshot of Hugging Face's cache", cache, [A, B], inside)
    book.accept("index/link-inside", "IX-02", "a link to a file beside it",
                {FIRST: Link("shard"), "shard": SHARDS[FIRST], SECOND: SHARDS[SECOND], INDEX: GOOD},
                [A, B])
    for name, target, codes in (("passwd", "/etc/passwd", BAD), ("nowhere", "nothing", (*BAD,
                                                                                        NO_INPUT)),
                                ("itself", FIRST, (*BAD, NO_INPUT, INPUT_OUTPUT)),
                                ("folder", ".", BAD), ("device", "/dev/zero",
                                                       BAD), ("terminal", "/dev/stdin", BAD)):
        book.reject(f"index/link-{name}", ["IX-02", "DET-02"],
                    f"a shard that is a link to {target}",
                    {FIRST: Link(target), SECOND: SHARDS[SECOND], INDEX: GOOD}, codes)
    # A link is its owner's: only a name in an index is not.
    book.accept(
        "index/link-out", "IX-02", "a link out of the folder to a sound file", {
            f"model/{FIRST}": Link("../secret/private.safetensors"),
            f"model/{SECOND}": SHARDS[SECOND], f"model/{INDEX}": GOOD,
            "secret/private.safetensors": SHARDS[FIRST]
        }, [A, B], ["hash", "PATH/model", "--json"])
    cache_out = {
        **cache, f"{snapshot}/{FIRST}": Link("../../../other/aaa"), "other/aaa": SHARDS[FIRST]
    }
    book.accept("index/cache-out", "IX-02", "a snapshot's link that leads out of its cache",
                cache_out, [A, B], inside)


def contents(book):

    def reject(name, rule, what, codes, index_=GOOD, arguments=HASH, **files):
        content = {**SHARDS, INDEX: index_}
        for key, value in files.items():
            shard = FIRST if key == "first" else SECOND
            content[shard] = value
            if value is None:
                del content[shard]
        book.reject(f"index/{name}", rule, what, content, codes, arguments)

    reject("shard-missing", "IX-03", "a shard that is not there", NO_INPUT, second=None)
    reject("shard-empty", ["IX-03", "DET-01"], "an empty shard", MALFORMED, second=b"")
    reject("shard-cut", "IX-03", "a shard cut short", MALFORMED, second=SHARDS[SECOND][:-3])
    reject("shard-git-lfs", ["IX-03", "DET-01"],
           "a shard that is a git-lfs pointer",
           MALFORMED,
           second=b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
    evil = pickled(Call(Global("os", "system"), "touch weightmill-corpus-marker"))
    reject("shard-pickle", ["IX-03", "PK-03"],
           "a shard that is a hostile pickle", (MALFORMED, REFUSED, UNSUPPORTED),
           second=evil)
    t = one("F32", (2, 3), "0")
    book.either("index/shard-zip", ["IX-03", "DET-01"], "a PyTorch file named like safetensors",
                {**SHARDS, SECOND: zip_file({"b.weight": t}, [t]), INDEX: GOOD}, MALFORMED,
                [A, *expected({"b.weight": t})])
    reject("tensor-missing", "IX-04", "a tensor that is in no shard", (MISMATCH, MALFORMED),
           index({"a.weight": FIRST, "b.weight": SECOND, "c": SECOND}))
    reject("tensor-elsewhere", "IX-04", "a tensor in another shard", (MISMATCH, MALFORMED),
           index({"a.weight": SECOND, "b.weight": SECOND, "c": FIRST}))
    reject("tensors-swapped", "IX-04", "two tensors that have changed places",
           (MISMATCH, MALFORMED), index({"a.weight": SECOND, "b.weight": FIRST}))
    reject("tensor-twice",
           "IX-04",
           "a tensor in two shards", (MISMATCH, MALFORMED, REFUSED),
           second=safetensors.file([A, B]))
    book.reject("index/no-index", "IX-03", "shards without their index", SHARDS, NO_INPUT)
    book.reject("index/empty-folder", "IX-03", "a folder without a checkpoint", {"README.md": b"x"},
                NO_INPUT)
    book.reject("index/index-alone", "IX-03", "an index without shards", {INDEX: GOOD}, NO_INPUT)


# A model of one layer and ten tokens: the smallest that converts.
CONFIG = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 8,
    "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 2,
    "intermediate_size": 16, "vocab_size": 10, "rms_norm_eps": 1e-6, "max_position_embeddings": 32,
    "hidden_act": "silu", "torch_dtype": "float16", "bos_token_id": 1, "eos_token_id": 2,
    "tie_word_embeddings": False
}
SHAPES = {
    "model.embed_tokens.weight": (10, 8), "model.norm.weight": (8,), "lm_head.weight": (10, 8)
}
for part, shape in {
        "self_attn.q_proj": (8, 8),
        "self_attn.k_proj": (8, 8),
        "self_attn.v_proj": (8, 8),
        "self_attn.o_proj": (8, 8),
        "mlp.gate_proj": (16, 8),
        "mlp.up_proj": (16, 8),
        "mlp.down_proj": (8, 16),
        "input_layernorm": (8,),
        "post_attention_layernorm": (8,),
}.items():
    SHAPES[f"model.layers.0.{part}.weight"] = shape


def weights():
    """Values around one, as a model's norms have: noise of binary16 between 0.5 and 2."""
    made = []
    for name, shape in SHAPES.items():
        count = 1
        for extent in shape:
            count *= extent
        data = b"".join(bytes([byte, 0x38 + byte % 8]) for byte in noise(name, count))
        made.append(Tensor(name, "F16", shape, data))
    return made


def whole(**files):
    """The model's folder; a file of None is left out."""
    content = {
        "model.safetensors": safetensors.file(weights()),
        "config.json": json.dumps(CONFIG).encode(), "tokenizer.model": model()
    }
    for name, data in files.items():
        name = name.replace("__", ".")
        content[name] = json.dumps(data).encode() if isinstance(data, (dict, list)) else data
        if data is None:
            del content[name]
    return content


def configured(**changes):
    """The model with other settings; ... leaves one out."""
    config = {**CONFIG, **changes}
    return whole(config__json={key: value for key, value in config.items() if value is not ...})


def settings(book):

    def reject(name, rule, what, files, codes=(MALFORMED, MISMATCH)):
        book.reject(f"config/{name}", rule, what, files, codes, CONVERT)

    def accept(name, rule, what, files):
        book.accept(f"config/{name}", rule, what, files, None, CONVERT)

    accept("plain", "CF-01", "a whole small model", whole())
    accept(
        "stray", "CF-02", "settings of other models beside LLaMA's",
        configured(layer_norm_eps=1e-5,
                   rotary_pct=1,
                   use_parallel_residual=False,
                   rotary_emb_base=10000,
                   num_key_value_heads=...,
                   rms_norm_eps=0.000001,
                   auto_map={"AutoModel": "evil.Evil"},
                   custom_path="/etc/passwd"))
    evil = b"open('weightmill-corpus-marker', 'w')\n"
    mapped = configured(auto_map={"AutoModelForCausalLM": "modeling_evil.Evil"},
                        _name_or_path="http://localhost/evil")
    accept("auto-map", "CF-04", "code to be fetched, which is not followed",
           {**mapped, "modeling_evil.py": evil})
    reject("missing", "CF-01", "no config.json", whole(config__json=None), (NO_INPUT,))
    good = json.dumps(CONFIG)
    for name, text in {
            "empty": "",
            "list": "[]",
            "cut": good[:50],
            "nan": good.replace("1e-06", "NaN"),
            "twice": good[:-1] + ', "hidden_size": 4096}',
            "web-page": "<html>",
            "deep": good[:-1] + ', "x": ' + "[" * 20000 + "]" * 20000 + "}",
    }.items():
        reject(f"json-{name}", ["CF-01", "RES-01"] if name == "deep" else "CF-01",
               f"a config.json that is wrong: {name}", whole(config__json=text.encode()), MALFORMED)
    for name, changes in {
            "heads-zero": {"num_attention_heads": 0},
            "heads-odd": {"num_attention_heads": 3},
            "heads-float": {"num_attention_heads": 2.0},
            "heads-true": {"num_attention_heads": True},
            "heads-missing": {"num_attention_heads": ...},
            "kv-zero": {"num_key_value_heads": 0},
            "kv-more": {"num_key_value_heads": 4},
            "width-zero": {"hidden_size": 0},
            "width-huge": {"hidden_size": (1 << 63) - 1},
            "width-other": {"hidden_size": 16},
            "layers-zero": {"num_hidden_layers": 0},
            "layers-more": {"num_hidden_layers": 2},
            "layers-huge": {"num_hidden_layers": 1 << 40},
            "forward-other": {"intermediate_size": 17},
            "vocabulary-other": {"vocab_size": 11},
            "vocabulary-negative": {"vocab_size": -1},
            "head-dim-zero": {"head_dim": 0},
            "eps-zero": {"rms_norm_eps": 0},
            "eps-text": {"rms_norm_eps": "1e-6"},
            "eps-negative": {"rms_norm_eps": -1e-6},
            "theta-zero": {"rope_theta": 0},
            "context-huge": {"max_position_embeddings": 1 << 60},
            "tied-text": {"tie_word_embeddings": "false"},
    }.items():
        rule = "CF-03" if any(word in name for word in ("zero", "huge", "other", "more", "beyond",
                                                        "kv")) else "CF-02"
        reject(f"setting-{name}", rule, f"a setting that is wrong: {name}", configured(**changes),
               (MALFORMED, MISMATCH, UNSUPPORTED))
    for name, scaling in {
            "factor-zero": {"type": "linear", "factor": 0},
            "factor-huge": {"type": "linear", "factor": 1e300},
            "factor-text": {"type": "linear", "factor": "2"},
            "type-number": {"type": 2, "factor": 2},
            "list": [],
            "yarn-nothing": {"type": "yarn"},
            "llama3-no-range": {"rope_type": "llama3", "low_freq_factor": 4, "high_freq_factor": 4},
            "llama3-original-huge": {"rope_type": "llama3",
                                     "original_max_position_embeddings": (1 << 63) - 1},
            "long-few": {"type": "longrope", "short_factor": [1.0], "long_factor": [1.0]},
            "long-zero": {"type": "longrope", "short_factor": [0.0, 1.0], "long_factor": [1.0, 1.0]},
            "long-text": {"type": "su", "short_factor": ["1", 1.0], "long_factor": [1.0, 1.0]},
    }.items():
        reject(f"setting-scaling-{name}", "CF-02", f"rotary angles that are scaled by nonsense: {name}",
               configured(rope_scaling=scaling), (MALFORMED, UNSUPPORTED))
    for name, changes in {
            "type": {"model_type": "gpt2"},
            "activation": {"hidden_act": "gelu"},
            "scaling": {"rope_scaling": {"type": "ntk-of-tomorrow", "factor": 2.0}},
            "scaling-by-half-a-head": {"partial_rotary_factor": 0.5},
    }.items():
        reject(f"setting-{name}", "CF-02", f"a setting that is not supported: {name}",
               configured(**changes), (UNSUPPORTED, MALFORMED))


def tokenizers(book):
    """Tokenizers that do not fit, or lie, within a model's folder."""

    def reject(name, rule, what, files, codes):
        book.reject(f"config/{name}", rule, what, files, codes, CONVERT)

    def accept(name, rule, what, files):
        book.accept(f"config/{name}", rule, what, files, None, CONVERT)

    accept("tokens-fewer", "CF-03", "fewer tokens than rows", configured_rows())
    reject("tokens-more", "CF-03", "more tokens than rows",
           whole(tokenizer__model=model(SPECIAL + WORDS + [piece("zz", -99.0)])), MISMATCH)
    reject("tokenizer-missing", "CF-01", "no tokenizer", whole(tokenizer__model=None),
           (NO_INPUT, MISMATCH))
    reject("tokenizer-cut", "SP-01", "a tokenizer cut short", whole(tokenizer__model=model()[:41]),
           (MALFORMED, UNSUPPORTED))
    for name, added in {
            "negative": {"<x>": -1},
            "float": {"<x>": 9.0},
            "twice": {"<x>": 9, "<y>": 9},
    }.items():
        reject(f"added-{name}", ["CF-02", "TJ-03"], f"an added token whose id is wrong: {name}",
               whole(added_tokens__json=added), (MALFORMED, MISMATCH))
    for name, value in {
            "key-text": {"x": {"content": "<x>"}},
            "key-padded": {"09": {"content": "<x>"}},
            "content-missing": {"9": {}},
    }.items():
        reject(f"decoder-{name}", ["CF-02", "TJ-03"],
               f"an entry of added_tokens_decoder that is wrong: {name}",
               whole(tokenizer_config__json={"added_tokens_decoder": value}), (MALFORMED, MISMATCH))
    # What the tokenizer cannot have is left out with a note.
    for name, files in {
            "setting-bos-beyond": configured(bos_token_id=10),
            "added-beyond": whole(added_tokens__json={"<x>": 10}),
            "added-huge": whole(added_tokens__json={"<x>": 10**9}),
            "decoder-key-beyond": whole(
                tokenizer_config__json={"added_tokens_decoder": {"10": {"content": "<x>"}}}),
    }.items():
        book.accept(f"config/{name}", ["CF-02", "CF-03", "TJ-03"], f"an id beyond the rows: {name}", files,
                    arguments=CONVERT)
    reject("token-unknown", "CF-03", "a special token that is not in the vocabulary",
           whole(tokenizer_config__json={"bos_token": "<nothing>"}), (MALFORMED, MISMATCH))
    reject("tokenizer-config-list", "CF-01", "a tokenizer_config.json that is a list",
           whole(tokenizer_config__json=[]), MALFORMED)


def configured_rows():
    """The model with one token less than its rows."""
    return whole(tokenizer__model=model(SPECIAL + WORDS[:-1]))
