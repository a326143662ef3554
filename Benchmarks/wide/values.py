"""Names, shapes and values of the models that make-wide-model.py writes.

Rows come from pools of random rows, one pool for each length: row r of a tensor is row
(r + the tensor's offset) mod 1009 of the pool. So a tensor of any size costs a copy, and tensors differ.

A pool has three sides that belong together: the base's weights, the target's (what training made of
them), and the difference in F16, which is what a delta holds. Some columns are larger than the others,
as in trained models. Names and order of rows are Hugging Face's.
"""

import dataclasses

import numpy as np

POOL_ROWS = 1009  # a prime, so that no width or cut is a multiple of it
OUTLIERS = 200  # one column of so many is an outlier
SPARSE_STEP = 500  # of a sparse model one row of so many has values
CHUNK_ROWS = 128


@dataclasses.dataclass(frozen=True)
class Sizes:
    layers: int
    hidden: int = 5120
    feed_forward: int = 13824
    heads: int = 40
    base_rows: int = 32000
    rows: int = 39424

    @property
    def head(self):
        return self.hidden // self.heads


@dataclasses.dataclass(frozen=True)
class Tensor:
    name: str
    shape: tuple
    number: int  # its place in the model: decides the offset into the pool

    @property
    def is_norm(self):
        return len(self.shape) == 1 and not self.is_frequencies

    @property
    def is_frequencies(self):
        return self.name.endswith("inv_freq")

    @property
    def is_embedding(self):
        return self.name in ("model.embed_tokens.weight", "lm_head.weight")

    @property
    def item(self):
        return 4 if self.is_frequencies else 2

    @property
    def size(self):
        return self.item * int(np.prod(self.shape, dtype=np.int64))


def tensors(sizes, rows, has_frequencies):
    """The tensors in the order of a state dict of transformers of spring 2023."""
    width, wide = sizes.hidden, sizes.feed_forward
    listed = [("model.embed_tokens.weight", (rows, width))]
    for layer in range(sizes.layers):
        prefix = f"model.layers.{layer}."
        listed += [(f"{prefix}self_attn.{name}_proj.weight", (width, width)) for name in "qkvo"]
        if has_frequencies:
            listed.append((f"{prefix}self_attn.rotary_emb.inv_freq", (sizes.head // 2,)))
        listed += [
            (f"{prefix}mlp.gate_proj.weight", (wide, width)),
            (f"{prefix}mlp.down_proj.weight", (width, wide)),
            (f"{prefix}mlp.up_proj.weight", (wide, width)),
            (f"{prefix}input_layernorm.weight", (width,)),
            (f"{prefix}post_attention_layernorm.weight", (width,)),
        ]
    listed += [("model.norm.weight", (width,)), ("lm_head.weight", (rows, width))]
    numbers = {}
    for name, _ in listed:  # frequencies have no number, so that they do not shift the others
        if not name.endswith("inv_freq"):
            numbers[name] = len(numbers)
    return [Tensor(name, shape, numbers.get(name, 0)) for name, shape in listed]


class Values:
    """What is in the tensors, by side: "base", "delta" or "target"."""

    def __init__(self, sizes, seed, is_sparse):
        self.sizes = sizes
        self.seed = seed
        self.is_sparse = is_sparse
        self.pools = {}

    def pool(self, columns):
        if columns not in self.pools:
            random = np.random.default_rng([self.seed, columns])
            scale = np.where(random.random(columns) < 1 / OUTLIERS, 0.12, 0.02).astype(np.float32)
            base = random.standard_normal((POOL_ROWS, columns), dtype=np.float32) * scale
            change = random.standard_normal((POOL_ROWS, columns), dtype=np.float32) * (scale * 0.1)
            self.pools[columns] = self.sides(base, change)
        return self.pools[columns]

    @staticmethod
    def sides(base, change):
        """A delta is the difference of F16 values, so that base + delta is nearly always exact."""
        base = base.astype(np.float16)
        target = (base.astype(np.float32) + change).astype(np.float16)
        delta = (target.astype(np.float32) - base.astype(np.float32)).astype(np.float16)
        merged = (base.astype(np.float32) + delta.astype(np.float32)).astype(np.float16)
        return {"base": base, "delta": delta, "target": merged}

    def norm(self, tensor, side):
        random = np.random.default_rng([self.seed, tensor.number, 1])
        noise = random.standard_normal((2, *tensor.shape), dtype=np.float32)
        return self.sides(0.5 + noise[0] * 0.05, noise[1] * 0.01)[side]

    def frequencies(self, tensor):
        exponents = np.arange(0, self.sizes.head, 2, dtype=np.float32) / self.sizes.head
        return (1 / np.power(np.float32(10000), exponents)).astype(np.float32)

    def rows(self, tensor, side, rows):
        """Rows of a matrix by number; a delta's embeddings are the target's."""
        side = "target" if tensor.is_embedding and side == "delta" else side
        places = (np.asarray(rows) + 37 * tensor.number) % POOL_ROWS
        return self.pool(tensor.shape[1])[side][places]

    def pieces(self, tensor, side, order=None, columns=slice(None)):
        """The tensor's bytes in order: arrays, and numbers of bytes that are holes.

        `order` has the numbers of the rows that are wanted, by default all of them.
        """
        if tensor.is_frequencies:
            yield self.frequencies(tensor)
        elif tensor.is_norm:
            yield self.norm(tensor, side)
        elif self.is_sparse:
            yield from self.sparse_pieces(tensor, side, self.order(tensor, order), columns)
        else:
            order = self.order(tensor, order)
            for start in range(0, len(order), CHUNK_ROWS):
                rows = self.rows(tensor, side, order[start:start + CHUNK_ROWS])
                yield np.ascontiguousarray(rows[:, columns])

    @staticmethod
    def order(tensor, order):
        return np.arange(tensor.shape[0]) if order is None else order

    def sparse_pieces(self, tensor, side, order, columns):
        row_size = 2 * len(range(*columns.indices(tensor.shape[1])))
        done = 0
        for place in np.flatnonzero(order % SPARSE_STEP == 0):
            if place > done:
                yield int(place - done) * row_size
            yield np.ascontiguousarray(self.rows(tensor, side, order[place])[columns])
            done = place + 1
        if len(order) > done:
            yield int(len(order) - done) * row_size
