"""The programs that quantize, each by the same text: Weightmill, another build of it, llama.cpp."""

import ctypes
import functools
import json
import os
import subprocess

import llama
import llama_cpp
import llama_quantize

THREADS = os.cpu_count() or 1


class Failed(Exception):
    """A program that did not do what it was asked."""


@llama_cpp.llama_log_callback
def _silence(level, text, data):
    pass


class Weightmill:
    def __init__(self, path, name="weightmill"):
        self.path, self.name = path, name

    def run(self, *arguments):
        """What a command prints."""
        command = [str(argument) for argument in (self.path, *arguments, "--quiet")]
        done = subprocess.run(command, capture_output=True, encoding="utf-8")
        if done.returncode:
            raise Failed(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}")
        return done.stdout

    def quantize(self, reference, output, mix, trial):
        options = ["--imatrix", trial.importance] if trial.importance else []
        if trial.calibration and self.carries_errors:
            options = trial.calibration
        self.run("quantize", reference, output, mix, "--force", *options)

    def build(self):
        return self.run("--version").strip()

    @functools.cached_property
    def chooses_types(self):
        """Whether `quantize` can choose the types that cost least in the size of a mix."""
        return "--like" in self.run("quantize", "--help")

    @property
    def writes_text(self):
        """Whether `imatrix` can learn from text that the model writes itself."""
        return "--text self" in self.run("imatrix", "--help")

    @functools.cached_property
    def carries_errors(self):
        """Whether `quantize` can carry rounding errors on, by text."""
        return "--calibrate" in self.run("quantize", "--help")


class FixedMix(Weightmill):
    """The same program, with the types of the mix."""

    def __init__(self, path):
        super().__init__(path, "the fixed mix")


class ChosenTypes(Weightmill):
    """The same program, with the types that cost least in the bytes of the mix."""

    def __init__(self, path):
        super().__init__(path)
        self.expected = None

    def quantize(self, reference, output, mix, trial):
        guide = trial.calibration or ["--imatrix", trial.importance]
        said = json.loads(self.run(
            "quantize", reference, output, "--like", mix, "--sensitivity", trial.sensitivity, "--force", "--json", *guide))
        chosen = said["allocation"]
        if chosen["bytes"] > chosen["mixBytes"]:
            raise Failed(f"{mix} has {chosen['mixBytes']} bytes, the types that were chosen for it {chosen['bytes']}")
        # With errors carried on, a file loses far less.
        self.expected = None if trial.calibration else chosen["divergence"]


class LlamaCpp:
    name = "llama.cpp"

    def __init__(self):
        llama_cpp.llama_log_set(_silence, ctypes.c_void_p(0))

    def quantize(self, reference, output, mix, trial):
        file_type = getattr(llama_cpp, f"LLAMA_FTYPE_MOSTLY_{mix.upper()}", None)
        if file_type is None:
            raise Failed(f"llama.cpp has no mix {mix}")
        weights = llama_quantize.importance(trial.importance) if trial.importance else {}
        if not llama_quantize.quantize(reference, output, file_type, weights, THREADS):
            raise Failed(f"llama.cpp makes no {mix} of {reference}")

    def build(self):
        return llama.build()

