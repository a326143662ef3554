"""`weightmill metadata`: what it writes, as gguf-py reads it and llama.cpp loads it.

gguf-py's own scripts make the same changes, and the values of both files are compared. Tensors are compared by
their bytes. Runs are killed (SIGKILL) at each write of theirs, if strace is there.
"""

import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import gguf
import llama_cpp

from checks import BINARY, FIXTURE, ROOT, Checks, convert, weightmill

SCALARS = {
    "u8": 200, "i8": -100, "u16": 60000, "i16": -30000, "u32": 4_000_000_000, "i32": -2_000_000_000,
    "u64": 2**63, "i64": -(2**63), "f32": 0.1, "f64": 0.1, "bool": True, "str": "帮我写 🤔\n= : @",
}
ARRAYS = {
    "u8": [1, 2], "i32": [-1, 0, 7], "f32": [0.5, -1e-20], "bool": [True, False], "str": ["", "▁a", "é\n"],
    "u64": [2**63], "f64": [1e300],
}


def contents(path):
    """The values of all keys as gguf-py reads them, with their types."""
    reader = gguf.GGUFReader(path)
    return {
        name: ([kind.name for kind in field.types], field.contents())
        for name, field in reader.fields.items() if not name.startswith("GGUF.")}


def tensors(path):
    """The digests of all tensors, by their names, with type and shape."""
    return {
        tensor.name: (tensor.tensor_type.name, tensor.shape.tolist(),
                      hashlib.sha256(tensor.data.tobytes()).hexdigest())
        for tensor in gguf.GGUFReader(path).tensors}


