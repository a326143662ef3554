"""Weightmill's files in llama.cpp: they load, tokenize, predict and quantize as they should.

What is compared with what:
- quantize: Weightmill's files with llama.cpp's own from the same F16 file: types, metadata, how well
  they predict, and with --encoder compatible the bytes;
- tokenize: ids of both programs, and llamacpp-tokens.json;
- split: the logits of a file that Weightmill cut with those of the whole file;
- chosen types: a file whose types were chosen for a size; llama.cpp's quantizer by the file of these types;
- imatrix: llama.cpp's quantizer with Weightmill's importance matrix, read as llama-quantize does; the perplexity that is
  measured on the way, by llama.cpp's logits;
- logits: llama.cpp's on the F16 file with those of transformers on the merged weights, the
  quantized files' with the F16 file's;
- generate: 16 greedy tokens of the F16 file. llama.cpp rounds activations to F16 there, to 8 bits
  for quantized matrices: the quantized files' tokens may differ and are only printed.
"""

import ctypes
import json
import pathlib
import platform
import tempfile

import gguf
import llama_cpp
import numpy as np
from llama_cpp.llama_chat_format import Jinja2ChatFormatter

from checks import (
    FIXTURE, ROOT, Checks, convert, expected, flat, imatrix, metadata, weightmill, weightmill_json)
from llama_quantize import importance, quantize, tensor_types

PROMPT = "<human>:帮我写一份去西安的旅游计划\n<bot>:"
# The prompts that are continued. All are texts to tokenize too.
PROMPTS = (
    PROMPT,
    "The gradient of the loss with respect to the weights is computed by",
    "在深度学习中，卷积神经网络是一种",
)
TEXTS = PROMPTS + (
    "<human>:What is 机器学习 (machine learning)?\n<bot>:",
    "Mixed 混排 text, with ünïcödé, 🤔 and\ttabs\r\n  two spaces ",
    "<bot>: </s> <s><human>:<pad><unk>[PAD3060]<0x41>",
    "-17 --json",
    "\n\n",
    " ",
)
LANGUAGES = ("en", "zh")  # of the long texts
COUNT = 16
QUANTIZED = {
    "q8_0": llama_cpp.LLAMA_FTYPE_MOSTLY_Q8_0,
    "q6_k": llama_cpp.LLAMA_FTYPE_MOSTLY_Q6_K,
    "q4_0": llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_0,
}
# Mixes whose scales are searched, and how well the last logits must agree with the F16 file's.
SEARCHED = {
    "q5_1": (llama_cpp.LLAMA_FTYPE_MOSTLY_Q5_1, 0.99),
    "q5_0": (llama_cpp.LLAMA_FTYPE_MOSTLY_Q5_0, 0.99),
    "q4_1": (llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_1, 0.98),
    "q5_k_m": (llama_cpp.LLAMA_FTYPE_MOSTLY_Q5_K_M, 0.99),
    "q4_k_m": (llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_K_M, 0.98),
    "q3_k_m": (llama_cpp.LLAMA_FTYPE_MOSTLY_Q3_K_M, 0.95),
    "q2_k": (llama_cpp.LLAMA_FTYPE_MOSTLY_Q2_K, 0.85),
    "iq4_nl": (llama_cpp.LLAMA_FTYPE_MOSTLY_IQ4_NL, 0.98),
    "iq4_xs": (llama_cpp.LLAMA_FTYPE_MOSTLY_IQ4_XS, 0.98),
    "iq3_s": (llama_cpp.LLAMA_FTYPE_MOSTLY_IQ3_S, 0.93),
}
# Mixes of about one or two bits, which the package gguf does not all know: with importance, on a model that
# was not trained for them.
TINY = ("iq1_m", "iq1_s", "q2_0", "q1_0")


def without_ours(reader):
    """Metadata but for what Weightmill says of the making of a file, which llama.cpp copies."""
    return {key: value for key, value in metadata(reader).items() if not key.startswith("weightmill.")}


def load(path):
    # One thread: several wait for each other by spinning, 7 times slower on a busy machine.
    return llama_cpp.Llama(
        str(path), n_ctx=256, n_batch=256, n_threads=1, n_threads_batch=1, logits_all=True,
        seed=0, verbose=False)


