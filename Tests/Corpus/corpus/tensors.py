"""Tensors and storages of PyTorch files: what lies within them, and what reaches out (TEN)."""

from .book import BAD, NO_INPUT, REFUSED, UNSUPPORTED
from .checkpoints import Storage, View, entries, expected, zip_file
from .pickles import Call, Global, Long, Ordered, Persistent, pickled
from .zipfiles import Entry, archive

REBUILD = Global("torch._utils", "_rebuild_tensor_v2")
FLOAT = Global("torch", "FloatStorage")
HUGE = (1 << 63) - 1


def storage(key="0", kind=FLOAT, location="cpu", count=12, tag="storage", extra=()):
    return Persistent((tag, kind, key, location, count) + extra)


def tensor(*arguments, function=REBUILD):
    return Call(function, *arguments)


def single(node, data=bytes(range(48)), name="x", key="0"):
    """A file with one tensor and one storage of twelve float32 values."""
    made = entries(pickled({name: node}), [])
    made.insert(1, Entry(f"archive/data/{key}", data))
    return archive(made)


def usual(shape=(3, 4), strides=(4, 1), offset=0, stored=None, more=(False, Ordered())):
    return tensor(stored or storage(), offset, shape, strides, *more)


def add(book):

    def reject(name, rule, what, content, codes=BAD):
        book.reject(f"tensor/{name}.pth", rule, what, content, codes)

    def accept(name, rule, what, views):
        book.accept(f"tensor/{name}.pth", rule, what, zip_file(views, views.values()),
                    expected(views))

    honest(book, accept)
    sizes(book, reject)
    views(reject)
    repeated(reject)
    arguments(reject)
    identities(book, reject)
    classes(reject)
    keys(reject)


def honest(book, accept):
    shared = Storage("0", "F32", 24)
    accept("scalar", "TEN-02", "a tensor without dimensions",
           {"x": View(Storage("0", "F32", 1), ())})
    accept("scalar-offset", "TEN-02", "a value in the middle of a storage",
           {"x": View(Storage("0", "F32", 5), (), offset=3)})
    for shape in ((0,), (0, 4), (4, 0), (2, 0, 3)):
        accept("empty-" + "x".join(map(str, shape)), "TEN-02", f"a tensor of shape {shape}",
               {"x": View(Storage("0", "F32", 0), shape)})
    accept("empty-at-end", "TEN-02", "an empty tensor at the end of its storage",
           {"x": View(shared, (0, 3), (3, 1), 24), "y": View(shared, (24,))})
    accept("offset", "TEN-02", "a view that begins in the middle",
           {"x": View(shared, (2, 3), offset=5)})
    accept("transposed", "TEN-02", "a transposed matrix", {"x": View(shared, (4, 6), (1, 4))})
    accept("transposed-cut", "TEN-02", "rows of a transposed matrix",
           {"x": View(shared, (3, 5), (1, 4), 1)})
    accept("every-other", "TEN-02", "every other value", {"x": View(shared, (12,), (2,), 1)})
    accept("gaps", "TEN-02", "rows with gaps", {"x": View(shared, (4, 3), (6, 1), 2)})
    accept("permuted", "TEN-02", "three dimensions in another order",
           {"x": View(shared, (2, 3, 4), (4, 8, 1))})
    accept("permuted-inner", "TEN-02", "the innermost dimension not the densest",
           {"x": View(shared, (2, 3, 4), (12, 1, 3))})
    accept("diagonal", "TEN-02", "a diagonal", {"x": View(shared, (4,), (5,))})
    accept("overlapping", "TEN-02", "windows that overlap", {"x": View(shared, (5, 8), (3, 1))})
    accept("one-any-stride", "TEN-02", "dimensions of size 1 with odd strides",
           {"x": View(shared, (1, 3, 1), (1000000, 1, 77777))})
    accept("twelve-dimensions", "TEN-02", "twelve dimensions",
           {"x": View(shared, (1, 2) * 4 + (1,) * 4)})
    accept("columns", "TEN-02", "two views cut out of columns",
           {"x": View(shared, (4, 3), (6, 1)), "y": View(shared, (4, 3), (6, 1), 3)})
    accept(
        "shared", "TEN-01", "a storage seen by three tensors",
        {"a": View(shared, (6, 4)), "b": View(shared, (24,)), "c": View(shared, (2, 2), offset=20)})
    accept("tied", "TEN-01", "two names of one tensor",
           {"a": View(shared, (6, 4)), "b": View(shared, (6, 4))})
    accept("larger-storage", "TEN-01", "a tensor that sees a part of its storage",
           {"a": View(shared, (2, 2))})
    accept("expanded", "TEN-03", "a row that is repeated", {"x": View(shared, (5, 4), (0, 1))})
    accept("expanded-column", "TEN-03", "a column that is repeated",
           {"x": View(shared, (3, 5), (4, 0))})
    accept("expanded-scalar", "TEN-03", "a value that is repeated",
           {"x": View(shared, (2, 3), (0, 0), 7)})
    accept("expanded-beyond", "TEN-03", "more values than its storage has",
           {"x": View(Storage("0", "U8", 1), (20000,), (0,))})
    long = Storage("0", "F32", 6)
    where = Call(Global("torch._utils", "_rebuild_tensor_v2"),
                 Persistent(("storage", FLOAT, "0", "cuda:7", Long(6))), Long(0), (2, 3), (3, 1),
                 True, Ordered())
    view = View(long, (2, 3))
    book.accept("tensor/cuda-location.pth",
                "TEN-05", "a storage of another device, numbers as LONG1",
                zip_file({"x": where}, [view]), [view.tensor("x")])
    for key in ("94214", "model.weight", "weights_0", "k" * 100):
        book.accept(
            f"tensor/key-{key[:12].replace('.', '-')}.pth", "TEN-08", "an unusual key",
            zip_file({"x": View(Storage(key, "F32", 6), (2, 3))},
                     [View(Storage(key, "F32", 6), (2, 3))]),
            [View(Storage(key, "F32", 6), (2, 3)).tensor("x")])


