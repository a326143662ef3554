"""Pickles that torch and trainers really write: protocols, nesting, Parameters, leftovers."""

from .book import BAD, REFUSED, UNSUPPORTED
from .checkpoints import (Storage, View, TYPES, entries, expected, one, state_dict, used, zip_file)
from .packing import u64
from .pickles import Call, Global, Long, Ordered, Persistent, Pickle, Raw, Reference, pickled
from .zipfiles import End, archive


def torch(views, root=None, protocol=2, **options):
    """A file of today's torch with these views, and a root that may hold more."""
    return zip_file(views if root is None else root, views.values(), protocol, **options)


def renamed(names, views):
    """What must be read, under other names."""
    return [view.tensor(name) for name, view in zip(names, views)]


def add(book):

    def accept(name, rules, what, content, tensors):
        book.accept(f"pickle/{name}.pth", rules, what, content, tensors)

    types(accept)
    protocols(book, accept)
    containers(accept)
    nesting(book, accept)
    parameters(accept)
    leftovers(book, accept)
    oddities(book, accept)


def types(accept):
    for dtype in TYPES:
        view = {f"{dtype.lower()}": one(dtype, (3, 2))}
        rule = "TEN-06"
        accept(f"type-{dtype.lower()}", rule, f"a tensor of type {dtype}", torch(view),
               expected(view))
    every = {dtype: one(dtype, (2, 2), str(place)) for place, dtype in enumerate(TYPES)}
    accept("type-every", "TEN-06", "a tensor of each type", torch(every), expected(every))
    view = View(Storage("0", "F8_E4M3", 12), (2, 3), (6, 2), 1)
    accept("type-f8-view", ["TEN-06", "TEN-02"], "a strided view without a storage class",
           torch({"v": view}), expected({"v": view}))
    old = View(Storage("0", "F16", 6), (2, 3), version=1)
    accept("rebuild-tensor", "TEN-04", "_rebuild_tensor of four arguments", torch({"v": old}),
           expected({"v": old}))
    wide = one("F32", (2, 2))
    wide.version = 3
    # A float32 tensor of version 3: torch reads it, and may write it.
    kinds = Call(Global("torch._utils", "_rebuild_tensor_v3"),
                 Persistent(("storage", Global("torch.storage", "UntypedStorage"), "0", "cpu", 16)),
                 0, (2, 2), (2, 1), False, Ordered(), Global("torch", "float32"))
    accept("untyped-f32", "TEN-06", "an untyped storage seen as float32",
           torch({"v": wide}, {"v": kinds}), expected({"v": wide}))


def protocols(book, accept):
    view = {"a.weight": one("F32", (2, 3), "0"), "b.weight": one("F16", (2, 2), "1")}
    for protocol in (2, 3, 4, 5):
        accept(f"protocol-{protocol}", "PK-02", f"pickle protocol {protocol}",
               torch(view, protocol=protocol, frame=protocol >= 4), expected(view))
    accept("protocol-4-module", "PK-02", "a module's state_dict in protocol 4",
           torch(view, state_dict(view, ordered=True), protocol=4, frame=True), expected(view))
    book.either("pickle/protocol-none.pth", "PK-02", "no PROTO at the beginning",
                torch(view, start=b""), (*BAD, UNSUPPORTED), expected(view))
    # 300 values in the memo: BINPUT gives way to LONG_BINPUT.
    many = {f"layers.{place}.weight": one("I8", (1,), str(place)) for place in range(40)}
    content = torch(many, style="1.6")
    assert b"r\x00\x01\x00\x00" in content
    accept("long-binput", "PK-05", "more than 256 values in the memo", content, expected(many))
    jumps = Pickle(memo=False)
    jumps.value(Raw(b"}r\xfe\xff\xff\xff"))
    jumps.items(view.items())
    code = b"\x80\2" + bytes(jumps.code) + b"."
    made = archive(entries(code, used(view.values())))
    accept("memo-sparse", "PK-05", "a memo index of 0xFFFFFFFE", made, expected(view))


