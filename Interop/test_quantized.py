"""Checkpoints that are stored quantized, decoded by Weightmill and by the programs that made their formats.

For each format and setting: matrices with random codes, scales and zero points are packed and saved as a small
model, and Weightmill's decoded tensors (`hash --as-checkpoint`, and a folder that `convert` writes) are compared
bit for bit with
- GPTQ and AWQ: the formula of GPTQModel's and AutoAWQ's `dequantize`, in torch, in the type of the scales;
- FP8: what transformers loads, which decodes it on a machine without such a processor;
- compressed-tensors: what the library decompresses, of what it compressed.

run.sh puts compressed-tensors onto PYTHONPATH.
"""

import hashlib
import json
import os
import pathlib
import shutil
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import torch
import transformers
from compressed_tensors.compressors import BaseCompressor
from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
from safetensors.torch import load_file, save_file

from checks import FIXTURE, Checks, weightmill, weightmill_json

ROWS, HIDDEN, FEED_FORWARD, LAYERS = 3072, 256, 320, 1
LINEAR = {
    "self_attn.q_proj": (HIDDEN, HIDDEN), "self_attn.k_proj": (HIDDEN // 2, HIDDEN),
    "self_attn.v_proj": (HIDDEN // 2, HIDDEN), "self_attn.o_proj": (HIDDEN, HIDDEN),
    "mlp.gate_proj": (FEED_FORWARD, HIDDEN), "mlp.up_proj": (FEED_FORWARD, HIDDEN),
    "mlp.down_proj": (HIDDEN, FEED_FORWARD)}
MODULES = {f"model.layers.{layer}.{name}": shape for layer in range(LAYERS) for name, shape in LINEAR.items()}

checks = Checks()
generator = torch.Generator().manual_seed(14)


def random(*shape, scale=0.05, type=torch.float16):
    return (torch.randn(*shape, generator=generator) * scale).to(type)


def integers(low, high, *shape):
    return torch.randint(low, high, shape, generator=generator)


def others(type):
    """The tensors that no format quantizes."""
    tensors = {"model.embed_tokens.weight": random(ROWS, HIDDEN, type=type),
               "lm_head.weight": random(ROWS, HIDDEN, type=type),
               "model.norm.weight": random(HIDDEN, type=type).abs() + 0.5}
    for layer in range(LAYERS):
        for name in ("input_layernorm", "post_attention_layernorm"):
            tensors[f"model.layers.{layer}.{name}.weight"] = random(HIDDEN, type=type).abs() + 0.5
    return tensors


def write(folder, tensors, type, recipe, beside=None):
    """A model's folder; the recipe lies in config.json, or in a file of its own."""
    folder.mkdir()
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": HIDDEN,
        "intermediate_size": FEED_FORWARD, "num_hidden_layers": LAYERS, "num_attention_heads": 4,
        "num_key_value_heads": 2, "vocab_size": ROWS, "rms_norm_eps": 1e-6, "max_position_embeddings": 512,
        "hidden_act": "silu", "tie_word_embeddings": False, "bos_token_id": 1, "eos_token_id": 2,
        "torch_dtype": str(type).removeprefix("torch.")}
    if beside:
        (folder / beside).write_text(json.dumps(recipe))
    else:
        config["quantization_config"] = recipe
    (folder / "config.json").write_text(json.dumps(config))
    for name in ("tokenizer.model", "tokenizer_config.json", "added_tokens.json"):
        shutil.copy(FIXTURE / "delta" / name, folder)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / "model.safetensors",
              metadata={"format": "pt"})


def digest(tensor):
    return hashlib.sha256(tensor.contiguous().view(torch.uint8).numpy().tobytes()).hexdigest()


