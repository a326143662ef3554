#!/usr/bin/env python3
"""The whole job, base + delta to a quantized file, on models of 13B's width: time and peak memory.

    Benchmarks/job.sh                          beside the usual chain of programs, 4 layers
    Benchmarks/job.sh --depths 4,8,16,20       Weightmill alone, by depth
    Benchmarks/job.sh --depths 40 --sparse     at the real size, inputs of holes

The chain: transformers loads base and delta in F16, adds and saves them; llama.cpp's
convert_hf_to_gguf.py makes an F16 file; llama.cpp, compiled for this processor, quantizes it: what it was
built for is printed. The first two steps are run once for all
types of a run. The floor: `cat` of all inputs to /dev/null, and as many bytes as the output written
and flushed by dd. All take turns; figures are medians. Peaks are the largest resident set of any
process, as /usr/bin/time -v prints it. The input is in the page cache if it fits there; with --cold,
which needs root, the cache is emptied before each measurement.

"others" is how many processors other programs, and the system by itself, took meanwhile: figures count on a
machine that does nothing else.

Afterwards the two F16 files' tensors are compared: they must be the same.

Inputs are made anew in --folder (default: a temporary folder beside the build) and deleted when they are
done with. --json FILE keeps all figures.
"""

import argparse
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
WEIGHTMILL = pathlib.Path(os.environ.get("WEIGHTMILL") or ROOT / ".build/release/weightmill").resolve()
LAYER_BYTES, OTHER_BYTES = 634_419_200, 731_381_760  # of a base and delta each: a layer; the rest, mean
OUTPUT_BITS = {"f16": 16, "q8_0": 8.5, "q4_k_m": 4.9}


class Bench:
    def __init__(self, arguments, folder):
        self.arguments = arguments
        self.folder = folder
        self.environment = dict(os.environ, OMP_NUM_THREADS=str(arguments.threads),
                                HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false")

    def measure(self, *commands):
        """Runs commands one after the other: seconds, and the largest peak in bytes."""
        seconds, peak, own = 0, 0, 0
        os.sync()  # what ran before has nothing left to write
        if self.arguments.cold:
            pathlib.Path("/proc/sys/vm/drop_caches").write_text("3")
        busy = busy_seconds()
        for command in commands:
            log = self.folder / "log"
            with open(log, "wb") as errors:
                began = time.perf_counter()
                child = subprocess.Popen(
                    [str(word) for word in command], stdout=subprocess.DEVNULL, stderr=errors,
                    env=self.environment)
                try:
                    _, status, usage = os.wait4(child.pid, 0)
                except BaseException:  # a signal: what is measured must not go on alone
                    child.kill()
                    raise
                seconds += time.perf_counter() - began
            child.returncode = os.waitstatus_to_exitcode(status)
            if child.returncode:
                sys.exit(f"{command}: exit {child.returncode}\n{log.read_text(errors='replace')[-4000:]}")
            peak = max(peak, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))
            own += usage.ru_utime + usage.ru_stime
        others = max(0, busy_seconds() - busy - own) / seconds
        return {"seconds": seconds, "peak": peak, "processor": own, "others": others}

    def make(self, layers, sparse=False):
        size = layers * LAYER_BYTES + OTHER_BYTES
        inputs = 0 if sparse else 2 * size
        output = max(OUTPUT_BITS[mix] for mix in self.arguments.types) / 16 * size
        beside = 0 if self.arguments.depths else 3 * size
        free = shutil.disk_usage(self.folder).free
        if free < inputs + output + beside + (1 << 30):
            sys.exit(f"job.py: {layers} layers need {(inputs + output + beside) / 1e9:.0f} GB of disk, "
                     f"{free / 1e9:.0f} GB are free in {self.folder}")
        command = [sys.executable, "-B", ROOT / "Benchmarks/make-wide-model.py", layers, self.folder]
        command += ["--parts", f"{self.arguments.base},delta"]
        made = self.measure(command + (["--sparse"] if sparse else []))
        folders = [self.folder / name for name in (self.arguments.base, "delta")]
        files = [path for folder in folders for path in folder.iterdir()]
        note(f"{layers} layers: {total(files) / 1e9:.1f} GB of input made in {made['seconds']:.0f} s, "
             f"{made['peak'] / 1e6:.0f} MB of memory")
        return sorted(files)

    def ours(self, mix):
        output = self.folder / f"ours-{mix}.gguf"
        base, delta = self.folder / self.arguments.base, self.folder / "delta"
        return output, [
            WEIGHTMILL, "convert", base, "--delta", delta, "--name", "wide", "--type", mix,
            "--threads", self.arguments.threads, "--quiet", "--force", "--output", output]

    def floor(self, inputs, size):
        written = self.folder / "written"
        result = self.measure(
            ["cat", *inputs],
            ["dd", "if=/dev/zero", f"of={written}", "bs=4M", f"count={size}", "iflag=count_bytes",
             "conv=fsync", "status=none"])
        written.unlink()
        return result


