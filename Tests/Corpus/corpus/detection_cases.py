"""Files that are not what their names say, or what people have in a checkpoint's place (DET-01),
and names that would make errors long or drive a terminal (ERR-01)."""

from . import safetensors_cases as safetensors
from .book import BAD, MALFORMED, UNSUPPORTED
from .checkpoints import Storage, View, entries, expected, one, zip_file
from .gguf_cases import file as gguf, info, raw, value
from .packing import noise, u64
from .pickles import Call, Global, pickled
from .zipfiles import archive


def add(book):
    impostors(book)
    names(book)
    polyglots(book)
    messages(book)


def impostors(book):
    for name, content, codes in (
        ("empty", b"", MALFORMED),
        ("one-byte", b"\0", MALFORMED),
        ("zeros", bytes(600), MALFORMED),
        ("noise", noise("detection", 500), MALFORMED),
        ("git-lfs", b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 9877\n",
         MALFORMED),
        ("web-page", b"<!DOCTYPE html>\n<html><title>Access denied</title></html>", MALFORMED),
        ("web-page-spaced", b"\n\n  <html>", MALFORMED),
        ("xml", b"<?xml version='1.0'?><Error/>", MALFORMED),
        ("text", b"Entry not found", MALFORMED),
        ("script", b"#!/bin/sh\ntouch weightmill-corpus-marker\n", MALFORMED),
        ("gzip", b"\x1f\x8b\x08\0\0\0\0\0\0\3" + bytes(20), UNSUPPORTED),
        ("7z", b"7z\xbc\xaf\x27\x1c" + bytes(30), UNSUPPORTED),
        ("npy", b"\x93NUMPY\1\0" + bytes(120), UNSUPPORTED),
        ("hdf5", b"\x89HDF\r\n\x1a\n" + bytes(100), UNSUPPORTED),
        ("png", b"\x89PNG\r\n\x1a\n" + bytes(60), MALFORMED),
        ("ggml", b"lmgg" + bytes(40), (MALFORMED, UNSUPPORTED)),
        ("torch-mobile", b"PYTORCH1" + bytes(40), (MALFORMED, UNSUPPORTED)),
    ):
        book.reject(f"detection/{name}.bin", "DET-01", f"in a checkpoint's place: {name}", content,
                    codes)


def names(book):
    """Content and extension disagree."""
    t = one("F32", (2, 3), "0")
    torch = zip_file({"t": t}, [t])
    tensors = safetensors.file([safetensors.value("a")])
    llama = gguf([value("a")])
    for path, content, what in (
        ("torch.safetensors", torch, "a PyTorch file"),
        ("torch.gguf", torch, "a PyTorch file"),
        ("safetensors.gguf", tensors, "a safetensors file"),
        ("gguf.safetensors", llama, "a GGUF file"),
    ):
        kind = path.split(".")[1]
        book.reject(f"detection/named-{path.replace('.', '-as-')}.{kind}", "DET-01",
                    f"{what} named .{kind}", content, BAD)
    for path, content, tensor in (
        ("safetensors.bin", tensors, [safetensors.value("a")]),
        ("gguf.bin", llama, [value("a")]),
        ("safetensors.pth", tensors, [safetensors.value("a")]),
        ("gguf.pt", llama, [value("a")]),
    ):
        kind = path.split(".")[1]
        book.either(f"detection/named-{path.replace('.', '-as-')}.{kind}", "DET-01",
                    f"another kind of file named .{kind}", content, BAD, tensor)
    for kind in ("pt", "pth", "bin", "ckpt"):
        book.accept(f"detection/torch-as-{kind}.{kind}", "DET-01", f"a PyTorch file named .{kind}",
                    torch, expected({"t": t}))
    book.accept("detection/no-extension", "DET-01", "a PyTorch file without an extension", torch,
                expected({"t": t}))
    book.either("detection/upper.SAFETENSORS", "DET-01", "an extension in capitals", tensors, BAD,
                [safetensors.value("a")])


def polyglots(book):
    t = one("F32", (2, 3), "0")
    torch = zip_file({"t": t}, [t], style="plain")
    tensors = safetensors.file([safetensors.value("a")])
    book.reject("detection/safetensors-and-zip.bin", ["DET-01", "ST-09", "ZIP-01"],
                "safetensors with a zip archive behind", tensors + torch, BAD)
    book.reject("detection/gguf-and-zip.bin", ["DET-01", "ZIP-01"],
                "a zip archive behind a GGUF header that promises more",
                raw([info("a", (8, 8), 0, 0)], data=b"") + torch[:100], BAD)
    header = b'{"__metadata__":{"x":"' + b"A" * 10 + b'"}}'
    inside = u64(len(header)) + header + torch
    book.reject("detection/zip-in-safetensors.bin", ["DET-01", "ST-09"],
                "a zip archive as the data of safetensors", inside, BAD)
    evil = pickled({"x": Call(Global("os", "system"), "touch weightmill-corpus-marker")})
    book.reject("detection/pickle-then-zip.bin", ["DET-01", "ZIP-01", "PK-03"],
                "a hostile pickle before a zip archive", evil + torch, (*BAD, UNSUPPORTED))
    book.reject("detection/zip-then-pickle.bin", ["DET-01", "ZIP-02"],
                "a hostile pickle after a zip archive", torch + evil, BAD)


def messages(book):
    """Names of hostile files, shown in errors."""
    for name, text in {
            "escape": "\x1b[2J\x1b[31mred",
            "bell": "\x07\x08\x7f",
            "bidi": "\u202e\u2066abc",
            "line": "a\nweightmill: all is well\nb",
            "long": "n" * 9000,
            "wide": "\U0001f600" * 900,
            "controls": "\x01" * 900,
            "marks": "e" + "\u0301" * 900,
            "separator": "a\u2028b\u2029c",
            "c1": "\u009b31m",
            "tags": "\U000e0041\U000e0042",
            "zero-width": "a\u200bb\ufeffc",
    }.items():
        header = {text: {"dtype": "F32", "shape": [9], "data_offsets": [0, 24]}}
        book.reject(f"errors/tensor-{name}.safetensors", "ERR-01",
                    f"a name that would drive a terminal or flood it: {name}",
                    safetensors.framed(safetensors.compact(header), bytes(24)), MALFORMED)
    for name, text in {"controls": "\x01" * 200, "bidi": "\u202e" * 200,
                       "long": "k" * 9000}.items():
        view = View(Storage(text, "F32", 6), (2, 3))
        made = entries(pickled({"t": view}), [])
        book.reject(f"errors/key-{name}.pth", "ERR-01", f"a storage's key in an error: {name}",
                    archive(made), BAD)