def compare(what, folder, expected):
    """Weightmill's decoded tensors, and those of the folder it writes, with the expected bits."""
    found = weightmill_json("hash", folder, "--as-checkpoint")["tensors"]
    digests = {tensor["name"]: tensor["sha256"] for tensor in found}
    checks.none(f"{what}: decoded", [
        name for name, tensor in expected.items() if digests.get(name) != digest(tensor)]
        + sorted(digests.keys() - expected.keys()))
    output = folder.with_name(folder.name + "-plain")
    weightmill("convert", folder, "--format", "safetensors", "--output", output, "--quiet")
    written = load_file(output / "model.safetensors")
    config = json.loads((output / "config.json").read_text())
    checks.none(f"{what}: written folder", [
        name for name, tensor in expected.items()
        if written.get(name) is None or written[name].dtype != tensor.dtype or digest(written[name]) != digest(tensor)]
        + [key for key in ("quantization_config", "compression_config") if key in config])
    return output


# GPTQ and AWQ

def pack(fields, bits):
    """Fields [n, m] packed along the first axis: a stream of bits, the lowest first, in words of 32."""
    stream = torch.stack([fields >> bit & 1 for bit in range(bits)], 1).reshape(-1, fields.shape[1])
    words = stream.reshape(-1, 32, fields.shape[1])
    packed = sum(words[:, bit].long() << bit for bit in range(32))
    return torch.where(packed >= 1 << 31, packed - (1 << 32), packed).to(torch.int32)


def fields_less_one(zeros, bits):
    """Zero points [groups, out] as checkpoints of the first version store them: one is taken off each field of a
    word at once, with what is borrowed, as GPTQModel does on saving; fields of three bits lose it one by one."""
    if bits == 3:
        return pack((zeros.T - 1) % 8, bits).T
    ones = sum(1 << shift for shift in range(0, 32, bits))
    return (pack(zeros.T, bits).T.long() - ones).to(torch.int32)


