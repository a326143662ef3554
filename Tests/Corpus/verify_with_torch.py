#!/usr/bin/env python3
"""Shows the honest files of the corpus to the programs that own the formats.

Optional: needs torch, safetensors, gguf, sentencepiece and tokenizers. Each file that is read is
loaded by torch (with weights_only, else without), safetensors, GGUFReader, SentencePieceProcessor
or Tokenizer, and names, types, shapes and values are compared with the manifest. Prints what
differs, and what torch reads without weights_only alone.
"""

import hashlib
import json
import os
import sys
import warnings

import gguf
import numpy
import safetensors
import sentencepiece
import tokenizers
import torch

warnings.filterwarnings("ignore")
FOLDER = os.path.dirname(os.path.abspath(__file__))
NAMES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
    torch.float8_e4m3fn: "F8_E4M3",
    torch.float8_e5m2: "F8_E5M2",
    torch.uint16: "U16",
    torch.uint32: "U32",
    torch.uint64: "U64",
    torch.float8_e4m3fnuz: "F8_E4M3FNUZ",
    torch.float8_e5m2fnuz: "F8_E5M2FNUZ",
    torch.complex64: "C64",
    torch.float8_e8m0fnu: "F8_E8M0",
}


def raw(tensor):
    tensor = tensor.detach().contiguous().clone()
    return bytes(tensor.untyped_storage())[:tensor.nbytes]


def flattened(value, path=""):
    """The tensors of nested containers, names joined with dots."""
    if isinstance(value, torch.Tensor):
        yield path, NAMES[value.dtype], list(value.shape), hashlib.sha256(raw(value)).hexdigest()
    elif isinstance(value, dict):
        for key, member in value.items():
            yield from flattened(member, f"{path}.{key}" if path else str(key))
    elif isinstance(value, (list, tuple)):
        for place, member in enumerate(value):
            yield from flattened(member, f"{path}.{place}" if path else str(place))


def torch_file(path):
    """What torch reads, and how; it executes nothing but what this corpus has made."""
    try:
        return sorted(flattened(torch.load(path, map_location="cpu", weights_only=True)))
    except Exception as refused:
        try:
            found = sorted(flattened(torch.load(path, map_location="cpu", weights_only=False)))
        except Exception:
            raise refused from None
        print(f"    only without weights_only: {os.path.basename(path)}")
        return found


def safetensors_file(path):
    with open(path, "rb") as file:
        data = file.read()
    found = []
    for name, entry in safetensors.deserialize(data):
        found.append((name, entry["dtype"], list(entry["shape"]),
                      hashlib.sha256(bytes(entry["data"])).hexdigest()))
    return sorted(found)


def gguf_file(path):
    found = []
    for tensor in gguf.GGUFReader(path).tensors:
        found.append(
            (tensor.name, tensor.tensor_type.name, [int(extent) for extent in tensor.shape[::-1]],
             hashlib.sha256(numpy.ascontiguousarray(tensor.data).tobytes()).hexdigest()))
    return sorted(found)


def tokens(path, text):
    if path.endswith(".json"):
        return tokenizers.Tokenizer.from_file(path).encode(text).ids
    model = sentencepiece.SentencePieceProcessor(model_file=path)
    bos = [model.bos_id()] if model.bos_id() >= 0 else []
    return bos + model.encode(text)


def loaded(case, path):
    if case["arguments"][0] == "tokenize":
        return tokens(path, case["arguments"][2]), case.get("ids")
    wanted = sorted((tensor["name"], tensor["dtype"], tensor["shape"], tensor["sha256"])
                    for tensor in case["tensors"])
    with open(path, "rb") as file:
        head = file.read(4)
    if head == b"GGUF":
        return gguf_file(path), wanted
    if head == b"PK\3\4" or head[:1] == b"\x80" and not path.endswith(".safetensors"):
        return torch_file(path), wanted
    return safetensors_file(path), wanted


def main():
    with open(os.path.join(FOLDER, "manifest.json"), encoding="ascii") as file:
        cases = json.load(file)["cases"]
    tried, odd = 0, 0
    for case in cases:
        path = os.path.join(FOLDER, "files", case["path"])
        known = {"hash", "tokenize"} if case["path"].split(".")[-1] != "gguf" else {"hash"}
        if case["expect"] == "reject" or os.path.isdir(path) or case["arguments"][0] not in known:
            continue
        if sys.argv[1:] and not any(word in case["name"] for word in sys.argv[1:]):
            continue
        tried += 1
        try:
            found, wanted = loaded(case, path)
            problem = "" if found == wanted or wanted is None else f"{found} is not {wanted}"
        except BaseException as error:  # whatever a library throws, panics of Rust included
            problem = f"{type(error).__name__}: " + " ".join(str(error).split())[-200:]
        if problem:
            odd += 1
            print(f"{case['expect']} {case['name']} ({case['what']}): {problem}")
    print(f"{tried} files tried, {odd} differ")


if __name__ == "__main__":
    main()
