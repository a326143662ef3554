"""Models of any depth in the shape of LLaMA and Ziya with made-up weights; see make-wide-model.py."""
