#!/usr/bin/env python3
"""Writes the small model and array files that tests/import reads: checkpoints as PyTorch itself saves them.

    python3 make_files.py            # in this folder, once with each PyTorch: 1.13 and the newest
    python3 make_files.py alexnet    # these architectures' state dicts only

Each PyTorch writes its own files (name_<major>_<minor>.pth); NumPy's files and the weightless state dicts of the
built-in architectures are written by the older one only, since nothing in them depends on the version. What the tests
expect of the contents stands in the tests. Versions used: see requirements.txt.
"""
import collections
import io
import os
import sys
import zipfile

import numpy
import torch

VERSION = "_".join(torch.__version__.split(".")[:2])
OLDEST = VERSION == "1_13"


def tensors():
    """Every dtype, a transposed tensor, one storage seen twice, an empty tensor and a scalar."""
    base = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    return collections.OrderedDict(
        [
            ("float", base.clone()),
            ("transposed", (base * 2).t()),
            ("row", base[1]),
            ("row_again", base[1]),
            ("column", base[:, 2]),
            ("double", torch.tensor([0.5, -1.25], dtype=torch.float64)),
            ("half", torch.tensor([1.5, -2.0, 65504.0]).half()),
            ("bfloat16", torch.tensor([1.0, -3.0]).bfloat16()),
            ("long", torch.tensor([2**40, -1])),
            ("int", torch.tensor([7, -7], dtype=torch.int32)),
            ("short", torch.tensor([300, -300], dtype=torch.int16)),
            ("char", torch.tensor([-128, 127], dtype=torch.int8)),
            ("byte", torch.tensor([0, 255], dtype=torch.uint8)),
            ("bool", torch.tensor([True, False, True])),
            ("empty", torch.zeros(0, 3)),
            ("scalar", torch.tensor(42.0)),
            ("parameter", torch.nn.Parameter(torch.ones(2, 2))),
        ]
    )


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(1, 2, 1)
        self.norm = torch.nn.BatchNorm2d(2)


def checkpoint():
    """What a training script saves: the state dict among other things, its names prefixed by DataParallel."""
    torch.manual_seed(0)
    net = Net()
    return {
        "epoch": 3,
        "arch": "net",
        "best_acc1": torch.tensor(76.1),
        "state_dict": collections.OrderedDict(("module." + k, v) for k, v in net.state_dict().items()),
        "optimizer": torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9).state_dict(),
        "loss": [0.5, float("inf")],
        "seen": {1, 2},
    }


def save(name, value, legacy=False, protocol=2):
    path = f"{name}_{VERSION}.pth"
    torch.save(value, path, _use_new_zipfile_serialization=not legacy, pickle_protocol=protocol)
    print(path, os.path.getsize(path))


def save_compressed(path, value):
    """torch.save, packed again with deflate as an ordinary zip tool would."""
    buffer = io.BytesIO()
    torch.save(value, buffer)
    with zipfile.ZipFile(buffer) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target:
        for name in source.namelist():
            info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(info, source.read(name))
    print(path, os.path.getsize(path))


