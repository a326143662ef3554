"""The models that types are judged on, as F32 files.

- mini-ziya: the fixture, merged;
- smol-576: SmolLM2-135M-Instruct, whose published file is Q4_1 with embeddings in Q8_0. Each value is moved by a
  uniform draw within half a step of its block: as the file has them, they lie on the grid of one type, and that
  type would be without loss;
- smol-768: the same function with rows of 768, three blocks of k-quants, where 576 falls back to legacy types.
"""

import hashlib
import os
import pathlib

import gguf
import numpy as np

from quality.packages import CACHE

SEED = 1
# In a block of a type: how many values, bytes, and where its step is an F16 number.
STEPPED = {gguf.GGMLQuantizationType.Q4_1: (32, 20), gguf.GGMLQuantizationType.Q8_0: (32, 34)}

HIDDEN, WIDE = 576, 768
HEAD = 64
HEADS, KEY_HEADS = WIDE // HEAD, WIDE // HEAD // 3  # 12 and 4 in place of 9 and 3: the same three to one
# The rows of a widened matrix by its role; all others keep theirs.
ROWS = {"attn_q": HEADS * HEAD, "attn_k": KEY_HEADS * HEAD, "attn_v": KEY_HEADS * HEAD, "attn_output": WIDE,
        "ffn_down": WIDE}
METADATA = {
    "llama.embedding_length": lambda _: WIDE,
    "llama.attention.head_count": lambda _: HEADS,
    "llama.attention.head_count_kv": lambda _: KEY_HEADS,
    "llama.attention.layer_norm_rms_epsilon": lambda epsilon: epsilon * HIDDEN / WIDE,
}


def moved(tensor, source):
    """A tensor's values, each moved within half a step of its block if its type has steps."""
    values = np.asarray(gguf.dequantize(tensor.data, tensor.tensor_type), np.float32)
    if tensor.tensor_type not in STEPPED:
        if tensor.tensor_type != gguf.GGMLQuantizationType.F32:
            raise ValueError(f"{tensor.name}: no step is known for {tensor.tensor_type.name}")
        return values
    size, length = STEPPED[tensor.tensor_type]
    steps = tensor.data.reshape(-1, length)[:, :2].copy().view(np.float16).astype(np.float32)
    draws = source.random((values.size // size, size), dtype=np.float32) - np.float32(0.5)
    return (values.reshape(-1, size) + draws * steps).reshape(values.shape)


def widened(name, values):
    """Columns and rows of zeros behind those that are there.

    The root mean square of 768 columns, 192 of them zero, is sqrt(576/768) of that of the 576: gains and epsilon
    make up for it. Added heads have zero queries, keys and values, and add nothing.
    """
    if values.ndim == 1:
        wide = np.zeros(WIDE, np.float32)
        wide[:HIDDEN] = values * np.sqrt(HIDDEN / WIDE)
        return wide
    rows, columns = values.shape
    role = name.split(".")[-2]
    wide = np.zeros((ROWS.get(role, rows), columns if role == "ffn_down" else WIDE), np.float32)
    wide[:rows, :columns] = values
    return wide


def write(path, fields, tensors, changes):
    writer = gguf.GGUFWriter(path, "llama")
    for field in fields:
        if field.name.startswith("GGUF.") or field.name == "general.architecture":
            continue
        value = changes.get(field.name, lambda value: value)(field.contents())
        if field.types[0] == gguf.GGUFValueType.ARRAY:
            writer.add_array(field.name, value)
        else:
            writer.add_key_value(field.name, value, field.types[0])
    for name, values in tensors.items():
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def smollm2(published):
    """smol-576 and smol-768 as {name: path}, made from the published file if the cache has none of this version."""
    version = hashlib.sha256(pathlib.Path(__file__).read_bytes()).hexdigest()[:12]
    folder = CACHE / "models"
    paths = {name: folder / f"{name}-{version}.gguf" for name in ("smol-576", "smol-768")}
    if all(path.exists() for path in paths.values()):
        return paths
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    reader = gguf.GGUFReader(published)
    source = np.random.default_rng(SEED)
    tensors = {tensor.name: moved(tensor, source) for tensor in reader.tensors}
    whole = {"general.file_type": lambda _: gguf.LlamaFileType.ALL_F32}
    wide = {name: widened(name, values) for name, values in tensors.items()}
    for name, values, changes in (("smol-576", tensors, whole), ("smol-768", wide, whole | METADATA)):
        part = folder / f"{name}.part"
        write(part, reader.fields.values(), values, changes)
        os.replace(part, paths[name])
    return paths
