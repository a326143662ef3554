"""What is judged: a model, the importance or text it is quantized by, and the texts that are judged then."""

import dataclasses
import hashlib
import json
import os
import pathlib
import tempfile

import llama_cpp

from quality import models, same_function, texts
from quality.packages import CACHE
from quality.positions import Positions
from quality.programs import Failed

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURE = ROOT / "fixtures/mini-ziya"
FIXTURE_TEXTS = [FIXTURE / "expected/eval-en.txt", FIXTURE / "expected/eval-zh.txt"]
FIXTURE_WINDOW = 256
SELF_TOKENS, SELF_SEED = 32768, 1

# Windows of each of SmolLM2's texts: fewer show that the bench works, and judge nothing.
WINDOWS = 16
EVERY = ("q8_0", "q6_k", "q5_k_m", "q4_k_m", "q4_k_s", "iq4_xs", "q4_0", "q3_k_m", "q3_k_s", "q2_k", "iq3_s", "iq2_xs")
# Rows of 576 are no whole blocks of k-quants: types that need none, and mixes that fall back.
LEGACY = ("q8_0", "q5_0", "q4_0", "q4_k_m", "q2_k")
FIXTURE_MIXES = (
    "q8_0", "q6_k", "q5_k_m", "q5_0", "q4_k_m", "q4_k_s", "iq4_xs", "q4_0", "q3_k_m", "q3_k_s", "q2_k")
# Where errors are carried on, a file takes as long as a dozen passes over the text.
FIXTURE_FEEDBACK = ("q6_k", "q5_k_m", "q4_k_m", "q4_k_s", "iq4_xs", "q4_0", "q3_k_m", "q3_k_s", "q2_k")
SMOLLM2_FEEDBACK = ("q5_k_m", "q4_k_m", "q3_k_m", "q2_k")
FEEDBACK = ("feedback", "feedback-self")
CHOSEN = ("types", "types-feedback")
# In the bytes of these, types are chosen.
CHOSEN_MIXES = ("q6_k", "q5_k_m", "q4_k_m", "q4_k_s", "iq4_xs", "q3_k_m", "q2_k")


@dataclasses.dataclass
class Trial:
    """An importance matrix, or none, and what is judged of a file that was made with it."""

    importance: pathlib.Path | None
    inputs: list  # arguments of verify-logits
    logits: pathlib.Path  # where the reference's are kept during this run
    # Arguments of quantize that name the text which that importance was learnt from, where errors are carried on by it.
    calibration: list | None = None
    # What each type costs each matrix, where types are chosen by it.
    sensitivity: pathlib.Path | None = None


@dataclasses.dataclass
class Subject:
    name: str
    what: str
    reference: pathlib.Path
    mixes: tuple
    # Names of the texts, if each is reported by itself.
    texts: tuple
    # By the importance's origin: trials whose positions are put together.
    trials: dict
    # Mixes by origin, where errors are carried on.
    fed: tuple = ()

    def mixes_of(self, origin):
        if origin in CHOSEN:
            return CHOSEN_MIXES
        return self.fed if origin in FEEDBACK else self.mixes

    def measure(self, program, judge, folder, mix, origin):
        """The positions of a program's file, judged by Weightmill, and what it expects of them, if it does."""
        found, expected = Positions([]), []
        candidate, saved = folder / "candidate.gguf", folder / "positions.json"
        for trial in self.trials[origin]:
            if not trial.logits.exists():
                judge.run("verify-logits", self.reference, *trial.inputs, "--save-logits", trial.logits)
            program.quantize(self.reference, candidate, mix, trial)
            judge.run("verify-logits", candidate, "--reference", trial.logits, "--save-positions", saved, "--force")
            positions = Positions.read(saved)
            found += positions
            expected.append((getattr(program, "expected", None), len(positions.divergences)))
        candidate.unlink()
        if any(divergence is None for divergence, _ in expected):
            return found, None
        return found, sum(divergence * count for divergence, count in expected) / sum(count for _, count in expected)

    def clear(self):
        """Removes logits, which are large."""
        for trial in sum(self.trials.values(), []):
            trial.logits.unlink(missing_ok=True)


def _texts(paths):
    return [argument for path in paths for argument in ("--text", path)]


def _self_written(weightmill, reference, window, output):
    weightmill.run("imatrix", reference, "--text", "self", "--tokens", SELF_TOKENS, "--seed", SELF_SEED,
                   "--context", window, "--output", output, "--force")
    return output


def _kept_self_text(weightmill, reference, window, count):
    """The ids of text that a model wrote, a list for each window; written once for each model, and kept."""
    with reference.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    digest.update(json.dumps([count, SELF_SEED, window]).encode())
    path = CACHE / "self" / f"{reference.stem}-{digest.hexdigest()[:16]}.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            part = pathlib.Path(folder) / "self.json"
            weightmill.run("imatrix", reference, "--text", "self", "--tokens", count, "--seed", SELF_SEED,
                           "--context", window, "--save-text", part, "--output", part.with_suffix(".gguf"))
            os.replace(part, path)
    return path


