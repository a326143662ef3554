#!/usr/bin/env python3
"""verify-logits beside llama.cpp's forward passes of the same two models over the same tokens.

    Benchmarks/peers.sh --passes [--layers 4] [--mix q4_k_m] [--tokens 2048] [--runs 3]

The models are made up, of 13B's width: F16 and what Weightmill quantizes it to. llama.cpp loads one, then
the other, each in a process of its own, and computes the logits of all positions, in windows of 512; it
compares nothing. Its time begins when the model is loaded from the page cache and ends with the last
window: the start of Python is left out. Weightmill's is that of the whole command, with all figures of its
report. They take turns; figures are medians. Peaks are the largest resident set, which for llama.cpp
counts the pages of the model's file.
"""

import argparse
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

import llama
import llama_cpp
from peers import ROOT, WEIGHTMILL, made_model

WINDOW = 512
ROWS = 39424


def llama_seconds(model, tokens, threads):
    """What a process of llama.cpp takes to load a model and to compute the tokens' logits."""
    windows = [tokens[first:first + WINDOW] for first in range(0, len(tokens), WINDOW)]
    began = time.perf_counter()
    parameters = llama_cpp.llama_model_default_params()
    loaded = llama_cpp.llama_model_load_from_file(str(model).encode(), parameters)
    settings = llama_cpp.llama_context_default_params()
    settings.n_ctx = settings.n_batch = settings.n_ubatch = WINDOW
    settings.n_threads = settings.n_threads_batch = threads
    context = llama_cpp.llama_init_from_model(loaded, settings)
    if not context:
        sys.exit(f"llama.cpp does not load {model}")
    batch = llama_cpp.llama_batch_init(WINDOW, 0, 1)
    for window in windows:
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(context), True)
        batch.n_tokens = len(window)
        for index, token in enumerate(window):
            batch.token[index], batch.pos[index] = token, index
            batch.n_seq_id[index], batch.seq_id[index][0] = 1, 0
            batch.logits[index] = True
        if llama_cpp.llama_decode(context, batch):
            sys.exit("llama.cpp cannot decode")
        llama_cpp.llama_synchronize(context)
    return time.perf_counter() - began


class Bench:
    def __init__(self, folder, threads):
        self.folder = folder
        self.threads = threads

    def run(self, *command):
        """A command's output, its seconds and its peak in bytes."""
        output, errors = self.folder / "output", self.folder / "errors"
        with open(output, "wb") as out, open(errors, "wb") as err:
            began = time.perf_counter()
            child = subprocess.Popen([str(word) for word in command], stdout=out, stderr=err)
            _, status, usage = os.wait4(child.pid, 0)
            seconds = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            sys.exit(f"{command}: exit {child.returncode}\n"
                     f"{errors.read_text(encoding='utf-8', errors='replace')[-4000:]}")
        return output.read_text(encoding="utf-8"), seconds, usage.ru_maxrss * 1024

    def models(self, layers, mix):
        """A made-up model's F16 file, and the one that Weightmill quantizes it to."""
        f16, quantized = made_model(self.folder, layers), self.folder / f"{mix}.gguf"
        self.run(WEIGHTMILL, "quantize", f16, quantized, mix)
        return f16, quantized

    def llama(self, model, tokens):
        output, _, peak = self.run(
            sys.executable, "-B", __file__, "--pass", model, "--token-file", tokens, "--threads",
            self.threads)
        return float(output), peak

    def ours(self, f16, quantized, tokens):
        output, seconds, peak = self.run(
            WEIGHTMILL, "verify-logits", quantized, "--reference", f16, "--tokens", tokens, "--context",
            WINDOW, "--threads", self.threads, "--json")
        return seconds, peak, json.loads(output)["total"]["positions"]


def compare(bench, found):
    f16, quantized = bench.models(found.layers, found.mix)
    # Each window begins with BOS, as Weightmill's do.
    numbers = random.Random(1)
    tokens = [1 if index % WINDOW == 0 else numbers.randrange(3, ROWS) for index in range(found.tokens)]
    token_file = bench.folder / "tokens.json"
    token_file.write_text(json.dumps(tokens), encoding="utf-8")
    print(f"{found.layers} layers, {found.tokens} tokens, {found.threads} threads, seconds; peaks in MB")
    print(f"{'':8}{'llama.cpp F16':>22}{found.mix:>20}{'verify-logits':>22}{'ours/theirs':>14}")
    ratios = []
    for run in range(found.runs):
        first, second = (bench.llama(model, token_file) for model in (f16, quantized))
        seconds, peak, positions = bench.ours(f16, quantized, token_file)
        if positions != found.tokens - -(-found.tokens // WINDOW) and positions != found.tokens:
            sys.exit(f"verify-logits judged {positions} positions of {found.tokens}")
        ratios.append((first[0], second[0], seconds, seconds / (first[0] + second[0])))
        print(f"run {run + 1:<4}" + "".join(
            f"{value:{width}.1f}{size / 1e6:8.0f}" for value, size, width in (
                (*first, 14), (*second, 12), (seconds, peak, 14))) + f"{ratios[-1][3]:14.2f}", flush=True)
    middle = [statistics.median(column) for column in zip(*ratios)]
    print(f"{'median':8}{middle[0]:14.1f}{middle[1]:20.1f}{middle[2]:22.1f}{middle[3]:22.2f}")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--mix", default="q4_k_m")
    parser.add_argument("--tokens", type=int, default=2048)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", type=pathlib.Path)
    parser.add_argument("--pass", dest="model", help="for a process of its own")
    parser.add_argument("--token-file", type=pathlib.Path)
    found = parser.parse_args()
    if found.model:
        print(llama_seconds(found.model, json.loads(found.token_file.read_text()), found.threads))
        return
    print(llama.build())
    parent = found.folder or ROOT / "build"
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="weightmill-passes-", dir=parent) as name:
        compare(Bench(pathlib.Path(name), found.threads), found)


if __name__ == "__main__":
    main()