def containers(accept):
    view = {"a.weight": one("F32", (2, 3), "0"), "b.weight": one("F16", (2, 2), "1")}
    accept("ordered-dict", "PK-12", "an OrderedDict", torch(view, state_dict(view, True)),
           expected(view))
    items = [("a.weight", view["a.weight"]), ("b.weight", view["b.weight"])]
    single = Pickle(memo=False)
    single.value(Raw(b"}"))
    for key, value in items:
        single.value(key)
        single.value(value)
        single.value(Raw(b"s"))
    code = b"\x80\2" + bytes(single.code) + b"."
    accept("setitem", "PK-12", "items set one by one", archive(entries(code, used(view.values()))),
           expected(view))
    names = [f"{'x' * 200}.{place}" for place in range(3)]
    long = {name: one("U8", (place + 1,), str(place)) for place, name in enumerate(names)}
    accept("long-names", "PK-07", "names of 200 letters", torch(long), expected(long))
    odd = [
        "", ".", "a..b", "\u6a21.\u578b", "e\u0301", "\u00e9", "\U0001f600", "a b", "../x",
        "\"quoted\"", "tab\there", "\u202eabc"
    ]
    odd = {name: one("I16", (place + 1,), str(place)) for place, name in enumerate(odd)}
    accept("odd-names", ["PK-07", "PK-10", "ERR-01"],
           "names in Unicode, two of which differ in normalisation only", torch(odd), expected(odd))
    keys = Reference("shared")
    tied = one("F16", (3, 2))
    accept("shared-key-text", "PK-09", "a text that is recalled from the memo as a value",
           torch({"t": tied}, {"t": tied, "name": keys, "again": keys}), expected({"t": tied}))


def nesting(book, accept):
    a, b = one("F32", (2, 3), "0"), one("F16", (2, 2), "1")
    views = {"a": a, "b": b}
    for key in ("model", "state_dict", "module"):
        root = {key: Ordered([("x.weight", a), ("y.weight", b)])}
        accept(f"nested-{key.replace('_', '-')}", "PK-10", f"the tensors lie under {key!r}",
               torch(views, root), renamed([f"{key}.x.weight", f"{key}.y.weight"], [a, b]))
    accept("nested-twice", "PK-10", "the tensors lie two levels down",
           torch(views, {"state_dict": {"model": {"x": a}}, "epoch": 3}),
           renamed(["state_dict.model.x"], [a]))
    accept("nested-optimizer", "PK-10", "a model beside an optimizer's state",
           torch(views, {"model": {"x": a}, "optimizer": {"state": {0: {"exp_avg": b}}}}),
           renamed(["model.x", "optimizer.state.0.exp_avg"], [a, b]))
    accept("nested-lists", "PK-10", "tensors in lists and tuples",
           torch(views, {"l": [a, 3], "t": (None, b)}), renamed(["l.0", "t.1"], [a, b]))
    accept("integer-keys", "PK-10", "integers for names", torch(views, {1: a, 20: b}),
           renamed(["1", "20"], [a, b]))
    deep = {"x": a}
    for _ in range(20):
        deep = {"d": deep}
    accept("nested-twenty-deep", "PK-08", "20 dictionaries in each other", torch({"a": a}, deep),
           renamed(["d." * 20 + "x"], [a]))
    book.either("pickle/list-root.pth", "PK-10", "a list of tensors", torch(views, [a, b]),
                UNSUPPORTED, renamed(["0", "1"], [a, b]))
    book.either("pickle/none-key.pth", "PK-10", "None for a name",
                torch(views, {None: 1, "a": a, "b": b}), BAD, expected(views))
    book.either("pickle/true-key.pth", "PK-10", "a truth value for a name beside the tensors",
                torch(views, {True: 1, "a": a, "b": b}), BAD, expected(views))
    book.either("pickle/tuple-key.pth", "PK-10", "a tuple for a name beside the tensors",
                torch(views, {("x", 1): 1, "a": a, "b": b}), BAD, expected(views))


