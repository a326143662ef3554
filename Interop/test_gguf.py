"""Weightmill's files as the Python package gguf, llama.cpp's own, reads them.

gguf.quants has quantizers for BF16, Q8_0 and Q4_0 and dequantizers for Q6_K too. They are exact:
Weightmill's bytes and values are compared with theirs bit for bit. Q6_K blocks are compared with
llama.cpp's in test_llama.py.
"""

import hashlib
import json
import pathlib
import tempfile

import gguf
import numpy as np
from gguf.constants import GGMLQuantizationType as Type

from checks import ROOT, Checks, convert, expected, flat, imatrix, metadata, weightmill

# The type of the matrices, and llama.cpp's number for the mix.
MIXES = {
    "f16": (Type.F16, 1),
    "f32": (Type.F32, 0),
    "bf16": (Type.BF16, 32),
    "q8_0": (Type.Q8_0, 7),
    "q6_k": (Type.Q6_K, 18),
    "q4_0": (Type.Q4_0, 2),
}
QUANTIZED = ("q8_0", "q6_k", "q4_0")
ENCODED_BY_GGUF = (Type.F32, Type.BF16, Type.Q8_0, Type.Q4_0)


def expected_type(mix, name, reference):
    if reference["type"] == "F32":  # norms, in every mix
        return Type.F32
    if mix == "q4_0" and name == "output.weight":
        return Type.Q6_K
    return MIXES[mix][0]


def digest(data):
    return hashlib.sha256(data).hexdigest()


def summary(kinds, value):
    """A field in the form of gguf-reference.json."""
    if kinds[0] != "ARRAY":
        return {"type": kinds, "value": value}
    text = json.dumps(value, ensure_ascii=False).encode()
    return {
        "type": kinds, "count": len(value), "first": value[:4], "last": value[-4:],
        "sha256_json": digest(text)}


def values(tensor):
    """A tensor's values as gguf reads them, in F32."""
    return gguf.quants.dequantize(tensor.data, tensor.tensor_type).ravel()


def same_bits(left, right):
    return np.array_equal(left.view(np.uint32), right.view(np.uint32))


