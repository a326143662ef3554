"""The folders that make-wide-model.py writes: Hugging Face's layout and Meta's."""

import json
import pathlib
import shutil
import struct

import numpy as np

from wide import torchzip
from wide.values import tensors

FIXTURE = pathlib.Path(__file__).resolve().parents[2] / "fixtures/mini-ziya"
META_NAMES = {
    "model.embed_tokens": "tok_embeddings", "model.norm": "norm", "lm_head": "output",
    "self_attn.q_proj": "attention.wq", "self_attn.k_proj": "attention.wk",
    "self_attn.v_proj": "attention.wv", "self_attn.o_proj": "attention.wo",
    "self_attn.rotary_emb.inv_freq": "attention.inner_attention.rope.freqs",
    "mlp.gate_proj": "feed_forward.w1", "mlp.down_proj": "feed_forward.w2",
    "mlp.up_proj": "feed_forward.w3", "input_layernorm": "attention_norm",
    "post_attention_layernorm": "ffn_norm",
}
CUT_BY_COLUMNS = ("tok_embeddings", "attention.wo", "feed_forward.w2")
CUT_BY_ROWS = ("output", "attention.wq", "attention.wk", "attention.wv", "feed_forward.w1",
               "feed_forward.w3")


def write_json(path, value):
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


def hugging_face(folder, values, side, rows, shards, is_torch):
    """A folder with `shards` files and their index; PyTorch's have inv_freq, too, as Ziya's have."""
    folder.mkdir(parents=True, exist_ok=True)
    listed = tensors(values.sizes, rows, is_torch)
    total = sum(tensor.size for tensor in listed)
    groups, begin = [[] for _ in range(shards)], 0
    for tensor in listed:
        groups[begin * shards // total].append(tensor)
        begin += tensor.size
    groups = [group for group in groups if group]
    stem, suffix = ("pytorch_model", "bin") if is_torch else ("model", "safetensors")
    owners = {}
    for number, group in enumerate(groups, 1):
        name = f"{stem}-{number:05}-of-{len(groups):05}.{suffix}"
        owners.update((tensor.name, name) for tensor in group)
        (torch_shard if is_torch else safetensors_shard)(folder / name, values, side, group)
    write_json(folder / f"{stem}.{suffix}.index.json",
               {"metadata": {"total_size": total}, "weight_map": owners})
    configuration(folder, values.sizes, rows)
    companions(folder, "base-hf" if side == "base" else "delta")


def torch_shard(path, values, side, group):
    torchzip.write(path, [
        [(tensor.name, tensor.shape, tensor.item, tensor.size, values.pieces(tensor, side))]
        for tensor in group])


def safetensors_shard(path, values, side, group):
    header, end = {"__metadata__": {"format": "pt"}}, 0
    for tensor in group:
        header[tensor.name] = {
            "dtype": "F16", "shape": tensor.shape, "data_offsets": [end, end + tensor.size]}
        end += tensor.size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb", buffering=0) as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in group:
            for piece in values.pieces(tensor, side):
                if isinstance(piece, int):
                    file.seek(piece, 1)
                else:
                    file.write(piece.reshape(-1).data.cast("B"))
        file.truncate(8 + len(text) + end)


def configuration(folder, sizes, rows):
    write_json(folder / "config.json", {
        "architectures": ["LlamaForCausalLM"], "bos_token_id": 1, "eos_token_id": 2,
        "hidden_act": "silu", "hidden_size": sizes.hidden, "initializer_range": 0.02,
        "intermediate_size": sizes.feed_forward, "max_position_embeddings": 2048,
        "model_type": "llama", "num_attention_heads": sizes.heads,
        "num_hidden_layers": sizes.layers, "pad_token_id": 0, "rms_norm_eps": 1e-6,
        "tie_word_embeddings": False, "torch_dtype": "float16", "use_cache": True,
        "vocab_size": rows,
    })


def companions(folder, fixture):
    """Tokenizer and settings of mini-ziya, whose vocabulary is smaller: the other rows are unused."""
    for path in sorted((FIXTURE / fixture).iterdir()):
        is_setting = path.suffix == ".json" and not path.name.endswith("index.json")
        if path.name == "tokenizer.model" or is_setting and path.name != "config.json":
            shutil.copyfile(path, folder / path.name)


def meta(folder, values, parts):
    """Meta's folder: one file for each model-parallel part.

    The storages of Meta's 13B hold several tensors each, seen through offsets; its files are too small
    for one entry for each tensor. Here all tensors of a layer are in one storage.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sizes = values.sizes
    listed = tensors(sizes, sizes.base_rows, True)
    for part in range(parts):
        groups = {}
        for tensor in listed:
            if tensor.is_frequencies:
                group = "frequencies"  # F32, so not in a storage of F16
            else:
                words = tensor.name.split(".")
                group = words[2] if words[1] == "layers" else "rest"
            groups.setdefault(group, []).append(meta_member(tensor, values, part, parts))
        torchzip.write(folder / f"consolidated.{part:02}.pth", list(groups.values()))
    write_json(folder / "params.json", {
        "dim": sizes.hidden, "multiple_of": 256, "n_heads": sizes.heads, "n_layers": sizes.layers,
        "norm_eps": 1e-6, "vocab_size": -1})
    shutil.copyfile(FIXTURE / "base-meta/tokenizer.model", folder / "tokenizer.model")


def meta_member(tensor, values, part, parts):
    """What one part holds of a tensor, under its name, cut, and in its order of rows."""
    name = meta_name(tensor.name)
    shape, order, columns = list(tensor.shape), None, slice(None)
    if len(shape) == 2:
        order = np.arange(shape[0])
        if name.endswith((".wq.weight", ".wk.weight")):
            order = neighbours(shape[0], values.sizes.head)
    if name.endswith(tuple(f"{stem}.weight" for stem in CUT_BY_COLUMNS)):
        shape[1] //= parts
        columns = slice(part * shape[1], (part + 1) * shape[1])
    elif name.endswith(tuple(f"{stem}.weight" for stem in CUT_BY_ROWS)):
        shape[0] //= parts
        order = order[part * shape[0]:(part + 1) * shape[0]]
    size = tensor.item * int(np.prod(shape, dtype=np.int64))
    return name, tuple(shape), tensor.item, size, values.pieces(tensor, "base", order, columns)


def meta_name(name):
    stem = name.removesuffix(".weight")
    if stem in META_NAMES:
        return f"{META_NAMES[stem]}.weight"
    _, _, layer, rest = stem.split(".", 3)
    suffix = ".weight" if name.endswith(".weight") else ""
    return f"layers.{layer}.{META_NAMES[rest]}{suffix}"


def neighbours(rows, head):
    """For each of Meta's rows of queries or keys the number of Hugging Face's row."""
    place = np.arange(rows)
    inner = place % head
    return place - inner + inner % 2 * (head // 2) + inner // 2
