#!/usr/bin/env python3
"""The figures that Tests/VerificationTests/Comparing expects of `weightmill compare`.

They are computed with torch, NumPy and gguf, without Weightmill, and printed as Swift literals:
of some tensors of mini-ziya's base and delta, and of the merged model (base + delta in F16, Ziya's
embeddings) beside itself in Q8_0 and Q4_0, quantized and decoded by gguf.

Needs torch, safetensors and gguf:  python3 Scripts/compare-figures.py
"""

import pathlib

import gguf
import numpy as np
import safetensors.numpy
import torch
from gguf.constants import GGMLQuantizationType as Type

FIXTURE = pathlib.Path(__file__).resolve().parent.parent / "fixtures/mini-ziya"
NAMES = (
    "model.layers.0.self_attn.q_proj.weight",
    "model.layers.1.mlp.down_proj.weight",
    "model.layers.3.input_layernorm.weight",
)


def print_figures(label, name, a, b):
    # The difference of two binary32 numbers is exact in binary64.
    a, b = a.astype(np.float64).ravel(), b.astype(np.float64).ravel()
    d = a - b
    worst = int(np.argmax(np.abs(d)))
    rms = np.sqrt(np.mean(d * d))
    figures = {
        "maximum": np.abs(d[worst]), "rms": rms, "relative": rms / np.sqrt(np.mean(a * a)),
        "cosine": a @ b / np.sqrt((a @ a) * (b @ b))}
    text = ", ".join(f"{key}: {float(value)!r}" for key, value in figures.items())
    print(
        f'Expected("{label}", "{name}", differing: {np.count_nonzero(d)}, {text}, worst: {worst}),')


def main():
    base, delta = {}, {}
    for path in sorted((FIXTURE / "base-hf").glob("*.safetensors")):
        base |= safetensors.numpy.load_file(path)
    for path in sorted((FIXTURE / "delta").glob("*.bin")):
        loaded = torch.load(path, weights_only=True)
        delta |= {name: value.numpy() for name, value in loaded.items()}
    for name in NAMES:
        print_figures("delta", name, base[name], delta[name])
    for name in NAMES[:2]:
        merged = (base[name] + delta[name]).astype(np.float32)
        for kind in (Type.Q8_0, Type.Q4_0):
            decoded = gguf.quants.dequantize(gguf.quants.quantize(merged, kind), kind)
            print_figures(kind.name.lower(), name, merged, decoded)


if __name__ == "__main__":
    main()