def _sensitivity(weightmill, name, reference, paths, window, matrix):
    """What each type costs each matrix; kept for as long as the program, the model, texts and importance are the same."""
    digest = hashlib.sha256(pathlib.Path(weightmill.path).read_bytes() + reference.name.encode())
    for path in (*paths, matrix):
        digest.update(path.read_bytes())
    kept = CACHE / "sensitivity" / f"{name}-{digest.hexdigest()[:16]}.json"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(".part")
        weightmill.run("sensitivity", reference, *_texts(paths), "--context", window, "--imatrix", matrix,
                       "--output", part, "--force")
        os.replace(part, kept)
    return kept


def _calibration(paths, ids, window):
    """What `quantize` is told of texts and ids that it learns from."""
    return [argument for path in paths for argument in ("--calibrate", path)] + [
        "--calibration-ids", ids, "--calibration-context", window]


# MARK: - mini-ziya

def _halves(folder):
    """The fixture's texts, cut into two halves: for each half its files."""
    halves = [[], []]
    for text in FIXTURE_TEXTS:
        lines = text.read_text(encoding="utf-8").splitlines(keepends=True)
        middle = len(lines) // 2
        for half, part in enumerate((lines[:middle], lines[middle:])):
            path = folder / f"{text.stem}-{half}.txt"
            path.write_text("".join(part), encoding="utf-8")
            halves[half].append(path)
    return halves


def _fixture_feedback(weightmill, reference, folder, is_self_alone, whole):
    """By self-written text, judged on both texts; or with one half of the texts, judged on the other, both ways."""
    own = _kept_self_text(weightmill, reference, FIXTURE_WINDOW, SELF_TOKENS)
    context = ["--context", FIXTURE_WINDOW]

    def trial(name, learnt, inputs, logits):
        matrix = folder / f"feedback-{name}.imatrix.gguf"
        # Types and errors learn by the same, each for itself.
        weightmill.run("imatrix", reference, *_texts(learnt), "--tokens-file", own, *context, "--output", matrix, "--force")
        return Trial(matrix, inputs, folder / logits, _calibration(learnt, own, FIXTURE_WINDOW))

    if is_self_alone:
        return [trial("self", [], whole, "whole.logits")]
    halves = _halves(folder)
    return [trial(half, halves[1 - half], [*_texts(halves[half]), *context], f"half-{half}.logits")
            for half in (0, 1)]


def _fixture_types(weightmill, reference, folder, half):
    """A half of the texts, judged with the types that cost least on the other."""
    halves, context = _halves(folder), ["--context", FIXTURE_WINDOW]
    matrix = folder / f"types-{1 - half}.imatrix.gguf"
    weightmill.run("imatrix", reference, *_texts(halves[1 - half]), *context, "--output", matrix, "--force")
    return Trial(matrix, [*_texts(halves[half]), *context], folder / f"half-{half}.logits",
                 sensitivity=_sensitivity(
                     weightmill, f"mini-ziya-{half}", reference, halves[1 - half], FIXTURE_WINDOW, matrix))


def mini_ziya(weightmill, folder, origins):
    """The fixture. With importance from texts, each half is judged by what was learnt from the other."""
    reference = folder / "mini-ziya.gguf"
    weightmill.run("convert", FIXTURE / "base-meta", "--delta", FIXTURE / "delta", "--type", "f32",
                   "--output", reference)
    context = ["--context", FIXTURE_WINDOW]
    whole = [*_texts(FIXTURE_TEXTS), *context]
    trials = {}
    if "none" in origins:
        trials["none"] = [Trial(None, whole, folder / "whole.logits")]
    if "texts" in origins:
        halves = _halves(folder)
        trials["texts"] = []
        for half in (0, 1):
            matrix = folder / f"half-{1 - half}.imatrix.gguf"
            weightmill.run("imatrix", reference, *_texts(halves[1 - half]), *context, "--output", matrix)
            trials["texts"].append(
                Trial(matrix, [*_texts(halves[half]), *context], folder / f"half-{half}.logits"))
    if "self" in origins and weightmill.writes_text:
        matrix = _self_written(weightmill, reference, FIXTURE_WINDOW, folder / "self.imatrix.gguf")
        trials["self"] = [Trial(matrix, whole, folder / "whole.logits")]
    if "types" in origins and weightmill.chooses_types:
        trials["types"] = [_fixture_types(weightmill, reference, folder, half) for half in (0, 1)]
    if "types-feedback" in origins and weightmill.chooses_types:
        trials["types-feedback"] = _fixture_feedback(weightmill, reference, folder, False, whole)
        for half, trial in enumerate(trials["types-feedback"]):
            trial.sensitivity = _fixture_types(weightmill, reference, folder, half).sensitivity
    for origin in FEEDBACK:
        if origin in origins and weightmill.carries_errors:
            trials[origin] = _fixture_feedback(weightmill, reference, folder, origin == "feedback-self", whole)
    return Subject(
        "mini-ziya", "fixtures/mini-ziya, merged; windows of 256 tokens of both evaluation texts", reference,
        FIXTURE_MIXES, (), trials, FIXTURE_FEEDBACK)


