"""PyTorch checkpoints: storages, views of them, and the zip and legacy files around them."""

from .book import Tensor
from .packing import noise, u64
from .pickles import Call, Global, Ordered, Persistent, pickled
from .zipfiles import End, Entry, archive

# dtype by safetensors' name: size, storage class, torch's name.
TYPES = {
    "F64": (8, "DoubleStorage", "float64"),
    "F32": (4, "FloatStorage", "float32"),
    "F16": (2, "HalfStorage", "float16"),
    "BF16": (2, "BFloat16Storage", "bfloat16"),
    "I64": (8, "LongStorage", "int64"),
    "I32": (4, "IntStorage", "int32"),
    "I16": (2, "ShortStorage", "int16"),
    "I8": (1, "CharStorage", "int8"),
    "U8": (1, "ByteStorage", "uint8"),
    "BOOL": (1, "BoolStorage", "bool"),
    "C64": (8, "ComplexFloatStorage", "complex64"),
    # These have no storage class of their own: _rebuild_tensor_v3 names the dtype.
    "F8_E4M3": (1, None, "float8_e4m3fn"),
    "F8_E5M2": (1, None, "float8_e5m2"),
    "F8_E4M3FNUZ": (1, None, "float8_e4m3fnuz"),
    "F8_E5M2FNUZ": (1, None, "float8_e5m2fnuz"),
    "F8_E8M0": (1, None, "float8_e8m0fnu"),
    "U16": (2, None, "uint16"),
    "U32": (4, None, "uint32"),
    "U64": (8, None, "uint64"),
}


def values(dtype, count, seed):
    """Values of a type, little endian."""
    data = noise(seed, count * TYPES[dtype][0])
    return bytes(byte & 1 for byte in data) if dtype == "BOOL" else data


def contiguous(shape):
    """Strides of a tensor whose values lie side by side."""
    strides = []
    step = 1
    for extent in reversed(shape):
        strides.append(step)
        step *= max(extent, 1)
    return strides[::-1]


def gathered(data, size, shape, strides, offset):
    """The values of a view, row-major."""
    if not shape:
        return data[offset * size:(offset + 1) * size]
    if shape[0] == 0:
        return b""
    step = strides[0]
    return b"".join(
        gathered(data, size, shape[1:], strides[1:], offset + place * step)
        for place in range(shape[0]))


class Storage:
    """Values that tensors see."""

    def __init__(self, key, dtype, count, seed=None, location="cpu"):
        self.key, self.dtype, self.count, self.location = key, dtype, count, location
        self.data = values(dtype, count, seed or f"{key}/{dtype}")
        self.extra = ()

    def node(self):
        """The reference to it; each has a tuple of its own, as torch writes it."""
        kind = TYPES[self.dtype][1]
        named = Global("torch", kind) if kind else Global("torch.storage", "UntypedStorage")
        return Persistent(("storage", named, self.key, self.location, self.declared()) + self.extra)

    def declared(self):
        """The number of values, of bytes where the class says nothing of the type."""
        size, kind, _ = TYPES[self.dtype]
        return self.count if kind else self.count * size


class View:
    """A tensor: a strided view of a storage."""

    def __init__(self, storage, shape, strides=None, offset=0, version=None):
        self.storage, self.shape, self.offset = storage, tuple(shape), offset
        self.strides = tuple(contiguous(shape) if strides is None else strides)
        self.version = version or (2 if TYPES[storage.dtype][1] else 3)

    def node(self):
        arguments = (self.storage, self.offset, self.shape, self.strides)
        if self.version == 1:
            return Call(Global("torch._utils", "_rebuild_tensor"), *arguments)
        arguments += (False, Ordered())
        if self.version == 2:
            return Call(Global("torch._utils", "_rebuild_tensor_v2"), *arguments)
        dtype = Global("torch", TYPES[self.storage.dtype][2])
        return Call(Global("torch._utils", "_rebuild_tensor_v3"), *arguments, dtype)

    def tensor(self, name):
        """What must be read."""
        data = gathered(self.storage.data, TYPES[self.storage.dtype][0], self.shape, self.strides,
                        self.offset)
        return Tensor(name, self.storage.dtype, self.shape, data)


