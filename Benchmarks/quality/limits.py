"""What divergence is allowed: limits.json holds for a model, an importance's origin and a mix

- `limit`: what was reached, with room for nearly equal rules; above it the row is lost;
- `goal`: what is wanted, where that is a figure;
- `below`: by which share the row is to be below llama.cpp, where that is another one than 8 %;
- `eachBelow`: by which share each of its texts is to be, where that is wanted, too.
"""

import json
import math
import pathlib

PATH = pathlib.Path(__file__).with_name("limits.json")
# Between rules that are nearly equal the divergence moves by some 2 %; what errors are
# carried by, and which types are chosen, moves it by more.
SPREAD = {"feedback": 1.03, "feedback-self": 1.03, "types": 1.03, "types-feedback": 1.04}
USUAL_SPREAD = 1.02
BELOW = 0.08


class Limits:
    def __init__(self, figures=None):
        self.figures = json.loads(PATH.read_text()) if figures is None else figures

    def state(self, row, is_beside_llama):
        """`lost`, `worse` than llama.cpp, `open`: not yet what it shall be, or nothing."""
        found = self.figures.get(row.model, {}).get(row.origin, {}).get(row.mix, {})
        if row.is_whole and row.ours.mean > found.get("limit", float("inf")):
            return "lost"
        if row.theirs is None or not is_beside_llama:
            return ""
        difference, _ = row.difference
        if difference > 0:
            return "worse"
        return "open" if self._is_open(row, found) else ""

    @staticmethod
    def _is_open(row, found):
        """Whether a row, or one of its texts, is not where it shall be."""
        difference, _ = row.difference
        if "goal" in found:
            return row.ours.mean > found["goal"]
        if row.origin != "none" and difference > -found.get("below", BELOW):
            return True
        each = found.get("eachBelow", -math.inf)
        return any(ours.relative(theirs)[0] > -each for _, ours, theirs in row.by_text())

    def update(self, rows):
        """Takes what was reached for the limits of the rows that were measured."""
        for row in rows:
            origins = self.figures.setdefault(row.model, {})
            found = origins.setdefault(row.origin, {}).setdefault(row.mix, {})
            found["limit"] = float(f"{row.ours.mean * SPREAD.get(row.origin, USUAL_SPREAD):.4g}")
        PATH.write_text(json.dumps(self.figures, indent=1, sort_keys=True) + "\n")
