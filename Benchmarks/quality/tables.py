"""Rows of figures, and how they are shown: on the terminal, as JSON, as Markdown."""

import dataclasses
import json
import math

from quality import texts
from quality.positions import Positions

ORIGINS = {
    "none": "no importance",
    "texts": "importance from other texts",
    "self": "importance from self-written text",
    "types": "types chosen for the bytes of the mix, by other texts; the fixed mix with the same importance",
    "types-feedback": "types chosen, and errors carried on; llama.cpp with importance from the same text as errors",
    "feedback": "errors carried on, by other texts and self-written text; llama.cpp with importance from the same",
    "feedback-self": "errors carried on, by self-written text; llama.cpp with importance from the same",
}


@dataclasses.dataclass
class Row:
    model: str
    origin: str
    mix: str
    ours: Positions
    theirs: Positions | None  # None where the other program makes no such file
    texts: tuple
    is_whole: bool  # whether all windows were read
    state: str = ""
    expected: float | None = None  # what was expected of ours before it was written, by the text of its types

    @property
    def difference(self):
        """The share by which ours is above theirs, and its error."""
        return self.ours.relative(self.theirs)

    def by_text(self):
        """Each text's name with ours and theirs."""
        for index, name in enumerate(self.texts):
            yield name, self.ours.text(index), self.theirs and self.theirs.text(index)


def percent(difference):
    share, error = difference
    return f"{100 * share:+.1f}" if math.isnan(error) else f"{100 * share:+.1f} ± {100 * error:.1f}"


def header(other, row_texts):
    columns = f"{'type':8}{'ours':>21}{other[:20]:>21}{'%':>14}{'p99':>18}{'same top':>14}"
    return columns + "".join(f"{name + ' %':>16}" for name in row_texts)


def line(row):
    ours, theirs = row.ours, row.theirs
    shown = f"{row.mix:8}{ours.mean:11.6f} ± {ours.error:.6f}"
    if theirs is None:
        return shown + f"{'none':>21}"
    shown += f"{theirs.mean:11.6f} ± {theirs.error:.6f}{percent(row.difference):>14}"
    shown += f"{ours.p99:9.4f}{theirs.p99:9.4f}{100 * ours.same_top:7.2f}{100 * theirs.same_top:7.2f}"
    for _, mine, other in row.by_text():
        shown += f"{percent(mine.relative(other)):>16}"
    if row.expected is not None:
        shown += f"  expected {row.expected:.6f} ({100 * (row.expected / ours.mean - 1):+.0f} %)"
    return f"{shown}  {row.state}".rstrip()


def markdown(rows, subjects, builds):
    """A table for each model and origin of importance, and one of the texts."""
    parts = []
    for subject in subjects:
        for origin in subject.trials:
            found = [row for row in rows if (row.model, row.origin) == (subject.name, origin) and row.theirs]
            if not found:
                continue
            names = "".join(f" | {name}" for name in subject.texts)
            parts += [f"**{subject.name}**, {ORIGINS[origin]} ({subject.what})", "",
                      f"| type | {builds[0][0]} | {builds[1][0]} | difference, %{names} |",
                      "|---|" + "---|" * (3 + len(subject.texts))]
            for row in found:
                each = "".join(f" | {percent(mine.relative(other))}" for _, mine, other in row.by_text())
                parts.append(f"| {row.mix.upper()} | {row.ours.mean:.6f} | {row.theirs.mean:.6f} | "
                             f"{percent(row.difference)}{each} |")
            parts.append("")
    parts += ["| text | judged | importance learnt from |", "|---|---|---|"]
    parts += [f"| {judged.kind} | {judged.what} | {learnt.what} |"
              for judged, learnt in zip(texts.JUDGED, texts.CALIBRATION)]
    return "\n".join(parts) + "\n"


def _figures(positions):
    return {"mean": positions.mean, "error": positions.error, "p99": positions.p99, "sameTop": positions.same_top}


def _pair(ours, theirs):
    found = {"ours": _figures(ours)}
    if theirs is not None:
        share, error = ours.relative(theirs)
        found |= {"theirs": _figures(theirs), "difference": share, "differenceError": error}
    return found


def as_json(rows, builds):
    listed = [
        {"model": row.model, "importance": row.origin, "type": row.mix, "state": row.state, "expected": row.expected,
         **_pair(row.ours, row.theirs),
         "texts": {name: _pair(mine, other) for name, mine, other in row.by_text()}}
        for row in rows]
    said = {"ours": builds[0][1], "theirs": builds[1][1], "rows": listed}
    # A number that is none, as the error of one window is, has no place in JSON.
    return json.dumps(_finite(said), indent=1) + "\n"


def _finite(value):
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
