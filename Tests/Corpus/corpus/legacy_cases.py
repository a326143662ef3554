"""The stacked pickles of torch before 1.6 (LEG-01 to LEG-07)."""

import io
import tarfile

from .book import BAD, MALFORMED, REFUSED, UNSUPPORTED
from .checkpoints import (MAGIC, SYSTEM, TYPES, Storage, View, expected, legacy, legacy_file,
                          state_dict)
from .hostile_zip import MARKER
from .packing import u64
from .pickles import Call, Global, Ordered, Persistent, pickled

EVIL = Call(Global("os", "system"), f"touch {MARKER}")


def stored(key, dtype="F32", count=6, view=None):
    return legacy(Storage(key, dtype, count), view)


def usual():
    """Three tensors of two storages."""
    first, second = stored("94873"), stored("1200", "F16", 4)
    return {"a": View(first, (2, 3)), "b": View(second, (2, 2)), "c": View(first, (3,), (2,), 1)}


def parts(views):
    return list({view.storage.key: view.storage for view in views.values()}.values())


def file(views=None, root=None, **options):
    views = views or usual()
    return legacy_file(root or views, parts(views), **options)


def add(book):

    def reject(name, rule, what, content, codes=BAD):
        book.reject(f"legacy/{name}.pth", rule, what, content, codes)

    honest(book)
    headers(reject)
    key_lists(reject)
    counts(reject)
    views(book, reject)
    hostile(reject)
    cuts(reject)
    archives(reject)


def honest(book):

    def accept(name, rule, what, views, root=None, **options):
        book.accept(f"legacy/{name}.pth", rule, what, file(views, root, **options), expected(views))

    accept("plain", "LEG-01", "three tensors of two storages", usual())
    accept("ordered", "LEG-01", "a module's state_dict", usual(), state_dict(usual(), True))
    every = {
        dtype: View(stored(f"9{place}", dtype, 6), (3, 2))
        for place, dtype in enumerate(TYPES) if TYPES[dtype][1]
    }
    accept("every-type", "LEG-04", "a tensor of each type", every)
    untyped = {"x": View(stored("7", "F8_E4M3", 6), (2, 3))}
    # torch 2.15 writes these, but cannot read them.
    book.either("legacy/untyped.pth", "LEG-04", "a type without a storage class", file(untyped),
                (*BAD, UNSUPPORTED), expected(untyped))
    for protocol in (3, 4):
        book.either(f"legacy/protocol-{protocol}.pth", "LEG-01", f"pickle protocol {protocol}",
                    file(protocol=protocol), (*BAD, UNSUPPORTED), expected(usual()))
    many = {
        f"t{place}": View(stored(str(place), "U8", place + 1), (place + 1,))
        for place in range(12)
    }
    accept("many", "LEG-03", "keys in the order of their bytes: 0, 1, 10, 11, 2 ...", many)
    empty = {"x": View(stored("5", "F32", 0), (0, 3)), "y": View(stored("6"), (6,))}
    accept("empty", "LEG-04", "an empty storage", empty)
    view = View(stored("4", "F64", 12), (2, 3), (6, 2), 1)
    accept("strided", "LEG-04", "a strided view", {"v": view})
    twins = usual()
    content = legacy_file(twins, parts(twins), order=[twins["a"].storage, twins["b"].storage])
    book.accept("legacy/keys-unsorted.pth", "LEG-03", "keys in another order", content,
                expected(twins))
    nested = usual()
    book.accept("legacy/nested.pth", "LEG-01", "the tensors under 'model', beside an epoch",
                legacy_file({"model": Ordered(nested.items()), "epoch": 7}, parts(nested)),
                [view.tensor(f"model.{name}") for name, view in nested.items()])


