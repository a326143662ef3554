"""Chat templates in a model's folder, and conversations for them (CT-01 to CT-03)."""

import json

from .book import CONVERT, MALFORMED, MISMATCH, REFUSED, UNSUPPORTED
from .folder_cases import configured

CHATML = ("{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}"
          "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}")
ASK = ["generate", "PATH", "--chat", "--prompt", "a", "--max-tokens", "1", "--json"]
TALK = ["generate", "PATH", "--conversation", "PATH/talk.json", "--max-tokens", "1", "--json"]


def whole():
    """A model for prompts of some length."""
    return configured(max_position_embeddings=1024)


def settings(template):
    return {**whole(), "tokenizer_config.json": json.dumps({"chat_template": template}).encode()}


def add(book):
    templates(book)
    formats(book)
    conversations(book)


def templates(book):

    def accept(name, what, files):
        book.accept(f"chat/{name}", "CT-01", what, files, None, CONVERT)

    def reject(name, what, files, codes=MALFORMED):
        book.reject(f"chat/{name}", "CT-01", what, files, codes, CONVERT)

    both = [{"name": "default", "template": CHATML}, {"name": "rag", "template": "x"}]
    accept("text", "a template as a text", settings(CHATML))
    accept("none", "no template, as null", settings(None))
    accept("list", "a list of templates", settings(both))
    accept("named-only", "a list without the one that counts", settings(both[1:]))
    accept("two-files", "two files that differ", {
        **settings("x"), "chat_template.jinja": CHATML.encode()
    })
    accept("processor", "a chat_template.json", {
        **whole(), "chat_template.json": json.dumps({"chat_template": CHATML}).encode()
    })
    accept("folder", "a folder of named templates", {
        **whole(), "chat_template.jinja": CHATML.encode(),
        "additional_chat_templates/a b.jinja": b"x", "additional_chat_templates/readme": b"\xff"
    })
    for name, value in {
            "number": 1,
            "object": {"default": CHATML},
            "list-of-texts": [CHATML],
            "name-missing": [{"template": CHATML}],
            "name-empty": [{"name": "", "template": CHATML}],
            "name-long": [{"name": "x" * 300, "template": CHATML}],
            "name-twice": both[1:] * 2,
            "default-twice": both[:1] * 2,
            "text-missing": [{"name": "default"}],
    }.items():
        reject(name, f"a template that is none: {name}", settings(value))
    reject("many", "thousands of templates", settings([0] * 20000), REFUSED)
    reject("bytes", "a template that is no UTF-8",
           {**whole(), "chat_template.jinja": b"\xff\xfe"})
    reject("empty", "an empty file for a template", {**whole(), "chat_template.jinja": b""})
    reject("page", "a web page for a template", {**whole(), "chat_template.jinja": b"<html>"})
    reject("processor-list", "a chat_template.json that is a list",
           {**whole(), "chat_template.json": b"[]"})


def formats(book):
    marker = "{{ ''.__class__.__mro__[1].__subclasses__() }}{% include '/etc/passwd' %}"
    book.accept("chat/known", "CT-02", "a question by a known template", settings(CHATML), None,
                ASK)
    for name, text in {
            "unknown": "{{ messages }}",
            "program": marker,
            "control": "\x1b[2J\u202e{{ messages }}",
            "open-tag": CHATML + "{{ 'a",
            "deep": CHATML + "{{ " + "(" * 60000,
            "nested": "<|im_start|>" + "{% if a %}" * 5000,
            "marks-only": "<|im_start|><|im_end|>",
    }.items():
        book.reject(f"chat/{name}", "CT-02", f"a template that is not known: {name}",
                    settings(text), UNSUPPORTED, ASK)
    book.reject("chat/missing", "CT-02", "a question without a template", whole(), MISMATCH, ASK)


def conversations(book):

    def talk(value):
        content = value if isinstance(value, bytes) else json.dumps(value).encode()
        return {**settings(CHATML), "talk.json": content}

    user = {"role": "user", "content": "a"}
    assistant = {"role": "assistant", "content": "b"}
    system = {"role": "system", "content": "s"}
    for name, value in {
            "question": [user],
            "turns": [system, user, assistant, user],
    }.items():
        book.accept(f"talk/{name}", "CT-03", f"a conversation: {name}", talk(value), None, TALK)
    for name, value in {
            "empty-file": b"",
            "cut": b'[{"role":',
            "bytes": b'[{"role": "user", "content": "\xff"}]',
            "object": user,
            "empty": [],
            "text": ["a"],
            "role-missing": [{"content": "a"}],
            "role-unknown": [{"role": "\u001b[31mroot\u202e", "content": "a"}],
            "content-missing": [{"role": "user"}],
            "content-list": [{"role": "user", "content": [{"type": "text", "text": "a"}]}],
            "content-empty": [{"role": "user", "content": ""}],
            "two-questions": [user, user],
            "answer-first": [assistant, user],
            "answer-last": [user, assistant],
            "system-only": [system],
            "system-late": [user, system, user],
            "many": [0] * 20000,
    }.items():
        book.reject(f"talk/{name}", "CT-03", f"a conversation that is none: {name}", talk(value),
                    MALFORMED, TALK)
    book.reject("talk/tool-calls", "CT-03", "a message with more than a role and a text",
                talk([{**user, "tool_calls": []}]), UNSUPPORTED, TALK)
