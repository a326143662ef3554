"""llama.cpp's quantizer in this process, with an importance matrix or without."""

import ctypes

import gguf
import llama_cpp
import numpy as np


def importance(path):
    """An importance matrix as llama-quantize gives it to llama_model_quantize."""
    reader = gguf.GGUFReader(path)
    keys = ("imatrix.datasets", "imatrix.chunk_count", "imatrix.chunk_size")
    missing = [key for key in keys if key not in reader.fields]
    if missing:
        raise ValueError(f"llama-quantize refuses files without {missing}")
    tensors = {tensor.name: tensor.data.ravel() for tensor in reader.tensors}
    weights = {}
    for name, sums in tensors.items():
        if name.endswith(".in_sum2"):
            count = np.rint(tensors[name.removesuffix(".in_sum2") + ".counts"])
            each = sums.reshape(len(count), -1)
            means = np.where(count[:, None] > 0, each / np.maximum(count[:, None], 1), 1)
            weights[name.removesuffix(".in_sum2")] = np.ascontiguousarray(means.ravel(), np.float32)
    return weights


def tensor_types(path):
    """The patterns and types of a file as llama-quantize's --tensor-type-file takes it."""
    for entry in path.read_text(encoding="utf-8").split():
        pattern, _, name = entry.rpartition("=")
        yield pattern, gguf.GGMLQuantizationType[name.upper()]


def quantize(source, output, file_type, weights, threads=1, types=()):
    """llama.cpp's quantizer with an importance matrix, or none, and types of some tensors; whether it succeeded."""
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = file_type
    parameters.nthread = threads
    entries = [
        llama_cpp.llama_model_imatrix_data(
            name.encode(), values.ctypes.data_as(ctypes.POINTER(ctypes.c_float)), values.size)
        for name, values in weights.items()]
    if entries:
        entries.append(llama_cpp.llama_model_imatrix_data(None, None, 0))
        parameters.imatrix = (llama_cpp.llama_model_imatrix_data * len(entries))(*entries)
    if types:
        overrides = [llama_cpp.llama_model_tensor_override(pattern.encode(), code) for pattern, code in types]
        overrides.append(llama_cpp.llama_model_tensor_override(None, 0))
        parameters.tt_overrides = (llama_cpp.llama_model_tensor_override * len(overrides))(*overrides)
    return llama_cpp.llama_model_quantize(
        str(source).encode(), str(output).encode(), ctypes.byref(parameters)) == 0
