#!/usr/bin/env python3
"""Weightmill's quantizer beside llama.cpp's: runs in turn, ratios of medians.

    Benchmarks/peers.sh                      encoders in memory, one thread, F16 in
    Benchmarks/peers.sh --layers 4           whole commands, all threads, on a made-up model of 13B's width
    Benchmarks/peers.sh --model F16.gguf     the same, on this one

llama.cpp is the one of llama-cpp-python, compiled for this processor; the first line says for what. In
memory it does what its quantizer does with a tensor: ggml_fp16_to_fp32_row, then ggml_quantize_chunk.
Weightmill's part is encoder-benchmark. `--types` and `--runs` make it shorter.
"""

import argparse
import ctypes
import json
import os
import pathlib
import re
import statistics
import shutil
import subprocess
import sys
import tempfile
import time

import gguf
import llama
import llama_cpp
import numpy as np
from gguf import GGMLQuantizationType as Type

ROOT = pathlib.Path(__file__).resolve().parent.parent
ENCODERS = pathlib.Path(os.environ.get("ENCODERS") or ROOT / ".build/release/encoder-benchmark")
WEIGHTMILL = pathlib.Path(os.environ.get("WEIGHTMILL") or ROOT / ".build/release/weightmill")
TYPES = ("Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL",
         "IQ4_XS", "IQ3_S", "IQ3_XXS", "IQ2_S", "IQ2_XS", "IQ2_XXS", "IQ1_M", "IQ1_S")
MIXES = ("q8_0", "q4_0", "q4_k_m", "q6_k")
NEEDS_IMPORTANCE = {"IQ2_XS", "IQ2_XXS", "IQ1_M", "IQ1_S"}
COLUMNS = 4096


def llama_rate(ggml, name, is_guided):
    """Values per second of llama.cpp, one thread."""
    kind = Type[name]
    block, size = gguf.GGML_QUANT_SIZES[kind]
    rows = 16 if name.startswith("IQ") else 64
    random = np.random.default_rng(1)
    halves = (random.standard_normal((rows, COLUMNS)) * 0.02).astype(np.float16)
    floats = np.empty(halves.shape, np.float32)
    blocks = np.empty((rows, COLUMNS // block * size), np.uint8)
    importance = (random.random(COLUMNS) * 4 + 0.1).astype(np.float32)
    ggml.ggml_quantize_init(int(kind))

    def work():
        ggml.ggml_fp16_to_fp32_row(halves.ctypes.data, floats.ctypes.data, halves.size)
        ggml.ggml_quantize_chunk(
            int(kind), floats.ctypes.data, blocks.ctypes.data, 0, rows, COLUMNS,
            importance.ctypes.data if is_guided else None)

    work()
    began = time.perf_counter()
    work()
    return halves.size / (time.perf_counter() - began)


def our_rate(name, is_guided):
    """Values per second of Weightmill, one thread: a median itself."""
    output = subprocess.run(
        [ENCODERS, "--json", name], check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout
    rates = [json.loads(line) for line in output.splitlines()]
    return next(rate["values"] for rate in rates if rate["importance"] == is_guided)


def encoders(types, runs):
    ggml = llama.ggml()
    print(f"one thread, million values per second of F16; median of {runs} runs each, in turn")
    print(f"{'type':9}{'':12}{'llama.cpp':>10}{'ours':>10}{'ratio':>8}")
    for name in types:
        for is_guided in (False, True):
            if name in NEEDS_IMPORTANCE and not is_guided:
                continue
            theirs, ours = [], []
            for _ in range(runs):
                theirs.append(llama_rate(ggml, name, is_guided))
                ours.append(our_rate(name, is_guided))
            left, right = statistics.median(theirs), statistics.median(ours)
            print(f"{name:9}{'importance' if is_guided else '':12}{left / 1e6:10.1f}"
                  f"{right / 1e6:10.1f}{right / left:8.2f}", flush=True)


def made_model(folder, layers):
    """An F16 file of a made-up model of 13B's width."""
    wide, model = folder / "wide", folder / "f16.gguf"
    subprocess.run([sys.executable, "-B", ROOT / "Benchmarks/make-wide-model.py", str(layers), wide,
                    "--parts", "whole"], check=True)
    subprocess.run([WEIGHTMILL, "convert", wide / "whole", "--name", "wide", "--output", model,
                    "--quiet"], check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(wide)
    return model


def commands(model, mixes, runs):
    print(f"whole commands, all threads, seconds; median of {runs} runs each, in turn")
    print(f"{'type':9}{'llama.cpp':>10}{'ours':>10}{'ratio':>8}")
    with tempfile.TemporaryDirectory(prefix="weightmill-peers-", dir=model.parent) as name:
        output = pathlib.Path(name) / "out.gguf"
        for mix in mixes:
            parameters = llama_cpp.llama_model_quantize_default_params()
            parameters.ftype = getattr(llama_cpp, f"LLAMA_FTYPE_MOSTLY_{mix.upper()}")
            parameters.nthread = os.cpu_count()
            theirs, ours = [], []
            for _ in range(runs):
                output.unlink(missing_ok=True)
                began = time.perf_counter()
                code = llama_cpp.llama_model_quantize(
                    str(model).encode(), str(output).encode(), ctypes.byref(parameters))
                theirs.append(time.perf_counter() - began)
                if code:
                    raise SystemExit(f"llama.cpp: {code}")
                output.unlink(missing_ok=True)
                began = time.perf_counter()
                subprocess.run(
                    [WEIGHTMILL, "quantize", model, output, mix, "--quiet"], check=True,
                    stdout=subprocess.DEVNULL)
                ours.append(time.perf_counter() - began)
            left, right = statistics.median(theirs), statistics.median(ours)
            print(f"{mix:9}{left:10.1f}{right:10.1f}{left / right:8.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path)
    parser.add_argument("--layers", type=int)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--types", type=lambda text: re.split("[ ,]+", text.strip()))
    arguments = parser.parse_args()
    print(llama.build())
    mixes = [mix.lower() for mix in arguments.types or MIXES]
    if arguments.model:
        commands(arguments.model, mixes, arguments.runs)
    elif arguments.layers:
        (ROOT / "build").mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="weightmill-peers-", dir=ROOT / "build") as folder:
            commands(made_model(pathlib.Path(folder), arguments.layers), mixes, arguments.runs)
    else:
        types = [name.upper() for name in arguments.types or TYPES]
        if unknown := [name for name in types if name not in TYPES]:
            parser.error(f"{unknown[0]} is none of {', '.join(TYPES)}")
        encoders(types, arguments.runs)


if __name__ == "__main__":
    main()
