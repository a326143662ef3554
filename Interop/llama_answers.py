"""What llama.cpp makes of a model: run by tests whose own environment has no llama.cpp.

    llama_answers.py MODEL QUESTIONS.json ANSWERS.npz

QUESTIONS: {"lines": [TEXT...], "ids": [[ID...]...], "prompts": [TEXT...], "count": N}. ANSWERS: `lines`
(JSON: ids of each text, without BOS), `logits0`, `logits1` … (after each of the ids), `texts` (JSON: what N
greedy tokens add to each prompt).
"""

import json
import sys

import llama_cpp
import numpy as np


def main(path, questions, answers):
    with open(questions, encoding="utf-8") as file:
        asked = json.load(file)
    model = llama_cpp.Llama(
        path, n_ctx=512, n_batch=512, n_threads=1, n_threads_batch=1, logits_all=True, seed=0,
        verbose=False)
    found = {
        "lines": json.dumps([
            model.tokenize(text.encode(), add_bos=False, special=False)
            for text in asked.get("lines", [])])}
    for index, ids in enumerate(asked.get("ids", [])):
        model.reset()
        model.eval(ids)
        found[f"logits{index}"] = model.scores[:len(ids)].copy()
    texts = []
    for prompt in asked.get("prompts", []):
        ids = model.tokenize(prompt.encode(), special=True)
        new = []
        for token in model.generate(ids, temp=0):
            if token == model.token_eos() or len(new) == asked["count"]:
                break
            new.append(token)
        texts.append(model.detokenize(new).decode(errors="replace"))
    found["texts"] = json.dumps(texts)
    np.savez(answers, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