def sizes(book, reject):
    for name, count in {
            "more": 13,
            "less": 11,
            "negative": -1,
            "wraps": (1 << 62) + 12,
            "2-64": 1 << 64,
            "text": "12",
            "true": True,
    }.items():
        reject(f"count-{name}", "TEN-01", f"a storage of {name} values",
               single(usual((1,), (1,), stored=storage(count=count))))
    reject("storage-short", "TEN-01", "a storage of 47 bytes", single(usual(), bytes(47)))
    reject("storage-long", "TEN-01", "a storage of 52 bytes", single(usual(), bytes(52)))
    reject("storage-empty", "TEN-01", "a storage without bytes", single(usual(), b""))
    half = Global("torch", "HalfStorage")
    both = {
        "x": usual(), "y": tensor(storage(kind=half, count=24), 0, (24,), (1,), False, Ordered())
    }
    made = entries(pickled(both), [])
    made.insert(1, Entry("archive/data/0", bytes(48)))
    reject("two-types", "TEN-01", "one storage as two types", archive(made))
    both["y"] = tensor(storage(count=6), 0, (6,), (1,), False, Ordered())
    made = entries(pickled(both), [])
    made.insert(1, Entry("archive/data/0", bytes(48)))
    reject("two-counts", "TEN-01", "one storage with two numbers of values", archive(made))
    unused = {"x": usual(), "s": storage(key="9", count=5)}
    ramp = Storage("0", "F32", 12)
    ramp.data = bytes(range(48))
    book.either("tensor/unused-missing.pth", "TEN-08", "a storage that is missing and not used",
                archive([*entries(pickled(unused), []),
                         Entry("archive/data/0", bytes(range(48)))]), BAD,
                [View(ramp, (3, 4)).tensor("x")])


def views(reject):
    for name, fields in {
            "rows": {"shape": (4, 4)},
            "offset": {"offset": 1},
            "column-stride": {"strides": (4, 2)},
            "offset-end": {"shape": (1,), "strides": (1,), "offset": 12},
            "empty-beyond": {"shape": (0,), "strides": (1,), "offset": 13},
            "offset-negative": {"shape": (1,), "strides": (1,), "offset": -1},
            "offset-wraps": {"shape": (2,), "strides": (1,), "offset": HUGE},
            "size-negative": {"shape": (-3, 4)},
            "size-wraps": {"shape": (1 << 32, 1 << 32), "strides": (0, 0)},
            "size-wraps-to-12": {"shape": (1 << 62, 12), "strides": (0, 1)},
            "size-2-64": {"shape": ((1 << 64) + 3, 4)},
            "stride-negative": {"shape": (3,), "strides": (-1,), "offset": 5},
            "stride-huge": {"shape": (2,), "strides": (HUGE,)},
            "stride-wraps": {"shape": (5, 2), "strides": (1 << 62, 1)},
            "lengths-differ": {"strides": (4,)},
            "empty-wraps": {"shape": (0, 1 << 62, 1 << 62), "strides": (1, 1, 1)},
            "size-bool": {"shape": (True, 4)},
            "size-float": {"shape": (3.0, 4)},
            "size-list": {"shape": [3, 4]},
            "offset-bool": {"offset": False},
            "dimensions-5000": {"shape": (1,) * 5000, "strides": (1,) * 5000},
    }.items():
        reject(f"view-{name}", "TEN-02", f"a view that is impossible: {name}",
               single(usual(**fields)), (*BAD, UNSUPPORTED) if "dimensions" in name else BAD)