# MARK: - SmolLM2

def ids(reference, text):
    """The ids of a text, without BOS."""
    model = llama_cpp.Llama(str(reference), vocab_only=True, verbose=False)
    found = model.tokenize(text.read().encode("utf-8"), add_bos=False, special=False)
    model.close()
    return found


def _windows(reference, text, count, folder):
    """A file of the ids of a text's first windows, whose name is the kind of text."""
    found = ids(reference, text)
    if len(found) < texts.WINDOW * count:
        raise Failed(f"{text.what} has {len(found)} tokens, too few for {count} windows")
    path = folder / f"{text.kind}.json"
    path.write_text(json.dumps(found[:texts.WINDOW * count]))
    return path


def judged(reference, count, folder):
    """What verify-logits is told: the first windows of each text."""
    inputs = []
    for text in texts.JUDGED:
        inputs += ["--tokens", _windows(reference, text, count, folder)]
    return [*inputs, "--context", texts.WINDOW]


def _calibration_texts(folder, windows):
    """Files of the calibration texts: as large a part of each as is judged of the others."""
    paths = []
    for text in texts.CALIBRATION:
        paths.append(folder / f"calibration-{text.kind}.txt")
        words = text.read()
        paths[-1].write_text(words[:len(words) * windows // WINDOWS], encoding="utf-8")
    return paths


def _learnt(weightmill, name, reference, paths, ids=None):
    """Importance from texts and ids; kept for as long as the program, the model and the texts are the same."""
    digest = hashlib.sha256(pathlib.Path(weightmill.path).read_bytes() + reference.name.encode())
    for path in (*paths, ids):
        digest.update(path.read_bytes() if path else b"")
    matrix = CACHE / "importance" / f"{name}-{digest.hexdigest()[:16]}.gguf"
    if not matrix.exists():
        matrix.parent.mkdir(parents=True, exist_ok=True)
        written = ["--tokens-file", ids] if ids else []
        weightmill.run("imatrix", reference, *_texts(paths), *written, "--context", texts.WINDOW, "--output", matrix)
    return matrix


def smollm2(weightmill, folder, published, windows, wanted):
    """SmolLM2 as it is and widened, as far as they are wanted: the origins of each."""
    paths = models.smollm2(published)
    first = _windows(paths["smol-576"], texts.JUDGED[0], 1, folder)
    divergence, error = same_function.check(weightmill, paths["smol-576"], paths["smol-768"], first, folder)
    print(f"\nsmol-768 is smol-576: divergence below {divergence:.1e}, in llama.cpp square error of logits {error:.1e}")
    for name, path in paths.items():
        if name not in wanted:
            continue
        inputs = judged(path, windows, folder)
        logits, trials = folder / f"{name}.logits", {}
        origins = wanted[name]
        other = _calibration_texts(folder, windows) if {"texts", "feedback", *CHOSEN} & set(origins) else []
        if "none" in origins:
            trials["none"] = [Trial(None, inputs, logits)]
        if "texts" in origins:
            trials["texts"] = [Trial(_learnt(weightmill, name, path, other), inputs, logits)]
        if "self" in origins and weightmill.writes_text:
            matrix = _self_written(weightmill, path, texts.WINDOW, folder / f"{name}-self.imatrix.gguf")
            trials["self"] = [Trial(matrix, inputs, logits)]
        for origin in (*FEEDBACK, "types-feedback"):
            if origin in origins and weightmill.carries_errors:
                own = _kept_self_text(weightmill, path, texts.WINDOW, SELF_TOKENS * windows // WINDOWS)
                learnt = [] if origin == "feedback-self" else other
                trials[origin] = [Trial(_learnt(weightmill, name, path, learnt, own), inputs, logits,
                                        _calibration(learnt, own, texts.WINDOW))]
        if set(CHOSEN) & set(origins) and weightmill.chooses_types:
            matrix = _learnt(weightmill, name, path, other)
            costs = _sensitivity(weightmill, name, path, other, texts.WINDOW, matrix)
            trials["types"] = [Trial(matrix, inputs, logits, sensitivity=costs)]
            for trial in trials.get("types-feedback", []):
                trial.sensitivity = costs
            trials = {origin: trials[origin] for origin in origins if origin in trials}
        what = f"SmolLM2-135M-Instruct, rows of {name[-3:]}; {windows} windows of 512 tokens of each text"
        yield Subject(name, what, path, EVERY if name == "smol-768" else LEGACY,
                      tuple(text.kind for text in texts.JUDGED), trials, SMOLLM2_FEEDBACK)