def save_architectures(only=()):
    """State dicts of torchvision's models with names and sizes but a single number behind each entry (stride 0)."""
    import torchvision

    names = ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d", "resnext101_32x8d",
             "resnext101_64x4d", "wide_resnet50_2", "wide_resnet101_2", "mobilenet_v2", "mobilenet_v3_small",
             "mobilenet_v3_large", "alexnet", "vgg11", "vgg11_bn", "vgg16", "vgg16_bn", "vgg19", "squeezenet1_0",
             "squeezenet1_1", "densenet121", "densenet161", "densenet169", "densenet201", "mnasnet0_5", "mnasnet1_0",
             "shufflenet_v2_x0_5", "shufflenet_v2_x1_0", "shufflenet_v2_x2_0"]
    zero = {torch.float32: torch.zeros(1), torch.int64: torch.zeros(1, dtype=torch.int64)}

    def weightless(model, counters=True):
        return collections.OrderedDict((k, zero[v.dtype].expand(v.shape) if v.dim() else zero[v.dtype][0])
                                       for k, v in model.state_dict().items()
                                       if counters or not k.endswith("num_batches_tracked"))

    for name in only or names:
        # Checkpoints from before PyTorch 0.4.1 have no num_batches_tracked; one stands for them.
        save_compressed(f"{name}.pth", weightless(getattr(torchvision.models, name)(), counters=name != "resnet152"))
    if only:
        return
    narrow = torchvision.models.mobilenet_v2(width_mult=0.5, num_classes=7)
    save_compressed("mobilenet_v2_half_7_classes.pth", weightless(narrow))

    # Differing numbers in few bytes: every weight is a run of windows of the same 8192, so answers depend on them.
    numbers = torch.rand(8192, generator=torch.Generator().manual_seed(0)) - 0.5
    woven = collections.OrderedDict()
    quarter = torchvision.models.mobilenet_v2(width_mult=0.25, num_classes=7)
    variances = numbers.abs() + 0.5
    for i, (name, value) in enumerate(quarter.state_dict().items()):
        if value.dtype != torch.int64:
            base = variances if name.endswith("running_var") else numbers
            woven[name] = base.as_strided(value.shape, [1] * value.dim(), i)
    for name, zipped in [("mobilenet_v2_woven.pth", True), ("mobilenet_v2_woven_legacy.pth", False)]:
        torch.save(woven, name, _use_new_zipfile_serialization=zipped)


def save_arrays():
    values = numpy.arange(6).reshape(2, 3)
    for name in ["float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8"]:
        numpy.save(f"{name}.npy", values.astype(name))
    numpy.save("bool.npy", values % 2 == 1)
    numpy.save("fortran.npy", numpy.asfortranarray(values.astype("float32")))
    numpy.save("big_endian.npy", values.astype(">f4"))
    numpy.save("scalar.npy", numpy.float32(42))
    numpy.save("vector.npy", numpy.arange(3, dtype="float32"))
    numpy.save("empty.npy", numpy.zeros((0, 3), "float32"))
    numpy.save("uint16.npy", values.astype("uint16"))
    numpy.save("structured.npy", numpy.zeros(2, [("a", "f4"), ("b", "i4")]))
    for version in [(2, 0), (3, 0)]:
        with open(f"version_{version[0]}.npy", "wb") as file:
            numpy.lib.format.write_array(file, values.astype("float32"), version)
    numpy.savez("stored.npz", first=values.astype("float32"), second=numpy.arange(3))
    numpy.savez_compressed("compressed.npz", first=numpy.zeros((16, 16), "float32"), second=numpy.arange(3))


def save_safetensors():
    """The format knows neither shared storages nor strides."""
    from safetensors.torch import save_file

    plain = {name: tensor.detach().contiguous().clone() for name, tensor in tensors().items()}
    save_file(plain, "tensors.safetensors", metadata={"format": "pt"})


def main():
    save("tensors", tensors())
    save("tensors_legacy", tensors(), legacy=True)
    save("tensors_protocol4", tensors(), protocol=4)
    save("tensors_legacy_protocol4", tensors(), legacy=True, protocol=4)
    save("checkpoint", checkpoint())
    save("checkpoint_legacy", checkpoint(), legacy=True)
    save("module", Net())
    save("not_a_state_dict", [1, 2, 3])
    save("sparse", {"weight": torch.eye(3).to_sparse()})
    save("quantised", {"weight": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)})
    save("complex", {"weight": torch.ones(2, dtype=torch.complex64)})
    if OLDEST:
        save_architectures()
        save_arrays()
    else:
        save_safetensors()


if __name__ == "__main__":
    sys.exit(save_architectures(sys.argv[1:]) if len(sys.argv) > 1 else main())