def script(name, *arguments):
    """Runs one of gguf-py's scripts."""
    command = [sys.executable, "-m", f"gguf.scripts.{name}", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    if done.returncode != 0:
        raise RuntimeError(f"{command} ended with {done.returncode}: {done.stderr}")


def load(path):
    """A model in llama.cpp."""
    return llama_cpp.Llama(str(path), n_ctx=32, verbose=False)


def check_values(checks, model, folder):
    """Every type of value, set by Weightmill, is what gguf-py reads."""
    new = folder / "values.gguf"
    changes = []
    for kind, value in SCALARS.items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        changes += ["--set", f"a.{kind}={kind}:{text}"]
    for kind, value in ARRAYS.items():
        changes += ["--set", f"b.{kind}=[{kind}]:{json.dumps(value)}"]
    before = contents(model)
    weightmill("metadata", model, *changes, "--output", new)
    after = contents(new)
    problems = []
    for kind, value in SCALARS.items():
        types, read = after[f"a.{kind}"]
        wanted = gguf.GGUFValueType[types[0]]
        expected = float(gguf.gguf_reader.np.float32(value)) if kind == "f32" else value
        if read != expected or wanted.name[0].lower() != kind[0]:
            problems.append(f"{kind}: {types} {read!r}")
    for kind, value in ARRAYS.items():
        types, read = after[f"b.{kind}"]
        expected = [float(gguf.gguf_reader.np.float32(v)) for v in value] if kind == "f32" else value
        if read != expected or types[0] != "ARRAY":
            problems.append(f"[{kind}]: {types} {read!r}")
    checks.none("values of every type are what gguf-py reads", problems)
    rest = {key: value for key, value in after.items() if key[:2] not in ("a.", "b.")}
    checks.check("all other keys are as they were", rest == before, f"{len(rest)} keys")
    checks.check("tensors are as they were", tensors(new) == tensors(model), f"{len(tensors(new))}")
    shown = json.loads(weightmill("metadata", new, "--json"))["metadata"]
    wrong = [entry["key"] for entry in shown if entry["value"] != after[entry["key"]][1]
             and entry["type"] not in ("f32", "[f32]")]
    checks.none("what is shown is what gguf-py reads", wrong)
    weightmill("metadata", new, "--remove", "a.*", "--remove", "b.*", "--force")
    checks.check("what is added and removed leaves the same bytes",
                 new.read_bytes() == model.read_bytes())


def check_scripts(checks, model, folder):
    """The same changes by gguf-py's scripts."""
    ours, theirs = folder / "ours.gguf", folder / "theirs.gguf"
    shutil.copy(model, ours)
    shutil.copy(model, theirs)
    for key, value in (("llama.context_length", "77"), ("llama.rope.freq_base", "12345.5"),
                       ("tokenizer.ggml.add_bos_token", "true"), ("tokenizer.ggml.eos_token_id", "1")):
        script("gguf_set_metadata", theirs, key, value, "--force")
        weightmill("metadata", ours, "--set", f"{key}={value}")
    checks.check("gguf-set-metadata writes the same bytes", ours.read_bytes() == theirs.read_bytes())

    template = folder / "template.jinja"
    template.write_text("{% for m in messages %}\n{{ m['content'] }}{% endfor %}", encoding="utf-8")
    ours.unlink()
    script("gguf_new_metadata", "--general-name", "Another", "--general-description", "描述",
           "--chat-template-file", template, "--pre-tokenizer", "default", "--remove-metadata",
           "llama.vocab_size", "--special-token", "eos", "<s>", "--special-token-by-id", "padding", "3",
           "--force", model, folder / "new.gguf")
    weightmill("metadata", model, "--set", "general.name=Another", "--set", "general.description=描述",
               "--chat-template-file", template, "--set", "tokenizer.ggml.pre=default", "--remove",
               "llama.vocab_size", "--special-token", "eos=<s>", "--special-token-by-id", "padding=3",
               "--output", ours)
    left, right = contents(ours), contents(folder / "new.gguf")
    checks.none("gguf-new-metadata writes the same values", sorted(
        key for key in left.keys() | right.keys() if left.get(key) != right.get(key)))
    checks.check("and the same tensors", tensors(ours) == tensors(folder / "new.gguf"))


def check_llama(checks, model, folder):
    """llama.cpp loads what was changed, and sees the changes."""
    before = load(model)
    logits = before.create_completion("Deep", max_tokens=8, temperature=0)["choices"][0]["text"]
    changed = folder / "changed.gguf"
    weightmill("metadata", model, "--special-token", "eos=<s>", "--set", "general.name=改名", "--set",
               "general.tags=[\"a\", \"b\"]", "--set", "tokenizer.chat_template=hello", "--output", changed)
    after = load(changed)
    checks.check("llama.cpp loads the file and generates the same",
                 after.create_completion("Deep", max_tokens=8, temperature=0)["choices"][0]["text"] == logits)
    checks.check("llama.cpp sees the changes", after.token_eos() == 1 and after.token_bos() == before.token_bos()
                 and after.metadata["general.name"] == "改名"
                 and after.metadata["tokenizer.chat_template"] == "hello", str(after.token_eos()))
    # What is refused here, llama.cpp refuses, too.
    problems = []
    for change in ("llama.context_length=u64:64", "tokenizer.ggml.scores=[f64]:[1]",
                   "tokenizer.ggml.token_type=[i32]:[1]", "tokenizer.ggml.add_bos_token=u8:1",
                   "llama.block_count=99", "llama.embedding_length=99", "general.name=i32:1"):
        done = subprocess.run([BINARY, "metadata", changed, "--set", change, "--output", folder / "no.gguf"],
                              capture_output=True, encoding="utf-8")
        if done.returncode != 78:
            problems.append(f"{change}: {done.returncode} {done.stderr}")
        weightmill("metadata", changed, "--set", change, "--allow-problems", "--force", "--output",
                   folder / "no.gguf")
        try:
            load(folder / "no.gguf")
            problems.append(f"{change}: llama.cpp loads it")
        except ValueError:
            pass
    checks.none("what is refused, llama.cpp does not load", problems)
    # What only --allow-problems writes can be mended.
    weightmill("metadata", changed, "--set", "llama.context_length=u64:64", "--allow-problems", "--force")
    weightmill("metadata", changed, "--set", "llama.context_length=64", "--force")
    checks.check("a mended file loads", load(changed).n_ctx() > 0)


def check_kills(checks, model, folder):
    """Killed at each system call that writes, renames, links or flushes: the old header or the new one."""
    if shutil.which("strace") is None:
        checks.check("no strace: nobody was killed", True)
        return
    place = folder / "kills"
    old = model.read_bytes()
    victim = place / "m.gguf"
    change = [str(BINARY), "metadata", str(victim), "--set", "general.name=Muti", "--special-token", "eos=<s>"]
    calls = "pwrite64,fsync,unlink,link,linkat,rename,openat"
    place.mkdir()
    victim.write_bytes(old)
    subprocess.run(change, check=True, capture_output=True)
    new = victim.read_bytes()
    outcomes, problems = {"old": 0, "new": 0, "mended": 0}, []
    for call in calls.split(","):
        for number in range(1, 400):
            shutil.rmtree(place)
            place.mkdir()
            victim.write_bytes(old)
            done = subprocess.run(
                ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                 f"inject={call}:signal=KILL:when={number}", *change], capture_output=True)
            if done.returncode == 0:
                break
            mixture = victim.read_bytes() not in (old, new)
            had_backup = any(path.name.endswith(".header-backup") for path in place.iterdir())
            if mixture and not had_backup:
                problems.append(f"{call} {number}: a mixture without a backup")
            weightmill("metadata", victim, "--get", "general.name")
            state = {old: "old", new: "new"}.get(victim.read_bytes(), "neither")
            if state == "neither":
                problems.append(f"{call} {number}: neither old nor new")
            else:
                outcomes[state] += 1
                outcomes["mended"] += had_backup
            left = [path.name for path in place.iterdir()
                    if path != victim and not path.name.endswith(".partial")]
            if left:
                problems.append(f"{call} {number}: left {left}")
    checks.none("killed at every call, the header is the old or the new one", problems)
    checks.check("runs were killed before, between and after", min(outcomes.values()) > 0, str(outcomes))