def parameters(accept):
    a, b = one("F32", (2, 3), "0"), one("F16", (2, 2), "1")
    views = {"a": a, "b": b}
    rebuild = Global("torch._utils", "_rebuild_parameter")
    accept(
        "parameter", "TEN-04", "Parameters",
        torch(views, {name: Call(rebuild, view, True, Ordered())
                      for name, view in views.items()}), expected(views))
    state = Global("torch._utils", "_rebuild_parameter_with_state")
    accept("parameter-with-state", "TEN-04", "a Parameter with attributes of its own",
           torch(views, {"a": Call(state, a, True, Ordered(), {"tag": "x", "n": 3}), "b": b}),
           expected(views))
    typed = Global("torch._tensor", "_rebuild_from_type_v2")
    tensor = Global("torch", "Tensor")
    inner = Global("torch._utils", "_rebuild_tensor_v2")
    arguments = (a.storage, 0, (2, 3), (3, 1), False, Ordered())
    accept("rebuild-from-type", "TEN-04", "a tensor with attributes of its own",
           torch(views, {"a": Call(typed, inner, tensor, arguments, {"tag": "x"}), "b": b}),
           expected(views))
    parameter = Global("torch.nn.parameter", "Parameter")
    accept("rebuild-from-type-parameter", "TEN-04", "a Parameter with attributes of its own",
           torch(views, {"a": Call(typed, inner, parameter, arguments, {}), "b": b}),
           expected(views))


def leftovers(book, accept):
    a, b = one("F32", (2, 3), "0"), one("F16", (2, 2), "1")
    views = {"a": a, "b": b}
    more = {
        "epoch": 3, "loss": 0.25, "lr": [0.1, 0.01], "name": "run-1", "best": None, "done": True,
        "steps": Long(1 << 40), "shape": (1, 2)
    }
    accept("plain-leftovers", "PK-10", "numbers and texts beside the tensors",
           torch(views, {"model": {"a": a, "b": b}, **more}), renamed(["model.a", "model.b"],
                                                                      [a, b]))
    size = Call(Global("torch", "Size"), (2, 3))
    device = Call(Global("torch", "device"), "cuda", 0)
    accept(
        "size-and-device", "PK-12", "torch.Size, torch.device and a dtype beside the tensors",
        torch(
            views,
            {"a": a, "b": b, "size": size, "device": device, "dtype": Global("torch", "float16")}),
        expected(views))
    made = Call(Global("builtins", "set"), [1, 2])
    accept("set", "PK-12", "a set beside the tensors", torch(views, {"a": a, "b": b, "s": made}),
           expected(views))
    made = Call(Global("__builtin__", "set"), [1, 2])
    accept("set-python-2", "PK-12", "a set as protocol 2 names it",
           torch(views, {"a": a, "b": b, "s": made}), expected(views))
    counter = Call(Global("collections", "Counter"), {"x": 1})
    accept("counter", "PK-03", "a Counter, which torch's safe loader knows",
           torch(views, {"a": a, "b": b, "c": counter}), expected(views))
    big = Long((1 << 300) - 1)
    accept("big-integer", "PK-06", "an integer of 300 bits that nobody uses",
           torch(views, {"a": a, "b": b, "seed": big}), expected(views))
    # What torch refuses under weights_only, but trainers write: left opaque, never built.
    for name in ("numpy.core.multiarray", "numpy._core.multiarray"):
        kind = Call(Global("numpy", "dtype"),
                    "f8",
                    False,
                    True,
                    state=(3, "<", None, None, None, -1, -1, 0))
        number = Call(Global("_codecs", "encode"), "\0\0\0\0\0\0\xf0?", "latin1")
        scalar = Call(Global(name, "scalar"), kind, number)
        accept("numpy-scalar" + ("-2" if "_core" in name else ""), "PK-03",
               "a NumPy number beside the tensors", torch(views, {"a": a, "b": b, "loss": scalar}),
               expected(views))
    space = Call(Global("argparse", "Namespace"), state={"lr": 0.1, "name": "x"}, new=True)
    accept("namespace", "PK-03", "an argparse.Namespace beside the tensors",
           torch(views, {"model": {"a": a, "b": b}, "args": space}),
           renamed(["model.a", "model.b"], [a, b]))
    array = Call(Global("numpy.core.multiarray", "_reconstruct"),
                 Global("numpy", "ndarray"), (0,),
                 Call(Global("_codecs", "encode"), "b", "latin1"),
                 state=(1, (2,), kind, False, Call(Global("_codecs", "encode"), "\0" * 16,
                                                   "latin1")))
    book.either("pickle/numpy-array.pth", "PK-03", "a NumPy array beside the tensors",
                torch(views, {"a": a, "b": b, "rng": array}), (REFUSED, UNSUPPORTED),
                expected(views))
    path = Call(Global("pathlib", "PosixPath"), "data", "x.txt")
    book.either("pickle/path.pth", "PK-03", "a path object beside the tensors",
                torch(views, {"a": a, "b": b, "path": path}), (REFUSED, UNSUPPORTED),
                expected(views))