def repeated(reject):
    for name, extent in {"4-tb": 1 << 40, "2-62": 1 << 62, "60-gb": 15_000_000_000}.items():
        reject(f"repeats-{name}", ["TEN-03", "RES-01"], f"a value repeated {extent} times",
               single(usual((extent,), (0,))), (*BAD, UNSUPPORTED))
    reject("repeats-rows", ["TEN-03", "RES-01"], "a row repeated 2^40 times",
           single(usual((1 << 40, 12), (0, 1))), (*BAD, UNSUPPORTED))
    reject("repeats-wraps", "TEN-03", "2^61 values of 4 bytes and one",
           single(usual(((1 << 61) + 1,), (0,))))
    many = {f"t{place}": View(Storage("0", "U8", 1), (1 << 24,), (0,)) for place in range(300)}
    reject("repeats-many", ["TEN-03", "RES-01"], "300 tensors of 16 MiB of one byte",
           zip_file(many, many.values()), (*BAD, UNSUPPORTED))


def arguments(reject):
    for name, values in {
            "none": (),
            "three": (storage(), 0, (3, 4)),
            "eight": (storage(), 0, (3, 4), (4, 1), False, Ordered(), None, 1),
            "swapped": (0, storage(), (3, 4), (4, 1)),
            "storage-number": (7, 0, (3, 4), (4, 1), False, Ordered()),
            "storage-tensor": (usual(), 0, (3, 4), (4, 1), False, Ordered()),
            "storage-text": ("0", 0, (3, 4), (4, 1), False, Ordered()),
    }.items():
        reject(f"arguments-{name}", "TEN-04", f"wrong arguments of _rebuild_tensor_v2: {name}",
               single(tensor(*values)))
    parameter = Global("torch._utils", "_rebuild_parameter")
    for name, values in {"none": (), "storage": (storage(), True, Ordered())}.items():
        reject(f"parameter-{name}", "TEN-04", f"wrong arguments of _rebuild_parameter: {name}",
               single(tensor(*values, function=parameter)))
    third = Global("torch._utils", "_rebuild_tensor_v3")
    untyped = storage(kind=Global("torch.storage", "UntypedStorage"), count=48)
    common = (untyped, 0, (3, 4), (4, 1), False, Ordered())
    for name, values in {
            "no-dtype": common,
            "dtype-text": (*common, "float32"),
            "dtype-storage": (*common, FLOAT),
            "typed": (storage(), 0, (3, 4), (4, 1), False, Ordered(), Global("torch", "float64")),
    }.items():
        reject(f"version-3-{name}", "TEN-04", f"wrong arguments of _rebuild_tensor_v3: {name}",
               single(tensor(*values, function=third)), (*BAD, UNSUPPORTED))
    wide = (untyped, 0, (3, 4), (4, 1), False, Ordered(), Global("torch", "float64"))
    reject("version-3-beyond", ["TEN-02", "TEN-06"], "an untyped storage seen as too wide a type",
           single(tensor(*wide, function=third)), (*BAD, UNSUPPORTED))
    odd = storage(kind=Global("torch.storage", "UntypedStorage"), count=47)
    reject(
        "version-3-odd", "TEN-01", "an untyped storage that is no whole number of values",
        single(
            tensor(odd,
                   0, (3, 4), (4, 1),
                   False,
                   Ordered(),
                   Global("torch", "float32"),
                   function=third), bytes(47)), (*BAD, UNSUPPORTED))
    reject("lazy-negative", "TEN-04", "a view that torch negates when it is used",
           single(usual(more=(False, Ordered(), {"neg": True}))), UNSUPPORTED)
    reject("lazy-conjugate", "TEN-04", "a view that torch conjugates when it is used",
           single(usual(more=(False, Ordered(), {"conj": True}))), UNSUPPORTED)


