"""What the interop tests share: counting checks, running Weightmill, reading GGUF files."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import traceback

ROOT = pathlib.Path(__file__).resolve().parent.parent
FIXTURE = ROOT / "fixtures" / "mini-ziya"
BINARY = pathlib.Path(os.environ.get("WEIGHTMILL") or ROOT / ".build/release/weightmill").resolve()


class Checks:
    """Prints a line per check and counts."""

    def __init__(self):
        if not BINARY.is_file():
            sys.exit(f"{BINARY} is missing: swift build -c release, or set WEIGHTMILL")
        self.passed = 0
        self.failed = 0

    def check(self, what, ok, detail=""):
        """One check; the detail is printed either way: figures, or what is wrong."""
        self.passed += bool(ok)
        self.failed += not ok
        print(f"{'ok  ' if ok else 'FAIL'} {what}" + (f": {detail}" if detail else ""), flush=True)

    def none(self, what, problems):
        """A check of many things at once: right if none of them is a problem."""
        problems = list(problems)
        more = f" and {len(problems) - 5} more" if len(problems) > 5 else ""
        self.check(what, not problems, "; ".join(problems[:5]) + more)

    @contextlib.contextmanager
    def part(self, name):
        """Checks of which one may fail to run: that is a failure, and the next part is run."""
        try:
            yield
        except Exception as error:
            traceback.print_exc()
            self.check(f"{name} runs to its end", False, repr(error))

    def finish(self):
        """The closing line, and the process's end."""
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        sys.exit(1 if self.failed else 0)


def weightmill(*arguments):
    """Runs Weightmill and returns its output; an exit code other than 0 is an exception."""
    command = [str(argument) for argument in (BINARY, *arguments)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    if done.returncode != 0:
        raise RuntimeError(f"{command} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def weightmill_json(*arguments):
    return json.loads(weightmill(*arguments, "--json"))


def convert(folder, mix, *options):
    """Converts mini-ziya to FOLDER/MIX.gguf, merging its delta."""
    output = folder / f"{mix}.gguf"
    weightmill(
        "convert", FIXTURE / "base-meta", "--delta", FIXTURE / "delta", "--type", mix,
        "--output", output, *options)
    return output


def imatrix(folder):
    """An importance matrix of mini-ziya, its delta merged, computed once as llama.gguf's was."""
    output = folder / "imatrix.gguf"
    if output.exists():
        return output
    weightmill(
        "imatrix", FIXTURE / "base-meta", "--delta", FIXTURE / "delta", "--output", output,
        "--text", ROOT / "fixtures/imatrix/text.txt", "--context", "48")
    return output


def ask_llama(model, folder, **questions):
    """What llama.cpp answers (llama_answers.py), in a process of the Python that run.sh names."""
    import numpy as np  # not every test has it

    asked, answers = folder / "questions.json", folder / "answers.npz"
    asked.write_text(json.dumps(questions), encoding="utf-8")
    subprocess.run(
        [os.environ["WEIGHTMILL_LLAMA_PYTHON"], "-B", ROOT / "Interop/llama_answers.py", model, asked, answers],
        check=True, stderr=subprocess.DEVNULL)
    return np.load(answers)


def expected(name):
    return json.loads((FIXTURE / "expected" / name).read_text(encoding="utf-8"))


def flat(tensor):
    """The bytes of a gguf.ReaderTensor."""
    import numpy as np  # not every test has it

    return np.frombuffer(tensor.data.tobytes(), np.uint8)


def metadata(reader):
    """Names of types and value by key, of a gguf.GGUFReader."""
    return {
        key: ([kind.name for kind in field.types], field.contents())
        for key, field in reader.fields.items() if not key.startswith("GGUF.")}
