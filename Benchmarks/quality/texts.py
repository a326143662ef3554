"""The texts that SmolLM2 is judged on, and those that importance is learnt from: other files of other packages.

A text is a list of parts: package, file, the first character, and how many. Nothing of them is in the repository.
"""

import dataclasses

from quality import packages

WINDOW = 512
# More characters than any file has.
WHOLE = 1 << 30


@dataclasses.dataclass
class Text:
    kind: str
    what: str
    parts: list

    def read(self):
        texts = packages.read([(package, path) for package, path, _, _ in self.parts])
        return "\n".join(texts[package, path][first:first + count] for package, path, first, count in self.parts)


# Each holds more than 16 windows of SmolLM2's tokens, the first 16 of which are judged.
JUDGED = (
    Text("prose", "Lewis Carroll, Alice's Adventures in Wonderland (wordcloud's sources)", [
        ("wordcloud", "examples/alice.txt", 700, 42000)]),
    Text("technical", "the reStructuredText specification (docutils' sources)", [
        ("docutils", "docs/ref/rst/restructuredtext.rst", 2400, 45000)]),
    Text("code", "C for macOS' processes, Python for Linux' (psutil's sources)", [
        ("psutil", "psutil/arch/osx/proc.c", 400, 16000), ("psutil", "psutil/_pslinux.py", 8000, 25000)]),
)
# About 22 windows each: 33,000 tokens in all.
CALIBRATION = (
    Text("prose", "news of 2001 (gensim's Lee corpus)", [
        ("gensim", "gensim/test/test_data/lee_background.cor", 0, 52000)]),
    Text("technical", "Flask's manual (flask's sources)", [
        ("flask", "docs/config.rst", 0, 17000), ("flask", "docs/errorhandling.rst", 0, 11000),
        ("flask", "docs/web-security.rst", 0, 9000), ("flask", "docs/design.rst", 0, 8000)]),
    Text("code", "Python and Cython (flask's and gensim's sources)", [
        ("flask", "src/flask/app.py", 4000, 13000), ("flask", "src/flask/ctx.py", 0, 8000),
        ("gensim", "gensim/models/ldamodel.py", 8000, 13000),
        ("gensim", "gensim/models/word2vec_inner.pyx", 500, 11000)]),
)
# More than 131,072 tokens each: whether more text, or text of another kind, gives better importance.
LONG = (
    Text("prose", "news of 2001 (gensim's Lee corpus), a workshop of librarians (brotli's sources)", [
        ("gensim", "gensim/test/test_data/lee_background.cor", 0, WHOLE),
        ("brotli", "tests/testdata/lcet10.txt", 0, WHOLE)]),
    Text("technical", "SQLAlchemy's manual (its sources)", [
        ("sqlalchemy", f"doc/build/{page}.rst", 0, WHOLE) for page in (
            "core/connections", "orm/declarative_tables", "errors", "tutorial/data_select", "orm/queryguide/dml",
            "orm/join_conditions", "orm/inheritance", "orm/session_basics")]),
    Text("code", "Python (SQLAlchemy's sources)", [
        ("sqlalchemy", f"lib/sqlalchemy/{module}.py", 0, WHOLE) for module in (
            "sql/compiler", "sql/selectable", "orm/mapper")]),
)
