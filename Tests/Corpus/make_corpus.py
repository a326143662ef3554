#!/usr/bin/env python3
"""Writes the corpus of honest and hostile files, and the manifest that says what each must do.

    make_corpus.py            writes files/ and manifest.json anew
    make_corpus.py --check    says whether they are what would be written

Python 3.11's standard library is all it takes. Every format is built from the ground up, so that
any one field can lie; nothing depends on the time, on chance, or on the machine. The rule ids
(ZIP-03, PK-05 ...) are those of the pages in formats/. verify_with_torch.py, which is not needed to
build or test, shows the honest files to the programs that own the formats.
"""

import os
import sys

from corpus import (byte_pair_cases, chat_cases, detection_cases, folder_cases, gguf_cases, honest_pickle,
                    honest_zip, hostile_pickle, hostile_zip, legacy_cases, published_cases, safetensors_cases,
                    sentencepiece_cases, tensors, tokenizer_json_cases)
from corpus.book import Book

MODULES = [
    honest_zip, hostile_zip, honest_pickle, hostile_pickle, tensors, legacy_cases,
    safetensors_cases, gguf_cases, sentencepiece_cases, tokenizer_json_cases, byte_pair_cases,
    folder_cases, chat_cases, detection_cases, published_cases
]


def book():
    """All cases."""
    result = Book()
    for module in MODULES:
        module.add(result)
    return result


def main():
    cases = book()
    folder = os.path.dirname(os.path.abspath(__file__))
    if "--check" not in sys.argv:
        cases.write(folder)
        print(f"{len(cases.cases)} cases")
        return 0
    different = cases.differences(folder)
    for path in different[:10]:
        print(f"Tests/Corpus/{path} is not what make_corpus.py writes; run `make corpus`")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
