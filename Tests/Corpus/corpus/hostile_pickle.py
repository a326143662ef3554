"""Pickles that ask for what no checkpoint needs, and programs that are broken (PK-01 to PK-12).

Each hostile program would make the file `weightmill-corpus-marker` where it runs; no case may."""

from .book import BAD, MALFORMED, REFUSED, UNSUPPORTED
from .checkpoints import entries, one, used
from .hostile_zip import EVIL, MARKER
from .packing import u8, u32, u64
from .pickles import Call, Global, Ordered, Persistent, Pickle, Raw, pickled, program
from .zipfiles import archive

A, B = one("F32", (2, 3), "0"), one("F16", (2, 2), "1")
VIEWS = {"a": A, "b": B}
STORAGES = used(VIEWS.values())
TOUCH = f"touch {MARKER}"
OPEN = f"open({MARKER!r}, 'w')"


def checkpoint(pickle):
    """A file with this pickle and the storages that an honest one would use."""
    return archive(entries(pickle, STORAGES))


def honest(extra, protocol=2):
    """An honest dictionary with one more member."""
    return checkpoint(pickled({**VIEWS, "x": extra}, protocol))


# What attacks and scanners' test files call, with arguments that would leave a marker.
CALLS = [
    ("os", "system", (TOUCH,)),
    ("posix", "system", (TOUCH,)),
    ("os", "execvp", ("touch", ["touch", MARKER])),
    ("subprocess", "Popen", (["touch", MARKER],)),
    ("builtins", "exec", (OPEN,)),
    ("builtins", "eval", (OPEN,)),
    ("builtins", "open", (MARKER, "w")),
    ("builtins", "getattr", (1, "real")),
    ("builtins", "__import__", ("os",)),
    ("__builtin__", "eval", (OPEN,)),
    ("runpy", "_run_code", (OPEN, {})),
    ("importlib", "import_module", ("os",)),
    ("operator", "attrgetter", ("system",)),
    ("functools", "partial", (1, 2)),
    ("pickle", "loads", (b"N.",)),
    ("types", "FunctionType", (1, {})),
    ("shutil", "rmtree", (MARKER,)),
    ("ctypes", "CDLL", ("libc.so.6",)),
    ("pydoc", "pipepager", ("x", TOUCH)),
    ("sys", "setrecursionlimit", (1 << 30,)),
    ("lib2to3.pgen2.pgen", "ParserGenerator", (MARKER,)),
    ("numpy.testing._private.utils", "runstring", (OPEN, {})),
    ("torch.serialization", "load", (MARKER,)),
    ("torch._utils", "_import_dotted_name", ("os.system",)),
    ("torch.utils.collect_env", "run", (TOUCH,)),
    ("torch.storage", "_load_from_bytes", (b"N.",)),
    ("torch._inductor.codecache", "compile_file", (TOUCH,)),
    ("torch.jit.unsupported_tensor_ops", "execWrapper", (OPEN, {}, {})),
    ("torch.nn.modules.linear", "Linear", ()),
]
# Names made to look like listed ones.
DISGUISES = [
    ("collections", "OrderedDict.update"),
    ("collections.OrderedDict", "update"),
    ("torch._utils", "_rebuild_tensor_v2.__globals__"),
    ("torch", "_utils._rebuild_tensor_v2"),
    ("torch._utils._rebuild_tensor_v2", "__call__"),
    ("torch", "floatstorage"),
    ("torch", "\uff26loatStorage"),
    ("torch\0", "FloatStorage"),
    ("torch", "FloatStorage\0os"),
    ("", "OrderedDict"),
    ("", ""),
    ("torch.serialization", "os.system"),
    ("torch", "Storage"),
    ("numpy.core.multiarray", "reconstruct"),
]


