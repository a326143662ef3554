"""What divergence is allowed: limits.json holds for a model, an importance's origin and a mix

- `limit`: what was reached, with room for nearly equal rules; above it the row is lost;
- `goal`: what is wanted, where that is a figure. A row that has none is to be 8 % below llama.cpp with importance.
"""

import json
import pathlib

PATH = pathlib.Path(__file__).with_name("limits.json")
# Between rules that are nearly equal the divergence moves by some 2 %.
SPREAD = 1.02
BAR = -0.08


class Limits:
    def __init__(self):
        self.figures = json.loads(PATH.read_text())

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
        if "goal" in found:
            return "open" if row.ours.mean > found["goal"] else ""
        return "open" if row.origin != "none" and difference > BAR else ""

    def update(self, rows):
        """Takes what was reached for the limits of the rows that were measured."""
        for row in rows:
            origins = self.figures.setdefault(row.model, {})
            found = origins.setdefault(row.origin, {}).setdefault(row.mix, {})
            found["limit"] = float(f"{row.ours.mean * SPREAD:.4g}")
        PATH.write_text(json.dumps(self.figures, indent=1, sort_keys=True) + "\n")
