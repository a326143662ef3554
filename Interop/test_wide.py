"""Models made by Benchmarks/make-wide-model.py, small ones: their files, and what they are merged to.

Their zip files are checked by Python's zipfile, the merged weights by numpy, from the numbers the
generator started with. Two containers of the same base must give the same tensors.
"""

import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile
import zipfile
import zlib

import gguf
import numpy as np

from checks import ROOT, Checks, flat, weightmill

sys.path.insert(0, str(ROOT / "Benchmarks"))
from wide.folders import neighbours  # noqa: E402
from wide.torchzip import crc_of_zeros  # noqa: E402
from wide.values import Sizes, Values, tensors  # noqa: E402

SIZES = Sizes(layers=3, hidden=256, feed_forward=768, heads=4, base_rows=2000, rows=3072)
PARTS = ("base", "base-meta", "delta", "whole")
ALL = ",".join(PARTS)
GGUF_NAMES = {
    "embed_tokens": "token_embd", "norm": "output_norm", "lm_head": "output", "q_proj": "attn_q",
    "k_proj": "attn_k", "v_proj": "attn_v", "o_proj": "attn_output", "gate_proj": "ffn_gate",
    "down_proj": "ffn_down", "up_proj": "ffn_up", "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}


def make(folder, *options):
    subprocess.run(
        [sys.executable, "-B", ROOT / "Benchmarks/make-wide-model.py", str(SIZES.layers), folder,
         "--parts", ALL, "--hidden", str(SIZES.hidden), "--feed-forward", str(SIZES.feed_forward),
         "--heads", str(SIZES.heads), "--base-rows", str(SIZES.base_rows), "--rows",
         str(SIZES.rows), *options], check=True)
    return folder


def files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.parent.name in PARTS)


def digests(folder):
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in files(folder)}


def convert(folder, base, mix):
    output = folder / f"{base}-{mix}.gguf"
    weightmill("convert", folder / base, "--delta", folder / "delta", "--type", mix, "--name", "wide",
               "--output", output, "--quiet")
    return output


def tensor_bytes(path):
    return [(tensor.name, tensor.tensor_type.name, flat(tensor).tobytes())
            for tensor in gguf.GGUFReader(path).tensors]


def check_folders(checks, folder):
    """What holds for dense and sparse folders alike."""
    what = folder.name
    checks.none(f"{what}: checksums in PyTorch files are right", (
        f"{path.name}: {bad}" for path in files(folder) if path.suffix in (".bin", ".pth")
        if (bad := zipfile.ZipFile(path).testzip())))
    for mix in ("f16", "q4_k_m"):
        # Their metadata may say which files they come from.
        left, right = (tensor_bytes(convert(folder, base, mix)) for base in ("base", "base-meta"))
        checks.check(f"{what}: safetensors and Meta's parts give the same tensors in {mix}",
                     left == right, f"{len(left)} tensors")
    listed = folder / "whole.json"
    listed.write_text(weightmill("hash", folder / "whole", "--json"), encoding="utf-8")
    for base in ("base", "base-meta"):
        checks.check(f"{what}: {base} + delta is the whole model", "agree" in weightmill(
            "hash", folder / base, "--delta", folder / "delta", "--check", listed))


def check_values(checks, path):
    """Every merged tensor of a file in F16, from the numbers that the generator started with."""
    values = Values(SIZES, 1, False)
    found = {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}
    wrong = []
    for tensor in tensors(SIZES, SIZES.rows, False):
        words = tensor.name.removesuffix(".weight").split(".")
        prefix = f"blk.{words[2]}." if words[1:2] == ["layers"] else ""
        theirs = found.pop(f"{prefix}{GGUF_NAMES[words[-1]]}.weight")
        if tensor.is_norm:
            ours = values.norm(tensor, "target").astype(np.float32)
        else:
            rows = np.arange(tensor.shape[0])
            if words[-1] in ("q_proj", "k_proj"):
                rows = neighbours(tensor.shape[0], SIZES.head)
            ours = values.rows(tensor, "target", rows)
        if ours.tobytes() != flat(theirs).tobytes():
            wrong.append(tensor.name)
    checks.none("dense: every merged tensor is what numpy adds up", wrong + sorted(found))


def main():
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="weightmill-interop-") as name:
        root = pathlib.Path(name)
        zeros = bytes(1_000_003)
        checks.none("checksums over holes", (
            str(count) for count in (0, 1, 255, 4096, len(zeros)) for start in (0, 0xDEADBEEF)
            if crc_of_zeros(start, count) != zlib.crc32(zeros[:count], start)))
        dense = make(root / "dense")
        sparse = make(root / "sparse", "--sparse")
        checks.check("the same arguments give the same bytes",
                     digests(dense) == digests(make(root / "again")))
        checks.check("another seed gives other bytes",
                     digests(dense) != digests(make(root / "other", "--seed", "2")))
        sizes = [{str(path.relative_to(folder)): path.stat().st_size for path in files(folder)}
                 for folder in (dense, sparse)]
        checks.check("sparse files are as long as dense ones", sizes[0] == sizes[1])
        index = json.loads((dense / "delta/pytorch_model.bin.index.json").read_text())
        checks.check("a delta has three shards", len(set(index["weight_map"].values())) == 3)
        for folder in (dense, sparse):
            with checks.part(folder.name):
                check_folders(checks, folder)
        with checks.part("values"):
            check_values(checks, dense / "base-f16.gguf")
    checks.finish()


if __name__ == "__main__":
    main()