def headers(reject):
    for name, value in {"other": MAGIC + 1, "text": "magic"}.items():
        reject(f"magic-{name}", "LEG-01", f"another magic number: {name}",
               file(magic=pickled(value)), (*BAD, UNSUPPORTED))
    for name, value in {"1000": 1000, "text": "1001"}.items():
        reject(f"version-{name}", "LEG-01", f"another version: {name}",
               file(version=pickled(value)), (*BAD, UNSUPPORTED))
    for name, value in {"list": [], "number": 1}.items():
        reject(f"system-{name}", "LEG-01", f"no dictionary of the system: {name}",
               file(system=pickled(value)), (*BAD, UNSUPPORTED))
    big = dict(SYSTEM, little_endian=False)
    reject("big-endian", "LEG-02", "values of the other byte order", file(system=pickled(big)),
           (*BAD, UNSUPPORTED))
    reject("byte-order-text", "LEG-02", "a byte order that is a text",
           file(system=pickled(dict(SYSTEM, little_endian="yes"))), (*BAD, UNSUPPORTED))


def key_lists(reject):
    first, second = usual()["a"].storage.key, usual()["b"].storage.key
    for name, keys in {
            "missing": [second],
            "empty": [],
            "more": [second, first, "777"],
            "twice": [second, first, first],
            "other": [second, "94874"],
            "numbers": [1200, 94873],
            "none": None,
            "text": "1200",
            "tuple": (second, first),
            "nested": [[second, first]],
    }.items():
        reject(f"keys-{name}", "LEG-03", f"a list of keys that is wrong: {name}",
               file(keys=pickled(keys)))
    # The storage that torch leaves uninitialised: its bytes are not in the file.
    views = usual()
    content = legacy_file(views, [views["b"].storage])
    reject("keys-uninitialised", "LEG-03", "a tensor whose storage is not in the file", content)


def counts(reject):
    for name, count in {
            "more": 7,
            "less": 5,
            "negative": -1,
            "wraps": (1 << 62) + 6,
            "wraps-to-6": (1 << 63) + 6,
    }.items():
        reject(f"count-{name}", "LEG-04", f"a storage that says it has {name} values",
               file(counts={"94873": count}))
    huge = View(stored("94873"), (1 << 40,))
    huge.storage.count = 1 << 40
    reject("count-both-huge", ["LEG-04", "RES-01"], "4 TiB promised by pickle and storage",
           file({"a": huge}))
    wrap = View(stored("94873"), (6,))
    wrap.storage.count = (1 << 62) + 6
    reject("count-both-wrap", "LEG-04", "2^62 + 6 values promised by pickle and storage",
           file({"a": wrap}))
    reject("tail", "LEG-05", "bytes after the last storage", file(tail=b"more"))
    reject("tail-zeros", "LEG-05", "zeros after the last storage", file(tail=bytes(8)))
    reject("tail-pickle", ["LEG-05", "PK-01"], "a hostile pickle after the last storage",
           file(tail=pickled(EVIL)))


def views(book, reject):
    """The sixth member of a legacy reference: a view of another storage."""

    def viewed(view, count=3):
        seen = View(Storage("94873", "F32", 6), (count,))
        seen.storage.extra = (view,)
        return file({"x": seen})

    whole = Storage("94873", "F32", 6)
    whole.extra = (("500", 2, 3),)
    part = View(whole, (3,), offset=0)
    expected_part = View(Storage("94873", "F32", 6), (3,), offset=2).tensor("x")
    book.either("legacy/view.pth", "LEG-06", "a storage that is a part of another",
                legacy_file({"x": part}, [whole]), (*BAD, UNSUPPORTED), [expected_part])
    for name, view in {
            "beyond": ("500", 5, 3),
            "negative": ("500", -1, 3),
            "wraps": ("500", (1 << 63) - 2, (1 << 63) - 1),
            "four": ("500", 0, 3, 1),
            "text": "500",
            "key-number": (500, 0, 3),
            "true": True,
    }.items():
        reject(f"view-{name}", "LEG-06", f"a view that is impossible: {name}", viewed(view),
               (*BAD, UNSUPPORTED))


