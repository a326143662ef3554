#!/usr/bin/env python3
"""Writes Sources/Quantization/Codebooks/Codebook+Tables.swift from formats/vectors/grids.txt.

    python3 Scripts/make-codebooks.py

Each table of grids.txt is checked against the SHA-256 in its heading before it is written. The
licence of the tables is copied along with them.
"""
import hashlib
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCE = ROOT / "formats/vectors/grids.txt"
TARGET = ROOT / "Sources/Quantization/Codebooks/Codebook+Tables.swift"
HEADING = re.compile(
    r"# (?P<name>\w+) entries=(?P<entries>\d+) width=(?P<width>\d+) values=\[(?P<levels>[-\d, ]+)\]"
    r" bits/level=(?P<bits>\d+) .* sha256\(int8 row-major\)=(?P<sha256>[0-9a-f]{64})$"
)
SWIFT_NAMES = {
    "IQ2_XXS": "iq2_XXS", "IQ2_XS": "iq2_XS", "IQ2_S": "iq2_S",
    "IQ3_XXS": "iq3_XXS", "IQ3_S": "iq3_S", "IQ1_S": "iq1",
}  # fmt: skip


def read():
    """The licence's lines, and the tables: (heading, points)."""
    licence, tables = [], []
    for line in SOURCE.read_text().splitlines():
        if match := HEADING.match(line):
            tables.append((match.groupdict(), []))
        elif not tables:
            licence.append(line.removeprefix("#").strip())
        else:
            tables[-1][1].extend(line.split())
    return licence, tables


def check(heading, points):
    """Stops if a table is not the one that its heading describes."""
    bits, width = int(heading["bits"]), int(heading["width"])
    levels = [int(level) for level in heading["levels"].split(",")]
    assert len(points) == int(heading["entries"]), heading["name"]
    values = bytes(
        levels[int(point, 16) >> bits * place & (1 << bits) - 1] & 0xFF
        for point in points
        for place in range(width)
    )
    assert hashlib.sha256(values).hexdigest() == heading["sha256"], heading["name"]


def swift(heading, points):
    """A table as Swift."""
    name = heading["name"]
    types = "IQ1_S and IQ1_M" if name == "IQ1_S" else name
    lines = [
        f"  /// {heading['entries']} points of {heading['width']}: {types}.",
        f"  static let {SWIFT_NAMES[name]} = Codebook(",
        "    [",
    ]
    for first in range(0, len(points), 12):
        lines.append("      " + ", ".join("0x" + point for point in points[first : first + 12]) + ",")
    lines.append(
        f"    ], width: {heading['width']}, bits: {heading['bits']}, levels: [{heading['levels']}])"
    )
    return lines


licence, tables = read()
output = ["// Made by Scripts/make-codebooks.py from formats/vectors/grids.txt: do not edit.", "//"]
output += [f"// {line}".rstrip() for line in licence]
output += ["", "// swift-format-ignore", "extension Codebook {"]
for heading, points in tables:
    check(heading, points)
    if output[-1] != "extension Codebook {":
        output.append("")
    output += swift(heading, points)
output.append("}")
TARGET.write_text("\n".join(output) + "\n")
print(f"{TARGET.relative_to(ROOT)}: {len(tables)} tables")
