#!/usr/bin/env python3
"""The steps of the chain that Benchmarks/job.py measures Weightmill against, each a process.

    job_steps.py merge BASE DELTA TARGET          with transformers, as Ziya's script does it
    job_steps.py quantize F16.gguf OUT.gguf MIX THREADS      with llama.cpp
"""

import ctypes
import sys


def merge(base, delta, target):
    import torch
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float16)
    merged = AutoModelForCausalLM.from_pretrained(delta, dtype=torch.float16)
    weights = base.state_dict()
    with torch.no_grad():
        for name, tensor in merged.state_dict().items():
            if "embed_tokens" not in name and "lm_head" not in name:
                tensor += weights[name]
    merged.save_pretrained(target)


def quantize(source, output, mix, threads):
    import llama_cpp

    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = getattr(llama_cpp, f"LLAMA_FTYPE_MOSTLY_{mix.upper()}")
    parameters.nthread = int(threads)
    code = llama_cpp.llama_model_quantize(source.encode(), output.encode(), ctypes.byref(parameters))
    if code:
        sys.exit(f"llama.cpp: {code}")


if __name__ == "__main__":
    {"merge": merge, "quantize": quantize}[sys.argv[1]](*sys.argv[2:])
