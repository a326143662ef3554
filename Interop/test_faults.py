"""What goes wrong while weights are written: killed runs, full disks, inputs that change, two runs at once.

Whatever happens, a file that has its name has the right bytes, and a run that can clean up leaves nothing.
Python's standard library only. Moments are random, but seeded: FAULTS_SEED, printed at the start.
"""

import contextlib
import os
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import tempfile
import time

import tiny
from checks import BINARY, Checks, weightmill

KILLS = 20
SEED = int(os.environ.get("FAULTS_SEED") or 1)
# In which a run may end that a fault stopped: a short file, no mismatch yet, cannot write, read or write.
CUT_SHORT, NO_ROOM, NOT_THE_SAME = {65, 74}, {73, 74}, {65, 73, 78}


class Faults:
    def __init__(self, checks, folder):
        self.checks = checks
        self.folder = folder
        self.random = random.Random(SEED)
        self.base, self.delta = tiny.make(folder)
        self.output = folder / "out" / "model.gguf"
        self.output.parent.mkdir()
        self.help = weightmill("convert", "--help")
        began = time.monotonic()
        durations = []
        for _ in range(3):
            self.run("--force")
            durations.append(time.monotonic() - began - sum(durations))
        self.duration = sorted(durations)[1]
        self.right = self.output.read_bytes()
        self.output.unlink()
        checks.check("a run that nothing disturbs", not self.leftovers(),
                     f"{len(self.right)} bytes in {self.duration:.2f} s; seed {SEED}")

    def command(self, *options, output=None, base=None, mix="q4_k_m"):
        return [str(word) for word in (
            BINARY, "convert", base or self.base, "--delta", self.delta, "--name", "tiny", "--type",
            mix, "--quiet", "--output", output or self.output, *options)]

    def start(self, *options, limit=None, **words):
        return subprocess.Popen(
            self.command(*options, **words), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            encoding="utf-8", preexec_fn=limit)

    def run(self, *options, **words):
        """Exit code and errors of a run that must end by itself."""
        child = self.start(*options, **words)
        return self.end(child)

    @staticmethod
    def end(child):
        _, errors = child.communicate(timeout=300)
        return child.returncode, "\n".join(
            line for line in errors.splitlines() if not line.startswith("weightmill: note:"))

    def leftovers(self, folder=None):
        """What lies beside the output and is not the output."""
        folder = folder or self.output.parent
        return sorted(path.name for path in folder.iterdir() if path != self.output)

    def clean(self):
        shutil.rmtree(self.output.parent)
        self.output.parent.mkdir()

    def has(self, option):
        return option in self.help

    def is_right(self):
        return self.output.exists() and self.output.read_bytes() == self.right

    def stopped(self, *options, folder=None, **words):
        """A run that is stopped (SIGSTOP) while it writes: None if it was too fast, five times."""
        folder = folder or self.output.parent
        for _ in range(5):
            child = self.start(*options, **words)
            while child.poll() is None and not any(folder.glob(".*.partial")):
                time.sleep(0.001)
            time.sleep(self.duration * self.random.uniform(0.1, 0.4))
            child.send_signal(signal.SIGSTOP)
            if child.poll() is None and any(folder.glob(".*.partial")):
                return child
            child.send_signal(signal.SIGCONT)
            child.communicate()
            words.get("output", self.output).unlink(missing_ok=True)
        return None

    def killed(self, share, *options):
        """Starts a run and kills it after a share of a run's duration; whether it was still at work."""
        child = self.start(*options)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(self.duration * share)
        child.kill()
        child.communicate()
        return child.returncode == -signal.SIGKILL

    def recorded(self):
        """How many tensors the journal says are on the disk."""
        journals = list(self.output.parent.glob(".*.journal"))
        try:
            return max(0, journals[0].read_bytes().count(b"\n") - 1) if journals else 0
        except FileNotFoundError:
            return 0

    def judge(self, what, result, codes, output=None, may_stay=False):
        """A run that failed as it should: its code, one line of error, no output, nothing left."""
        code, errors = result
        output = output or self.output
        left = [] if may_stay else [name for name in self.leftovers(output.parent)
                                    if name != output.name]
        ok = code in codes and len(errors.splitlines()) == 1 and not output.exists() and not left
        self.checks.check(what, ok, f"exit {code}; {errors}" + (f"; left: {left}" if left else ""))


