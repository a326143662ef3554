"""Whether the widened model is the same function as the model as it is, in Weightmill and in llama.cpp."""

import json

import llama_cpp
import numpy as np

from quality.programs import Failed

# Rounding alone: the sums of rows of 768 add zeros to those of 576.
LARGEST_DIVERGENCE = 1e-9
LARGEST_SQUARE_ERROR = 1e-5  # relative; llama.cpp rounds keys and values to F16
COUNT = 64


def check(weightmill, model, widened, ids, folder):
    """Compares predictions for a file of ids; the first few in llama.cpp."""
    # By saved logits: beside the model itself, the other sizes and epsilon count as errors of the file.
    logits = folder / "same-function.logits"
    weightmill.run("verify-logits", model, "--tokens", ids, "--save-logits", logits, "--force")
    report = json.loads(weightmill.run("verify-logits", widened, "--reference", logits, "--json"))
    logits.unlink()
    divergence = report["total"]["divergence"]["maximum"]
    if not divergence < LARGEST_DIVERGENCE:
        raise Failed(f"{widened.name} is not the same function as {model.name}: largest divergence {divergence:.3g}")
    first = json.loads(ids.read_text())[:COUNT]
    left, right = (_logits(path, first) for path in (model, widened))
    error = float(((left - right) ** 2).sum() / (left ** 2).sum())
    if not error < LARGEST_SQUARE_ERROR:
        raise Failed(f"{widened.name} in llama.cpp is not {model.name}: square error of logits {error:.3g}")
    return divergence, error


def _logits(path, ids):
    model = llama_cpp.Llama(
        str(path), n_ctx=COUNT, n_batch=COUNT, n_threads=1, n_threads_batch=1, logits_all=True, verbose=False)
    model.eval(ids)
    found = model.scores[:len(ids)].copy()
    model.close()
    return found
