#!/usr/bin/env python3
"""llama.cpp, as llama-cpp-python has it: its libraries and what they were built for."""

import ctypes
import pathlib

import llama_cpp


def ggml():
    """The library that quantizes, with the two functions that peers.py calls."""
    folder = pathlib.Path(llama_cpp.__file__).parent / "lib"
    library = ctypes.CDLL(str(next(folder.glob("libggml-base.*"))))
    library.ggml_quantize_chunk.restype = ctypes.c_size_t
    library.ggml_quantize_chunk.argtypes = [
        ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64,
        ctypes.c_int64, ctypes.c_void_p]
    library.ggml_fp16_to_fp32_row.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
    return library


def build():
    """Version, and the instructions that its code was compiled for, in one line."""
    listed = llama_cpp.llama_print_system_info().decode()
    return f"llama.cpp of llama-cpp-python {llama_cpp.__version__}: {listed.strip(' |')}"


if __name__ == "__main__":
    print(build())
