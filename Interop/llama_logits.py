"""Writes the logits that llama.cpp gives after each of some ids: llama_logits.py FILE IDS OUTPUT.npy."""

import json
import sys

import llama_cpp
import numpy as np

path, ids, output = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]
model = llama_cpp.Llama(
    path, n_ctx=256, n_batch=256, n_threads=1, n_threads_batch=1, logits_all=True, seed=0, verbose=False)
model.eval(ids)
np.save(output, model.scores[:len(ids)])
