"""Whether the widened model is the same function as the model as it is, in Weightmill and in llama.cpp."""

import json

import llama_cpp
import numpy as np

from quality.programs import Failed

# Rounding alone: the sums of rows of 768 add zeros to those of 576.
LARGEST_DIVERGENCE = 1e-9
LARGEST_LOGIT_DIFFERENCE = 1e-2  # llama.cpp rounds attention's keys and values to F16
COUNT = 64


def check(weightmill, model, widened, ids):
    """Compares predictions for a file of ids; the first few in llama.cpp."""
    report = json.loads(weightmill.run("verify-logits", widened, "--reference", model, "--tokens", ids, "--json"))
    divergence = report["total"]["divergence"]["maximum"]
    if not divergence < LARGEST_DIVERGENCE:
        raise Failed(f"{widened.name} is not the same function as {model.name}: largest divergence {divergence:.3g}")
    first = json.loads(ids.read_text())[:COUNT]
    left, right = (_logits(path, first) for path in (model, widened))
    difference = float(np.abs(left - right).max())
    if not difference < LARGEST_LOGIT_DIFFERENCE:
        raise Failed(f"{widened.name} in llama.cpp is not {model.name}: logits differ by {difference:.3g}")
    return divergence, difference


def _logits(path, ids):
    model = llama_cpp.Llama(
        str(path), n_ctx=COUNT, n_batch=COUNT, n_threads=1, n_threads_batch=1, logits_all=True, verbose=False)
    model.eval(ids)
    found = model.scores[:len(ids)].copy()
    model.close()
    return found