def add(book):

    def reject(name, rule, what, content, codes=REFUSED):
        book.reject(f"pickle/{name}.pth", rule, what, content, codes)

    for module, name, arguments in CALLS:
        reject(f"calls-{module}-{name}".replace(".", "_"), "PK-03", f"calls {module}.{name}",
               honest(Call(Global(module, name), *arguments)), (REFUSED, UNSUPPORTED))
    for place, (module, name) in enumerate(DISGUISES):
        reject(f"disguise-{place + 1}", "PK-03", f"names {module!r} {name!r}",
               honest(Call(Global(module, name))), (REFUSED, MALFORMED, UNSUPPORTED))
        if place < 3:
            reject(f"disguise-{place + 1}-stack", "PK-03",
                   f"names {module!r} {name!r} by STACK_GLOBAL",
                   honest(Call(Global(module, name)), protocol=4), BAD)
    places(reject)
    opcodes(book, reject)
    endings(reject)
    stacks(reject)
    memos(reject)
    lengths(reject)
    texts(book, reject)
    nesting(book, reject)
    sharing(book, reject)
    keys(reject)
    containers(book, reject)


def places(reject):
    """One hostile call, hidden wherever a value may stand."""
    evil = Call(Global("os", "system"), TOUCH)
    rebuild = Global("torch._utils", "_rebuild_tensor_v2")
    arguments = (A.storage, 0, (2, 3), (3, 1), False)
    hidden = {
        "alone": evil,
        "in-list": [1, evil],
        "as-key": {evil: 1},
        "in-optimizer": {"state": {0: {"step": evil}}},
        "as-state": Ordered(metadata=evil),
        "as-hooks": Call(rebuild, *arguments, evil),
        "as-metadata": Call(rebuild, *arguments, Ordered(), evil),
        "in-ordered": Ordered([("k", evil)]),
        "in-device": Call(Global("torch", "device"), evil),
        "in-namespace": Call(Global("argparse", "Namespace"), state={"x": evil}, new=True),
        "in-storage-id": Persistent(("storage", Global("torch", "FloatStorage"), "0", evil, 6)),
        "in-size": Call(Global("torch", "Size"), (evil,)),
        "by-newobj": Call(Global("os", "system"), TOUCH, new=True),
        "by-build": Call(Global("argparse", "Namespace"), state=evil, new=True),
    }
    for name, value in hidden.items():
        reject(f"hidden-{name}", "PK-03", f"a hostile call {name.replace('-', ' ')}", honest(value))
    code = pickled(VIEWS)
    popped = b"cos\nsystem\nX" + u32(len(TOUCH)) + TOUCH.encode() + b"\x85R0"
    reject("hidden-popped", "PK-03", "a hostile call whose result is popped",
           checkpoint(code[:2] + popped + code[2:]))
    reject("hidden-below", "PK-03", "a hostile call under the result",
           checkpoint(code[:2] + popped[:-1] + code[2:]))
    reject("never-called", "PK-03", "a hostile name that is never called",
           honest(Global("os", "system")), (REFUSED, UNSUPPORTED))
    reject("root-call", "PK-03", "nothing but a hostile call", checkpoint(EVIL))
    getattr_ = Call(Global("builtins", "getattr"), Call(Global("builtins", "__import__"), "os"),
                    "system")
    reject("chained", "PK-03", "a call of what a call returns", honest(Call(getattr_, TOUCH)))
    for name, code in {"list": b"]", "text": b"X\1\0\0\0a", "none": b"N", "tensor": None}.items():
        callee = A if code is None else Raw(code)
        reject(f"reduce-of-{name}", ["PK-03", "PK-12"], f"REDUCE on a {name}",
               honest(Call(callee, 1)), BAD)
    reject("call-of-storage", "PK-03", "a call of a storage class",
           honest(Call(Global("torch", "FloatStorage"), 4)), BAD)
    reject("call-of-dtype", "PK-03", "a call of a dtype", honest(Call(Global("torch", "float16"))),
           BAD)
    for protocol, name in ((4, "stack-global"), (2, "global")):
        reject(
            f"dotted-{name}", "PK-03", "a dotted name behind a harmless module",
            honest(Call(Global("torch._utils", "_rebuild_tensor_v2.__globals__.get"), "os"),
                   protocol), BAD)
    reject("stack-global-of-numbers", "PK-03", "STACK_GLOBAL on numbers",
           checkpoint(program(b"K\1K\2\x93.", protocol=4)), BAD)


