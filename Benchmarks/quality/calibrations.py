"""What importance is worth by the text it was learnt from: how many tokens, of which kind, or self-written.

Judged on SmolLM2, widened, by differences from the importance of mixed text of BASE tokens, on the same positions. A
text of one kind counts by the other kinds: that it helps its own is no surprise.
"""

import json

from quality import models, subjects, texts
from quality.positions import Positions
from quality.tables import percent

TYPES = ("q4_k_m", "q3_k_m")
KINDS = [text.kind for text in texts.JUDGED]
NONE, BASE = ("none", 0), ("mixed", 32768)
ALL = [NONE] + [(source, size) for size in (8192, 32768, 131072) for source in (*KINDS, "mixed", "self")]


def trials(names):
    """What is compared: `all`, or names such as `prose:8192,self:32768`, `none:0`."""
    if names == "all":
        return ALL
    found = [(source, int(size)) for source, _, size in (name.partition(":") for name in names.split(","))]
    if not {source for source, _ in found} <= {source for source, _ in ALL}:
        raise ValueError(names)
    return found


def _windows(source, size, reference):
    """The windows of ids of one kind of text, or of all kinds in turn."""
    if source == "mixed":
        kinds = [_windows(kind, size // len(KINDS) + texts.WINDOW, reference) for kind in KINDS]
        return [window for windows in zip(*kinds) for window in windows][:size // texts.WINDOW]
    ids = subjects.ids(reference, next(text for text in texts.LONG if text.kind == source))
    return [ids[first:first + texts.WINDOW] for first in range(0, size - texts.WINDOW + 1, texts.WINDOW)]


def _learnt(weightmill, reference, source, size, folder):
    """Importance from that many tokens of a source."""
    if source == "none":
        return None
    matrix = folder / "learnt.gguf"
    if source == "self":
        text = ["--text", "self", "--tokens", size, "--seed", subjects.SELF_SEED]
    else:
        ids = folder / "learnt.json"
        ids.write_text(json.dumps(_windows(source, size, reference)))
        text = ["--tokens-file", ids]
    weightmill.run("imatrix", reference, *text, "--context", texts.WINDOW, "--output", matrix, "--force")
    return matrix


def _line(mix, source, size, found, base):
    each = [percent(found.text(index).relative(base.text(index))) for index in range(len(KINDS))]
    others = [index for index, kind in enumerate(KINDS) if kind != source]
    found_there, base_there = (Positions([side.texts[index] for index in others]) for side in (found, base))
    cells = [f"({share})" if kind == source else share for kind, share in zip(KINDS, each)]
    return " | ".join(["", mix.upper(), source, f"{size:,}", f"{found.mean:.5f}",
                       percent(found_there.relative(base_there)), *cells, ""]).strip()


def compare(weightmill, folder, published, windows, types, wanted):
    """Prints a table as Markdown, its rows as they come."""
    reference = models.smollm2(published)["smol-768"]
    inputs, logits = subjects.judged(reference, windows, folder), folder / "logits"
    columns = ["type", "text", "tokens", "divergence", f"other kinds, % of {BASE[0]} {BASE[1]:,}",
               *(f"{kind}, %" for kind in KINDS)]
    print(f"\n| {' | '.join(columns)} |\n{'|---' * len(columns)}|", flush=True)
    bases = {}
    for source, size in [BASE, *(trial for trial in wanted if trial != BASE)]:
        matrix = _learnt(weightmill, reference, source, size, folder)
        trial = subjects.Trial(matrix, inputs, logits)
        subject = subjects.Subject("smol-768", "", reference, types, KINDS, {"trial": [trial]})
        for mix in types:
            found, _ = subject.measure(weightmill, weightmill, folder, mix, "trial")
            print(_line(mix, source, size, found, bases.setdefault(mix, found)), flush=True)