def check_signals(faults):
    """SIGTERM, SIGINT and SIGHUP at random moments: the run ends with 130 and leaves nothing."""
    codes, problems = [], []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP) * 4:
        child = faults.start()
        # Not in the first moments, when signals still end the process as they do any other.
        time.sleep(faults.duration * faults.random.uniform(0.3, 0.95))
        child.send_signal(number)
        code, errors = faults.end(child)
        codes.append(code)
        if code not in (0, 130) or (code == 0) != faults.is_right() or faults.leftovers():
            problems.append(f"{number.name}: exit {code}, {errors}, left {faults.leftovers()}")
        faults.clean()
    faults.checks.none("signals leave nothing", problems)
    faults.checks.check("signals came while it worked", codes.count(130) >= 6,
                        f"{codes.count(130)} of {len(codes)}")


def check_kill(faults):
    """kill -9: what it leaves has no name that anybody takes for a model, and the next run is right."""
    hit = 0
    for _ in range(3):
        hit += faults.killed(faults.random.uniform(0.3, 0.9))
        problems = [name for name in faults.leftovers() if not name.startswith(".")]
        faults.checks.none("kill -9 leaves hidden files only", problems)
    code, errors = faults.run("--force")
    faults.checks.check("a run after killed ones is right", code == 0 and faults.is_right(),
                        errors or f"{hit} of 3 were killed at work")
    faults.clean()


def check_truncated(faults):
    for side, name in (("base", "model.safetensors"), ("delta", "pytorch_model.bin")):
        path = getattr(faults, side) / name
        keep = faults.folder / "kept"
        shutil.copy2(path, keep)
        try:
            child = faults.stopped()
            if child is None:
                faults.checks.check(f"{side}: stopped while it worked", False)
                continue
            os.truncate(path, path.stat().st_size // 20)
            child.send_signal(signal.SIGCONT)
            faults.judge(f"{side} cut short while it is read", faults.end(child), CUT_SHORT)
        finally:
            os.replace(keep, path)
            faults.clean()


def check_two_runs(faults):
    pair = [faults.start(), faults.start()]
    codes = sorted(faults.end(child)[0] for child in pair)
    faults.checks.check("two runs to one output: one writes it, the other is refused",
                        codes == [0, 73] and faults.is_right() and not faults.leftovers(),
                        f"exit {codes}, left {faults.leftovers()}")
    pair = [faults.start("--force"), faults.start("--force")]
    codes = sorted(faults.end(child)[0] for child in pair)
    faults.checks.check("two runs with --force: the file is right whoever comes last",
                        0 in codes and set(codes) <= {0, 73} and faults.is_right()
                        and not faults.leftovers(), f"exit {codes}, left {faults.leftovers()}")
    faults.clean()


def check_size_limit(faults):
    """A limit on the size of files, as users without root may meet it."""
    size = len(faults.right) // 2
    child = faults.start(
        limit=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)))
    faults.judge("a file may not grow that long", faults.end(child), NO_ROOM)
    faults.clean()


@contextlib.contextmanager
def tmpfs(folder, size):
    """A file system of SIZE bytes, or None where it may not be mounted."""
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True,
        encoding="utf-8") if os.geteuid() == 0 and shutil.which("mount") else None
    if done is None or done.returncode:
        print("\n##  THE TESTS OF A FULL DISK WERE NOT RUN: mounting a small disk needs root\n"
              f"##  {done.stderr.strip() if done else ''}\n", flush=True)
        yield None
        return
    try:
        yield folder
    finally:
        # By force of a lazy unmount: a check that failed may have left a program at work here, whose
        # "target is busy" would hide why it failed.
        subprocess.run(["umount", "--lazy", folder], check=True)
        folder.rmdir()


