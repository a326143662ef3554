"""Weightmill's folders in transformers: they load, predict, tokenize, and can be trained.

What is compared with what:
- tensors: the folder's, read by the safetensors package, with merged-tensors.json; and with what
  the documented script computes, base + delta in torch with both loaded by transformers;
- logits: of the folder's model with those that transformers gave on the merged weights when the
  fixture was made;
- index: with the one that transformers writes for the same model;
- tokenizer: with SentencePiece's ids in tokens.json, and transformers' own ids from the delta;
- training: some steps lower the loss; what transformers saves then is read by Weightmill.
"""

import hashlib
import json
import os
import pathlib
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import numpy as np
import torch
import transformers
from safetensors import safe_open
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

from checks import FIXTURE, Checks, expected, weightmill, weightmill_json

BASE, DELTA = FIXTURE / "base-meta", FIXTURE / "delta"
SHARD = 2_000_000
# Of these texts transformers 5 makes other tokens than SentencePiece, whatever folder they are in:
# it adds no space before one that is there, and takes special tokens for what they are.
OWN_WAYS = {" Hello", "  Hello  world", "▁already", "</s><s><unk>"}


def merge(folder, *arguments):
    """Merges mini-ziya as its model card says, but for the first word."""
    weightmill("merge", "--base", BASE, "--target", folder, "--delta", DELTA, *arguments)
    return folder


def load(folder, dtype="auto"):
    model, info = LlamaForCausalLM.from_pretrained(folder, dtype=dtype, output_loading_info=True)
    return model.eval(), {key: list(value) for key, value in info.items() if value}


def logits(model, ids):
    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0].float().numpy()


def shards(folder):
    return sorted(folder.glob("*.safetensors"))


def reference_logits():
    with safe_open(FIXTURE / "expected" / "logits.safetensors", "np") as file:
        for index in range(len(json.loads(file.metadata()["prompts"]))):
            yield (file.get_tensor(f"prompt{index}.ids").tolist(),
                   file.get_tensor(f"prompt{index}.logits"))


def check_tensors(checks, folder):
    wanted, problems, found = expected("merged-tensors.json"), [], set()
    for path in shards(folder):
        header = int.from_bytes(path.read_bytes()[:8], "little")
        if header % 8:
            problems.append(f"{path.name}: the header takes {header} bytes")
        with safe_open(path, "np") as file:
            if file.metadata() != {"format": "pt"}:
                problems.append(f"{path.name}: metadata {file.metadata()}")
            for name in file.keys():
                found.add(name)
                digest = hashlib.sha256(file.get_tensor(name).tobytes()).hexdigest()
                if digest != wanted.get(name, {}).get("sha256"):
                    problems.append(f"{name} holds other values")
    problems += sorted(found ^ set(wanted))
    checks.none(f"{folder.name}: {len(found)} tensors in {len(shards(folder))} files are torch's",
                problems)


def check_model(checks, folder):
    model, info = load(folder)
    checks.check(f"{folder.name}: every weight is there, and no other", not info, info or "")
    checks.check(f"{folder.name}: config.json tells the type", model.dtype == torch.float16)
    model, _ = load(folder, torch.float32)
    worst = max(np.abs(logits(model, ids) - theirs).max() for ids, theirs in reference_logits())
    checks.check(
        f"{folder.name}: logits as transformers had them on the merged weights", worst < 1e-3,
        f"largest difference {worst:.3g}")


def check_script(checks, folder):
    """What the documented script does: its rule, in torch, on models that transformers loads."""
    base = LlamaForCausalLM.from_pretrained(FIXTURE / "base-hf", dtype=torch.float16).state_dict()
    target = LlamaForCausalLM.from_pretrained(DELTA, dtype=torch.float16).state_dict()
    ours = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float16).state_dict()
    for name, tensor in target.items():
        if "embed_tokens" not in name and "lm_head.weight" not in name:
            tensor += base[name]
    checks.none(
        f"{folder.name}: {len(target)} tensors are what the documented script computes",
        [name for name in target if not torch.equal(target[name], ours[name])]
        + sorted(set(target) ^ set(ours)))


def check_index(checks, folder, other):
    """The index against that of the same model, saved by transformers."""
    load(folder)[0].save_pretrained(other, max_shard_size=f"{SHARD // 1_000_000}MB")
    name = "model.safetensors.index.json"
    ours, theirs = (json.loads((path / name).read_text()) for path in (folder, other))
    sizes = [index["metadata"]["total_size"] for index in (ours, theirs)]
    checks.check(f"{folder.name}: total_size as transformers counts it", len(set(sizes)) == 1, sizes)
    checks.check(f"{folder.name}: the same tensors in the index",
                 set(ours["weight_map"]) == set(theirs["weight_map"]))
    names = sorted(path.name for path in shards(folder))
    checks.check(f"{folder.name}: the index names the files that are there",
                 sorted(set(ours["weight_map"].values())) == names, f"{len(names)} files")
    checks.none(f"{folder.name}: no file holds more than was asked", (
        f"{path.name}: {size}" for path in shards(folder)
        if (size := path.stat().st_size - 8 - int.from_bytes(path.read_bytes()[:8], "little"))
        > SHARD))
    digests = other / "digests.json"
    digests.write_text(weightmill("hash", other, "--json"), encoding="utf-8")
    checks.check("transformers' folder and ours hold the same tensors",
                 "agree" in weightmill("hash", folder, "--check", digests))