def logits(model, ids):
    """The logits after each of the ids."""
    model.reset()
    model.eval(ids)
    return model.scores[:len(ids)].copy()


def greedy(model, ids):
    """The most likely ids after some, as Weightmill generates, and how clear the closest was."""
    new, margin = [], np.inf
    model.reset()
    model.eval(ids)
    while len(new) < COUNT:
        row = model.scores[model.n_tokens - 1]
        best = int(np.argmax(row))
        second, first = np.partition(row, -2)[-2:]
        margin = min(margin, first - second)
        if best == model.token_eos():
            break
        new.append(best)
        model.eval([best])
    return new, float(margin)


def correlation(left, right):
    return float(np.corrcoef(left, right)[0, 1])


def safetensors(path):
    """A safetensors file's F32 and I64 tensors, and its metadata."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    about = header.pop("__metadata__")
    kinds = {"F32": "<f4", "I32": "<i4", "I64": "<i8"}
    return {
        name: np.frombuffer(data[slice(*(start + x for x in entry["data_offsets"]))],
                            kinds[entry["dtype"]]).reshape(entry["shape"])
        for name, entry in header.items()}, about


def check_tokens(checks, path, model):
    problems = []
    stored = {case["text"]: case for case in expected("llamacpp-tokens.json")["cases"]}
    long = [(FIXTURE / "expected" / f"eval-{x}.txt").read_text(encoding="utf-8") for x in LANGUAGES]
    texts = dict.fromkeys([*stored, *TEXTS, *long])
    for text in texts:
        for special in (False, True):
            theirs = model.tokenize(text.encode(), add_bos=True, special=special)
            flag = ["--parse-special"] if special else []
            shown = f"{text[:40]!r} {' '.join(flag)}:"
            ours = json.loads(weightmill("tokenize", "--json", *flag, "--", path, text))["ids"]
            if ours != theirs:
                problems.append(f"{shown} {ours[:40]}, llama.cpp {theirs[:40]}")
            if text in stored and ours != stored[text]["parse_special" if special else "plain"]:
                problems.append(f"{shown} {ours[:40]}, not as in the fixture")
    checks.none(
        f"{path.stem}: ids of {len(texts)} texts, with and without --parse-special, are llama.cpp's"
        f", and of {len(stored)} the fixture's", problems)


def check_reference_logits(checks, model):
    """llama.cpp on our file against transformers on the merged weights."""
    tensors, about = safetensors(FIXTURE / "expected" / "logits.safetensors")
    for index, prompt in enumerate(json.loads(about["prompts"])):
        ids = tensors[f"prompt{index}.ids"].tolist()
        ours, theirs = logits(model, ids), tensors[f"prompt{index}.logits"]
        worst = min(correlation(*rows) for rows in zip(ours, theirs))
        agree = np.mean(ours.argmax(1) == theirs.argmax(1))
        checks.check(
            f"f16: llama.cpp's logits are those of transformers, prompt {index}", worst > 0.9999,
            f"{len(ids)} positions, worst correlation {worst:.7f}, largest difference"
            f" {np.abs(ours - theirs).max():.4f}, same best token at {agree:.0%}")


def check_greedy(checks, path, model):
    for index, prompt in enumerate(PROMPTS):
        done = weightmill_json("generate", path, "--prompt", prompt, "--max-tokens", COUNT, "--temperature", 0)
        ids = model.tokenize(prompt.encode(), add_bos=True, special=True)
        new, margin = greedy(model, ids)
        same = next((i for i, (a, b) in enumerate(zip(new, done["ids"])) if a != b),
                    min(len(new), len(done["ids"])))
        detail = f"{same} of {COUNT} the same, closest choice of llama.cpp by {margin:.4f}"
        if path.stem != "f16":
            print(f"     {path.stem}: greedy tokens, prompt {index}: {detail}")
            continue
        checks.check(f"f16: prompt ids of generate, prompt {index}", done["prompt"] == ids)
        checks.check(
            f"f16: {COUNT} greedy tokens, prompt {index}", done["ids"] == new,
            detail if done["ids"] == new else f"{detail}: {done['ids']}, llama.cpp {new}")
        text = model.detokenize(new, prev_tokens=ids, special=True).decode(errors="replace")
        checks.check(
            f"f16: the text of generate, prompt {index}", done["text"] == text,
            repr(text) if done["text"] == text else f"{done['text']!r}, llama.cpp {text!r}")


def check_chat(checks, model):
    template = model.metadata.get("tokenizer.chat_template")
    checks.check("f16: there is a chat template", template)
    if not template:
        return
    formatter = Jinja2ChatFormatter(template=template, eos_token="</s>", bos_token="<s>")
    turns = [("user", "Q"), ("assistant", "A"), ("user", "Q2")]
    messages = [{"role": role, "content": content} for role, content in turns]
    text = formatter(messages=messages).prompt
    checks.check(
        "f16: two turns in the chat template", text == "<human>:Q\n<bot>:A</s><human>:Q2\n<bot>:",
        repr(text))
    ids = model.tokenize(text.encode(), add_bos=True, special=True)
    marks = [id for id in ids if id in (1, 2, 3050, 3051)]
    checks.check(
        "f16: <s> <human> <bot> </s> <human> <bot> are tokens of their own",
        marks == [1, 3050, 3051, 2, 3050, 3051], marks)


def llama_quantizes(checks, source, path, file_type):
    """llama.cpp's quantized file beside Weightmill's: the same types and the same metadata."""
    mix = path.stem
    output = path.with_name(f"llama-{mix}.gguf")
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = file_type
    parameters.nthread = 2
    code = llama_cpp.llama_model_quantize(
        str(source).encode(), str(output).encode(), ctypes.byref(parameters))
    checks.check(f"{mix}: llama.cpp quantizes our f16 file", code == 0)
    ours, theirs = gguf.GGUFReader(path), gguf.GGUFReader(output)
    tensors = {tensor.name: tensor for tensor in theirs.tensors}
    checks.none(f"{mix}: types as llama.cpp chooses them", (
        f"{tensor.name} is {tensor.tensor_type.name}, not {tensors[tensor.name].tensor_type.name}"
        for tensor in ours.tensors
        if tensor.tensor_type != tensors[tensor.name].tensor_type))
    checks.check(
        f"{mix}: metadata as llama.cpp writes it", without_ours(ours) == without_ours(theirs),
        f"{len(metadata(ours))} fields")
    return ours, tensors


def check_quantizer(checks, source, path, file_type):
    """Weightmill's compatible file against llama.cpp's of the same source."""
    mix = path.stem
    ours, tensors = llama_quantizes(checks, source, path, file_type)
    same = total = 0
    for tensor in ours.tensors:
        left, right = flat(tensor), flat(tensors[tensor.name])
        total += left.size
        same += int((left == right).sum()) if left.size == right.size else 0
    # Elsewhere the compiler contracts llama.cpp's products and sums into fused ones, which round
    # once: a few blocks then come out otherwise, none of them worse.
    exact = platform.machine() in ("x86_64", "AMD64")
    checks.check(
        f"{mix}: bytes as llama.cpp's quantizer makes them",
        same == total if exact else same > 0.99 * total, f"{same} of {total} the same")


def check_searched(checks, source, path, file_type, least, full):
    """A file with searched scales: it loads, and predicts as the F16 file does."""
    llama_quantizes(checks, source, path, file_type)
    model = load(path)
    for index, (ids, reference) in enumerate(full):
        value = correlation(logits(model, ids)[-1], reference)
        checks.check(
            f"{path.stem}: last logits against f16's, prompt {index}", value > least,
            f"correlation {value:.6f}")
    model.close()


def check_imatrix(checks, source, full):
    """llama.cpp quantizes our f16 file with our importance matrix."""
    folder = source.parent
    weights = importance(imatrix(folder))
    checks.check("imatrix: there is an entry for each matrix but the embedding", len(weights) == 29)
    # A type that llama.cpp makes with an importance matrix only.
    few = llama_cpp.LLAMA_FTYPE_MOSTLY_IQ2_XXS
    checks.check(
        "imatrix: llama.cpp refuses iq2_xxs without it",
        not quantize(source, folder / "none.gguf", few, {}))
    checks.check(
        "imatrix: llama.cpp makes iq2_xxs with it",
        quantize(source, folder / "iq2_xxs.gguf", few, weights))
    model = load(folder / "iq2_xxs.gguf")
    checks.check("imatrix: llama.cpp loads that file", model.n_vocab() == 3072)
    model.close()

    many = llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_0
    worst = []
    for name, given in (("plain", {}), ("weighted", weights)):
        path = folder / f"{name}.gguf"
        checks.check(f"imatrix: llama.cpp makes q4_0, {name}", quantize(source, path, many, given))
        model = load(path)
        worst.append(min(correlation(logits(model, ids)[-1], row) for ids, row in full))
        model.close()
    checks.check(
        "imatrix: last logits of q4_0 against f16's", min(worst) > 0.98,
        "worst correlation {:.6f} without, {:.6f} with".format(*worst))


def check_perplexity(checks, source):
    """The perplexity that imatrix measures on the way, by llama.cpp's logits: the second half of each window."""
    path, context = ROOT / "fixtures/imatrix/text.txt", 48
    found = weightmill_json(
        "imatrix", source, "--text", path, "--context", context, "--output", source.with_name("ppl.gguf"), "--means")
    model = load(source)
    ids = model.tokenize(path.read_bytes(), add_bos=True, special=False)
    surprises = []
    for first in range(0, len(ids) // context * context, context):
        window = [model.token_bos(), *ids[first + 1:first + context]]
        rows = logits(model, window).astype(np.float64)[context // 2:-1]
        most = rows.max(1)
        partition = np.log(np.exp(rows - most[:, None]).sum(1)) + most
        surprises += list(partition - rows[np.arange(len(rows)), window[context // 2 + 1:]])
    model.close()
    theirs = float(np.exp(np.mean(surprises)))
    error = float(np.std(surprises) / np.sqrt(len(surprises) - 1) * theirs)
    checks.check(
        "imatrix: the perplexity on the way is that of llama.cpp's logits",
        found["perplexityTokens"] == len(surprises) and abs(found["perplexity"] / theirs - 1) < 2e-3
        and abs(found["perplexityError"] / error - 1) < 1e-2,
        f"{found['perplexity']:.4f} ± {found['perplexityError']:.4f}, llama.cpp {theirs:.4f} ± {error:.4f}")
    plain, means = importance(imatrix_plain(source)), importance(source.with_name("ppl.gguf"))
    checks.check(
        "imatrix: with sums of inputs beside them, the sums of squares are read as without",
        plain.keys() == means.keys() and all(np.array_equal(plain[name], means[name]) for name in plain))


def imatrix_plain(source):
    """The same importance without sums of inputs."""
    path = source.with_name("plain-imatrix.gguf")
    weightmill(
        "imatrix", source, "--text", ROOT / "fixtures/imatrix/text.txt", "--context", 48, "--output", path, "--no-ppl")
    return path


def check_tiny(checks, source, full):
    """llama.cpp loads files of few bits and computes what Weightmill computes with them."""
    learnt = imatrix(source.parent)
    for mix in TINY:
        path = source.with_name(f"{mix}.gguf")
        weightmill("quantize", source, path, mix, "--imatrix", learnt)
        decoded = source.with_name(f"{mix}-f32.gguf")
        weightmill("quantize", path, decoded, "f32", "--allow-requantize")
        model, plain = load(path), load(decoded)
        worst = min(
            correlation(logits(model, ids)[-1], logits(plain, ids)[-1]) for ids, _ in full)
        model.close()
        plain.close()
        checks.check(
            f"{mix}: llama.cpp's logits are those of the values that Weightmill decodes",
            worst > 0.98, f"worst correlation {worst:.6f}")


def check_chosen(checks, source, full):
    """llama.cpp loads a file whose types were chosen for a size, and quantizes by the file of these types."""
    folder, learnt = source.parent, imatrix(source.parent)
    costs, ours, chosen = folder / "costs.json", folder / "chosen.gguf", folder / "chosen.types"
    weightmill("sensitivity", source, "--text", FIXTURE / "expected/eval-en.txt", "--context", "128", "--imatrix", learnt, "--output", costs)
    weightmill("quantize", source, ours, "--target-size", "2.9MB", "--sensitivity", costs, "--imatrix", learnt,
               "--save-types", chosen)
    checks.check("chosen types: at most 2.9 MB", ours.stat().st_size <= 2_900_000, f"{ours.stat().st_size} bytes")
    model = load(ours)
    worst = min(correlation(logits(model, ids)[-1], row) for ids, row in full)
    model.close()
    checks.check("chosen types: last logits against f16's", worst > 0.98, f"worst correlation {worst:.6f}")
    theirs = folder / "chosen-theirs.gguf"
    checks.check("chosen types: llama.cpp quantizes by the file of types", quantize(
        source, theirs, llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_K_S, importance(learnt), types=list(tensor_types(chosen))))
    types = [{tensor.name: tensor.tensor_type for tensor in gguf.GGUFReader(path).tensors} for path in (ours, theirs)]
    checks.check("chosen types: llama.cpp's file has the same", types[0] == types[1],
                 f"{len(set(types[0].values()))} types")


def check_split(checks, source, full):
    """llama.cpp loads what Weightmill cut, and predicts the same, bit for bit."""
    for options in (["--max-size", "2M"], ["--max-tensors", "15", "--no-tensor-first-split"]):
        name = options[0].strip("-")
        weightmill("split", source, source.parent / name, *options)
        parts = sorted(source.parent.glob(f"{name}-*.gguf"))
        model = load(parts[0])
        same = [np.array_equal(logits(model, ids)[-1], row) for ids, row in full]
        checks.check(
            f"split {' '.join(options)}: llama.cpp's logits are the whole file's", all(same),
            f"{len(parts)} files")
        model.close()


def check_quantized(checks, path, full):
    """Loading a quantized file, and how far its predictions are from the F16 file's."""
    model = load(path)
    checks.check(f"{path.stem}: llama.cpp loads it", model.n_vocab() == 3072)
    check_tokens(checks, path, model)
    for index, (ids, reference) in enumerate(full):
        row = logits(model, ids)[-1]
        value = correlation(row, reference)
        checks.check(
            f"{path.stem}: last logits against f16's, prompt {index}", value > 0.99,
            f"correlation {value:.6f}, largest difference {np.abs(row - reference).max():.4f}")
    check_greedy(checks, path, model)
    model.close()


def main():
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="weightmill-interop-") as name:
        folder = pathlib.Path(name)
        with checks.part("f16"):
            source = convert(folder, "f16")
            model = load(source)
            checks.check("f16: llama.cpp loads it", model.n_vocab() == 3072)
            check_tokens(checks, source, model)
            check_reference_logits(checks, model)
            check_greedy(checks, source, model)
            check_chat(checks, model)
            prompts = [model.tokenize(p.encode(), add_bos=True, special=True) for p in PROMPTS]
            full = [(ids, logits(model, ids)[-1]) for ids in prompts]
            model.close()

            with checks.part("split"):
                check_split(checks, source, full)

            with checks.part("imatrix"):
                check_imatrix(checks, source, full)
                check_perplexity(checks, source)

            with checks.part("chosen types"):
                check_chosen(checks, source, full)

            with checks.part("tiny"):
                check_tiny(checks, source, full)

            for mix, file_type in QUANTIZED.items():
                with checks.part(mix):
                    path = folder / f"{mix}.gguf"
                    weightmill("quantize", source, path, mix, "--encoder", "compatible")
                    check_quantizer(checks, source, path, file_type)
                    weightmill("quantize", source, path, mix, "--force")
                    check_quantized(checks, path, full)

            for mix, (file_type, least) in SEARCHED.items():
                with checks.part(mix):
                    path = folder / f"{mix}.gguf"
                    weightmill("quantize", source, path, mix)
                    check_searched(checks, source, path, file_type, least, full)
    checks.finish()


if __name__ == "__main__":
    main()
