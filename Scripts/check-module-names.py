#!/usr/bin/env python3
"""Fails if a Python script has the name of a module that is not ours.

A script's folder comes first on Python's path: beside a `tokenizers.py`, `import transformers` finds that file
instead of the package, in every script of the folder.

    check-module-names.py [FOLDER]     of the tree (default: this one)
"""

import ast
import pathlib
import subprocess
import sys

root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent)
listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.py"],
                        cwd=root, stdout=subprocess.PIPE, check=True)
scripts = [root / name for name in listed.stdout.decode().split("\0") if name and (root / name).exists()]
required = {line.split("==")[0].strip().lower().replace("-", "_")
            for path in root.glob("Interop/requirements*.txt")
            for line in path.read_text().splitlines() if "==" in line}


def imported(script):
    for node in ast.walk(ast.parse(script.read_text(), script)):
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


importers = {}
for script in scripts:
    for module in imported(script):
        importers.setdefault(module, set()).add(script)
wrong = []
for script in scripts:
    name = script.stem
    if name in sys.stdlib_module_names:
        wrong.append((script, "of Python's own library"))
    elif name in required:
        wrong.append((script, "that Interop/requirements names"))
    elif script in importers.get(name, ()):
        wrong.append((script, "that it imports itself"))
for script, where in wrong:
    print(f"{script.relative_to(root)} has the name of a module {where}; rename it", file=sys.stderr)
sys.exit(bool(wrong))
