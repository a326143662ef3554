"""Makes docs/verify-logits.png, the README's picture: two parts of a report page, light and dark.

    python3 Scripts/make-report-picture.py REPORT.html docs/verify-logits.png

Needs Chromium and Pillow. The report in the picture is made by:

    weightmill convert fixtures/mini-ziya/base-meta --delta fixtures/mini-ziya/delta \\
      --output mini-ziya-f16.gguf
    weightmill quantize mini-ziya-f16.gguf mini-ziya-q4_k_m.gguf q4_k_m
    weightmill verify-logits mini-ziya-q4_k_m.gguf --reference mini-ziya-f16.gguf \\
      --text eval-en.txt --text eval-zh.txt --attribute --attribute-tokens 2048 --max-kld 0.025 \\
      --max-kld-p99 0.15 --min-top1 0.9 --max-ppl-ratio 1.02 --same-tokens --html report.html
"""

import pathlib
import subprocess
import sys
import tempfile

from PIL import Image

WIDTH, HEIGHT = 900, 1360  # of a part, in CSS pixels
TOP = {"light": 20, "dark": 2885}  # where the parts begin: the head, and "Drift by layer"


def part(page, scheme, folder):
    """A part of the page, with two pixels for each of CSS."""
    picture = folder / f"{scheme}.png"
    options = ["--blink-settings=preferredColorScheme=0"] if scheme == "dark" else []
    subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
         "--force-device-scale-factor=2", f"--window-size={WIDTH},{TOP['dark'] + HEIGHT}",
         f"--screenshot={picture}", *options, page.absolute().as_uri()],
        check=True, capture_output=True, timeout=120)
    top = 2 * TOP[scheme]
    return Image.open(picture).convert("RGB").crop((0, top, 2 * WIDTH, top + 2 * HEIGHT))


def main(page, output):
    with tempfile.TemporaryDirectory() as name:
        picture = Image.new("RGB", (4 * WIDTH, 2 * HEIGHT))
        for place, scheme in enumerate(TOP):
            shown = part(pathlib.Path(page), scheme, pathlib.Path(name))
            picture.paste(shown, (2 * WIDTH * place, 0))
    picture = picture.resize((2 * WIDTH, HEIGHT), Image.LANCZOS)
    picture = picture.quantize(
        256, method=Image.Quantize.FASTOCTREE, kmeans=4, dither=Image.Dither.NONE)
    picture.save(output, optimize=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