def check_types(checks, folder):
    for mix, dtype, limit in (("bf16", torch.bfloat16, 0.5), ("f32", torch.float32, 1e-3)):
        model, info = load(merge(folder / mix, "--type", mix))
        worst = max(np.abs(logits(model, ids) - theirs).max() for ids, theirs in reference_logits())
        checks.check(f"{mix}: transformers takes the type from config.json",
                     model.dtype == dtype and not info, info or model.dtype)
        checks.check(f"{mix}: logits", worst < limit, f"largest difference {worst:.3g}")


def check_meta(checks, folder):
    """A base in Meta's layout, for which the configuration is made."""
    weightmill("convert", BASE, "--format", "safetensors", "--output", folder)
    ours, theirs = AutoConfig.from_pretrained(folder), AutoConfig.from_pretrained(FIXTURE / "base-hf")
    skipped = ("_name_or_path", "pad_token_id", "transformers_version")
    left, right = ({key: value for key, value in config.to_dict().items() if key not in skipped}
                   for config in (ours, theirs))
    checks.none("Meta's layout: the configuration that is made says what the model's own does", (
        f"{key} is {left.get(key)}, not {right.get(key)}"
        for key in left.keys() | right.keys() if left.get(key) != right.get(key)))
    ids = [1, 594, 284, 333]
    left, right = (logits(AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32), ids)
                   for path in (folder, FIXTURE / "base-hf"))
    checks.check("Meta's layout: logits as from the model's own folder", np.array_equal(left, right))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    checks.check("Meta's layout: special tokens",
                 [tokenizer.bos_token, tokenizer.eos_token, tokenizer.unk_token]
                 == ["<s>", "</s>", "<unk>"])
    check_ids(checks, "Meta's layout", tokenizer, "base")


def check_ids(checks, what, tokenizer, side):
    cases = expected("tokens.json")
    special = [case for case in cases if case["text"] in OWN_WAYS or "<bot>" in case["text"]]
    plain = [case for case in cases if case not in special]
    checks.none(f"{what}: ids of {len(plain)} texts are SentencePiece's", (
        f"{case['text']!r}" for case in plain
        if tokenizer(case["text"], add_special_tokens=False)["input_ids"] != case[side]))


def check_tokenizer(checks, folder):
    ours, theirs = (AutoTokenizer.from_pretrained(path) for path in (folder, DELTA))
    texts = [case["text"] for case in expected("tokens.json")]
    checks.none(f"{folder.name}: ids of {len(texts)} texts are those from the delta's folder", (
        repr(text) for text in texts if ours(text)["input_ids"] != theirs(text)["input_ids"]))
    check_ids(checks, folder.name, ours, "ziya")
    checks.check(f"{folder.name}: <human> and <bot> are tokens",
                 ours.convert_tokens_to_ids(["<human>", "<bot>"]) == [3050, 3051])
    turns = [("user", "Q"), ("assistant", "A"), ("user", "Q2")]
    text = ours.apply_chat_template(
        [{"role": role, "content": content} for role, content in turns], tokenize=False)
    checks.check(f"{folder.name}: the chat template",
                 text == "<human>:Q\n<bot>:A</s><human>:Q2\n<bot>:", repr(text))


def check_training(checks, folder, other):
    """Some steps on a text, as whoever tunes a merged model would take them."""
    torch.manual_seed(0)
    model, _ = load(folder, torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    text = (FIXTURE / "expected" / "eval-zh.txt").read_text(encoding="utf-8")[:400]
    ids = tokenizer(text, return_tensors="pt")["input_ids"]
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    losses = []
    for _ in range(4):
        loss = model(ids, labels=ids).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    checks.check("training lowers the loss", losses[-1] < losses[0],
                 " ".join(f"{loss:.3f}" for loss in losses))
    model.save_pretrained(other)
    tokenizer.save_pretrained(other)
    digests = weightmill_json("hash", other)["tensors"]
    checks.check("Weightmill reads the tuned model", len(digests) == 39)


def main():
    checks = Checks()
    print(f"     transformers {transformers.__version__}, torch {torch.__version__}", flush=True)
    torch.set_num_threads(1)
    transformers.logging.disable_progress_bar()
    with tempfile.TemporaryDirectory(prefix="weightmill-interop-") as name:
        root = pathlib.Path(name)
        single = merge(root / "single")
        sharded = merge(root / "sharded", "--max-shard-size", SHARD)
        for folder in (single, sharded):
            for check in (check_tensors, check_model, check_script):
                with checks.part(f"{folder.name}: {check.__name__}"):
                    check(checks, folder)
        with checks.part("index"):
            check_index(checks, sharded, root / "saved")
        with checks.part("types"):
            check_types(checks, root)
        with checks.part("Meta's layout"):
            check_meta(checks, root / "meta")
        with checks.part("tokenizer"):
            check_tokenizer(checks, single)
        with checks.part("training"):
            check_training(checks, single, root / "tuned")
    checks.finish()


if __name__ == "__main__":
    main()
