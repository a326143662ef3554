#!/usr/bin/env python3
"""Writes a base and a Ziya-like delta of LLaMA-13B's width with random weights, to measure with.

    Benchmarks/make-wide-model.py LAYERS FOLDER [whole]     (needs numpy; 2 layers take 4 GB)
    /usr/bin/time -v weightmill convert FOLDER/base --delta FOLDER/delta --output x.gguf --type q4_0

With `whole` it makes FOLDER/whole only, a model by itself of 39,424 rows, to quantize:

    weightmill convert FOLDER/whole --output FOLDER/f16.gguf
    Benchmarks/peers.sh --model FOLDER/f16.gguf

Makes FOLDER/base (32,000 rows) and FOLDER/delta (39,424 rows), both as model.safetensors in F16,
with the tokenizer of fixtures/mini-ziya. The same bytes every time.
"""

import json
import pathlib
import shutil
import struct
import sys

import numpy as np

HIDDEN, FEED_FORWARD, HEADS = 5120, 13824, 40
TOKENIZER = pathlib.Path(__file__).parent.parent / "fixtures/mini-ziya/delta/tokenizer.model"


def tensors(layers, rows):
    """Names and shapes in the order of a Hugging Face checkpoint."""
    yield "model.embed_tokens.weight", (rows, HIDDEN)
    square, wide = (HIDDEN, HIDDEN), (FEED_FORWARD, HIDDEN)
    for layer in range(layers):
        prefix = f"model.layers.{layer}."
        for name in "qkvo":
            yield f"{prefix}self_attn.{name}_proj.weight", square
        yield f"{prefix}mlp.gate_proj.weight", wide
        yield f"{prefix}mlp.up_proj.weight", wide
        yield f"{prefix}mlp.down_proj.weight", (HIDDEN, FEED_FORWARD)
        yield f"{prefix}input_layernorm.weight", (HIDDEN,)
        yield f"{prefix}post_attention_layernorm.weight", (HIDDEN,)
    yield "model.norm.weight", (HIDDEN,)
    yield "lm_head.weight", (rows, HIDDEN)


def values(name, shape, is_delta, random, embeddings):
    if "embed" in name:  # the delta's grew from the base's
        return embeddings[:shape[0]]
    noise = random.standard_normal(shape, dtype=np.float32)
    if "norm" in name:
        return noise * 0.01 if is_delta else 0.5 + noise * 0.05
    return noise * (0.002 if is_delta and name != "lm_head.weight" else 0.02)


def write(folder, layers, rows, is_delta, random, embeddings):
    folder.mkdir(parents=True, exist_ok=True)
    listed = list(tensors(layers, rows))
    header, end = {}, 0
    for name, shape in listed:
        size = 2 * int(np.prod(shape))
        header[name] = {"dtype": "F16", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    with open(folder / "model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, shape in listed:
            array = values(name, shape, is_delta, random, embeddings)
            file.write(array.astype(np.float16).tobytes())
    config = {
        "model_type": "llama", "hidden_size": HIDDEN, "num_hidden_layers": layers,
        "num_attention_heads": HEADS, "intermediate_size": FEED_FORWARD, "vocab_size": rows,
        "max_position_embeddings": 2048, "rms_norm_eps": 1e-6,
    }
    (folder / "config.json").write_text(json.dumps(config))
    shutil.copy(TOKENIZER, folder)


def main():
    layers, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])
    random = np.random.default_rng(1)
    embeddings = random.standard_normal((39424, HIDDEN), dtype=np.float32) * 0.02
    if sys.argv[3:] == ["whole"]:
        write(folder / "whole", layers, 39424, False, random, embeddings)
        return
    write(folder / "base", layers, 32000, False, random, embeddings)
    write(folder / "delta", layers, 39424, True, random, embeddings)


if __name__ == "__main__":
    main()