def busy_seconds():
    """Seconds that all processors have worked since the start of the system, where Linux says so."""
    if not os.path.exists("/proc/stat"):
        return 0
    with open("/proc/stat", encoding="utf-8") as file:
        user, nice, system, _, _, irq, soft = (int(word) for word in file.readline().split()[1:8])
    return (user + nice + system + irq + soft) / os.sysconf("SC_CLK_TCK")


def total(files):
    return sum(path.stat().st_size for path in files)


def note(text):
    print(text, file=sys.stderr, flush=True)


def compare(bench):
    """All rows of the table: name to measurements, one for each run."""
    found = bench.arguments
    inputs = bench.make(found.layers)
    steps, merged = ROOT / "Benchmarks/job_steps.py", bench.folder / "merged"
    chain_f16 = bench.folder / "chain-f16.gguf"
    rows = {}
    for run in range(found.runs):
        note(f"run {run + 1} of {found.runs}")
        for mix in found.types:
            output, command = bench.ours(mix)
            output.unlink(missing_ok=True)
            add(rows, f"weightmill {mix}", bench.measure(command))
            size = output.stat().st_size
            if mix != "f16":
                output.unlink()
            add(rows, f"floor {mix}", bench.floor(inputs, size))
        add(rows, "chain: merge", bench.measure(
            [found.transformers, "-B", steps, "merge", bench.folder / "base", bench.folder / "delta",
             merged]))
        for path in (bench.folder / "delta").glob("*token*"):
            shutil.copy(path, merged)
        add(rows, "chain: to F16", bench.measure(
            [found.transformers, "-B", found.converter / "convert_hf_to_gguf.py", merged, "--outtype",
             "f16", "--outfile", chain_f16]))
        shutil.rmtree(merged)
        for mix in found.types:
            parts = [rows["chain: merge"][-1], rows["chain: to F16"][-1]]
            if mix != "f16":
                output = bench.folder / "chain.gguf"
                add(rows, f"chain: {mix}", bench.measure(
                    [sys.executable, "-B", steps, "quantize", chain_f16, output, mix, found.threads]))
                output.unlink()
                parts.append(rows[f"chain: {mix}"][-1])
            add(rows, f"chain {mix}", {
                "seconds": sum(part["seconds"] for part in parts),
                "peak": max(part["peak"] for part in parts),
                "processor": sum(part["processor"] for part in parts),
                "others": max(part["others"] for part in parts)})
    check_same(bench, chain_f16)
    return rows, total(inputs)


def add(rows, name, result):
    rows.setdefault(name, []).append(result)
    note(f"  {name:20}{result['seconds']:8.1f} s{result['peak'] / 1e6:10.0f} MB"
         f"{result['processor']:9.1f} s of processors; others took {result['others']:.2f} of them")


def check_same(bench, chain_f16):
    output, command = bench.ours("f16")
    if not output.exists():
        bench.measure(command)
    digests = bench.folder / "digests.json"
    with open(digests, "wb") as file:
        subprocess.run([WEIGHTMILL, "hash", output, "--json"], check=True, stdout=file)
    subprocess.run([WEIGHTMILL, "hash", chain_f16, "--check", digests], check=True)


def print_comparison(rows, inputs, types):
    print(f"{'':8}{'Weightmill':^22}{'chain':^22}{'floor':^12}{'chain/ours':>12}{'ours/floor':>12}")
    print(f"{'type':8}{'s':>11}{'MB':>11}{'s':>11}{'MB':>11}{'s':>12}")
    for mix in types:
        ours, chain, floor = (median(rows[f"{name} {mix}"]) for name in ("weightmill", "chain", "floor"))
        print(f"{mix:8}{ours['seconds']:11.1f}{ours['peak'] / 1e6:11.0f}{chain['seconds']:11.1f}"
              f"{chain['peak'] / 1e6:11.0f}{floor['seconds']:12.1f}"
              f"{chain['seconds'] / ours['seconds']:12.2f}{ours['seconds'] / floor['seconds']:12.2f}")
    print("\nsteps of the chain")
    for name in rows:
        if name.startswith("chain: "):
            step = median(rows[name])
            print(f"{name[7:]:8}{step['seconds']:11.1f} s{step['peak'] / 1e6:11.0f} MB")
    print(f"\n{inputs / 1e9:.2f} GB of input")