def opcodes(book, reject):
    """Opcodes that name, call or import, and all that do not exist."""
    touch = b"X" + u32(len(TOUCH)) + TOUCH.encode()
    for name, code in {
            "inst": b"(" + touch + b"ios\nsystem\n",
            "obj": b"(cos\nsystem\n" + touch + b"o",
            "ext1": b"\x82\1",
            "ext4": b"\x84\1\0\0\0",
            "newobj-ex": b"cos\nsystem\n" + touch + b"\x85}\x92",
            "next-buffer": b"\x97",
            "readonly-buffer": b"N\x98",
            "persid": b"P0\n",
    }.items():
        reject(f"opcode-{name}", "PK-03", f"the opcode {name.upper()}", honest(Raw(code)), BAD)
    for name, code in {
            "int": b"I1\n",
            "long": b"L1L\n",
            "string": b"S'a'\n",
            "int-true": b"I01\n",
    }.items():
        book.either(f"pickle/opcode-{name}.pth", "PK-04", f"the text opcode {name.upper()}",
                    honest(Raw(code)), BAD, [view.tensor(key) for key, view in VIEWS.items()])
    for code in (b"\0", b"Z", b"\x7f", b"\x99", b"\xff"):
        reject(f"opcode-{code.hex()}", "PK-04", f"the opcode 0x{code.hex()}",
               checkpoint(program(b"N", code, b".")), BAD)
    for version in (0, 1, 6, 255):
        reject(f"protocol-is-{version}", "PK-02", f"protocol {version}",
               checkpoint(b"\x80" + u8(version) + pickled(VIEWS)[2:]), (UNSUPPORTED, *BAD))
    reject("protocol-0", "PK-02", "a program of protocol 0", checkpoint(b"(dp0\nS'x'\np1\nI1\ns."),
           (UNSUPPORTED, *BAD))


