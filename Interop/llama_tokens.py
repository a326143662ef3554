"""Ids and vocabularies as llama.cpp has them, for test_tokenizers.py.

    python llama_tokens.py ids MODEL TEXTS    TEXTS is a JSON list; prints {"plain": [...], "special": [...]}
    python llama_tokens.py vocabulary MODEL   prints the file's tokenizer keys, by the package gguf

Runs in the environment of llama.cpp, in a process of its own: the other one has transformers.
"""

import json
import pathlib
import sys


def ids(path, texts):
    import llama_cpp

    model = llama_cpp.Llama(path, vocab_only=True, verbose=False)
    return {
        name: [model.tokenize(text.encode(), add_bos=True, special=special) for text in texts]
        for name, special in (("plain", False), ("special", True))}


def vocabulary(path):
    import gguf

    return {
        key: field.contents() for key, field in gguf.GGUFReader(path).fields.items()
        if key.startswith("tokenizer.")}


def main():
    what, path, *texts = sys.argv[1:]
    if what == "ids":
        result = ids(path, json.loads(pathlib.Path(texts[0]).read_text(encoding="utf-8")))
    else:
        result = vocabulary(path)
    json.dump(result, sys.stdout)


main()