def said_by_gguf(folder, parameters):
    """The keys that gguf-py writes of a model folder."""
    override = folder / "override.json"
    said = gguf.Metadata.load(override if override.exists() else None, folder, None, parameters)
    said.size_label = said.size_label or gguf.size_label(parameters, 0, 0, 0)
    writer = gguf.GGUFWriter(None, "llama")
    said.set_gguf_meta_model(writer)
    return {key: value.value for key, value in writer.kv_data[0].items() if key != "general.architecture"}


def check_cards(checks, model, folder):
    """`convert` of a folder with a model card writes the keys that gguf-py makes of it."""
    cards = ROOT / "fixtures/model-cards"
    names = sorted(path.name for path in cards.iterdir() if path.is_dir())
    problems, compared = [], 0
    for name in names:
        place = folder / "cards" / name
        shutil.copytree(FIXTURE / "base-hf", place)
        for file in (cards / name).iterdir():
            if file.name == "config.json":
                both = json.loads((place / file.name).read_text()) | json.loads(file.read_text())
                (place / file.name).write_text(json.dumps(both))
            else:
                shutil.copy(file, place)
        if not (place / "README.md").exists():
            continue
        override = place / "override.json"
        parameters = json.loads(weightmill("inspect", place, "--json"))["parameters"]
        output = folder / "card.gguf"
        weightmill("convert", place, "--output", output, "--force", "--quiet",
                   *(["--metadata", override] if override.exists() else []))
        ours = {key: value for key, (_, value) in contents(output).items() if key.startswith("general.")}
        theirs = said_by_gguf(place, parameters)
        for key in ("general.architecture", "general.type", "general.file_type", "general.quantization_version"):
            ours.pop(key, None)
        for key in ours.keys() | theirs.keys():
            left, right = ours.get(key), theirs.get(key)
            if isinstance(right, float):
                right = float(gguf.gguf_reader.np.float32(right))
            if isinstance(right, list):  # gguf-py cannot write what is no text
                right = [element for element in right if isinstance(element, str)]
            compared += 1
            if left != right and str(right) != left and (name, key) != ("numbers", "general.author"):
                problems.append(f"{name} {key}: {left!r}, not {right!r}")
    checks.none("model cards give the keys that gguf-py gives", problems)
    checks.check("cards were compared", compared > 100, f"{compared} keys of {len(names)} cards")


def main():
    checks = Checks()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        model = convert(folder, "q8_0", "--name", "Tiny")
        for part in (check_values, check_scripts, check_llama, check_kills, check_cards):
            with checks.part(part.__name__):
                part(checks, model, folder)
    checks.finish()


main()