def endings(reject):
    code = pickled(VIEWS)
    reject("empty", "PK-01", "an empty pickle", checkpoint(b""), MALFORMED)
    reject("no-stop", "PK-01", "no STOP", checkpoint(code[:-1]), MALFORMED)
    reject("cut", "PK-01", "cut in the middle", checkpoint(code[:len(code) // 2]), MALFORMED)
    reject("only-protocol", "PK-01", "nothing but PROTO", checkpoint(b"\x80\2"), MALFORMED)
    reject("only-stop", "PK-01", "nothing but STOP", checkpoint(b"\x80\2."), MALFORMED)
    reject("not-a-pickle", "PK-01", "a text for a pickle", checkpoint(b"hello, world"), BAD)
    reject("json", "PK-01", "JSON for a pickle", checkpoint(b'{"a": 1}'), BAD)
    for value, name in (({}, "empty-dict"), ({"x": 1}, "numbers"), ([], "empty-list"),
                        (None, "none"), (7, "number"), ("text", "text"), (Ordered(), "ordered")):
        reject(f"no-tensors-{name}", "PK-11", f"no tensors: {name}", checkpoint(pickled(value)),
               UNSUPPORTED)
    reject("tensor-root", "PK-11", "a tensor without a name", checkpoint(pickled(A)), UNSUPPORTED)
    reject("storage-root", "PK-11", "a storage without a tensor", checkpoint(pickled(A.storage)),
           UNSUPPORTED)


def stacks(reject):
    for name, code in {
            "append": b"a",
            "setitem": b"s",
            "setitems": b"u",
            "appends": b"e",
            "tuple": b"t",
            "tuple1": b"\x85",
            "reduce": b"R",
            "reduce-one": b")R",
            "build": b"b",
            "binpersid": b"Q",
            "put": b"q\0",
            "stack-global": b"\x93",
            "across-mark": b"N(\x85",
            "append-across-mark": b"](Na",
            "mark-at-stop": b"(",
            "odd-items": b"}(NNNu",
            "one-item": b"}(Nu",
            "additems": b"(N\x90",
    }.items():
        reject(f"stack-{name}", "PK-04", f"takes from its stack what is not there: {name}",
               checkpoint(program(code, b".")), BAD)


def memos(reject):
    for name, code in {
            "binget": b"h\5",
            "long-binget": b"j\xff\xff\xff\xff",
            "memoize-then-far": b"N\x94h\1",
    }.items():
        reject(f"memo-{name}", "PK-05", f"recalls what it never kept: {name}",
               checkpoint(program(code, b".")), BAD)
    reject("memo-put-text", "PK-05", "a memo index that is a text", checkpoint(program(b"Npx\n.")),
           BAD)
    reject("memo-get-text", "PK-05", "recalls by a text", checkpoint(program(b"g99999999999\n.")),
           BAD)


def lengths(reject):
    huge = u64((1 << 63) - 1)
    for name, code in {
            "binunicode-4g": b"X\xff\xff\xff\xffabc",
            "binunicode8": b"\x8d" + huge + b"a",
            "short-binunicode": b"\x8c\xffa",
            "binbytes8": b"\x8e" + huge,
            "bytearray8": b"\x96" + huge,
            "binstring-negative": b"T\xff\xff\xff\xffa",
            "long1": b"\x8a\xff\1",
            "long4-negative": b"\x8b\xff\xff\xff\xff\1",
            "binint": b"J\1",
            "frame": b"\x95",
            "global": b"cos",
            "global-half": b"ccollections\n",
            "persid": b"P" + b"x" * 300,
            "decimal": b"I" + b"9" * 5000 + b"\n",
            "long-text": b"L" + b"9" * 5000 + b"L\n",
    }.items():
        reject(f"length-{name}", "PK-06", f"a length beyond the pickle: {name}",
               checkpoint(program(code, b".")), BAD)
    reject("frame-too-long", "PK-06", "a frame longer than the pickle",
           checkpoint(b"\x80\4\x95" + u64(1 << 62)), BAD)
    reject("global-long-name", ["PK-06", "ERR-01"], "a name of 50,000 letters",
           honest(Call(Global("os", "s" * 50000))), BAD)
    reject("global-long-module", ["PK-06", "ERR-01"], "a module of 50,000 letters",
           honest(Call(Global("os." * 16000, "system"))), BAD)
    for name, text in {
            "control": "sys\x1b[2J\x07tem",
            "carriage": "sys\rtem",
            "bidi": "\u202e\u2066metsys",
            "many-controls": "\x01" * 200,
            "many-bidi": "\u202e" * 200,
    }.items():
        reject(f"global-{name}", "ERR-01", f"a name that would drive a terminal: {name}",
               honest(Call(Global("os", text))), BAD)


def texts(book, reject):

    def named(raw, code=b"X"):
        result = Pickle(memo=False)
        result.value(Raw(b"}" + code + (u32(len(raw)) if code == b"X" else u8(len(raw))) + raw))
        result.value(A)
        return checkpoint(b"\x80\2" + bytes(result.code) + b"s.")

    for name, raw in {
            "surrogate": b"\xed\xa0\x80",
            "latin-1": b"caf\xe9",
            "beyond": b"\xf4\x90\x80\x80",
    }.items():
        reject(f"name-{name}", "PK-07", f"a tensor's name that is not UTF-8: {name}", named(raw),
               BAD)
    reject("name-string-latin-1", "PK-07", "a Python 2 text that is not UTF-8",
           named(b"caf\xe9", b"U"), BAD)
    book.either("pickle/name-nul.pth", "PK-07", "a tensor's name with a NUL", named(b"a\0b"), BAD,
                [A.tensor("a\0b")])
    reject("global-not-utf-8", "PK-07", "a name of a global that is not UTF-8",
           checkpoint(program(b"c\xff\xfe\nx\n", b".")), BAD)


def nesting(book, reject):
    """Programs that nest deeper than any stack: freed, walked or compared, they must not crash."""
    deep = 30000
    for name, code in {
            "marks": b"(" * deep,
            "lists": b"]" * deep + b"a" * (deep - 1),
            "tuples": b")" + b"\x85" * deep,
            "empty-lists": b"]" * deep,
    }.items():
        reject(f"deep-{name}", "PK-08", f"{deep} {name}", checkpoint(program(code, b".")),
               (*BAD, UNSUPPORTED))
    body = b"}" + b"(X\1\0\0\0d}" * 5000 + b"u" * 5000
    reject("deep-dicts", "PK-08", "5000 dictionaries in each other",
           checkpoint(program(body, b".")), (*BAD, UNSUPPORTED))
    code = Pickle(memo=False)
    code.value(Raw(b"}(X\1\0\0\0x" + b"]" * deep + b"a" * (deep - 1)))
    code.value("a")
    code.value(A)
    book.either("pickle/deep-beside.pth", "PK-08", "30000 lists beside a tensor",
                checkpoint(b"\x80\2" + bytes(code.code) + b"u."), (*BAD, UNSUPPORTED),
                [A.tensor("a")])
    under = b"}(X\1\0\0\0x" + b"]" * 2000
    code = Pickle(memo=False)
    code.value(Raw(under))
    code.value(A)
    book.either("pickle/deep-tensor.pth", "PK-08", "a tensor below 2000 lists",
                checkpoint(b"\x80\2" + bytes(code.code) + b"a" * 2000 + b"u."), (*BAD, UNSUPPORTED),
                [A.tensor(".".join(["x"] + ["0"] * 2000))])


def sharing(book, reject):

    def laughs(make, join, lines=40):
        """Each line is a container of ten of the line before."""
        code = make
        for place in range(lines):
            code += b"q" + u8(place) + b"(" + (b"h" + u8(place)) * 10 + join
        return code

    lists = laughs(b"]", b"t")
    reject("laughs", "PK-09", "tuples of ten of the tuple before, 40 times",
           checkpoint(program(lists, b".")), (*BAD, UNSUPPORTED))
    code = Pickle(memo=False)
    code.value(Raw(b"}(X\1\0\0\0x" + lists))
    code.value("a")
    code.value(A)
    book.either("pickle/laughs-beside.pth", "PK-09", "10^40 values beside a tensor",
                checkpoint(b"\x80\2" + bytes(code.code) + b"u."), (*BAD, UNSUPPORTED),
                [A.tensor("a")])
    reject("laughs-as-key", ["PK-09", "PK-10"], "10^40 values as a key",
           checkpoint(program(b"}", lists, b"K\1s.")), (*BAD, UNSUPPORTED))
    tensors = Pickle(memo=False)
    tensors.value(Raw(b"}(X\1\0\0\0x"))
    tensors.value(A)
    for place in range(40):
        tensors.value(Raw(b"q" + u8(place) + b"(" + (b"h" + u8(place)) * 10 + b"t"))
    book.either("pickle/laughs-of-tensors.pth", "PK-09",
                "10^40 times the same tensor, under a key that is no name",
                checkpoint(b"\x80\2" + bytes(tensors.code) + b"u."), (*BAD, UNSUPPORTED))
    reject("cycle-list", "PK-09", "a list that holds itself", checkpoint(program(b"]q\0h\0a.")),
           (*BAD, UNSUPPORTED))
    code = Pickle(memo=False)
    code.value(Raw(b"}q\0("))
    code.value("a")
    code.value(A)
    code.value(Raw(b"X\4\0\0\0selfh\0u."))
    book.either("pickle/cycle-dict.pth", "PK-09", "a dictionary that holds itself and a tensor",
                checkpoint(b"\x80\2" + bytes(code.code)), (*BAD, UNSUPPORTED))


def keys(reject):
    twice = Pickle(memo=False)
    twice.value(Raw(b"}("))
    for view in (A, B):
        twice.value("a")
        twice.value(view)
    reject("name-twice", "PK-10", "two tensors of one name",
           checkpoint(b"\x80\2" + bytes(twice.code) + b"u."), BAD)
    joined = {"a": {"b": A}, "a.b": B}
    reject("name-twice-joined", "PK-10", "two names that are one when joined with dots",
           checkpoint(pickled(joined)), BAD)
    mixed = {"1": A, 1: B}
    reject("name-twice-number", "PK-10", "the text 1 and the number 1", checkpoint(pickled(mixed)),
           BAD)
    for name, key in {
            "list": Raw(b"]"),
            "dict": Raw(b"}"),
            "tensor": B,
            "float": 1.5,
            "global": Global("torch", "Size"),
    }.items():
        root = Pickle(memo=False)
        root.value(Raw(b"}"))
        root.value(key)
        root.value(A)
        reject(f"key-{name}", "PK-10", f"a {name} for a tensor's name",
               checkpoint(b"\x80\2" + bytes(root.code) + b"s."), BAD)


def containers(book, reject):
    tensor = Pickle(memo=False)
    tensor.value(A)
    tensor = bytes(tensor.code)
    ordered = b"ccollections\nOrderedDict\n)R"
    for name, code in {
            "append-to-tuple": b")Na",
            "append-to-dict": b"}Na",
            "append-to-tensor": tensor + b"Na",
            "appends-to-dict": b"}(Ne",
            "append-to-global": b"ctorch\nSize\nNa",
            "append-to-ordered": ordered + b"Na",
            "setitem-on-list": b"]K\0Ns",
            "setitem-on-tensor": tensor + b"K\0K\1s",
            "setitem-on-tuple": b")K\0Ns",
            "setitems-on-list": b"](K\0Nu",
            "setitem-on-global": b"ctorch\nSize\nK\0Ns",
            "build-on-list": b"]}b",
            "build-on-global": b"ctorch\nSize\n}b",
            "build-on-none": b"N}b",
            "build-with-number": ordered + b"K\1b",
            "build-with-list": ordered + b"]b",
            "additems-to-list": b"](N\x90",
            "additems-to-dict": b"}(N\x90",
            "reduce-without-tuple": b"ccollections\nOrderedDict\n]R",
            "reduce-with-number": b"ctorch\nSize\nK\1R",
            "newobj-without-tuple": b"ccollections\nOrderedDict\nN\x81",
            "ordered-of-number": b"ccollections\nOrderedDict\nK\1\x85R",
            "size-of-nothing": b"ctorch\nSize\n)R",
            "size-of-text": b"ctorch\nSize\nX\1\0\0\0a\x85R",
            "persistent-number": b"K\1Q",
            "persistent-text": b"X\1\0\0\0aQ",
            "persistent-list": b"]Q",
    }.items():
        reject(name, "PK-12", f"a wrong operand: {name.replace('-', ' ')}",
               checkpoint(program(b"}X\1\0\0\0b", code, b"sX\1\0\0\0a", A, b"s.")), BAD)
    state = Pickle(memo=False)
    state.value(Raw(b"}"))
    state.value("a")
    state.value(A)
    state.value(Raw(b"}b"))
    # torch calls set_() without arguments, which empties the tensor.
    reject("build-on-tensor", "PK-12", "BUILD on a tensor with an empty state",
           checkpoint(b"\x80\2" + bytes(state.code) + b"s."), BAD)
