"""Conversations by chat templates: what `generate --conversation` makes of them, and what transformers makes.

Templates: those of fixtures/chat-templates, which must be known; and real ones, which llama.cpp keeps to try its
own code on. They come with llama-cpp-python's source package.
Of a real template the text must be transformers', or the program must say that it is not: by an error that it
does not know the template or cannot write this conversation, or by a note on what it leaves out.
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

from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from checks import BINARY, ROOT, Checks

MODEL = ROOT / "Tests/Corpus/files/config/plain"
FIXTURES = ROOT / "fixtures/chat-templates"
BOS, EOS = "<s>", "</s>"
UNSUPPORTED = 69
# Real templates whose every conversation must come out as transformers writes it.
KNOWN = {
    "Qwen-Qwen2.5-7B-Instruct", "Qwen-Qwen3-0.6B", "deepseek-ai-DeepSeek-R1-Distill-Llama-8B",
    "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B", "google-gemma-2-2b-it",
    "ibm-granite-granite-3.3-2B-Instruct", "meta-llama-Llama-3.1-8B-Instruct",
    "meta-llama-Llama-3.2-3B-Instruct", "meta-llama-Llama-3.3-70B-Instruct",
    "microsoft-Phi-3.5-mini-instruct", "mistralai-Mistral-Nemo-Instruct-2407"
}


def conversations():
    expected = json.loads((FIXTURES / "expected.json").read_text(encoding="utf-8"))
    return {talk["name"]: talk["messages"] for talk in expected["conversations"]}


# Where a template may take something out of an answer: tried on real templates alone.
THOUGHTS = {
    "newline": [{"role": "user", "content": "One"}, {"role": "assistant", "content": "\nTwo"},
                {"role": "user", "content": "Three"}],
    "thoughts": [{"role": "user", "content": "One"},
                 {"role": "assistant", "content": "<think>\nHm.\n</think>\n\nTwo"},
                 {"role": "user", "content": "Three"}]
}


def real_templates():
    """The templates of llama.cpp."""
    return sorted((pathlib.Path(os.environ["WEIGHTMILL_LLAMA_SOURCE"]) / "models/templates").glob("*.jinja"))


def theirs(template, messages):
    """transformers' text; None when the template raises an error."""
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel({"<unk>": 0}, "<unk>")), bos_token=BOS,
        eos_token=EOS)
    try:
        return tokenizer.apply_chat_template(
            messages, chat_template=template, add_generation_prompt=True, tokenize=False)
    except Exception:
        return None


class Ours:
    """What the program makes of a conversation: a text, or an error, and whether it says more."""

    def __init__(self, model, talk):
        command = [
            BINARY, "generate", model, "--conversation", talk, "--max-tokens", "1", "--temperature",
            "0", "--json"
        ]
        done = subprocess.run([str(part) for part in command], capture_output=True,
                              encoding="utf-8")
        self.code, self.error = done.returncode, done.stderr.strip()
        self.text = json.loads(done.stdout)["promptText"] if done.returncode == 0 else None
        self.has_note = "its chat template is taken for" in done.stderr


def answers(work, template, more=()):
    """Ours and theirs for each conversation."""
    model = work / "model"
    shutil.rmtree(model, ignore_errors=True)
    shutil.copytree(MODEL, model)
    configuration = json.loads((model / "config.json").read_text())
    configuration["max_position_embeddings"] = 16384
    (model / "config.json").write_text(json.dumps(configuration))
    (model / "chat_template.jinja").write_text(template, encoding="utf-8")
    for name, messages in {**conversations(), **dict(more)}.items():
        talk = work / "talk.json"
        talk.write_text(json.dumps(messages), encoding="utf-8")
        yield name, Ours(model, talk), theirs(template, messages)


def check_fixtures(checks, work):
    expected = json.loads((FIXTURES / "expected.json").read_text(encoding="utf-8"))
    refusals = {item["name"]: item["texts"] for item in expected["templates"]}
    for path in sorted(FIXTURES.glob("*.jinja")):
        problems = []
        for number, (name, ours, text) in enumerate(answers(work, path.read_text(encoding="utf-8"))):
            if refusals[path.stem][number] is None:
                if ours.code != UNSUPPORTED:
                    problems.append(f"{name}: {ours.code}")
            elif ours.text != text or ours.has_note:
                problems.append(f"{name}: {ours.text!r} {ours.error}, not {text!r}")
        checks.none(f"{path.stem}: as transformers writes it", problems)


def check_real(checks, work, paths):
    same = 0
    for path in paths:
        problems, refused = [], 0
        for name, ours, text in answers(work, path.read_text(encoding="utf-8"), THOUGHTS):
            is_said = ours.code == UNSUPPORTED or ours.has_note
            refused += ours.code == UNSUPPORTED and name not in THOUGHTS
            if ours.text != text and not is_said:
                problems.append(f"{name}: {ours.text!r} {ours.error[-100:]}, not {text!r}"[:600])
            is_known = path.stem in KNOWN and text is not None and name not in THOUGHTS
            if is_known and (ours.text != text or ours.has_note):
                problems.append(f"{name} is known: {ours.error}")
        same += not problems and not refused
        checks.none(f"{path.stem}: no text is silently another", problems)
    checks.check("real templates", paths, f"{len(paths)} tried, of {same} every conversation is written")


def main():
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        with checks.part("templates of the fixtures"):
            check_fixtures(checks, work)
        with checks.part("real templates"):
            check_real(checks, work, real_templates())
    checks.finish()


if __name__ == "__main__":
    main()
