"""Families of models beside LLaMA's own: tiny ones that transformers makes, through Weightmill and llama.cpp.

For each family a model with random weights of a fixed seed, and for some another one that differs: tied, with
biases, with a head size of its own, with rotary angles that are scaled. What is compared with what:
- convert: the folder becomes a GGUF file; its tensors and metadata are those of llama.cpp's own converter, key for
  key and byte for byte, where that is at hand;
- logits: of the GGUF file, as verify-logits saves them, with those of transformers; and the checkpoint's with the
  GGUF file's; of some also those of a file in which llama.cpp's converter fused queries, keys and values;
- llama.cpp: loads the file and predicts the same, within the rounding of its cache;
- merge: the folder that is written is loaded by transformers and predicts the same bits;
- back: the GGUF file becomes a folder again, which has the first one's tensors bit for bit, is loaded by transformers,
  predicts the same bits (Gemma's gains had one added and taken away), gives the same ids of texts, and becomes the same
  GGUF file again; of the file in F16 and of Q4_K_M folders are made, too, and where transformers reads the GGUF file
  itself it finds the same tensors;
- LoRA: an adapter merged by Weightmill with the same sum in torch;
- delta: base and delta make the tuned model;
- quantize: Q8_0 and Q4_K_M are written, and predict about the same, in llama.cpp, too.

The table at the end stands in docs/models.md.

run.sh sets WEIGHTMILL_LLAMA_PYTHON (a Python with llama.cpp) and
WEIGHTMILL_LLAMA_SOURCE (the folder with convert_hf_to_gguf.py).
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import numpy as np
import torch
import transformers
from safetensors.torch import load_file, save_file

from checks import FIXTURE, Checks, ask_llama, weightmill, weightmill_json

CONVERTER = pathlib.Path(os.environ["WEIGHTMILL_LLAMA_SOURCE"])
ROWS = 3072
IDS = [1, 594, 284, 333, 2047, 9, 1200, 700, 31, 4, 55, 812, 2900, 1503, 77, 6, 1999, 260, 2999, 18]
BOUND = 2e-3
COLUMNS = ("convert", "converter", "logits", "llama.cpp", "merge", "back", "LoRA", "delta", "quantize")
TEXTS = ["The capital of France is", " two  spaces\nand a line", "数学很有趣，2+2=4 😀", "<s>x</s> <human>: y"]
# Classes whose GGUF files transformers 5.23 reads. It reads Qwen 3's, but not the size of a head, and Phi-3's, but gives
# them a padding token that small vocabularies do not have.
READ_BY_TRANSFORMERS = ("Llama", "Qwen2", "Gemma2", "Gemma3Text")

SIZES = {
    "vocab_size": ROWS, "hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 4,
    "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 512,
    "initializer_range": 0.08, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": None,
    "tie_word_embeddings": False,
}
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 64, "rope_theta": 10000.0}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 128, "rope_theta": 10000.0}

LONGROPE = {"rope_type": "longrope", "rope_theta": 10000.0, "original_max_position_embeddings": 16}


def longrope(pairs, **further):
    """Other factors for each pair, for texts up to 16 tokens and beyond."""
    short, long = [1 + 0.02 * i for i in range(pairs)], [1.5 + 0.5 * i for i in range(pairs)]
    return {**LONGROPE, "short_factor": short, "long_factor": long, **further}


# The name in the table, the class in transformers, what differs from SIZES.
FAMILIES = (
    ("LLaMA 1, 2, Yi, TinyLlama", "Llama", {}),
    ("SmolLM 1, 2 (tied)", "Llama", {"tie_word_embeddings": True}),
    ("Llama 3.1, 3.2, 3.3 (llama3)", "Llama", {"rope_parameters": LLAMA3, "head_dim": 64}),
    ("DeepSeek LLM, Coder (linear)", "Llama", {
        "rope_parameters": {"rope_type": "linear", "factor": 4.0, "rope_theta": 100000.0}}),
    ("LLaMA with biases", "Llama", {"attention_bias": True, "mlp_bias": True}),
    ("Mistral 7B", "Mistral", {"sliding_window": None}),
    ("Mistral Nemo (head size)", "Mistral", {"sliding_window": None, "head_dim": 48}),
    ("InternLM 3 (biases)", "InternLM3", {"attention_bias": True, "mlp_bias": True, "head_dim": 64}),
    ("Qwen 2, 2.5", "Qwen2", {}),
    ("Qwen 2.5 (tied, yarn)", "Qwen2", {"tie_word_embeddings": True, "rope_parameters": YARN}),
    ("Qwen 3", "Qwen3", {"head_dim": 48}),
    ("Qwen 3 (tied)", "Qwen3", {"tie_word_embeddings": True, "head_dim": 64}),
    ("Granite 3", "Granite", {
        "embedding_multiplier": 6.0, "residual_multiplier": 0.3, "logits_scaling": 4.0,
        "attention_multiplier": 0.05}),
    ("Granite 3 (tied, biases)", "Granite", {
        "tie_word_embeddings": True, "attention_bias": True, "mlp_bias": True,
        "embedding_multiplier": 12.0, "residual_multiplier": 0.22, "logits_scaling": 8.0,
        "attention_multiplier": 0.015625}),
    ("SmolLM 3", "SmolLM3", {"tie_word_embeddings": True}),
    ("OLMo 2", "Olmo2", {}),
    ("InternLM 2", "InternLM2", {}),
    ("MiniCPM 1, 2 (tied)", "MiniCPM", {"tie_word_embeddings": True}),
    ("Phi-3, Phi-4", "Phi3", {"sliding_window": None}),
    ("Phi-3 (window)", "Phi3", {"sliding_window": 7}),
    ("Phi-3.5 (longrope)", "Phi3", {"rope_parameters": longrope(16), "sliding_window": 512,
                                    "original_max_position_embeddings": 16}),
    ("Phi-4-mini (tied, longrope, partial)", "Phi3", {
        "tie_word_embeddings": True, "sliding_window": 512, "original_max_position_embeddings": 16,
        "rope_parameters": longrope(12, partial_rotary_factor=0.75)}),
    ("Gemma 1", "Gemma", {"head_dim": 48, "tie_word_embeddings": True}),
    ("Gemma 2 (window, caps)", "Gemma2", {
        "head_dim": 48, "query_pre_attn_scalar": 48, "tie_word_embeddings": True, "sliding_window": 6,
        "attn_logit_softcapping": 2.0, "final_logit_softcapping": 5.0}),
    ("Gemma 3 (window)", "Gemma3Text", {
        "head_dim": 48, "query_pre_attn_scalar": 48, "tie_word_embeddings": True, "sliding_window": 6,
        "num_hidden_layers": 7}),
    ("Gemma 3 (window, linear, cap)", "Gemma3Text", {
        "head_dim": 32, "query_pre_attn_scalar": 32, "tie_word_embeddings": True, "sliding_window": 5,
        "num_hidden_layers": 6, "final_logit_softcapping": 5.0, "rope_parameters": {
            "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1000000.0},
            "sliding_attention": {"rope_type": "default", "rope_theta": 5000.0}}}),
    ("Gemma 3 (of a model that sees)", "Gemma3", {
        "head_dim": 48, "query_pre_attn_scalar": 48, "tie_word_embeddings": True, "sliding_window": 6,
        "num_hidden_layers": 7}),
)
VISION = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
          "image_size": 28, "patch_size": 14}
# What transformers has no class for computes as another class does, under other names.
STAND_INS = {
    "InternLM2": ("Llama", {}),
    "MiniCPM": ("Granite", {
        "embedding_multiplier": 12.0, "residual_multiplier": 1.4 / 2, "logits_scaling": 0.5,
        "attention_multiplier": 1 / 32 ** 0.5}),
}
INTERNLM2 = {
    "self_attn.o_proj": "attention.wo", "mlp.gate_proj": "feed_forward.w1", "mlp.up_proj": "feed_forward.w3",
    "mlp.down_proj": "feed_forward.w2", "input_layernorm": "attention_norm", "post_attention_layernorm": "ffn_norm",
    "model.embed_tokens": "model.tok_embeddings", "lm_head": "output",
}


def make(kind, changes):
    """A model of a family, with gains and biases that are no ones and zeros."""
    torch.manual_seed(len(kind) + len(str(changes)))
    sizes = {**SIZES, **changes}
    if kind == "Gemma3":
        sizes = {"text_config": sizes, "vision_config": VISION, "mm_tokens_per_image": 4,
                 "image_token_index": 2998, "boi_token_index": 2997, "eoi_token_index": 2996}
    config = getattr(transformers, f"{kind}Config")(**sizes)
    # InternLM 3 has no class of its own. Only the plain implementation of attention has caps.
    model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("norm.weight"):
                # Gemma's gains are stored less one.
                parameter.copy_((not kind.startswith("Gemma")) + 0.2 * torch.randn_like(parameter))
            elif name.endswith(".bias"):
                parameter.copy_(0.3 * torch.randn_like(parameter))
    return model


def fuse(folder):
    """Makes a folder of LLaMA's one of InternLM 2: names, and queries, keys and values by group in one matrix."""
    path = folder / "model.safetensors"
    tensors, fused = load_file(path), {}
    groups = SIZES["num_key_value_heads"]
    for name, tensor in tensors.items():
        if name.endswith("q_proj.weight"):
            parts = [tensors[name.replace("q_proj", f"{letter}_proj")] for letter in "qkv"]
            rows = torch.cat([part.reshape(groups, -1, part.shape[1]) for part in parts], 1)
            fused[name.replace("self_attn.q_proj", "attention.wqkv")] = rows.reshape(-1, tensor.shape[1])
        elif not name.endswith(("k_proj.weight", "v_proj.weight")):
            for left, right in INTERNLM2.items():
                name = name.replace(left, right)
            fused[name] = tensor.contiguous()
    save_file(fused, path, {"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "internlm2", "architectures": ["InternLM2ForCausalLM"], "bias": False}
    config["rope_theta"] = config.pop("rope_parameters")["rope_theta"]
    config.pop("head_dim")
    (folder / "config.json").write_text(json.dumps(config))


def call_minicpm(folder):
    """Makes a folder of Granite's one of MiniCPM: 12, 1.4 / sqrt(4 layers), 128 / 256."""
    config = json.loads((folder / "config.json").read_text())
    config = {key: value for key, value in config.items() if key in SIZES or key == "rms_norm_eps"}
    config |= {"model_type": "minicpm", "architectures": ["MiniCPMForCausalLM"], "scale_emb": 12,
               "scale_depth": 1.4, "dim_model_base": 256, "rope_theta": 10000.0, "hidden_act": "silu"}
    (folder / "config.json").write_text(json.dumps(config))


def save(model, folder, kind=None):
    model.save_pretrained(folder)
    if kind == "InternLM2":
        fuse(folder)
    if kind == "MiniCPM":
        call_minicpm(folder)
    for name in ("tokenizer.model", "tokenizer_config.json"):
        shutil.copy(FIXTURE / "base-hf" / name, folder)
    return folder


def predict(model, ids=IDS):
    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0].float().numpy()


def our_logits(path, folder):
    """Those that verify-logits saves."""
    ids, output = folder / "ids.json", folder / "logits.safetensors"
    ids.write_text(json.dumps(IDS))
    weightmill("verify-logits", path, "--tokens", ids, "--save-logits", output, "--force")
    return load_file(output)["logits"].numpy()


def llama_logits(path, folder):
    """Those of llama.cpp."""
    return ask_llama(path, folder, ids=[IDS])["logits0"]


def tensors_of(folder):
    return load_file(folder / "model.safetensors")


def unequal(source, ours, gains=0.0):
    """What two sets of tensors differ in; gains of norms may differ by so much."""
    problems = [f"{name} is in one of them" for name in sorted(source.keys() ^ ours.keys())]
    for name in sorted(source.keys() & ours.keys()):
        left, right = source[name], ours[name]
        if left.dtype != right.dtype or left.shape != right.shape:
            problems.append(f"{name}: {left.dtype} {list(left.shape)}, {right.dtype} {list(right.shape)}")
        elif not torch.equal(left, right):
            apart = float((left.float() - right.float()).abs().max())
            if not (name.endswith("norm.weight") and 0 < apart <= gains):
                problems.append(f"{name}: {apart}")
    return problems


def error(ours, theirs):
    """The normalized mean square error."""
    return float(((ours - theirs) ** 2).sum() / ((theirs - theirs.mean()) ** 2).sum())


# Vocabularies are not what is compared: the converter of OLMo 2 wants one of byte pairs, that of InternLM 2 a piece for
# each row.
CONVERT = """
import runpy
import sys
from conversion import internlm, olmo
for model in (internlm.InternLM2Model, olmo.Olmo2Model):
    model.set_vocab = model._set_vocab_sentencepiece
sys.argv.pop(0)
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def converted(folder, output, *options):
    """What llama.cpp's converter makes of a folder."""
    paths = os.pathsep.join([str(CONVERTER), str(CONVERTER / "gguf-py")])
    environment = {**os.environ, "PYTHONPATH": paths, "NO_LOCAL_GGUF": "1"}
    done = subprocess.run(
        [sys.executable, "-B", "-c", CONVERT, CONVERTER / "convert_hf_to_gguf.py", folder, "--outtype", "f32",
         "--outfile", output, *options], capture_output=True, encoding="utf-8", env=environment)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return output


def content(path):
    """Tensors (type, shape, bytes) and metadata (types, value) of a GGUF file."""
    if str(CONVERTER / "gguf-py") not in sys.path:
        sys.path.insert(0, str(CONVERTER / "gguf-py"))
    import gguf

    from checks import flat, metadata

    reader = gguf.GGUFReader(path)
    tensors = {tensor.name: (tensor.tensor_type.name, tensor.shape.tolist(), flat(tensor).tobytes())
               for tensor in reader.tensors}
    return tensors, metadata(reader)


def differences(ours, theirs):
    """What two GGUF files differ in. Names of models and what Weightmill says of itself are left out, and the
    sizes of heads, which it always says of LLaMA."""
    for what, left, right in zip(("tensor", "key"), ours, theirs):
        for name in sorted(left.keys() | right.keys()):
            if name.startswith(("general.name", "general.size_label", "weightmill.", "tokenizer.", "general.")):
                if name not in ("general.architecture", "general.file_type"):
                    continue
            if left.get(name) == right.get(name):
                continue
            if name.endswith(("key_length", "value_length")) and name not in right:
                continue
            sides = [str(side.get(name))[:60] for side in (left, right)]
            yield f"{what} {name}: {sides[0]}, converter {sides[1]}"


class Family:
    """One model, and what is tried with it."""

    def __init__(self, checks, name, kind, changes, root):
        self.checks, self.name, self.root = checks, name, root
        self.kind = kind
        self.modules = ("self_attn.q_proj", "self_attn.v_proj", "mlp.down_proj")
        if kind == "Phi3":
            self.modules = ("self_attn.qkv_proj", "mlp.gate_up_proj", "mlp.down_proj")
        # llama.cpp computes Phi-3's without a window.
        self.differs = kind == "Phi3" and (changes.get("sliding_window") or 512) < 512
        stand_in, further = STAND_INS.get(kind, (kind, {}))
        self.model = make(stand_in, {**changes, **further})
        self.folder = save(self.model, root / "model", kind)
        self.expected = predict(self.model)
        self.marks = dict.fromkeys(COLUMNS, "-")

    def mark(self, column, ok, detail=""):
        self.checks.check(f"{self.name}: {column}", ok, detail)
        self.marks[column] = "yes" if ok and self.marks[column] in ("-", "yes") else "no"

    def near(self, column, ours, theirs, bound=BOUND, what=""):
        worst = float(np.abs(ours - theirs).max())
        self.mark(column, worst <= bound, f"{what}largest difference {worst:.3g} of {np.abs(theirs).max():.3g}")

    def convert(self):
        self.file = self.root / "f32.gguf"
        weightmill("convert", self.folder, "--type", "f32", "--output", self.file)
        self.mark("convert", True)
        for mix in ("f16", "q4_k_m"):
            report = weightmill_json(
                "convert", self.folder, "--type", mix, "--output", self.root / f"{mix}.gguf")
            self.mark("convert", report["tensors"] != [], mix)

    def converter(self):
        theirs = content(converted(self.folder, self.root / "converter.gguf"))
        problems = list(differences(content(self.file), theirs))
        self.mark("converter", not problems, "; ".join(problems[:4]))

    def logits(self):
        self.near("logits", our_logits(self.file, self.root), self.expected)
        if self.kind in ("Llama", "Qwen2", "Gemma2"):
            fused = converted(self.folder, self.root / "fused.gguf", "--fuse-qkv")
            self.near("logits", our_logits(fused, self.root), self.expected, what="with fused queries, ")
        report = weightmill_json(
            "verify-logits", self.file, "--reference", self.folder, "--tokens", self.root / "ids.json")
        findings = [item for item in report["findings"] if item["severity"] == "error"]
        self.mark("logits", not findings, f"no error is found beside the checkpoint {findings or ''}")

    def llama(self):
        difference = error(llama_logits(self.file, self.root), self.expected)
        self.mark("llama.cpp", difference < 1e-4, f"normalized error {difference:.2g}")

    def merge(self):
        output = self.root / "written"
        weightmill("convert", self.folder, "--format", "safetensors", "--output", output)
        model, info = transformers.AutoModelForCausalLM.from_pretrained(
            output, dtype="auto", output_loading_info=True, attn_implementation="eager")
        faults = [key for key, value in info.items() if value]
        same = np.array_equal(predict(model.eval()), self.expected)
        self.mark("merge", same and not faults, faults)

    def back(self):
        folder = self.root / "back"
        weightmill("convert", self.file, "--format", "safetensors", "--output", folder)
        source, ours = tensors_of(self.folder), tensors_of(folder)
        if self.kind == "Gemma3":
            source = {name.replace("language_model.", ""): tensor for name, tensor in source.items()
                      if "language_model" in name}
        # One was added to Gemma's gains and taken away, in F32.
        self.gains = (2.0**-23, 2.0**-10) if self.kind.startswith("Gemma") else (0.0, 0.0)
        problems = unequal(source, ours, self.gains[0])
        self.mark("back", not problems, "; ".join(problems[:4]))
        again = self.root / "again.gguf"
        weightmill("convert", folder, "--type", "f32", "--output", again, "--name", "f32")
        first = self.root / "named.gguf"
        weightmill("convert", self.folder, "--type", "f32", "--output", first, "--name", "f32")
        sides = [content(path) for path in (first, again)]
        for what, left, right in zip(("tensor", "key"), *sides):
            differing = [name for name in left.keys() | right.keys()
                         if left.get(name) != right.get(name) and not name.startswith("weightmill.source.")]
            self.mark("back", not differing, f"the GGUF file again: {what} {sorted(differing)[:4]}")
        self.halves(source)
        self.ids(folder)
        if self.kind in STAND_INS:
            return
        self.loaded(folder)
        if self.kind in READ_BY_TRANSFORMERS:
            self.read_by_transformers(folder)

    def halves(self, source):
        """The file in F16 gives what torch's rounding of the source gives."""
        folder = self.root / "back-f16"
        weightmill("convert", self.root / "f16.gguf", "--format", "safetensors", "--output", folder)
        ours = tensors_of(folder)
        rounded = {name: tensor.half() for name, tensor in source.items()}
        problems = unequal(rounded, ours, self.gains[1])
        self.mark("back", not problems, f"F16 {'; '.join(problems[:4])}")

    def ids(self, folder):
        # For qwen2 transformers 5 takes its own class of byte pairs, whatever a folder names; here it has others.
        loader = transformers.PreTrainedTokenizerFast if self.kind == "Qwen2" else transformers.AutoTokenizer
        tokenizer = loader.from_pretrained(folder)
        for text in TEXTS:
            ours = weightmill_json("tokenize", self.file, text, "--parse-special")["ids"]
            theirs = tokenizer(text)["input_ids"]
            self.mark("back", ours == theirs, f"ids of {text!r}: {ours[:12]}, transformers {theirs[:12]}")

    def loaded(self, folder):
        model, info = transformers.AutoModelForCausalLM.from_pretrained(
            folder, dtype="auto", output_loading_info=True, attn_implementation="eager")
        faults = [key for key, value in info.items() if value]
        self.mark("back", not faults, faults)
        if self.kind.startswith("Gemma"):
            self.near("back", predict(model.eval()), self.expected, 2e-5)
        else:
            self.mark("back", np.array_equal(predict(model.eval()), self.expected), "the same logits")
        quantized = self.root / "back-q4_k_m"
        weightmill("convert", self.root / "q4_k_m.gguf", "--format", "safetensors", "--type", "f32",
                   "--output", quantized)
        model = transformers.AutoModelForCausalLM.from_pretrained(quantized, attn_implementation="eager").eval()
        self.near("back", predict(model), our_logits(self.root / "q4_k_m.gguf", self.root), what="Q4_K_M, ")

    def read_by_transformers(self, folder):
        model = transformers.AutoModelForCausalLM.from_pretrained(
            self.root, gguf_file=self.file.name, dtype=torch.float32)
        theirs = {name: tensor for name, tensor in model.state_dict().items() if name in tensors_of(folder)}
        ours = {name: tensor for name, tensor in tensors_of(folder).items() if name in theirs}
        problems = unequal(theirs, ours)
        self.mark("back", theirs and not problems, f"transformers of the GGUF file: {'; '.join(problems[:4])}")

    def lora(self):
        generator = torch.Generator().manual_seed(7)
        tensors, merged = {}, make_copy(self.model)
        weights = dict(merged.named_parameters())
        for layer in range(SIZES["num_hidden_layers"]):
            if self.kind == "InternLM2":
                tensors |= fused_update(layer, weights, generator)
                continue
            for module in self.modules:
                name = f"model.layers.{layer}.{module}"
                weight = weights[f"{name}.weight"]
                a = 0.1 * torch.randn(4, weight.shape[1], generator=generator)
                b = 0.1 * torch.randn(weight.shape[0], 4, generator=generator)
                tensors[f"base_model.model.{name}.lora_A.weight"] = a
                tensors[f"base_model.model.{name}.lora_B.weight"] = b
                with torch.no_grad():
                    weight += 2 * (b @ a)
        adapter = self.root / "adapter"
        adapter.mkdir()
        save_file(tensors, adapter / "adapter_model.safetensors")
        (adapter / "adapter_config.json").write_text(json.dumps({
            "peft_type": "LORA", "r": 4, "lora_alpha": 8,
            "target_modules": [module.split(".")[1] for module in self.modules]}))
        output = self.root / "lora.gguf"
        weightmill("convert", self.folder, "--lora", adapter, "--type", "f32", "--output", output)
        self.near("LoRA", our_logits(output, self.root), predict(merged))

    def delta(self):
        """Base = tuned - delta, in F32, by the rule of Vicuna's deltas with a base that is given as F32."""
        tuned = make_copy(self.model)
        generator = torch.Generator().manual_seed(11)
        delta = make_copy(self.model)
        with torch.no_grad():
            for (_, sum_), (_, part) in zip(tuned.named_parameters(), delta.named_parameters()):
                part.copy_(0.01 * torch.randn(part.shape, generator=generator))
                sum_ += part
        folder = save(delta, self.root / "delta", self.kind)
        output = self.root / "delta.gguf"
        weightmill("convert", self.folder, "--delta", folder, "--delta-kind", "add-f32", "--force-base",
                   "--type", "f32", "--output", output)
        self.near("delta", our_logits(output, self.root), predict(tuned))

    def quantize(self):
        """How well random weights take it is not the question, but whether both programs compute the same."""
        for mix, bound in (("q8_0", 2e-3), ("q4_k_m", 0.5)):
            output = self.root / f"quantized-{mix}.gguf"
            weightmill("quantize", self.file, output, mix)
            ours = our_logits(output, self.root)
            difference = error(ours, self.expected)
            self.mark("quantize", difference < bound, f"{mix}: normalized error {difference:.2g}")
            if self.differs:
                continue
            # llama.cpp rounds activations to 8 bits there.
            difference = error(llama_logits(output, self.root), ours)
            self.mark("quantize", difference < 1e-2, f"{mix} in llama.cpp: {difference:.2g}")

    def run(self):
        left_out = ["merge"] if self.kind in STAND_INS else []
        if self.differs:
            left_out.append("llama")
        if self.kind == "Gemma3":
            left_out += ["lora", "delta"]
        for step in ("convert", "converter", "logits", "llama", "merge", "back", "lora", "delta", "quantize"):
            if step in left_out:
                continue
            with self.checks.part(f"{self.name}: {step}"):
                getattr(self, step)()


def fused_update(layer, weights, generator):
    """An update of InternLM 2's fused matrix: one A, and rows of B by group, as the matrix has them."""
    names = [f"model.layers.{layer}.self_attn.{letter}_proj.weight" for letter in "qkv"]
    a = 0.1 * torch.randn(4, SIZES["hidden_size"], generator=generator)
    parts = [0.1 * torch.randn(weights[name].shape[0], 4, generator=generator) for name in names]
    with torch.no_grad():
        for name, part in zip(names, parts):
            weights[name] += 2 * (part @ a)
    rows = torch.cat([part.reshape(SIZES["num_key_value_heads"], -1, 4) for part in parts], 1)
    prefix = f"base_model.model.model.layers.{layer}.attention.wqkv.lora_"
    return {f"{prefix}A.weight": a, f"{prefix}B.weight": rows.reshape(-1, 4).contiguous()}


def make_copy(model):
    copy = type(model)(model.config).eval()
    copy.load_state_dict(model.state_dict())
    return copy


def check_refusals(checks, root):
    """Families that are not read are refused by their names, with what they would need."""
    for kind, changes in (("Mixtral", {"num_local_experts": 2}), ("Arcee", {}), ("Olmo3", {})):
        config = getattr(transformers, f"{kind}Config")(**{**SIZES, **changes})
        folder = save(getattr(transformers, f"{kind}ForCausalLM")(config), root / kind)
        try:
            weightmill("convert", folder, "--output", root / f"{kind}.gguf")
            checks.check(f"{kind} is refused", False)
        except RuntimeError as error:
            checks.check(f"{kind} is refused with what it would need",
                         "ended with 69" in str(error) and "it would need" in str(error), error)


def main():
    checks = Checks()
    print(f"     transformers {transformers.__version__}, torch {torch.__version__}", flush=True)
    torch.set_num_threads(1)
    transformers.logging.disable_progress_bar()
    wanted = sys.argv[1:]
    rows = []
    with tempfile.TemporaryDirectory(prefix="weightmill-families-") as name:
        for number, (title, kind, changes) in enumerate(FAMILIES):
            if wanted and not any(text.lower() in title.lower() for text in wanted):
                continue
            root = pathlib.Path(name) / str(number)
            root.mkdir()
            with checks.part(title):
                family = Family(checks, title, kind, changes, root)
                family.run()
                rows.append((title, family.marks))
            shutil.rmtree(root)
        if not wanted:
            with checks.part("refusals"):
                check_refusals(checks, pathlib.Path(name))
    print("\n| family | " + " | ".join(COLUMNS) + " |")
    print("|---" * (len(COLUMNS) + 1) + "|")
    for title, marks in rows:
        print(f"| {title} | " + " | ".join(marks[column] for column in COLUMNS) + " |")
    print()
    checks.finish()


if __name__ == "__main__":
    main()