def hostile(reject):
    reject("evil-object", "PK-03", "a hostile call beside the tensors",
           file(root={**usual(), "x": EVIL}))
    reject("evil-magic", ["LEG-01", "PK-03"], "a hostile call for a magic number",
           file(magic=pickled(EVIL)), (*BAD, UNSUPPORTED))
    magic = Call(Global("builtins", "eval"), str(MAGIC))
    reject("evil-magic-value", ["LEG-01", "PK-03"], "a magic number that a call returns",
           file(magic=pickled(magic)), (*BAD, UNSUPPORTED))
    reject("evil-version", ["LEG-01", "PK-03"], "a hostile call for a version",
           file(version=pickled(EVIL)))
    reject("evil-system", ["LEG-01", "PK-03"], "a hostile call in the system's dictionary",
           file(system=pickled(dict(SYSTEM, x=EVIL))))
    reject("evil-keys", ["LEG-03", "PK-03"], "a hostile call among the keys",
           file(keys=pickled(["1200", "94873", EVIL])))
    module = Persistent(("module", Global("torch.nn", "Linear"), "linear.py", "class Linear: pass"))
    reject("module", "LEG-01", "a whole module with its source",
           file(root={**usual(), "m": module}), (REFUSED, UNSUPPORTED, MALFORMED))
    five = {"a": View(Storage("94873", "F32", 6), (2, 3))}
    reject("five-members", ["LEG-06", "TEN-05"], "a reference of five members, as in zip files",
           legacy_file(five, parts(five)))
    view = {"a": View(stored("94873"), (3, 3))}
    reject("tensor-beyond", ["TEN-02", "LEG-04"], "a tensor that reaches beyond its storage",
           file(view))
    reject("no-tensors", ["LEG-01", "PK-11"], "no tensors", legacy_file({"x": 1}, []),
           (UNSUPPORTED, *BAD))


def cuts(reject):
    whole = file()
    reject("cut-storage", "LEG-04", "cut within the last storage", whole[:-3])
    reject("cut-counts", "LEG-04", "cut after the keys", whole[:-(24 + 8 + 8 + 8)])
    reject("cut-keys", "LEG-03", "cut within the list of keys", whole[:whole.rindex(b"94873")])
    reject("cut-object", "LEG-01", "cut within the object", whole[:whole.index(b"HalfStorage")])
    reject("cut-magic", "LEG-01", "nothing but the magic number", whole[:15])
    reject("only-storages", "LEG-01", "storages without the pickles",
           u64(6) + bytes(24), (*BAD, UNSUPPORTED))
    bare = pickled({"x": 1})
    reject("bare-pickle", "LEG-01", "a pickle that torch did not write", bare, (*BAD, UNSUPPORTED))
    reject("bare-evil", ["LEG-01", "PK-03", "DET-01"], "a hostile pickle by itself", pickled(EVIL),
           (*BAD, UNSUPPORTED))
    reject("bare-evil-protocol-4", ["LEG-01", "PK-03", "DET-01"], "a hostile pickle of protocol 4",
           pickled(EVIL, 4, frame=True), (*BAD, UNSUPPORTED))
    reject("bare-evil-protocol-0", ["LEG-01", "PK-03", "DET-01"], "a hostile pickle of protocol 0",
           b"cposix\nsystem\n(S'touch " + MARKER.encode() + b"'\ntR.", (*BAD, UNSUPPORTED))


def archives(reject):
    """The tar files of torch 0.1.1."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in (("storages", pickled(0)), ("tensors", pickled(0)), ("pickle",
                                                                               pickled(EVIL))):
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(data), 0
            tar.addfile(member, io.BytesIO(data))
    reject("tar", ["LEG-07", "DET-01"], "a tar file as torch 0.1.1 wrote it", output.getvalue(),
           (UNSUPPORTED, REFUSED))
    gnu = bytearray(output.getvalue())
    gnu[257:265] = b"ustar  \0"
    reject("tar-gnu", ["LEG-07", "DET-01"], "a tar file of GNU's kind", bytes(gnu),
           (UNSUPPORTED, REFUSED))