def check_full_disk(faults):
    size = len(faults.right)
    with tmpfs(faults.folder / "small", size // 2) as disk:
        if disk:
            output = disk / "model.gguf"
            faults.judge("a disk with too little room", faults.run(output=output), NO_ROOM, output)
    with tmpfs(faults.folder / "filled", size + (1 << 20)) as disk:
        if disk:
            fill_while_it_runs(faults, disk)


def fill(disk):
    """Takes the room that is left: a sparse file's bytes that are not written yet are no room.
    Without a buffer, which would hold what did not fit, and try it again when the file is closed."""
    with contextlib.suppress(OSError), open(disk / "filler", "wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 12))


def fill_while_it_runs(faults, disk):
    output = disk / "model.gguf"
    child = faults.stopped(folder=disk, output=output)
    if child is None:
        return faults.checks.check("stopped while it worked", False)
    fill(disk)
    child.send_signal(signal.SIGCONT)
    code, errors = faults.end(child)
    (disk / "filler").unlink()
    # A run that has claimed its room at the start is not disturbed at all.
    if code == 0:
        return faults.checks.check(
            "a disk that fills up while it runs: the room was claimed",
            output.read_bytes() == faults.right)
    faults.judge("a disk that fills up while it runs", (code, errors), NO_ROOM, output)
    if not faults.has("--resume"):
        return None
    child = faults.stopped("--resume", folder=disk, output=output)
    fill(disk)
    child.send_signal(signal.SIGCONT)
    faults.judge("the same with --resume", faults.end(child), NO_ROOM, output, may_stay=True)
    (disk / "filler").unlink()
    code, errors = faults.run("--resume", output=output)
    faults.checks.check("--resume goes on when there is room", code == 0 and not errors
                        and output.read_bytes() == faults.right, errors)
    return None


def check_resume(faults):
    """kill -9 at random moments, then --resume: the same bytes, and nothing beside them."""
    killed, problems, spent = 0, [], []
    for number in range(KILLS):
        killed += faults.killed(faults.random.uniform(0.05, 1), "--resume")
        if not faults.output.exists():
            began = time.monotonic()
            code, errors = faults.run("--resume")
            spent.append(time.monotonic() - began)
            if code:
                problems.append(f"kill {number}: exit {code}, {errors}")
        if not faults.is_right() or faults.leftovers():
            problems.append(f"kill {number}: wrong bytes, or left {faults.leftovers()}")
        faults.clean()
    faults.checks.none(f"{KILLS} kills, then --resume: the same bytes", problems)
    faults.checks.check("kills came while it worked", killed >= KILLS // 2, f"{killed} of {KILLS}; "
                        f"to go on took {sum(spent) / max(1, len(spent)):.2f} s in the mean")
    check_progress(faults)


def check_progress(faults):
    """Runs that are always killed come to an end, if each lives until it has kept one thing more.

    No share of a run's time will do: to start takes most of it on a fast machine."""
    kept = [0]
    while not faults.output.exists() and len(kept) < 200:
        child = faults.start("--resume")
        while child.poll() is None and faults.recorded() <= kept[-1]:
            time.sleep(0.001)
        child.kill()
        child.communicate()
        kept.append(faults.recorded())
    faults.checks.check("runs that are killed when they have kept a tensor come to an end",
                        faults.is_right() and not faults.leftovers() and len(kept) > 3,
                        f"{len(kept) - 1} runs; tensors kept by each: {kept[1:]}")
    faults.clean()


def interrupted(faults):
    """Leaves what a killed run leaves, from the middle of its work."""
    child = faults.stopped("--resume")
    if child is None:
        return False
    child.kill()
    child.communicate()
    return True


def check_changed(faults):
    """An input that is another one when the work goes on."""
    for side, name in (("base", "model.safetensors"), ("delta", "pytorch_model.bin")):
        path = getattr(faults, side) / name
        keep = faults.folder / "kept"
        shutil.copy2(path, keep)
        try:
            if not interrupted(faults):
                faults.checks.check(f"{side}: killed while it worked", False)
                continue
            with open(path, "r+b") as file:
                file.seek(path.stat().st_size // 2)
                byte = file.read(1)
                file.seek(-1, os.SEEK_CUR)
                file.write(bytes([byte[0] ^ 1]))
            faults.judge(f"{side} changed before --resume", faults.run("--resume"), NOT_THE_SAME,
                         may_stay=True)
        finally:
            os.replace(keep, path)
        code, errors = faults.run("--force")
        faults.checks.check(f"{side}: a run without --resume does not mind", code == 0
                            and faults.is_right(), errors)
        faults.clean()
    if not interrupted(faults):
        return faults.checks.check("killed while it worked", False)
    other = faults.folder / "other.gguf"
    code, errors = faults.run(output=other, mix="q8_0")
    code, errors = faults.run("--resume", mix="q8_0")
    ok = faults.output.read_bytes() == other.read_bytes() if code == 0 else not faults.output.exists()
    faults.checks.check("--resume with another type: refused, or right", ok, f"exit {code}; {errors}")
    other.unlink()
    faults.clean()
    return None


def check_resume_signals(faults):
    """SIGTERM with --resume keeps what is done; two runs that go on do not spoil each other's work."""
    child = faults.stopped("--resume")
    if child is None:
        return faults.checks.check("stopped while it worked", False)
    child.send_signal(signal.SIGTERM)
    child.send_signal(signal.SIGCONT)
    code, errors = faults.end(child)
    kept = faults.leftovers()
    faults.checks.check("SIGTERM with --resume keeps what is done", code == 130 and bool(kept),
                        f"exit {code}, {errors}, kept {kept}")
    pair = [faults.start("--resume"), faults.start("--resume")]
    codes = sorted(faults.end(child)[0] for child in pair)
    faults.checks.check("two runs with --resume: the file is right", 0 in codes and faults.is_right(),
                        f"exit {codes}, left {faults.leftovers()}")
    faults.clean()
    return None


def has_parallel():
    """Whether GNU parallel is there; moreutils has another program of that name."""
    return shutil.which("parallel") and "GNU" in subprocess.run(
        ["parallel", "--version"], capture_output=True, encoding="utf-8").stdout


def check_parts(faults):
    """Every part by a process of its own, under GNU parallel, beside one run that writes all."""
    if not has_parallel():
        return faults.checks.check("GNU parallel is there (Debian: apt-get install parallel)", False)
    tensors = ("--split-max-tensors", "7")
    check_split(faults, "at most 7 tensors", tensors, tensors)
    if faults.has("--split-files"):
        check_split(faults, "5 files", ("--split-files", "5"), ())
    return None


def check_split(faults, what, options, part_options):
    """`options` are those of the single run, `part_options` those that go with --part."""
    whole, apart = faults.folder / "whole", faults.folder / "apart"
    for folder in (whole, apart):
        folder.mkdir()
    code, errors = faults.run(*options, output=whole / "tiny.gguf")
    files = sorted(path.name for path in whole.iterdir())
    count = len(files)
    names = [f"tiny-{number:05}-of-{count:05}.gguf" for number in range(1, count + 1)]
    faults.checks.check(f"{what}: one run writes all", code == 0 and count > 1 and files == names,
                        errors or f"{count} files")
    command = faults.command(*part_options, "--threads", "1", "--part", f"{{}}/{count}",
                             output=apart / "tiny.gguf")
    done = subprocess.run(
        ["parallel", "--will-cite", "--jobs", "2", "--halt", "now,fail=1", *command, ":::",
         *(str(number) for number in range(1, count + 1))], capture_output=True, encoding="utf-8")
    faults.checks.check(f"{what}: under GNU parallel", done.returncode == 0,
                        done.stderr[-500:].strip() if done.returncode else f"{count} processes")
    faults.checks.check(f"{what}: no other files",
                        files == sorted(path.name for path in apart.iterdir()))
    faults.checks.none(f"{what}: files of their own are the same bytes", (
        name for name in files
        if not (apart / name).exists() or (apart / name).read_bytes() != (whole / name).read_bytes()))
    for number, total in ((count + 1, count), (1, count + 1)) if part_options else ((3, 2),):
        code, errors = faults.run(*part_options, "--part", f"{number}/{total}",
                                  output=apart / "other.gguf")
        faults.checks.check(f"{what}: part {number}/{total} is refused", code == 64,
                            f"exit {code}; {errors}")
    last = apart / names[-1]
    last.unlink()
    code, errors = faults.run(*part_options, "--part", f"{count}/{count}", "--resume",
                              output=apart / "tiny.gguf")
    faults.checks.check(f"{what}: a part with --resume", code == 0 and last.exists()
                        and last.read_bytes() == (whole / last.name).read_bytes(), errors)
    for folder in (whole, apart):
        shutil.rmtree(folder)


def main():
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="weightmill-faults-") as name:
        faults = Faults(checks, pathlib.Path(name))
        tests = [
            (None, check_signals), (None, check_kill), (None, check_truncated), (None, check_two_runs),
            (None, check_size_limit), (None, check_full_disk), ("--resume", check_resume),
            ("--resume", check_changed), ("--resume", check_resume_signals), ("--part", check_parts)]
        for option, test in tests:
            with checks.part(test.__name__):
                if option and not faults.has(option):
                    checks.check(f"{test.__name__}: the program has {option}", False)
                else:
                    test(faults)
    checks.finish()


if __name__ == "__main__":
    main()
