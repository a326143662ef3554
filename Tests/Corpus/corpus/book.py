"""Collects the cases, writes their files and the manifest."""

import hashlib
import json
import os
import shutil
from dataclasses import dataclass

MALFORMED, NO_INPUT, UNSUPPORTED, INPUT_OUTPUT, REFUSED, MISMATCH = 65, 66, 69, 74, 77, 78
# Where the specification leaves open whether a file is broken or made to mislead.
BAD = (MALFORMED, REFUSED)

LARGEST_FILE = 64 * 1024


@dataclass(frozen=True)
class Link:
    """A symbolic link in a folder of a case."""

    target: str


class Tensor:
    """What an honest file must be read as: values row-major, little endian."""

    def __init__(self, name, dtype, shape, data):
        self.name, self.dtype, self.shape, self.data = name, dtype, list(shape), data

    def record(self):
        return {
            "name": self.name,
            "dtype": self.dtype,
            "shape": self.shape,
            "sha256": hashlib.sha256(self.data).hexdigest(),
        }


HASH = ["hash", "PATH", "--json"]
INSPECT = ["inspect", "PATH", "--json"]
CONVERT = ["convert", "PATH", "--output", "out.gguf"]


def tokenize(text):
    return ["tokenize", "PATH", text, "--json"]


class Book:
    """The cases in the order in which they were added."""

    def __init__(self):
        self.cases = []
        self.contents = {}

    def accept(self, path, rules, what, content, tensors=None, arguments=HASH, ids=None):
        """A file that must be read, and give exactly these tensors or token ids."""
        self._add(path, rules, what, content, arguments, None, tensors, ids)

    def reject(self, path, rules, what, content, codes, arguments=HASH):
        """A file that must be refused, with one of these exit codes."""
        self._add(path, rules, what, content, arguments, codes, None, None)

    def either(self, path, rules, what, content, codes, tensors=None, arguments=HASH, ids=None):
        """A file that may be refused, but if it is read must give exactly this."""
        self._add(path, rules, what, content, arguments, codes, tensors, ids, optional=True)

    def _add(self, path, rules, what, content, arguments, codes, tensors, ids, optional=False):
        name = path.rsplit(".", 1)[0] if isinstance(content, bytes) else path
        assert path not in self.contents, path
        assert all(case["name"] != name for case in self.cases), name
        rules = [rules] if isinstance(rules, str) else list(rules)
        expect = "either" if optional else "reject" if codes is not None else "accept"
        case = {
            "name": name, "path": path, "rules": rules, "what": what, "arguments": arguments,
            "expect": expect
        }
        if codes is not None:
            case["codes"] = [codes] if isinstance(codes, int) else list(codes)
        if tensors is not None:
            case["tensors"] = [tensor.record() for tensor in tensors]
        if ids is not None:
            case["ids"] = ids
        self.cases.append(case)
        self.contents[path] = content

    def files(self):
        """Every file of the corpus by its path, the manifest among them."""
        files = {}
        for path, content in self.contents.items():
            parts = {"": content} if isinstance(content, bytes) else content
            for name, part in parts.items():
                assert isinstance(part, Link) or len(part) <= LARGEST_FILE, (path, name)
                files[os.path.join("files", path, name) if name else f"files/{path}"] = part
        lines = ",\n".join(json.dumps(case, ensure_ascii=True) for case in self.cases)
        files["manifest.json"] = ('{"cases": [\n' + lines + "\n]}\n").encode()
        return files

    def write(self, folder):
        """Writes everything anew."""
        shutil.rmtree(os.path.join(folder, "files"), ignore_errors=True)
        for path, part in self.files().items():
            target = os.path.join(folder, path)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if isinstance(part, Link):
                os.symlink(part.target, target)
                continue
            with open(target, "wb") as file:
                file.write(part)

    def differences(self, folder):
        """The paths whose content is not what would be written, and those that would not be."""
        files = self.files()
        found = {path for path, part in files.items() if content(folder, path) != part}
        for parent, _, names in os.walk(os.path.join(folder, "files")):
            paths = (os.path.relpath(os.path.join(parent, name), folder) for name in names)
            found.update(path for path in paths if path not in files)
        return sorted(found)


def content(folder, path):
    """What lies at a path: the bytes of a file, a link, or None."""
    target = os.path.join(folder, path)
    if os.path.islink(target):
        return Link(os.readlink(target))
    if not os.path.isfile(target):
        return None
    with open(target, "rb") as file:
        return file.read()