def check_shape(checks, mix, reader, reference):
    """Names, dimensions, types and the places of the tensors."""
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    checks.check(
        f"{mix}: the tensors are the reference's",
        tensors.keys() == reference.keys() and len(tensors) == len(reader.tensors),
        f"{len(reader.tensors)} tensors")
    checks.none(f"{mix}: dimensions and types", (
        f"{name} {tensor.tensor_type.name} {tensor.shape.tolist()}"
        for name, tensor in tensors.items()
        if tensor.shape.tolist() != reference[name]["dims"]
        or tensor.tensor_type != expected_type(mix, name, reference[name])))

    def padded(offset):
        return -(-offset // reader.alignment) * reader.alignment

    end = reader.data_offset
    problems = []
    for tensor in sorted(reader.tensors, key=lambda tensor: tensor.data_offset):
        if tensor.data_offset != padded(end):
            problems.append(f"{tensor.name} at {tensor.data_offset}, not at {padded(end)}")
        end = tensor.data_offset + tensor.n_bytes
    if len(reader.data) not in (end, padded(end)):
        problems.append(f"the file ends at {len(reader.data)}, its tensors at {end}")
    checks.none(f"{mix}: tensors lie one after the other, aligned, to the file's end", problems)


def check_metadata(checks, mix, reader, reference):
    reference = {key: value for key, value in reference.items() if key != "general.name"}
    reference["general.file_type"] = {"type": ["UINT32"], "value": MIXES[mix][1]}
    ours = {key: summary(*field) for key, field in metadata(reader).items()}
    checks.none(f"{mix}: {len(reference)} metadata fields are the reference's", (
        f"{key} is {ours.get(key)}, not {value}"
        for key, value in reference.items() if ours.get(key) != value))
    checks.none(f"{mix}: no other fields than name, chat template and Weightmill's own", (
        key for key in ours.keys() - reference.keys()
        if key not in ("general.name", "tokenizer.chat_template")
        and not key.startswith("weightmill.")))


def check_imatrix(checks, folder):
    """Weightmill's importance matrix beside the one that llama-imatrix wrote."""
    path, reference = imatrix(folder), ROOT / "fixtures/imatrix/llama.gguf"
    ours, theirs = gguf.GGUFReader(path), gguf.GGUFReader(reference)
    checks.check(
        "imatrix: metadata is llama-imatrix's", list(metadata(ours).items())
        == list(metadata(theirs).items()), f"{metadata(ours)}")
    checks.check(
        "imatrix: the header has llama-imatrix's bytes",
        path.read_bytes()[:ours.data_offset] == reference.read_bytes()[:theirs.data_offset],
        f"{ours.data_offset} bytes, {len(ours.tensors)} tensors")
    worst = 0.0
    problems = []
    for left, right in zip(ours.tensors, theirs.tensors):
        if left.name.endswith(".counts"):
            if not same_bits(left.data, right.data):
                problems.append(f"{left.name} is {left.data}")
        else:
            worst = max(worst, float(np.max(np.abs(left.data - right.data) / right.data)))
    checks.none("imatrix: counts are llama-imatrix's", problems)
    checks.check(
        "imatrix: sums of squares are nearly llama-imatrix's, which rounds to F16 on the way",
        worst < 4e-3, f"largest difference {worst:.2%}")


def check_split(checks, folder, whole):
    """A file that Weightmill cut, part by part, beside the whole one."""
    limit = 2_000_000
    weightmill("split", reader_path(whole), folder / "part", "--max-size", "2M")
    parts = [gguf.GGUFReader(path) for path in sorted(folder.glob("part-*.gguf"))]
    checks.check(
        "split: names number the parts",
        [path.name for path in sorted(folder.glob("part-*.gguf"))]
        == [f"part-{i + 1:05}-of-{len(parts):05}.gguf" for i in range(len(parts))],
        f"{len(parts)} parts")
    expected_parts, size = [[]], 0
    for tensor in whole.tensors:  # llama-gguf-split's rule
        padded = -(-tensor.n_bytes // 32) * 32
        if expected_parts[-1] and size + padded > limit:
            expected_parts.append([])
            size = 0
        expected_parts[-1].append(tensor.name)
        size += padded
    checks.check(
        "split: parts end where llama-gguf-split ends them",
        [[tensor.name for tensor in part.tensors] for part in parts] == expected_parts,
        f"{[len(part) for part in expected_parts]} tensors")
    for number, part in enumerate(parts):
        keys = metadata(part)
        split = {key: keys.pop(key, None) for key in (
            "split.no", "split.count", "split.tensors.count")}
        checks.check(
            f"split: metadata of part {number + 1}",
            keys == (metadata(whole) if number == 0 else {}) and split == {
                "split.no": (["UINT16"], number), "split.count": (["UINT16"], len(parts)),
                "split.tensors.count": (["INT32"], len(whole.tensors))}, split)
    tensors = {tensor.name: tensor for part in parts for tensor in part.tensors}
    checks.none("split: tensors have the whole file's types, shapes and bytes", (
        tensor.name for tensor in whole.tensors
        if tensors[tensor.name].tensor_type != tensor.tensor_type
        or tensors[tensor.name].shape.tolist() != tensor.shape.tolist()
        or not np.array_equal(flat(tensors[tensor.name]), flat(tensor))))


def main():
    checks = Checks()
    reference = expected("gguf-reference.json")
    with tempfile.TemporaryDirectory(prefix="weightmill-interop-") as name:
        folder = pathlib.Path(name)
        readers = {}
        for mix in MIXES:
            with checks.part(f"making {mix}"):
                if mix in QUANTIZED:
                    path = folder / f"from-f16-{mix}.gguf"
                    weightmill(
                        "quantize", folder / "f16.gguf", path, mix, "--encoder", "compatible")
                else:
                    path = convert(folder, mix)
                readers[mix] = gguf.GGUFReader(path)
                check_shape(checks, mix, readers[mix], reference["tensors"])
                check_metadata(checks, mix, readers[mix], reference["metadata"])

        with checks.part("imatrix"):
            check_imatrix(checks, folder)

        if "f16" not in readers:
            checks.finish()
        with checks.part("split"):
            check_split(checks, folder, readers["f16"])
        with checks.part("f16 bytes"):
            checks.none("f16: every tensor has the reference's bytes", (
                tensor.name for tensor in readers["f16"].tensors
                if digest(flat(tensor)) != reference["tensors"][tensor.name]["sha256"]))

        sources = {tensor.name: values(tensor) for tensor in readers["f16"].tensors}
        for mix, reader in readers.items():
            if mix == "f16":
                continue
            with checks.part(f"{mix} against gguf's quantizers"):
                encoded = [x for x in reader.tensors if x.tensor_type in ENCODED_BY_GGUF]
                checks.none(
                    f"{mix}: gguf quantizes the f16 values to the same bytes"
                    f" ({len(encoded)} of {len(reader.tensors)} tensors)", (
                        tensor.name for tensor in encoded if not np.array_equal(
                            flat(tensor),
                            gguf.quants.quantize(sources[tensor.name], tensor.tensor_type)
                            .view(np.uint8))))

            if mix != "f32":
                with checks.part(f"{mix} decoded"):
                    decoded = folder / f"decoded-{mix}.gguf"
                    weightmill(
                        "quantize", reader_path(reader), decoded, "f32", "--allow-requantize")
                    ours = {x.name: values(x) for x in gguf.GGUFReader(decoded).tensors}
                    checks.none(f"{mix}: gguf and Weightmill dequantize to the same bits", (
                        tensor.name for tensor in reader.tensors
                        if not same_bits(values(tensor), ours[tensor.name])))

            if mix in QUANTIZED:
                with checks.part(f"{mix} converted directly"):
                    direct = {x.name: x for x in gguf.GGUFReader(
                        convert(folder, mix, "--encoder", "compatible")).tensors}
                    checks.none(f"{mix}: converted directly, the tensors are as by way of f16", (
                        tensor.name for tensor in reader.tensors
                        if direct[tensor.name].tensor_type != tensor.tensor_type
                        or not np.array_equal(flat(direct[tensor.name]), flat(tensor))))
    checks.finish()


def reader_path(reader):
    """The file of a reader, which maps it."""
    return reader.data.filename


if __name__ == "__main__":
    main()
