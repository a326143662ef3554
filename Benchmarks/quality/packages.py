"""Files of PyPI packages: pinned versions, whose digests pip checks."""

import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "weightmill/quality"

# Name: version and SHA-256 of the file that is fetched.
SOURCES = {
    "brotli": ("1.1.0", "81de08ac11bcb85841e440c13611c00b67d3bf82698314928d0b676362546724"),
    "docutils": ("0.22.2", "9fdb771707c8784c8f2728b67cb2c691305933d68137ef95a75db5f4dfbc213d"),
    "flask": ("3.1.2", "bf656c15c80190ed628ad08cdfd3aaa35beb087855e2f494910aa3774cc4fd87"),
    "psutil": ("7.1.0", "655708b3c069387c8b77b072fc429a57d0e214221d01c0a772df7dfedcb3bcd2"),
    "sqlalchemy": ("2.0.44", "0ae7454e1ab1d780aee69fd2aae7d6b8670a581d8847f2d1e0f7ddfbf47e5a22"),
    "wordcloud": ("1.9.6", "df17c468ff903bd0aba4f87c6540745d13a4931220dd4937cb363ad85a4771b9"),
}
WHEELS = {
    "gensim": ("4.3.3", "d662bf96e3d741b6ab61a54be842a7cbf5e45193008b2f4225c758cafd7f9cdc"),
}
# The wheel for this Python and system is taken wherever it is used: only texts are read.
WHEEL_TAGS = ("--python-version", "311", "--platform", "manylinux2014_x86_64")


class Unreachable(Exception):
    """A package that pip could not fetch."""


def download(name, folder):
    """The archive of a package, in an empty folder."""
    is_source = name in SOURCES
    version, digest = (SOURCES if is_source else WHEELS)[name]
    wanted = folder / "requirement.txt"
    wanted.write_text(f"{name}=={version} --hash=sha256:{digest}\n")
    # Of this package alone: what builds a source package's metadata is not built from sources itself.
    kind = ["--no-binary", name] if is_source else ["--only-binary", name, *WHEEL_TAGS]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--quiet", "--no-deps",
         "--retries", "2", "--timeout", "15", "--require-hashes", "--dest", folder, *kind, "-r", wanted],
        stdout=sys.stderr)
    wanted.unlink()
    if done.returncode:
        raise Unreachable(f"pip could not fetch {name} {version}: see above. Is PyPI reachable from here?")
    return next(folder.iterdir())


def member(archive, path):
    """The text of one file; a source package's outer folder is not part of its path."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as opened:
            return opened.read(path).decode("utf-8")
    with tarfile.open(archive) as opened:
        top = opened.next().name.split("/")[0]
        return opened.extractfile(f"{top}/{path}").read().decode("utf-8")


def read(wanted):
    """The texts of files, as {(package, path): text}; each is kept in the cache."""
    found = {}
    for name in sorted({name for name, _ in wanted}):
        paths = [path for package, path in wanted if package == name]
        version = (SOURCES.get(name) or WHEELS[name])[0]
        kept = {path: CACHE / "packages" / f"{name}-{version}" / path for path in paths}
        if not all(file.exists() for file in kept.values()):
            with tempfile.TemporaryDirectory(prefix="weightmill-package-") as folder:
                archive = download(name, pathlib.Path(folder))
                for path, file in kept.items():
                    file.parent.mkdir(parents=True, exist_ok=True)
                    part = file.with_name(f"{file.name}.part")
                    part.write_text(member(archive, path), encoding="utf-8")
                    os.replace(part, file)
        found.update({(name, path): file.read_text(encoding="utf-8") for path, file in kept.items()})
    return found
