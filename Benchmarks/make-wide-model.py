#!/usr/bin/env python3
"""Writes a base and a delta in the shape of LLaMA-13B and Ziya with random weights, of any depth.

    Benchmarks/make-wide-model.py LAYERS FOLDER [--parts base,delta] [--sparse]     (needs numpy)
    weightmill convert FOLDER/base --delta FOLDER/delta --output x.gguf --type q4_k_m

Each layer takes 1.27 GB, the rest 1.46 GB (base and delta together); 40 layers are the real size.
The parts:

    base        32,000 rows, Hugging Face's layout: safetensors shards and their index
    base-meta   the same weights as Meta publishes them: two model-parallel parts
    delta       39,424 rows: PyTorch shards and their index; embeddings whole, all else target - base
    whole       base + delta, merged: safetensors shards; a model by itself, to quantize

`--sparse` writes files of full size in which one row of each 500 has values; the others are holes,
which take no space on the disk and read as zeros. Checksums are right. 40 layers take 0.4 GB then.

Weights are F16, Gaussian, with outlier columns; wide/values.py says more. The tokenizer is that of
fixtures/mini-ziya. The same arguments give the same bytes, with the same version of numpy.
Memory is below 0.5 GB at any depth. --hidden, --feed-forward, --heads, --base-rows and --rows make other
shapes: see Interop/test_wide.py for a small one.
"""

import argparse
import pathlib

from wide import folders
from wide.values import Sizes, Values

PARTS = ("base", "base-meta", "delta", "whole")


def parts(text):
    names = text.split(",")
    for name in names:
        if name not in PARTS:
            raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(PARTS)}")
    return names


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("layers", type=int)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--parts", type=parts, default=["base", "delta"])
    parser.add_argument("--sparse", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shards", type=int, default=3, help="files of a folder (3; Ziya has 28)")
    parser.add_argument("--meta-parts", type=int, default=2)
    for name in ("hidden", "feed_forward", "heads", "base_rows", "rows"):
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=int, default=getattr(Sizes, name))
    found = parser.parse_args()
    if min(found.layers, found.shards, found.meta_parts, found.heads) < 1:
        parser.error("layers, shards, parts and heads are at least 1")
    if found.hidden % (2 * found.heads * found.meta_parts) or found.heads % found.meta_parts:
        parser.error("the hidden size must be a multiple of 2 * heads * parts")
    if found.feed_forward % found.meta_parts or found.base_rows % found.meta_parts:
        parser.error("feed-forward size and rows of the base must be multiples of the parts")
    return found


def main():
    found = arguments()
    sizes = Sizes(found.layers, found.hidden, found.feed_forward, found.heads, found.base_rows,
                  found.rows)
    values = Values(sizes, found.seed, found.sparse)
    for part in found.parts:
        folder = found.folder / part
        if part == "base":
            folders.hugging_face(folder, values, "base", sizes.base_rows, found.shards, False)
        elif part == "base-meta":
            folders.meta(folder, values, found.meta_parts)
        elif part == "delta":
            folders.hugging_face(folder, values, "delta", sizes.rows, found.shards, True)
        else:
            folders.hugging_face(folder, values, "target", sizes.rows, found.shards, False)


if __name__ == "__main__":
    main()
