"""The pages of verify-logits and sensitivity in a browser: Chromium, without a window.

A page is drawn light, dark and narrow, and the pictures are looked at: not blank, the right paper,
nothing cut off at the edges. Chromium's parser must see the same elements as a strict XML parser,
print nothing on its console, and ask for nothing, although names and texts try to make it.
"""

import collections
import html.parser
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

from PIL import Image

from checks import BINARY, FIXTURE, Checks, convert, weightmill

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
# Where the pictures stay, to be looked at.
PICTURES = pathlib.Path(os.environ.get("WEIGHTMILL_PICTURES") or "build/report")
# A host that hostile text names. It is reserved and answers nobody.
BAIT = "bait.invalid"
SVG = "{http://www.w3.org/2000/svg}"
HTML = "{http://www.w3.org/1999/xhtml}"
PAPER = {"light": (253, 253, 252), "dark": (21, 22, 24)}


def chromium(folder, page, *options):
    """Opens a page; returns what is printed, console messages, and the hosts it asked for."""
    log = folder / "net.json"
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
        "--no-first-run", "--disable-background-networking", "--disable-component-update",
        "--disable-sync", "--force-device-scale-factor=1", "--enable-logging=stderr",
        f"--user-data-dir={folder / 'profile'}", f"--log-net-log={log}",
        # Whatever it looks for does not exist.
        "--host-resolver-rules=MAP * ~NOTFOUND", *options, page.absolute().as_uri()]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120)
    if done.returncode != 0:
        raise RuntimeError(f"Chromium ended with {done.returncode}: {done.stderr[-500:]}")
    console = [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
    return done.stdout, console, log.read_text(errors="replace") if log.exists() else ""


class Elements(html.parser.HTMLParser):
    """Counts the elements of a document that Chromium wrote."""

    def __init__(self, text):
        super().__init__()
        self.count = collections.Counter()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.count[tag] += 1
        self.count.update(
            f"attribute {name}" for name, _ in attributes if name.startswith("on") or name == "src")


def xml_elements(page):
    """Counts the elements that a strict XML parser sees."""
    tree = xml.etree.ElementTree.parse(page)
    names = (element.tag.replace(SVG, "").replace(HTML, "") for element in tree.iter())
    return collections.Counter(names)


def same_elements(page, document):
    """Where HTML's and XML's readings differ; HTML adds the bodies of tables by itself."""
    left, right = xml_elements(page), Elements(document).count
    names = (left.keys() | right.keys()) - {"tbody"}
    return [f"{name}: {left[name]} and {right[name]}" for name in sorted(names)
            if left[name] != right[name]]


def look(test, folder, page, name, width, height, scheme):
    """Takes a picture and looks at it."""
    picture = PICTURES / f"{name}.png"
    options = ["--blink-settings=preferredColorScheme=0"] if scheme == "dark" else []
    chromium(folder, page, f"--window-size={width},{height}", f"--screenshot={picture}", *options)
    image = Image.open(picture).convert("RGB")
    test.check(f"{name} has its size", image.size == (width, height), f"{image.size}")
    colours = image.getcolors(1 << 24)
    paper = max(colours)
    test.check(f"{name} is on {scheme} paper", paper[1] == PAPER[scheme], f"{paper[1]}")
    share = paper[0] / (width * height)
    test.check(f"{name} is not blank", len(colours) > 100 and 0.3 < share < 0.97,
               f"{len(colours)} colours, {share:.0%} paper")
    for top in range(0, height - 400, 400):
        band = image.crop((0, top, width, top + 400)).getcolors(1 << 24)
        if len(band) < 5:
            test.check(f"{name} has something at {top}", False)
    for left in (0, width - 8):
        edge = image.crop((left, 0, left + 8, height)).getcolors(1 << 24)
        test.check(f"{name} leaves its edge at {left} free", len(edge) == 1, f"{len(edge)} colours")


def models(folder):
    """The reference, and a Q4_K_M file made from it."""
    reference, candidate = convert(folder, "f16"), folder / "mini-ziya-q4_k_m.gguf"
    weightmill("quantize", reference, candidate, "q4_k_m")
    return reference, candidate


def report(reference, candidate, texts, page):
    """Writes the page of a comparison."""
    weightmill(
        "verify-logits", candidate, "--reference", reference,
        *(option for text in texts for option in ("--text", text)), "--attribute",
        "--attribute-by", "kind", "--attribute-tokens", "128", "--max-kld", "0.5", "--min-top1",
        "0.1", "--same-tokens", "--html", page)


def sizes(reference, text, page):
    """Writes the page of what files of every size lose."""
    weightmill(
        "sensitivity", reference, "--text", text, "--context", "128", "--sample", "256",
        "--output", page.with_suffix(".sensitivity"), "--html", page)


def honest_texts(folder):
    """The beginnings of mini-ziya's texts, an English and a Chinese one."""
    for language in ("en", "zh"):
        text = (FIXTURE / "expected" / f"eval-{language}.txt").read_text(encoding="utf-8")
        path = folder / f"{language}.txt"
        path.write_text(text[:4000], encoding="utf-8")
        yield path


def hostile_text(folder):
    """A text whose name and content try to become markup."""
    path = folder / f"<img src=x onerror=alert(1)>'\"&lt; | `{BAIT}`.txt"
    attacks = (
        f"<script src=http://{BAIT}/a.js></script>", f"<img src='http://{BAIT}/a.png'>",
        f"</style><link rel=stylesheet href=//{BAIT}/a.css>", "]]><!-- <svg onload=alert(1)>",
        "</td></table></details></main>", "\u202e\u0000\u001b[31m")
    path.write_text("\n".join(attacks) * 3, encoding="utf-8")
    return path


def main():
    if BROWSER is None:
        sys.exit("there is no Chromium: set CHROMIUM")
    PICTURES.mkdir(parents=True, exist_ok=True)
    test = Checks()
    print(f"{BINARY}\n{BROWSER}\n", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        page, hostile = folder / "report.html", folder / "hostile.html"
        reference, candidate = models(folder)
        with test.part("the page"):
            report(reference, candidate, honest_texts(folder), page)
            shutil.copy(page, PICTURES)
            test.check("the page is small", page.stat().st_size < 300_000, page.stat().st_size)
            look(test, folder, page, "light", 1200, 3600, "light")
            look(test, folder, page, "dark", 1200, 3600, "dark")
            look(test, folder, page, "narrow", 500, 3600, "light")
        front, hostile_front = folder / "sizes.html", folder / "hostile-sizes.html"
        with test.part("the page of sizes"):
            sizes(reference, FIXTURE / "expected" / "eval-en.txt", front)
            shutil.copy(front, PICTURES)
            test.check("it is small", front.stat().st_size < 150_000, front.stat().st_size)
            look(test, folder, front, "sizes-light", 1200, 3200, "light")
            look(test, folder, front, "sizes-dark", 1200, 3200, "dark")
            look(test, folder, front, "sizes-narrow", 500, 3200, "light")
        with test.part("a hostile text"):
            report(reference, candidate, [hostile_text(folder)], hostile)
            sizes(reference, hostile_text(folder), hostile_front)
            for path in (page, hostile, front, hostile_front):
                document, console, requests = chromium(folder, path, "--dump-dom")
                test.none(f"{path.name} reads the same as XML", same_elements(path, document))
                test.none(f"{path.name} prints nothing on the console", console)
                test.check(f"{path.name} asks for nothing", requests and BAIT not in requests)
            # What would be seen if it asked.
            control = folder / "control.html"
            control.write_text(f"<img src=http://{BAIT}/a.png><script>console.log(1)</script>")
            _, console, requests = chromium(folder, control, "--dump-dom")
            test.check("a page that asks would be noticed", BAIT in requests and console)
    test.finish()


if __name__ == "__main__":
    main()