def oddities(book, accept):
    a = one("F32", (2, 3), "0")
    views = {"a": a}
    inner = pickled({"x": 1})
    book.either("pickle/after-stop.pth", "PK-01", "bytes after STOP", torch(views,
                                                                            stop=b"." + inner), BAD,
                expected(views))
    tail = pickled({"x": Call(Global("os", "system"), "touch weightmill-corpus-marker")})
    book.either("pickle/evil-after-stop.pth", ["PK-01", "PK-03"], "a hostile pickle after STOP",
                torch(views, stop=b"." + tail), BAD, expected(views))
    accept("short-binstring", "PK-07", "texts as Python 2 wrote them",
           torch(views, Raw(short_texts(a))), expected(views))
    book.either("pickle/binstring.pth", "PK-04", "BINSTRING, as Python 2 wrote long texts",
                torch(views, {"a": a, "note": Raw(b"T\5\0\0\0hello")}), BAD, expected(views))
    book.either("pickle/dict-opcode.pth", "PK-04",
                "DICT makes a dictionary of what is on the stack",
                archive(entries(dict_opcode(a), [a.storage]), End()), BAD, expected(views))
    book.either("pickle/list-opcode.pth", "PK-04", "LIST makes a list of what is on the stack",
                torch(views, {"a": a, "l": Raw(b"(K\1K\2l")}), BAD, expected(views))
    for name, code in {"pop": b"N0", "dup": b"N200", "pop-mark": b"(NN1"}.items():
        book.either(f"pickle/{name}.pth", "PK-04", f"the opcode of {name}",
                    torch(views, {"a": a, "x": Raw(code + b"K\1")}), BAD, expected(views))
    book.either("pickle/long4.pth", "PK-06", "LONG4, an integer with four bytes of length",
                torch(views, {"a": a, "x": Raw(b"\x8b\2\0\0\0\1\2")}), BAD, expected(views))
    book.either("pickle/frozen-set.pth", "PK-04", "a frozenset",
                torch(views, {"a": a, "x": Raw(b"(K\1\x91")}, protocol=4), BAD, expected(views))
    book.either("pickle/bytes8.pth", "PK-06", "BINBYTES8 of three bytes",
                torch(views, {"a": a, "x": Raw(b"\x8e" + u64(3) + b"abc")}, protocol=4), BAD,
                expected(views))


def short_texts(view):
    """The dictionary's key as SHORT_BINSTRING."""
    code = Pickle(memo=False)
    code.value(Raw(b"}("))
    code.text("a", "U")
    code.value(view)
    code.value(Raw(b"u"))
    return bytes(code.code)


def dict_opcode(view):
    code = Pickle(memo=False)
    code.value(Raw(b"("))
    code.value("a")
    code.value(view)
    return b"\x80\2" + bytes(code.code) + b"d."