def gptq(folder, bits, group, *, version=1, order=False, lists=True, type=torch.float16, beside=None, biases=False):
    recipe = {"bits": bits, "group_size": group, "desc_act": order, "sym": False}
    if not beside:
        recipe |= {"quant_method": "gptq", "checkpoint_format": "gptq" if version == 1 else "gptq_v2"}
    tensors, expected = others(type), {}
    expected |= tensors
    for name, (outputs, inputs) in MODULES.items():
        width = inputs if group == -1 else group
        groups = -(-inputs // width)
        codes, zeros = integers(0, 1 << bits, inputs, outputs), integers(0, 1 << bits, groups, outputs)
        scales = random(groups, outputs, scale=0.01, type=type)
        g_idx = torch.arange(inputs) // width
        if order:
            g_idx = g_idx[torch.randperm(inputs, generator=generator)]
        tensors[f"{name}.qweight"] = pack(codes, bits)
        tensors[f"{name}.qzeros"] = pack(zeros.T, bits).T if version == 2 else fields_less_one(zeros, bits)
        tensors[f"{name}.scales"] = scales
        if lists:
            tensors[f"{name}.g_idx"] = g_idx.to(torch.int32)
        if biases:  # as AutoGPTQ saved them of models without
            tensors[f"{name}.bias"] = torch.zeros(outputs, dtype=type)
        expected[f"{name}.weight"] = (scales[g_idx] * (codes - zeros[g_idx]).to(torch.int16)).T
    write(folder, tensors, type, recipe, beside)
    return expected


def awq(folder, group, type=torch.float16, beside=None):
    recipe = {"quant_method": "awq", "bits": 4, "group_size": group, "zero_point": True, "version": "gemm"}
    if beside:
        recipe = {"zero_point": True, "q_group_size": group, "w_bit": 4, "version": "GEMM"}
    tensors, expected = others(type), {}
    expected |= tensors
    order = [0, 2, 4, 6, 1, 3, 5, 7]
    for name, (outputs, inputs) in MODULES.items():
        width = inputs if group == -1 else group
        codes, zeros = integers(0, 16, inputs, outputs), integers(0, 16, inputs // width, outputs)
        scales = random(inputs // width, outputs, scale=0.01, type=type)

        def packed(values):
            return pack(values.reshape(values.shape[0], -1, 8)[:, :, order].reshape(values.shape[0], -1).T, 4).T
        tensors[f"{name}.qweight"], tensors[f"{name}.qzeros"] = packed(codes), packed(zeros)
        tensors[f"{name}.scales"] = scales
        repeated = zeros.repeat_interleave(width, 0)
        expected[f"{name}.weight"] = ((codes - repeated).to(torch.int8) * scales.repeat_interleave(width, 0)).T
    write(folder, tensors, type, recipe, beside)
    return expected


# FP8

def fp8(folder, block, type=torch.bfloat16, scale_type=torch.float32):
    recipe = {"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": block,
              "modules_to_not_convert": ["lm_head", "model.layers.0.self_attn.v_proj"]}
    tensors = others(type)
    for name, (outputs, inputs) in MODULES.items():
        if name.endswith("v_proj"):
            tensors[f"{name}.weight"] = random(outputs, inputs, type=type)
            continue
        tensors[f"{name}.weight"] = random(outputs, inputs, scale=100, type=torch.float32).to(torch.float8_e4m3fn)
        grid = (-(-outputs // block[0]), -(-inputs // block[1])) if block else ()
        tensors[f"{name}.weight_scale_inv"] = (random(*grid or (1,), type=torch.float32).abs() * 0.01).reshape(grid).to(scale_type)
    write(folder, tensors, type, recipe)
    return tensors


def expected_fp8(folder):
    """What transformers loads, which decodes it."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    return {name: tensor for name, tensor in model.state_dict().items() if not name.endswith("inv_freq")}


def formula_fp8(tensors, block, type):
    """The same in torch, for shapes that transformers does not take: blocks that are cut at the edges."""
    expected = {}
    for name, tensor in tensors.items():
        scales = tensors.get(f"{name}_scale_inv")
        if scales is not None:
            scales = scales.float().repeat_interleave(block[0], 0).repeat_interleave(block[1], 1)
            tensor = (tensor.float() * scales[:tensor.shape[0], :tensor.shape[1]]).to(type)
        if not name.endswith("_scale_inv"):
            expected[name] = tensor
    return expected


# compressed-tensors

def compressed(folder, form, args, type=torch.bfloat16, reordered=False):
    weights = QuantizationArgs(**args)
    activations = None if form == "pack-quantized" else QuantizationArgs(
        num_bits=8, type=weights.type, strategy="token", dynamic=True)
    scheme = QuantizationScheme(targets=["Linear"], weights=weights, input_activations=activations)
    recipe = {"quant_method": "compressed-tensors", "format": form, "quantization_status": "compressed",
              "ignore": ["lm_head"], "config_groups": {"group_0": {
                  "targets": ["Linear"], "weights": json.loads(weights.model_dump_json()),
                  "input_activations": activations and json.loads(activations.model_dump_json())}}}
    compressor = BaseCompressor.get_value_from_registry(form)
    tensors, expected = others(type), {}
    expected |= tensors
    for name, (outputs, inputs) in MODULES.items():
        strategy = weights.strategy
        if strategy == "block":
            grid = (-(-outputs // weights.block_structure[0]), -(-inputs // weights.block_structure[1]))
        else:
            grid = {"tensor": (1,), "channel": (outputs, 1)}.get(strategy) or (outputs, inputs // weights.group_size)
        state = {"weight": random(outputs, inputs, type=type),
                 "weight_scale": (random(*grid, scale=0.002, type=torch.float32).abs() + 0.001).to(type)}
        if not weights.symmetric:
            half = 1 << (weights.num_bits - 1)
            state["weight_zero_point"] = integers(-half, half, *grid).to(torch.int8)
        stored = compressor.compress(state, scheme)
        restored = compressor.decompress(stored, scheme)["weight"]
        if reordered:  # of the versions before 2026, which listed each column's group
            order = torch.randperm(inputs, generator=generator)
            g_idx = (torch.arange(inputs) // weights.group_size)[order]
            stored["weight_g_idx"] = g_idx.to(torch.int32)
            codes = compressor.decompress(stored | {"weight_scale": torch.ones_like(stored["weight_scale"])}, scheme)
            restored = codes["weight"] * stored["weight_scale"][:, g_idx]
        for key, tensor in stored.items():
            tensors[f"{name}.{key}"] = tensor
        if activations:  # scales that weights do not need
            tensors[f"{name}.input_scale"] = torch.ones(1, dtype=type)
        expected[f"{name}.weight"] = restored
    write(folder, tensors, type, recipe)
    return expected


with tempfile.TemporaryDirectory() as name:
    work = pathlib.Path(name)
    with checks.part("GPTQ"):
        for bits in (2, 3, 4, 8):
            for version in (1, 2):
                for order in (False, True):
                    what = f"GPTQ {bits} bits, version {version}{', reordered' * order}"
                    folder = work / f"gptq-{bits}-{version}-{order}"
                    compare(what, folder, gptq(folder, bits, 64, version=version, order=order))
        for what, options in {
                "no groups": {"group": -1}, "a last group that is smaller": {"group": 96}, "no g_idx": {"lists": False},
                "bfloat16": {"type": torch.bfloat16}, "quantize_config.json": {"beside": "quantize_config.json"},
                "biases of zeros": {"biases": True}}.items():
            folder = work / f"gptq {what}"
            compare(f"GPTQ, {what}", folder, gptq(folder, 4, **({"group": 32} | options)))
    with checks.part("FP8"):
        for block, type in (([64, 64], torch.bfloat16), ([64, 32], torch.float16), (None, torch.bfloat16)):
            folder = work / f"fp8-{block}-{type}"
            fp8(folder, block, type)
            compare(f"FP8 {block} {type}", folder, expected_fp8(folder))
        folder = work / "fp8-cut"
        tensors = fp8(folder, [128, 128])
        compare("FP8 [128, 128], cut at the edges", folder, formula_fp8(tensors, [128, 128], torch.bfloat16))
    with checks.part("compressed-tensors"):
        integer = {"type": "int", "num_bits": 4}
        for form, args, options in (
                ("pack-quantized", integer | {"strategy": "group", "group_size": 64}, {}),
                ("pack-quantized", integer | {"strategy": "group", "group_size": 64, "symmetric": False}, {}),
                ("pack-quantized", integer | {"strategy": "channel"}, {"type": torch.float16}),
                ("pack-quantized", integer | {"strategy": "channel", "symmetric": False}, {"type": torch.float16}),
                ("pack-quantized", integer | {"strategy": "group", "group_size": 32, "num_bits": 8}, {}),
                ("pack-quantized", integer | {"strategy": "group", "group_size": 32, "num_bits": 2}, {}),
                ("pack-quantized", integer | {"strategy": "group", "group_size": 64}, {"reordered": True}),
                ("int-quantized", integer | {"strategy": "channel", "num_bits": 8}, {}),
                ("int-quantized", integer | {"strategy": "channel", "num_bits": 8, "symmetric": False}, {}),
                ("int-quantized", integer | {"strategy": "tensor", "num_bits": 8}, {"type": torch.float32}),
                ("float-quantized", {"type": "float", "num_bits": 8, "strategy": "channel"}, {}),
                ("float-quantized", {"type": "float", "num_bits": 8, "strategy": "tensor"}, {}),
                ("float-quantized", {
                    "type": "float", "num_bits": 8, "strategy": "block", "block_structure": [128, 128]}, {})):
            what = " ".join([form, *(f"{value}" for value in args.values()), *map(str, options.values())])
            folder = work / what.replace(" ", "-")
            compare(what, folder, compressed(folder, form, args, **options))
    with checks.part("AWQ"):
        for group in (64, -1):
            folder = work / f"awq-{group}"
            compare(f"AWQ, groups of {group}", folder, awq(folder, group))
        folder = work / "awq-beside"
        compare("AWQ, quant_config.json", folder, awq(folder, 32, beside="quant_config.json"))
    with checks.part("what is done with them"):
        folder = work / "gptq-4-1-True"
        plain = folder.with_name(folder.name + "-plain")
        model = transformers.AutoModelForCausalLM.from_pretrained(plain)
        checks.check("transformers loads what was written", model.dtype == torch.float16)
        for mix in ("f16", "q8_0"):
            for source in (folder, plain):
                weightmill("convert", source, "--type", mix, "--output", work / f"{source.name}-{mix}.gguf", "--quiet")
            hashes = [weightmill_json("hash", work / f"{source.name}-{mix}.gguf") for source in (folder, plain)]
            checks.check(f"{mix}: the same GGUF tensors as of the plain folder", hashes[0] == hashes[1])

checks.finish()
