"""Weightmill's GGUF adapters in llama.cpp, and adapters of others in Weightmill.

What is compared with what:
- logits of llama.cpp with the base and the adapter that Weightmill wrote, with those of the model that Weightmill
  merged: the same up to what its weights lost when they were rounded to the base's F16;
- the same at another scale, given to llama.cpp and to --lora-scaled;
- the file as the package gguf reads it: metadata, names, shapes;
- an adapter written here with the package gguf, rows of queries and keys in llama.cpp's order, merged by Weightmill,
  with the merge of PEFT's folder: the same bytes.
"""

import json
import pathlib
import tempfile

import gguf
import llama_cpp
import numpy as np

from checks import BINARY, FIXTURE, ROOT, Checks, weightmill, weightmill_json

LORA = ROOT / "fixtures" / "lora"
BASE = FIXTURE / "base-hf"
IDS = [1, 405, 1200, 77, 1999, 3, 640, 18, 912, 33, 1500, 260]
# Adapters of mini-ziya.
ADAPTERS = ("plain", "rslora", "patterns", "fan-in-fan-out", "embedding")


def logits(model, adapter=None, scale=1.0):
    loaded = llama_cpp.Llama(
        str(model), n_ctx=64, n_batch=64, n_threads=1, n_threads_batch=1, logits_all=True, seed=0, verbose=False,
        lora_path=str(adapter) if adapter else None, lora_scale=scale)
    loaded.eval(IDS)
    found = loaded.scores[:len(IDS)].copy()
    loaded.close()
    return found


def difference(left, right):
    return float(np.abs(left - right).max())


def check_logits(checks, folder, base, name):
    adapter, merged = folder / f"{name}.gguf", folder / f"{name}-merged.gguf"
    weightmill("convert", BASE, "--lora", LORA / name, "--lora-only", "--output", adapter)
    weightmill("convert", BASE, "--lora", LORA / name, "--type", "f32", "--output", merged)
    beside, whole, bare = logits(base, adapter), logits(merged), logits(base)
    off, moved = difference(beside, whole), difference(bare, whole)
    checks.check(
        f"{name}: llama.cpp's logits with the adapter are the merged model's", off < 0.005 * moved,
        f"largest difference {off:.5f}, without the adapter {moved:.4f}")
    if name != "rslora":
        return
    weightmill(
        "convert", BASE, "--lora-scaled", f"{LORA / name}:-0.4", "--type", "f32", "--output", merged, "--force")
    scaled = logits(merged)
    off = difference(logits(base, adapter, -0.4), scaled)
    checks.check(
        f"{name}: so they are scaled by -0.4", off < 0.005 * difference(bare, scaled), f"largest difference {off:.5f}")
    weightmill(
        "convert", BASE, "--lora", f"{adapter}:-0.4", "--lora-only", "--type", "f16", "--output",
        folder / "scaled.gguf")
    off = difference(logits(base, folder / "scaled.gguf"), scaled)
    checks.check(
        f"{name}: so they are with the scale in the file, in F16", off < 0.01 * difference(bare, scaled),
        f"largest difference {off:.5f}")


def check_file(checks, path):
    reader = gguf.GGUFReader(path)
    fields = {key: field.contents() for key, field in reader.fields.items()}
    wanted = {
        "general.architecture": "llama", "general.type": "adapter", "adapter.type": "lora",
        "adapter.lora.alpha": 9.0, "general.base_model.0.name": "base-hf"}
    checks.none(
        "plain: metadata by gguf-py",
        [f"{key} is {fields.get(key)!r}" for key, value in wanted.items() if fields.get(key) != value])
    shapes = {tensor.name: tuple(int(x) for x in tensor.shape) for tensor in reader.tensors}
    checks.check(
        "plain: 16 tensors, ranks inside", len(shapes) == 16
        and shapes["blk.0.attn_q.weight.lora_a"] == (256, 4) and shapes["blk.0.attn_q.weight.lora_b"] == (4, 256),
        sorted(shapes.items())[:2])


def peft_tensors(folder):
    data = (folder / "adapter_model.safetensors").read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    header.pop("__metadata__", None)
    return {
        name: np.frombuffer(
            data[start + entry["data_offsets"][0]:start + entry["data_offsets"][1]], "<f4").reshape(entry["shape"])
        for name, entry in header.items()}


def write_as_llama_does(folder, output, heads, *, architecture="llama", alpha=9.0, kind="adapter"):
    """A GGUF adapter of PEFT's folder, written without Weightmill."""
    writer = gguf.GGUFWriter(output, architecture)
    writer.add_type(kind)
    writer.add_string("adapter.type", "lora")
    if alpha is not None:
        writer.add_float32("adapter.lora.alpha", alpha)
    names = {"self_attn.q_proj": "attn_q", "self_attn.v_proj": "attn_v"}
    for name, values in peft_tensors(folder).items():
        parts = name.removeprefix("base_model.model.model.layers.").split(".")
        layer, module, part = parts[0], names[".".join(parts[1:3])], parts[3]
        if module == "attn_q" and part == "lora_B":
            values = values.reshape(heads, 2, values.shape[0] // heads // 2, values.shape[1])
            values = np.ascontiguousarray(values.swapaxes(1, 2).reshape(-1, values.shape[-1]))
        writer.add_tensor(f"blk.{layer}.{module}.weight.{part.lower()}", values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def check_others(checks, folder):
    heads = json.loads((BASE / "config.json").read_text())["num_attention_heads"]
    theirs = folder / "theirs.gguf"
    write_as_llama_does(LORA / "plain", theirs, heads)
    wanted = weightmill_json("hash", BASE, "--lora", LORA / "plain")["tensors"]
    for base in ("base-hf", "base-meta"):
        found = weightmill_json("hash", FIXTURE / base, "--lora", theirs)["tensors"]
        checks.check(f"{base}: an adapter by gguf-py merges to the bytes of PEFT's folder", found == wanted)
    for what, options, message in (
            ("another architecture", {"architecture": "qwen2"}, "is for a model of architecture \"qwen2\""),
            ("a file that is a model", {"kind": "model"}, "no adapter"),
    ):
        other = folder / "other.gguf"
        write_as_llama_does(LORA / "plain", other, heads, **options)
        try:
            weightmill("hash", BASE, "--lora", other)
            checks.check(f"{what} is refused", False)
        except RuntimeError as error:
            checks.check(f"{what} is refused", "ended with 78" in str(error) and message in str(error), error)
    write_as_llama_does(LORA / "plain", other, heads, alpha=None)
    one = weightmill_json("hash", BASE, "--lora", other)["tensors"]
    # alpha 9 at rank 4: the scale 1 is a factor of 4/9.
    checks.check(
        "without alpha the scale is 1, as in llama.cpp",
        one == weightmill_json("hash", BASE, "--lora", f"{LORA / 'plain'}:{4 / 9!r}")["tensors"])


def main():
    checks = Checks()
    print(f"{BINARY} with llama-cpp-python {llama_cpp.__version__}", flush=True)
    with tempfile.TemporaryDirectory() as path:
        folder = pathlib.Path(path)
        base = folder / "base.gguf"
        weightmill("convert", BASE, "--type", "f32", "--output", base)
        for name in ADAPTERS:
            with checks.part(name):
                check_logits(checks, folder, base, name)
        with checks.part("the file"):
            check_file(checks, folder / "plain.gguf")
        with checks.part("adapters of others"):
            check_others(checks, folder)
    checks.finish()


if __name__ == "__main__":
    main()
