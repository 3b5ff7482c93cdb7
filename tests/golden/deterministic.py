"""Full-size models from a few kilobytes: every weight comes from a seed, by a formula that C++ computes too.

Element i of a tensor with seed s and range [low, high) is, in float64 and then rounded to float32,
    low + (high - low) * (splitmix64(s * 2^40 + i) >> 40) * 2^-24
with the splitmix64 finaliser of Steele, Lea and Flood (2014). golden_archive.cc holds the same lines.
"""
import hashlib
import io
import json
import math
import zipfile

import numpy as np


def uniform(seed, count, low, high):
    """float32[count] as described above."""
    out = np.empty(count, np.float32)
    step = 1 << 22
    for begin in range(0, count, step):
        z = np.arange(begin, min(begin + step, count), dtype=np.uint64) + (np.uint64(seed) << np.uint64(40))
        z += np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
        out[begin : begin + len(z)] = low + (high - low) * ((z >> np.uint64(40)).astype(np.float64) * 2.0**-24)
    return out


def weight_range(name, sizes):
    """A range that keeps activations of any torchvision model alive and finite, chosen by the parameter's name and rank."""
    leaf = name.rsplit(".", 1)[-1]
    if leaf == "running_var":
        return 0.8, 1.2
    if leaf == "running_mean":
        return -0.1, 0.1
    if leaf == "logit_scale":
        return 2.0, 2.5
    if leaf == "layer_scale":
        return 0.3, 0.6
    if leaf == "weight" and len(sizes) == 1:
        return 0.4, 0.8
    if leaf == "bias" or len(sizes) == 1:
        return -0.05, 0.05
    if leaf in ("weight", "in_proj_weight") and len(sizes) >= 2:
        fan_in = int(np.prod(sizes[1:]))
        bound = math.sqrt((6.0 if len(sizes) == 4 else 3.0) / fan_in)
        bound = float(np.float32(bound))
        return -bound, bound
    return -0.5, 0.5


def text_weight_range(name, sizes):
    """The same for a BERT-like model: sharp attention, and every weight matters to the answer."""
    if "norm" in name.lower() and name.endswith("weight"):
        return 0.8, 1.2
    if len(sizes) < 2:
        return -0.2, 0.2
    bound = float(np.float32(1.5 * math.sqrt(3.0 / sizes[-1])))
    return -bound, bound


def fill(module, weight_range=weight_range):
    """Overwrites the module's float32 parameters and buffers. Returns {sha256 of the bytes: spec}."""
    import torch

    specs = {}
    seen = set()
    for seed, (name, tensor) in enumerate(module.state_dict(keep_vars=True).items(), start=1):
        if tensor.dtype != torch.float32 or tensor.numel() < 8 or tensor.data_ptr() in seen:
            continue
        if name.endswith("relative_coords_table"):
            continue
        seen.add(tensor.data_ptr())
        low, high = weight_range(name, tuple(tensor.shape))
        values = uniform(seed, tensor.numel(), low, high)
        with torch.no_grad():
            tensor.copy_(torch.from_numpy(values).reshape(tensor.shape))
        specs[hashlib.sha256(values.tobytes()).hexdigest()] = dict(seed=seed, count=int(tensor.numel()), low=low, high=high)
    return specs


def strip(archive, specs):
    """The archive's bytes without the storages that `specs` can restore; they are listed in the record stripped.json."""
    stripped = {}
    out = io.BytesIO()
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target:
        for info in source.infolist():
            data = source.read(info)
            inner = info.filename.split("/", 1)[1]
            if inner.endswith(".debug_pkl"):
                continue
            spec = specs.get(hashlib.sha256(data).hexdigest()) if len(data) >= 32 else None
            if spec is not None:
                stripped[info.filename] = spec
                continue
            entry = zipfile.ZipInfo(info.filename, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, data)
        entry = zipfile.ZipInfo("stripped.json", date_time=(1980, 1, 1, 0, 0, 0))
        entry.compress_type = zipfile.ZIP_DEFLATED
        target.writestr(entry, json.dumps(stripped, separators=(",", ":")))
    return out.getvalue()