def median(results):
    return {key: statistics.median(result[key] for result in results) for key in ("seconds", "peak")}


def depths(bench):
    found = bench.arguments
    rows = []
    print(f"{'layers':>6}{'input':>10}  {'type':8}{'output':>9}{'s':>9}{'floor':>9}{'MB/s':>8}{'peak':>9}",
          flush=True)
    for layers in found.depths:
        inputs = bench.make(layers, found.sparse)
        for mix in found.types:
            for _ in range(found.runs):
                output, command = bench.ours(mix)
                result = bench.measure(command)
                size = output.stat().st_size
                output.unlink()
                floor = bench.floor(inputs, size)["seconds"]
                rows.append({"layers": layers, "type": mix, "input": total(inputs), "output": size,
                             "sparse": found.sparse, "floor": floor, **result})
                print(f"{layers:6}{total(inputs) / 1e9:7.2f} GB  {mix:8}{size / 1e9:6.2f} GB"
                      f"{result['seconds']:9.1f}{floor:9.1f}{total(inputs) / 1e6 / result['seconds']:8.0f}"
                      f"{result['peak'] / 1e6:6.0f} MB   "
                      f"processors: {result['processor']:.1f} s; others took {result['others']:.2f}",
                      flush=True)
        for name in (found.base, "delta"):
            shutil.rmtree(bench.folder / name)
    return rows


def machine():
    """What the figures were measured on; nothing that Linux does not say."""
    facts = {"system": platform.platform(), "cpus": os.cpu_count()}
    for path, key in (("/proc/cpuinfo", "model name"), ("/proc/meminfo", "MemTotal")):
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                facts[key] = next(
                    (line.split(":", 1)[1].strip() for line in file if line.startswith(key)), None)
    return facts


def disk(folder, size=2 << 30):
    """Bytes per second of a file written and flushed, and, where the cache can be emptied, read."""
    path = folder / "disk"
    began = time.perf_counter()
    subprocess.run(["dd", "if=/dev/zero", f"of={path}", "bs=4M", f"count={size}",
                    "iflag=count_bytes", "conv=fsync", "status=none"], check=True)
    rates = {"write": size / (time.perf_counter() - began)}
    began = time.perf_counter()
    direct = subprocess.run(
        ["dd", f"if={path}", "of=/dev/null", "bs=4M", "iflag=direct", "status=none"])
    if direct.returncode == 0:
        rates["read"] = size / (time.perf_counter() - began)
    path.unlink()
    return rates


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--depths", type=lambda text: [int(word) for word in text.split(",")])
    parser.add_argument("--sparse", action="store_true", help="with --depths")
    parser.add_argument("--base", choices=("base", "base-meta"), default="base",
                        help="safetensors, or with --depths Meta's parts")
    parser.add_argument("--types", type=lambda text: re.split("[ ,]+", text.strip().lower()),
                        default=["q8_0", "q4_k_m"], help="of " + ", ".join(OUTPUT_BITS))
    parser.add_argument("--runs", type=int, help="3; with --depths 1")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cold", action="store_true")
    parser.add_argument("--folder", type=pathlib.Path)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--converter", type=pathlib.Path, help="set by job.sh")
    parser.add_argument("--transformers", help="set by job.sh")
    found = parser.parse_args()
    if unknown := [mix for mix in found.types if mix not in OUTPUT_BITS]:
        parser.error(f"{unknown[0]} is none of {', '.join(OUTPUT_BITS)}")
    if found.base != "base" and not found.depths:
        parser.error("transformers does not read Meta's parts")
    found.runs = found.runs or (1 if found.depths else 3)
    return found


def main():
    found = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("job.py: ended"))
    parent = found.folder or ROOT / "build"
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="weightmill-job-", dir=parent) as name:
        bench = Bench(found, pathlib.Path(name))
        report = {"machine": machine(), "disk": disk(bench.folder), "threads": found.threads,
                  "cold": found.cold}
        if not found.depths:
            import llama  # Weightmill alone needs no llama.cpp
            report["llama.cpp"] = llama.build()
        note(json.dumps(report))
        if found.depths:
            report["depths"] = depths(bench)
        else:
            report["rows"], report["input"] = compare(bench)
            print(report["llama.cpp"])
            print_comparison(report["rows"], report["input"], found.types)
    if found.json:
        found.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
