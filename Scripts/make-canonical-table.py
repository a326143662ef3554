#!/usr/bin/env python3
"""Writes Sources/Tokenization/Normalizing/CanonicalData.swift from Python's copy of Unicode's data.

    python3 Scripts/make-canonical-table.py > Sources/Tokenization/Normalizing/CanonicalData.swift

Each entry: a character, then the one or two characters it decomposes to, in hexadecimal. Only the
first list composes again; the second holds singletons and Unicode's composition exclusions.
"""
import sys
import unicodedata


def entries():
    for code in range(0x110000):
        parts = unicodedata.decomposition(chr(code))
        if parts and not parts.startswith("<"):
            yes = unicodedata.normalize("NFC", chr(code)) == chr(code)
            yield yes, " ".join(f"{int(part, 16):X}" for part in [f"{code:X}"] + parts.split())


def literal(name, comment, rows):
    lines, line = [], ""
    for row in rows:
        if len(line) + len(row) + 2 > 95:
            lines.append(line)
            line = ""
        line += row + ";"
    lines.append(line)
    text = "\\\n".join("    " + line for line in lines)
    return f'  /// {comment}\n  static let {name} = """\n{text}\n    """\n'


rows = list(entries())
print("// Made by Scripts/make-canonical-table.py; do not edit.")
print()
print(f"/// Canonical decompositions of Unicode {unicodedata.unidata_version} (UnicodeData.txt, Unicode License v3),")
print("/// Hangul syllables aside: entries end with `;`, numbers are hexadecimal.")
print("enum CanonicalData {")
print(literal("composing", "Characters that composition gives back, with their two parts.",
              [row for yes, row in rows if yes]))
print(literal("excluded", "Characters that it does not, with their one or two parts.",
              [row for yes, row in rows if not yes]), end="")
print("}")
