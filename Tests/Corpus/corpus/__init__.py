"""The corpus of honest and hostile files: one module for each format, see make_corpus.py."""