def one(dtype="F32", shape=(2, 3), key="0", **fields):
    """A tensor with a storage of its own."""
    count = 1
    for extent in shape:
        count *= extent
    return View(Storage(key, dtype, count), shape, **fields)


def swapped(data, dtype):
    """Each value's bytes the other way round; of complex numbers, each part's."""
    size = 4 if dtype == "C64" else TYPES[dtype][0]
    return b"".join(data[place:place + size][::-1] for place in range(0, len(data), size))


def entries(pickle, storages, folder="archive", style="plain", big=False):
    """The entries as some version of torch writes them."""
    data = []
    for storage in storages:
        content = swapped(storage.data, storage.dtype) if big else storage.data
        data.append(Entry(f"{folder}/data/{storage.key}", content))
    pkl = Entry(f"{folder}/data.pkl", pickle)
    version = Entry(f"{folder}/version", b"3\n")
    order = Entry(f"{folder}/byteorder", b"big" if big else b"little")
    identity = Entry(f"{folder}/.data/serialization_id", b"0636067343846155474" + b"0" * 21)
    if style == "1.4":
        made = [Entry(f"{folder}/version", b"2\n"), pkl] + data
    elif style == "1.6":
        made = [pkl] + sorted(data, key=lambda entry: entry.name) + [version]
    elif style == "2.1":
        made = [pkl, order] + data + [version, identity]
    elif style == "2.15":
        more = [
            Entry(f"{folder}/.format_version", b"1"),
            Entry(f"{folder}/.storage_alignment", b"64"), order
        ]
        made = [pkl] + more + data + [version, identity]
    else:
        return [pkl] + ([order] if big else []) + data + [version]
    for entry in made:
        entry.alignment = 64
        entry.flags = 0x0808 if entry.data else 0x0800
        entry.descriptor = "32s" if entry.data else ""
    return made


def used(views):
    """The storages of tensors, each once, by key."""
    storages = {view.storage.key: view.storage for view in views}
    return list(storages.values())


def state_dict(named, ordered=False):
    """A dictionary of tensors as a module gives it."""
    if not ordered:
        return dict(named)
    metadata = Ordered([("", {"version": 1})])
    return Ordered(named.items(), metadata)


def zip_file(root, views, protocol=2, style="2.15", folder="archive", big=False, **options):
    """A checkpoint as torch saves it."""
    made = entries(pickled(root, protocol, **options), used(views), folder, style, big)
    return archive(made, End(zip64=style != "plain"))


def expected(named):
    """What must be read of a dictionary of views."""
    return [view.tensor(name) for name, view in named.items()]


MAGIC = 0x1950A86A20F9469CFC6C
SYSTEM = {
    "protocol_version": 1001, "little_endian": True,
    "type_sizes": {"short": 2, "int": 4, "long": 4}
}


def legacy_file(root,
                storages,
                protocol=2,
                keys=None,
                magic=None,
                version=None,
                system=None,
                order=None,
                counts=None,
                tail=b"",
                start=b""):
    """The stacked pickles of torch before 1.6, then the storages."""
    ordered = sorted(storages, key=lambda storage: storage.key) if order is None else order
    file = start + (pickled(MAGIC, protocol) if magic is None else magic)
    file += pickled(1001, protocol) if version is None else version
    file += pickled(SYSTEM, protocol) if system is None else system
    file += pickled(root, protocol) if not isinstance(root, bytes) else root
    names = [storage.key for storage in ordered] if keys is None else keys
    file += names if isinstance(names, bytes) else pickled(names, protocol)
    for storage in ordered:
        file += u64((counts or {}).get(storage.key, storage.declared())) + storage.data
    return file + tail


def legacy(storage, view=None):
    """The storage as legacy files refer to it: with a sixth member."""
    storage.extra = (view,)
    return storage