def identities(book, reject):
    for name, node in {
            "four": Persistent(("storage", FLOAT, "0", "cpu")),
            "seven": Persistent(("storage", FLOAT, "0", "cpu", 12, None, None)),
            "list": Persistent(["storage", FLOAT, "0", "cpu", 12]),
            "tag": storage(tag="module"),
            "class-text": storage(kind="FloatStorage"),
            "class-function": storage(kind=Global("torch._utils", "_rebuild_tensor_v2")),
            "location-number": storage(location=3),
    }.items():
        reject(f"id-{name}", "TEN-05", f"a malformed reference to a storage: {name}",
               single(usual(stored=node)), (*BAD, UNSUPPORTED) if name == "tag" else BAD)
    view = ("0", 0, 12)
    reject("id-with-view", "TEN-05", "a legacy file's view in a zip file",
           single(usual(stored=storage(extra=(view,)))), BAD)
    seen = View(Storage("0", "F32", 12), (3, 4))
    book.either(
        "tensor/cuda-class.pth", "TEN-06", "a storage class of torch.cuda",
        zip_file({"x": usual(stored=storage(kind=Global("torch.cuda", "FloatStorage")))}, [seen]),
        (REFUSED, UNSUPPORTED), [seen.tensor("x")])
    book.either("tensor/neg-false.pth", "TEN-04", "a tensor whose metadata says nothing",
                zip_file({"x": usual(more=(False, Ordered(), {}))}, [seen]), (*BAD, UNSUPPORTED),
                [seen.tensor("x")])


def classes(reject):
    for name in ("QInt8Storage", "QUInt8Storage", "QInt32Storage", "QUInt4x2Storage",
                 "ComplexDoubleStorage"):
        rule = "TEN-07" if name.startswith("Q") else "TEN-06"
        reject(f"class-{name.lower()}", rule, f"a {name}",
               single(usual((1,), (1,), stored=storage(kind=Global("torch", name), count=12))),
               (UNSUPPORTED, REFUSED))
    quantized = Call(Global("torch._utils", "_rebuild_qtensor"),
                     storage(kind=Global("torch", "QInt8Storage"), count=48), 0, (3, 4), (4, 1),
                     (Global("torch", "per_tensor_affine"), 0.1, 0), False, Ordered())
    reject("quantized", "TEN-07", "a quantized tensor", single(quantized), (UNSUPPORTED, REFUSED))
    layout = Call(Global("torch.serialization", "_get_layout"), "torch.sparse_coo")
    sparse = Call(Global("torch._utils", "_rebuild_sparse_tensor"), layout,
                  (usual(), usual((3,), (1,)), (9, 9), True))
    reject("sparse", "TEN-07", "a sparse tensor", single(sparse), (UNSUPPORTED, REFUSED))
    meta = Call(Global("torch._utils", "_rebuild_meta_tensor_no_storage"),
                Global("torch", "float16"), (4096, 4096), (4096, 1), False)
    reject("meta", "TEN-07", "a meta tensor, which has no values", single(meta),
           (UNSUPPORTED, REFUSED))
    wrapper = Call(Global("torch._utils", "_rebuild_wrapper_subclass"), Global("torch", "Tensor"),
                   Global("torch", "float32"), (3, 4), (4, 1), 0, layout,
                   Call(Global("torch", "device"), "cpu"), False)
    reject("wrapper", "TEN-07", "a wrapper class", single(wrapper), (UNSUPPORTED, REFUSED))
    array = Call(Global("torch._utils", "_rebuild_device_tensor_from_numpy"), usual(),
                 Global("torch", "float32"), "cpu", False)
    reject("device", "TEN-07", "a tensor of another device's kind", single(array),
           (UNSUPPORTED, REFUSED))
    for name in ("float4_e2m1fn_x2", "complex128", "qint8", "bits8"):
        untyped = storage(kind=Global("torch.storage", "UntypedStorage"), count=48)
        node = Call(Global("torch._utils", "_rebuild_tensor_v3"), untyped, 0, (3,), (1,), False,
                    Ordered(), Global("torch", name))
        reject(f"dtype-{name.replace('_', '-')}", ["TEN-06", "TEN-07"],
               f"an untyped storage seen as {name}", single(node), (UNSUPPORTED, REFUSED))


def keys(reject):
    for name, key in {
            "missing": "1",
            "empty": "",
            "dots": "..",
            "parent": "../data.pkl",
            "slash": "a/../0",
            "nul": "0\0",
            "number": 0,
            "bytes": b"0",
            "case": "K",
            "long": "9" * 60000,
    }.items():
        reject(f"key-is-{name}", "TEN-08", f"a storage's key that names no entry: {name}",
               single(usual(stored=storage(key=key)), key="k" if name == "case" else "0"),
               (*BAD, NO_INPUT))
