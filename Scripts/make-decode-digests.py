#!/usr/bin/env python3
"""Writes formats/vectors/decode_digests.json: digests of what other programs decode blocks to.

    python3 Scripts/make-decode-digests.py LIBGGML

LIBGGML is the shared library libggml-base of llama.cpp (llama-cpp-python 0.3.36 has one). Needs
numpy, torch (for eight-bit floats) and gguf, whose decoder must agree with the library's.
"""
import ctypes
import hashlib
import json
import pathlib
import sys

import gguf
import numpy
import torch

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = ROOT / "formats/vectors/decode_digests.json"
BLOCKS = 4096
CONSTANTS = bytes.fromhex("00ff807f0155aa3c7cfcfe0ff01088c0")
# Name: values and bytes of a block; the seed of its random blocks.
TYPES = {
    "q4_0": (32, 18, 2), "q4_1": (32, 20, 3), "q5_0": (32, 22, 6), "q5_1": (32, 24, 7),
    "q8_0": (32, 34, 8), "q8_1": (32, 36, 9), "q2_K": (256, 84, 10), "q3_K": (256, 110, 11),
    "q4_K": (256, 144, 12), "q5_K": (256, 176, 13), "q6_K": (256, 210, 14), "q8_K": (256, 292, 15),
    "iq2_xxs": (256, 66, 16), "iq2_xs": (256, 74, 17), "iq3_xxs": (256, 98, 18),
    "iq1_s": (256, 50, 19), "iq4_nl": (32, 18, 20), "iq3_s": (256, 110, 21), "iq2_s": (256, 82, 22),
    "iq4_xs": (256, 136, 23), "iq1_m": (256, 56, 29), "tq1_0": (256, 54, 34), "tq2_0": (256, 66, 35),
    "mxfp4": (32, 17, 39), "nvfp4": (64, 36, 40), "q1_0": (128, 18, 41), "q2_0": (64, 18, 42),
    "f16": (1, 2, 1), "f64": (1, 8, 28), "bf16": (1, 2, 30), "f8_e4m3": (1, 1, 100),
    "f8_e5m2": (1, 1, 101), "f8_e4m3fnuz": (1, 1, 102), "f8_e5m2fnuz": (1, 1, 103),
}  # fmt: skip


def random_bytes(seed, count):
    """The first bytes of SplitMix64: each number little endian."""
    places = numpy.arange(1, count // 8 + 2, dtype=numpy.uint64)
    with numpy.errstate(over="ignore"):
        value = numpy.uint64(seed) + places * numpy.uint64(0x9E3779B97F4A7C15)
        value = (value ^ value >> numpy.uint64(30)) * numpy.uint64(0xBF58476D1CE4E5B9)
        value = (value ^ value >> numpy.uint64(27)) * numpy.uint64(0x94D049BB133111EB)
    return (value ^ value >> numpy.uint64(31)).astype("<u8").tobytes()[:count]


def scalars(name, data):
    """What torch and numpy say of types that ggml does not decode."""
    if name == "f64":
        with numpy.errstate(all="ignore"):
            return numpy.frombuffer(data, "<f8").astype("<f4")
    if name == "q8_1":
        blocks = numpy.frombuffer(data, numpy.uint8).reshape(-1, 36)
        scales = numpy.ascontiguousarray(blocks[:, :2]).view("<f2").astype("<f4")
        with numpy.errstate(all="ignore"):
            return (blocks[:, 4:].view(numpy.int8).astype("<f4") * scales).reshape(-1)
    types = {
        "f16": torch.float16, "bf16": torch.bfloat16,
        "f8_e4m3": torch.float8_e4m3fn, "f8_e5m2": torch.float8_e5m2,
        "f8_e4m3fnuz": torch.float8_e4m3fnuz, "f8_e5m2fnuz": torch.float8_e5m2fnuz,
    }  # fmt: skip
    return torch.frombuffer(bytearray(data), dtype=types[name]).to(torch.float32).numpy()


def decoded(library, name, data):
    """The values as bits, NaN always the same."""
    values_per_block, size, _ = TYPES[name]
    count = len(data) // size * values_per_block
    function = getattr(library, f"dequantize_row_{name}", None)
    if function is None:
        values = scalars(name, data)
    else:
        values = numpy.empty(count, "<f4")
        function(data, values.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(count))
    bits = values.view("<u4").copy()
    bits[numpy.isnan(values)] = 0x7FC00000
    known = getattr(gguf.GGMLQuantizationType, name.upper(), None)
    if known in gguf.quants._type_traits:
        with numpy.errstate(all="ignore"):
            rows = numpy.frombuffer(data, numpy.uint8).reshape(1, -1)
            again = gguf.quants.dequantize(rows, known).reshape(-1)
        other = again.view("<u4").copy()
        other[numpy.isnan(again)] = 0x7FC00000
        differing = numpy.flatnonzero(bits != other)
        if differing.size:
            print(f"{name}: gguf differs in {differing.size} of {count}, such as", end=" ")
            print([f"{bits[i]:08x} {other[i]:08x}" for i in differing[:4]], file=sys.stdout)
    return bits.tobytes()


library = ctypes.CDLL(sys.argv[1])
types = {}
for name, (_, size, seed) in TYPES.items():
    constant = b"".join(bytes([byte]) * size for byte in CONSTANTS)
    types[name] = {
        "seed": seed,
        "constant": hashlib.sha256(decoded(library, name, constant)).hexdigest(),
        "random": hashlib.sha256(
            decoded(library, name, random_bytes(seed, BLOCKS * size))
        ).hexdigest(),
    }
document = {
    "note": "SHA-256 of decoded float32 values; see README.md",
    "constants": CONSTANTS.hex(),
    "blocks": BLOCKS,
    "types": types,
}
TARGET.write_text(json.dumps(document, indent=1) + "\n")
