"""A base and a delta to disturb while they are read, by Python's standard library alone.

45 million weights each: enough that a conversion takes a second. Weights are random bits in a fixed
range; the delta's are multiples of the base's last bit, as real differences are.
"""

import json
import random
import shutil
import struct
import sys

from checks import FIXTURE, ROOT

sys.path.insert(0, str(ROOT / "Benchmarks"))
from wide import torchzip  # noqa: E402

HIDDEN, FEED_FORWARD, LAYERS, HEADS = 1024, 2816, 3, 8
BASE_ROWS, ROWS = 2000, 3072
CHUNK = 1 << 20
# The bits of a value (low byte, high byte) that are random, and those that are set.
WEIGHTS = (b"\xff\x87", b"\x00\x20")  # sign, exponents 8 and 9, all of the fraction: 0.008 to 0.03
CHANGES = (b"\xe0\x87", b"\x00\x10")  # a sixteenth of that


def shapes(rows):
    yield "model.embed_tokens.weight", (rows, HIDDEN)
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}."
        for name in "qkvo":
            yield f"{prefix}self_attn.{name}_proj.weight", (HIDDEN, HIDDEN)
        yield f"{prefix}mlp.gate_proj.weight", (FEED_FORWARD, HIDDEN)
        yield f"{prefix}mlp.up_proj.weight", (FEED_FORWARD, HIDDEN)
        yield f"{prefix}mlp.down_proj.weight", (HIDDEN, FEED_FORWARD)
        yield f"{prefix}input_layernorm.weight", (HIDDEN,)
        yield f"{prefix}post_attention_layernorm.weight", (HIDDEN,)
    yield "model.norm.weight", (HIDDEN,)
    yield "lm_head.weight", (rows, HIDDEN)


def size(shape):
    return 2 * shape[0] * (shape[1] if len(shape) == 2 else 1)


def values(name, shape, is_delta):
    """Pieces of a tensor; both sides have the same embeddings, as far as the base's go."""
    if len(shape) == 1:
        yield struct.pack("<H", 0x1C00 if is_delta else 0x3C00) * shape[0]  # 0.004 and 1
        return
    is_whole = "embed" in name or "lm_head" in name
    bits, ones = CHANGES if is_delta and not is_whole else WEIGHTS
    source = random.Random(f"{name} {is_delta and not is_whole}")
    left = size(shape)
    while left:
        count = min(left, CHUNK)
        number = int.from_bytes(source.randbytes(count), "big")
        number &= int.from_bytes(bits * (count // 2), "big")
        number |= int.from_bytes(ones * (count // 2), "big")
        yield number.to_bytes(count, "big")
        left -= count


def make(folder):
    """Writes FOLDER/base (safetensors) and FOLDER/delta (a PyTorch zip file)."""
    base, delta = folder / "base", folder / "delta"
    for path, rows, fixture in ((base, BASE_ROWS, "base-hf"), (delta, ROWS, "delta")):
        path.mkdir()
        (path / "config.json").write_text(json.dumps({
            "model_type": "llama", "hidden_size": HIDDEN, "intermediate_size": FEED_FORWARD,
            "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "vocab_size": rows,
            "rms_norm_eps": 1e-6, "max_position_embeddings": 2048}))
        for name in ("tokenizer.model", "tokenizer_config.json"):
            shutil.copy(FIXTURE / fixture / name, path)
    shutil.copy(FIXTURE / "delta/added_tokens.json", delta)
    header, end = {}, 0
    for name, shape in shapes(BASE_ROWS):
        header[name] = {"dtype": "F16", "shape": shape, "data_offsets": [end, end + size(shape)]}
        end += size(shape)
    text = json.dumps(header).encode()
    with open(base / "model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, shape in shapes(BASE_ROWS):
            file.writelines(values(name, shape, False))
    torchzip.write(delta / "pytorch_model.bin", [
        [(name, shape, 2, size(shape), values(name, shape, True))] for name, shape in shapes(ROWS)])
    return base, delta
