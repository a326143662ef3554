#!/usr/bin/env python3
"""Weightmill's quantizer beside llama.cpp's: runs in turn, ratios of medians.

    Benchmarks/peers.sh                      encoders in memory, one thread, F16 in
    Benchmarks/peers.sh --model F16.gguf     whole commands, all threads

llama.cpp is the one of llama-cpp-python, as it ships. In memory it does what its quantizer does with a
tensor: ggml_fp16_to_fp32_row, then ggml_quantize_chunk. Weightmill's part is encoder-benchmark.
"""

import argparse
import ctypes
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

import gguf
import llama_cpp
import numpy as np
from gguf import GGMLQuantizationType as Type

ROOT = pathlib.Path(__file__).resolve().parent.parent
ENCODERS = ROOT / ".build-bench/release/encoder-benchmark"
WEIGHTMILL = pathlib.Path(os.environ.get("WEIGHTMILL") or ROOT / ".build/release/weightmill")
TYPES = ("Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL",
         "IQ4_XS", "IQ3_S", "IQ3_XXS", "IQ2_S", "IQ2_XS", "IQ2_XXS")
NEEDS_IMPORTANCE = {"IQ2_XS", "IQ2_XXS"}
RUNS = 3
COLUMNS = 4096


def library():
    folder = pathlib.Path(llama_cpp.__file__).parent / "lib"
    ggml = ctypes.CDLL(str(next(folder.glob("libggml-base.*"))))
    ggml.ggml_quantize_chunk.restype = ctypes.c_size_t
    ggml.ggml_quantize_chunk.argtypes = [
        ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64,
        ctypes.c_int64, ctypes.c_void_p]
    ggml.ggml_fp16_to_fp32_row.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
    return ggml


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
        [ENCODERS, "--json", name], check=True, capture_output=True, encoding="utf-8").stdout
    rates = [json.loads(line) for line in output.splitlines()]
    return next(rate["values"] for rate in rates if rate["importance"] == is_guided)


def encoders():
    ggml = library()
    print(f"one thread, million values per second of F16; median of {RUNS} runs each, in turn")
    print(f"{'type':9}{'':12}{'llama.cpp':>10}{'ours':>10}{'ratio':>8}")
    for name in TYPES:
        for is_guided in (False, True):
            if name in NEEDS_IMPORTANCE and not is_guided:
                continue
            theirs, ours = [], []
            for _ in range(RUNS):
                theirs.append(llama_rate(ggml, name, is_guided))
                ours.append(our_rate(name, is_guided))
            left, right = statistics.median(theirs), statistics.median(ours)
            print(f"{name:9}{'importance' if is_guided else '':12}{left / 1e6:10.1f}"
                  f"{right / 1e6:10.1f}{right / left:8.2f}", flush=True)


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
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--types", default="q8_0,q4_0,q4_k_m,q6_k")
    arguments = parser.parse_args()
    if arguments.model:
        commands(arguments.model, arguments.types.split(","), arguments.runs)
    else:
        encoders()


if __name__ == "__main__":
    main()
