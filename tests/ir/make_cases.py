#!/usr/bin/env python3
"""Writes types.txt and values.txt: calls of ATen ops and what PyTorch says of them (made with PyTorch 2.15 on a CPU).

    tests/ir/make_cases.py tests/ir/data

A line of types.txt is `op(types) attributes -> types`, with `error` where PyTorch refuses; of values.txt
`op(tensors) attributes -> tensors`, a tensor being `int64[3] [1, 2, 3]`. Attributes are complete: defaults stand there.
"""
import itertools
import pathlib
import sys

import torch

aten = torch.ops.aten
NAMES = {torch.float32: "float32", torch.float64: "float64", torch.float16: "float16", torch.bfloat16: "bfloat16",
         torch.int64: "int64", torch.int32: "int32", torch.int16: "int16", torch.int8: "int8", torch.uint8: "uint8",
         torch.bool: "bool"}
IGNORED = {"Layout", "Device", "MemoryFormat", "Generator"}


def number(value):
    text = repr(float(value))
    return text if any(c in text for c in ".enif") else text + ".0"


def attribute(value, kind):
    if value is None:
        return "none"
    if kind == "dtype":
        return NAMES[value]
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if kind != "float" else number(value)
    if isinstance(value, float):
        return number(value)
    if isinstance(value, str):
        return '"%s"' % value
    if kind == "float[]":
        return "float[%s]" % ", ".join(number(v) for v in value)
    return "[%s]" % ", ".join(str(v) for v in value)


def type_of(tensor):
    return "%s[%s]" % (NAMES[tensor.dtype], ", ".join(map(str, tensor.shape)))


def value_of(tensor):
    def element(v):
        return str(int(v)) if not tensor.dtype.is_floating_point else repr(float(v))
    return "%s [%s]" % (type_of(tensor), ", ".join(element(v) for v in tensor.reshape(-1).tolist()))


def call(op, args, kwargs, show):
    """The text of a call, and its results or None."""
    schema = op._schema
    inputs, attributes = [], []
    for i, argument in enumerate(schema.arguments):
        kind = str(argument.type)
        given = args[i] if i < len(args) else kwargs.get(argument.name, argument.default_value)
        if "MemoryFormat" in kind or argument.name in ("layout", "device", "pin_memory", "memory_format"):
            continue
        if "Tensor" in kind:
            for tensor in given if isinstance(given, (list, tuple)) else [given]:
                inputs.append("none" if tensor is None else show(tensor))
        else:
            if argument.name == "dtype":
                kind = "dtype"
            elif kind in ("List[float]", "Optional[List[float]]"):
                kind = "float[]"
            if isinstance(given, int) and not isinstance(given, bool) and kind == "List[int]":
                given = [given]
            attributes.append("%s=%s" % (argument.name, attribute(given, kind)))
    text = "%s(%s) %s" % (schema.name, ", ".join(inputs), " ".join(attributes))
    try:
        results = op(*args, **kwargs)
    except Exception:
        return text.strip(), None
    if isinstance(results, torch.Tensor):
        results = [results]
    return text.strip(), list(results)


class File:
    def __init__(self, show):
        self.show, self.lines = show, []

    def __call__(self, op, *args, **kwargs):
        text, results = call(op, args, kwargs, self.show)
        shown = "error" if results is None else ", ".join(self.show(r) for r in results)
        line = "%s -> %s" % (text, shown)
        if line not in self.lines:
            self.lines.append(line)


def f(*sizes, dtype=torch.float32):
    return torch.ones(sizes, dtype=dtype)


def i(*sizes, dtype=torch.int64):
    return torch.zeros(sizes, dtype=dtype)


def b(*sizes):
    return torch.ones(sizes, dtype=torch.bool)


def types():
    t = File(type_of)
    # Convolution
    for stride, padding, dilation in [(1, 0, 1), (2, 3, 1), (2, 1, 2), (3, 5, 2)]:
        t(aten.conv2d.default, f(1, 3, 17, 23), f(8, 3, 3, 5), f(8), [stride] * 2, [padding] * 2, [dilation] * 2, 1)
        t(aten.conv1d.default, f(2, 4, 31), f(6, 2, 3), None, [stride], [padding], [dilation], 2)
        t(aten.convolution.default, f(2, 4, 9, 9), f(4, 1, 3, 3), None, [stride] * 2, [padding] * 2, [dilation] * 2,
          False, [0, 0], 4)
    t(aten.conv2d.default, f(3, 17, 23), f(8, 3, 3, 3))
    t(aten.conv2d.padding, f(1, 3, 10, 11), f(8, 3, 4, 3), None, [1, 1], "same")
    t(aten.conv2d.padding, f(1, 3, 10, 11), f(8, 3, 4, 3), None, [2, 2], "valid")
    t(aten.conv2d.padding, f(1, 3, 10, 11), f(8, 3, 4, 3), None, [2, 2], "same")
    t(aten.conv2d.default, f(1, 4, 9, 9), f(8, 3, 3, 3))
    t(aten.conv2d.default, f(1, 4, 9, 9), f(6, 1, 3, 3), None, [1, 1], [0, 0], [1, 1], 4)
    t(aten.conv2d.default, f(1, 3, 9, 9), f(8, 3, 3, 3), f(7))
    t(aten.conv2d.default, f(1, 3, 2, 9), f(8, 3, 3, 3))
    t(aten.conv2d.default, f(1, 3, 9, 9), f(8, 3, 3, 3), None, [0, 1])
    t(aten.conv2d.default, f(1, 3, 9, 9), f(8, 3, 3, 3), None, [1, 1], [-1, 0])
    t(aten.conv2d.default, f(3, 9), f(8, 3, 3, 3))
    t(aten.conv2d.default, f(1, 3, 9, 9), f(8, 3, 3, 3, dtype=torch.float64))
    # Matrix products
    for a, c in [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((5, 2, 3), (3,)), ((5, 2, 3), (3, 4)),
                 ((5, 1, 2, 3), (6, 3, 4)), ((3,), (6, 3, 4)), ((2, 3), (2, 3)), ((5, 2, 3), (4, 3, 4)), ((), (3,))]:
        t(aten.matmul.default, f(*a), f(*c))
    t(aten.mm.default, f(2, 3), f(3, 4))
    t(aten.mm.default, f(2, 3, 4), f(3, 4))
    t(aten.bmm.default, f(6, 2, 3), f(6, 3, 4))
    t(aten.bmm.default, f(6, 2, 3), f(1, 3, 4))
    t(aten.addmm.default, f(4), f(2, 3), f(3, 4))
    t(aten.addmm.default, f(2, 1), f(2, 3), f(3, 4))
    t(aten.addmm.default, f(3), f(2, 3), f(3, 4))
    t(aten.baddbmm.default, f(1, 4), f(6, 2, 3), f(6, 3, 4))
    t(aten.linear.default, f(5, 7, 3), f(4, 3), f(4))
    t(aten.linear.default, f(5, 7, 3), f(4, 2), f(4))
    t(aten.linear.default, f(3), f(4, 3))
    t(aten.einsum.default, "bhqd,bhkd->bhqk", [f(2, 3, 4, 5), f(2, 3, 6, 5)])
    t(aten.einsum.default, "...i,ij->...j", [f(2, 3, 4), f(4, 5)])
    t(aten.einsum.default, "ij,jk", [f(2, 3), f(3, 4)])
    t(aten.einsum.default, "ij,jk->ik", [f(2, 3), f(4, 4)])
    t(aten.einsum.default, "ii->i", [f(3, 3)])
    t(aten.scaled_dot_product_attention.default, f(2, 3, 4, 8), f(2, 3, 6, 8), f(2, 3, 6, 5), f(4, 6))
    t(aten.scaled_dot_product_attention.default, f(2, 3, 4, 8), f(2, 3, 6, 7), f(2, 3, 6, 5))
    t(aten._native_multi_head_attention.default, f(2, 5, 8), f(2, 5, 8), f(2, 5, 8), 8, 2, f(24, 8), f(24), f(8, 8), f(8))
    # Normalisation
    t(aten.batch_norm.default, f(2, 3, 4, 4), f(3), f(3), f(3), f(3), False, 0.1, 1e-5, False)
    t(aten.batch_norm.default, f(2, 3), None, None, f(3), f(3), False, 0.1, 1e-5, False)
    t(aten.batch_norm.default, f(2, 3, 4, 4), f(4), f(4), f(4), f(4), False, 0.1, 1e-5, False)
    t(aten.layer_norm.default, f(2, 3, 4), [3, 4], f(3, 4), f(3, 4))
    t(aten.layer_norm.default, f(2, 3, 4), [3], f(3))
    t(aten.native_layer_norm.default, f(2, 3, 4), [4], f(4), f(4), 1e-5)
    t(aten.group_norm.default, f(2, 6, 4), 3, f(6), f(6))
    t(aten.group_norm.default, f(2, 6, 4), 4, f(6), f(6))
    t(aten.native_group_norm.default, f(2, 6, 4), f(6), f(6), 2, 6, 4, 3, 1e-5)
    t(aten.instance_norm.default, f(2, 3, 4), None, None, f(3), f(3), False, 0.1, 1e-5, False)
    # Pooling
    for size, kernel, stride, padding, ceil in itertools.product([7, 8], [2, 3], [[], [2, 2], [3, 3]], [0, 1], [False, True]):
        t(aten.max_pool2d.default, f(1, 2, size, size + 1), [kernel] * 2, stride, [padding] * 2, [1, 1], ceil)
        t(aten.avg_pool2d.default, f(1, 2, size, size + 1), [kernel] * 2, stride, [padding] * 2, ceil)
    t(aten.max_pool2d.default, f(1, 2, 9, 9), [3, 3], [2, 2], [2, 2])
    t(aten.max_pool2d.default, f(1, 2, 9, 9), [3, 3], [1, 1], [1, 1], [2, 2])
    t(aten.max_pool2d.default, f(1, 2, 2, 2), [3, 3])
    t(aten.max_pool2d.default, f(9, 9), [3, 3])
    t(aten.max_pool2d_with_indices.default, f(2, 9, 9), [3, 3])
    t(aten.max_pool1d.default, f(2, 3, 9), [3], [2])
    t(aten.avg_pool1d.default, f(3, 9), [3], [2], [1])
    t(aten.adaptive_avg_pool2d.default, f(1, 8, 7, 7), [1, 1])
    t(aten.adaptive_avg_pool2d.default, f(8, 7, 7), [3, 5])
    t(aten.adaptive_avg_pool1d.default, f(1, 8, 7), [3])
    t(aten.adaptive_max_pool2d.default, f(1, 8, 7, 7), [2, 2])
    t(aten.upsample_nearest2d.default, f(1, 3, 4, 5), [8, 9])
    t(aten.upsample_nearest2d.vec, f(1, 3, 4, 5), None, [2.0, 1.5])
    t(aten.upsample_bilinear2d.vec, f(1, 3, 4, 5), [7, 7], False, None)
    t(aten.pixel_shuffle.default, f(2, 12, 3, 4), 2)
    t(aten.pixel_shuffle.default, f(2, 10, 3, 4), 2)
    t(aten.pixel_unshuffle.default, f(2, 3, 6, 4), 2)
    t(aten.channel_shuffle.default, f(2, 6, 3, 4), 3)
    # Promotion
    dtypes = list(NAMES)
    for p, q in itertools.product(dtypes, dtypes):
        t(aten.add.Tensor, torch.ones(2, dtype=p), torch.ones(2, dtype=q))
        t(aten.add.Tensor, torch.ones(2, dtype=p), torch.ones((), dtype=q))
        t(aten.mul.Tensor, torch.ones((), dtype=p), torch.ones((), dtype=q))
        t(aten.div.Tensor, torch.ones(2, dtype=p), torch.ones(2, dtype=q))
        t(aten.where.self, b(2), torch.ones(2, dtype=p), torch.ones((), dtype=q))
        t(aten.cat.default, [torch.ones(2, dtype=p), torch.ones(3, dtype=q)])
    for p, s in itertools.product(dtypes, [2, 0.5, True]):
        for op in (aten.add.Scalar, aten.sub.Scalar, aten.mul.Scalar, aten.div.Scalar, aten.floor_divide.Scalar,
                   aten.remainder.Scalar, aten.eq.Scalar, aten.bitwise_and.Scalar, aten.pow.Tensor_Scalar,
                   aten.fmod.Scalar):
            if op is aten.bitwise_and.Scalar and (p.is_floating_point or isinstance(s, float)):
                continue
            t(op, torch.ones(2, dtype=p), s)
        if not (p is torch.bool and s is True):
            t(aten.pow.Scalar, s, torch.ones(2, dtype=p))
        t(aten.clamp.default, torch.ones(2, dtype=p), s, None)
        t(aten.where.ScalarSelf, b(2), s, torch.ones(2, dtype=p))
        t(aten.full.default, [2], s)
    t(aten.where.Scalar, b(2), 1.0, 0)
    t(aten.where.Scalar, b(2), 1, 0)
    for op in (aten.exp, aten.sqrt, aten.sigmoid, aten.tanh, aten.neg, aten.abs, aten.sign, aten.floor, aten.round,
               aten.reciprocal, aten.logical_not, aten.isnan, aten.relu, aten.square, aten.bitwise_not):
        for p in dtypes:
            if op is aten.bitwise_not and p.is_floating_point:
                continue
            t(op.default, torch.ones(2, dtype=p))
    for op in (aten.sum, aten.prod, aten.mean, aten.any, aten.argmax, aten.amax, aten.max):
        for p in dtypes:
            if op is aten.argmax and p is torch.bool:
                continue
            t(op.default, torch.ones(2, 3, dtype=p))
    for op in (aten.gelu, aten.silu, aten.hardswish, aten.hardsigmoid, aten.elu, aten.leaky_relu, aten.softplus,
               aten.mish, aten.selu, aten.celu, aten.relu6, aten.hardtanh, aten.log_sigmoid):
        t(op.default, f(2, 3))
    t(aten.prelu.default, f(2, 3, 4), f(3))
    t(aten.prelu.default, f(2, 3, 4), f(4))
    t(aten.add.Tensor, f(2, 3), f(4))
    t(aten.add.Tensor, f(5, 1, 3), f(4, 1))
    t(aten.masked_fill.Scalar, f(2, 1, 3), b(4, 3), -1e9)
    t(aten.masked_fill.Scalar, i(2, 3), b(2, 3), 5)
    t(aten.softmax.int, f(2, 3), -1)
    t(aten.softmax.int, f(2, 3), 2)
    t(aten.softmax.int, i(2, 3), 1, torch.float32)
    t(aten._softmax.default, f(2, 3), 1, False)
    t(aten.glu.default, f(2, 6), -1)
    t(aten.glu.default, f(2, 5), -1)
    t(aten.dropout.default, f(2, 3), 0.5, False)
    # Views
    for shape in ([6, 4], [-1], [2, -1, 2], [24], [5, 5], [-1, -1], [0, -1], [2, 3, 4, 1]):
        t(aten.view.default, f(2, 3, 4), shape)
        t(aten.reshape.default, f(2, 3, 4), shape)
    t(aten.reshape.default, f(0, 3), [-1, 3])
    t(aten.reshape.default, f(0, 3), [-1, 0])
    for start, end in [(0, -1), (1, 2), (1, 1), (-2, -1), (2, 1), (3, 3)]:
        t(aten.flatten.using_ints, f(2, 3, 4), start, end)
    t(aten.flatten.using_ints, f(), 0, -1)
    t(aten.unflatten.int, f(2, 12), 1, [3, -1])
    t(aten.unflatten.int, f(2, 12), -1, [5, -1])
    t(aten.permute.default, f(2, 3, 4), [2, 0, 1])
    t(aten.permute.default, f(2, 3, 4), [2, 0, -1])
    t(aten.permute.default, f(2, 3, 4), [1, 0])
    t(aten.transpose.int, f(2, 3, 4), 0, -1)
    t(aten.transpose.int, f(2, 3, 4), 0, 3)
    t(aten.t.default, f(2, 3))
    t(aten.t.default, f(2))
    t(aten.t.default, f(2, 3, 4))
    for dim in (-4, -1, 0, 3, 4, -5):
        t(aten.unsqueeze.default, f(2, 3, 4), dim)
    t(aten.squeeze.default, f(1, 3, 1))
    t(aten.squeeze.dim, f(1, 3, 1), 0)
    t(aten.squeeze.dim, f(1, 3, 1), 1)
    t(aten.squeeze.dims, f(1, 3, 1), [0, 2])
    t(aten.squeeze.dims, f(1, 3, 1), [])
    t(aten.squeeze.dims, f(1, 3, 1), [0, 0])
    for size in ([2, 3, 4], [2, -1, 4], [5, 2, 3, 4], [3], [2, 2, 4], [-1, 2, 3, 4], [2, 3, 0]):
        t(aten.expand.default, f(2, 3, 1), size)
    t(aten.expand_as.default, f(3, 1), f(2, 3, 4))
    for start, end, step in [(0, None, 1), (1, 3, 1), (-2, None, 1), (0, -1, 2), (5, 2, 1), (0, 100, 3), (-100, 100, 7), (0, 4, 0),
                             (0, 4, -1), (None, None, 1), (3, 2**63 - 1, 1)]:
        t(aten.slice.Tensor, f(2, 10), 1, start, end, step)
    t(aten.select.int, f(2, 3), 1, -1)
    t(aten.select.int, f(2, 3), 1, 3)
    t(aten.select.int, f(), 0, 0)
    t(aten.narrow.default, f(2, 10), 1, 3, 4)
    t(aten.narrow.default, f(2, 10), 1, -3, 3)
    t(aten.narrow.default, f(2, 10), 1, 8, 4)
    for n in (1, 3, 4, 7, 10, 20, 0, -1):
        t(aten.chunk.default, f(2, 10), n, 1)
        t(aten.split.Tensor, f(2, 10), n, 1)
        t(aten.tensor_split.sections, f(2, 10), n, 1)
    t(aten.chunk.default, f(0, 10), 3, 0)
    t(aten.split.Tensor, f(0, 10), 0, 0)
    t(aten.split_with_sizes.default, f(2, 10), [3, 7], 1)
    t(aten.split_with_sizes.default, f(2, 10), [3, 6], 1)
    t(aten.split_with_sizes.default, f(2, 10), [-3, 13], 1)
    t(aten.tensor_split.indices, f(2, 10), [2, 5, 4, 20, -1], 1)
    t(aten.unbind.int, f(3, 4), 0)
    t(aten.unbind.int, f(3, 4), -1)
    t(aten.movedim.int, f(2, 3, 4), 0, -1)
    t(aten.movedim.intlist, f(2, 3, 4), [0, 2], [2, 1])
    t(aten.movedim.intlist, f(2, 3, 4), [0, 0], [2, 1])
    t(aten.broadcast_tensors.default, [f(3, 1), f(4)])
    t(aten.meshgrid.indexing, [f(3), f(4)], indexing="ij")
    t(aten.meshgrid.indexing, [f(3), f(4), f(5)], indexing="xy")
    # Joining
    t(aten.cat.default, [f(2, 3), f(2, 4)], 1)
    t(aten.cat.default, [f(2, 3), f(2, 4)], 0)
    t(aten.cat.default, [f(2, 3), f(0), f(2, 4)], -1)
    t(aten.cat.default, [f(2, 3), f(2, 4)], 2)
    t(aten.cat.default, [f(), f()], 0)
    t(aten.stack.default, [f(2, 3), f(2, 3)], -1)
    t(aten.stack.default, [f(2, 3), f(3, 2)], 0)
    t(aten.hstack.default, [f(2), f(3)])
    t(aten.hstack.default, [f(2, 3), f(2, 4)])
    t(aten.vstack.default, [f(3), f(2, 3)])
    t(aten.roll.default, f(2, 3), [1, -1], [0, 1])
    t(aten.roll.default, f(2, 3), [1, -1], [0])
    t(aten.roll.default, f(2, 3), [1])
    t(aten.flip.default, f(2, 3), [0, -1])
    t(aten.flip.default, f(2, 3), [0, 0])
    t(aten.pad.default, f(1, 2, 5, 6), [1, 2, 3, 4])
    t(aten.pad.default, f(1, 2, 5, 6), [1, 2, 3, 4], "reflect")
    t(aten.pad.default, f(1, 2, 5, 6), [6, 0, 0, 0], "reflect")
    t(aten.pad.default, f(1, 2, 5, 6), [1, 2, 3, 4], "replicate")
    t(aten.constant_pad_nd.default, f(2, 5), [-1, -2])
    t(aten.constant_pad_nd.default, f(2, 5), [-3, -3])
    t(aten.constant_pad_nd.default, f(2, 5), [1, 1, 1])
    t(aten.constant_pad_nd.default, f(5), [1, 1, 1, 1])
    t(aten.repeat.default, f(2, 3), [2, 1, 3])
    t(aten.repeat.default, f(2, 3), [2])
    t(aten.repeat.default, f(2, 3), [0, -1])
    t(aten.tile.default, f(2, 3), [2])
    t(aten.repeat_interleave.self_int, f(2, 3), 2)
    t(aten.repeat_interleave.self_int, f(2, 3), 2, 1)
    t(aten.tril.default, f(2, 3))
    t(aten.tril.default, f(3))
    t(aten.slice_scatter.default, f(4, 5), f(2, 5), 0, 1, 3)
    t(aten.slice_scatter.default, f(4, 5), f(3, 5), 0, 1, 3)
    t(aten.select_scatter.default, f(4, 5), f(5), 0, 2)
    t(aten.copy.default, f(4, 5), i(5))
    # Indexing
    t(aten.index.Tensor, f(4, 5, 6), [i(2, 3)])
    t(aten.index.Tensor, f(4, 5, 6), [None, i(2, 3)])
    t(aten.index.Tensor, f(4, 5, 6), [i(3), i(2, 1)])
    t(aten.index.Tensor, f(4, 5, 6), [i(3), None, i(2, 1)])
    t(aten.index.Tensor, f(4, 5, 6), [None, i(3), i(2, 1)])
    t(aten.index.Tensor, f(4, 5, 6), [i(3), i(2)])
    t(aten.index.Tensor, f(4), [i(3), i(2)])
    t(aten.index_select.default, f(4, 5), 1, i(3))
    t(aten.index_select.default, f(4, 5), 1, i(3, 1))
    t(aten.gather.default, f(4, 5), 1, i(4, 2))
    t(aten.gather.default, f(4, 5), 1, i(5, 2))
    t(aten.take_along_dim.default, f(4, 5), i(1, 2), 1)
    t(aten.embedding.default, f(10, 4), i(2, 3))
    t(aten.embedding.default, f(10, 4), i(2, 3, dtype=torch.int32))
    t(aten.embedding.default, f(10, 4, 2), i(2, 3))
    # Creation
    for args in [(5,), (5.5,), (-1,), (0,), (2**40,)]:
        if args[0] != 2**40:
            t(aten.arange.default, *args)
    for args in [(2, 7), (2, 7.5), (7, 2), (0.1, 1)]:
        t(aten.arange.start, *args)
    for args in [(2, 7, 2), (7, 2, -2), (0, 1, 0.1), (7, 2, 2), (1, 2, 0)]:
        t(aten.arange.start_step, *args)
    t(aten.arange.default, 5, dtype=torch.float32)
    t(aten.linspace.default, 0, 1, 5)
    t(aten.zeros.default, [2, 3])
    t(aten.zeros.default, [2, -3])
    t(aten.ones.default, [2], dtype=torch.int64)
    t(aten.full_like.default, i(2), 1.5)
    t(aten.new_zeros.default, i(2), [3, 4])
    t(aten.scalar_tensor.default, 3)
    t(aten.to.dtype, i(2), torch.float16)
    t(aten.to.other, i(2), f(3))
    t(aten.type_as.default, i(2), f(3))
    # Reduction
    for dim, keep in [([0], False), ([-1], True), ([0, 2], False), ([], False), ([0, 0], False), ([3], False), (None, True)]:
        t(aten.mean.dim, f(2, 3, 4), dim, keep)
        t(aten.sum.dim_IntList, f(2, 3, 4), dim, keep)
        t(aten.amax.default, f(2, 3, 4), dim or [], keep)
        t(aten.var.correction, f(2, 3, 4), dim, correction=1, keepdim=keep)
        t(aten.linalg_vector_norm.default, f(2, 3, 4), 2, dim, keep)
    t(aten.max.dim, f(2, 3), 1)
    t(aten.max.dim, f(2, 0), 1)
    t(aten.max.default, f(0))
    t(aten.argmax.default, f(2, 3))
    t(aten.argmax.default, f(2, 3), 0, True)
    t(aten.argmax.default, f(0, 3), 0)
    t(aten.var_mean.correction, f(2, 3), [1], correction=0)
    t(aten.norm.ScalarOpt_dim, f(2, 3), 2, [1], True)
    t(aten.cumsum.default, i(2, 3, dtype=torch.int32), 1)
    t(aten.cumsum.default, f(2, 3), 2)
    t(aten.any.dim, b(2, 3), 1)
    t(aten.logsumexp.default, f(2, 3), [1])
    return t


def values():
    v = File(value_of)
    g = torch.Generator().manual_seed(1)
    whole = torch.randint(-9, 10, (2, 3), generator=g)
    other = torch.tensor([[3, -2, 4], [-5, 7, 1]])
    real = torch.tensor([[0.5, -1.25, 3.0], [-0.0, 2.75, -7.5]])
    odd = torch.tensor([float("nan"), float("inf"), -float("inf"), 0.0, -2.5, 2.5])
    flags = torch.tensor([True, False, True])
    big = torch.tensor([2**62, -2**62, 2**63 - 1, -2**63, 12345678912345, -1])
    for op in (aten.add.Tensor, aten.sub.Tensor, aten.mul.Tensor, aten.floor_divide.default, aten.remainder.Tensor,
               aten.fmod.Tensor, aten.maximum.default, aten.minimum.default, aten.div.Tensor, aten.lt.Tensor, aten.eq.Tensor,
               aten.ge.Tensor, aten.logical_and.default, aten.atan2.default):
        v(op, whole, other)
        v(op, real, other)
        v(op, whole, torch.tensor(2.5))
        if op is not aten.sub.Tensor:
            v(op, odd, torch.tensor([1.0, 2.0, -3.0, 1.5, 2.0, float("nan")]))
        if op in (aten.add.Tensor, aten.sub.Tensor, aten.mul.Tensor, aten.maximum.default, aten.lt.Tensor, aten.remainder.Tensor,
                  aten.floor_divide.default):
            v(op, big, torch.tensor([3, 5, 7, 2, -10, 6]))
            for dtype in (torch.int32, torch.int16, torch.int8, torch.uint8):
                v(op, (whole * 25).to(dtype), other.abs().to(dtype))
            v(op, real.to(torch.float16), other.to(torch.float16))
            v(op, real.to(torch.bfloat16), torch.tensor([0.3, 0.7, 1.1], dtype=torch.bfloat16))
            v(op, real.double(), other)
    for mode in ("floor", "trunc"):
        v(aten.div.Tensor_mode, whole, other, rounding_mode=mode)
        v(aten.div.Tensor_mode, real, torch.tensor(0.1), rounding_mode=mode)
    v(aten.add.Tensor, whole, other, alpha=3)
    v(aten.rsub.Scalar, whole, 5, 2)
    v(aten.sub.Tensor, real, other, alpha=0.5)
    v(aten.add.Tensor, flags, flags)
    v(aten.pow.Tensor_Scalar, whole, 3)
    v(aten.pow.Tensor_Scalar, real.abs(), 0.5)
    v(aten.pow.Tensor_Tensor, other.abs(), torch.tensor(3))
    v(aten.pow.Scalar, 2, other.abs())
    for op in (aten.neg, aten.abs, aten.sign, aten.floor, aten.ceil, aten.round, aten.trunc, aten.square, aten.relu,
               aten.logical_not):
        v(op.default, whole)
        v(op.default, odd)
        v(op.default, real)
    for op in (aten.exp, aten.sqrt, aten.rsqrt, aten.reciprocal, aten.sigmoid, aten.tanh, aten.erf, aten.log1p, aten.sin,
               aten.isnan, aten.isinf, aten.isfinite, aten.gelu, aten.silu, aten.hardswish, aten.hardsigmoid, aten.elu,
               aten.celu, aten.selu, aten.leaky_relu, aten.softplus, aten.mish, aten.log_sigmoid, aten.hardtanh, aten.relu6,
               aten.hardshrink, aten.softshrink, aten.nan_to_num):
        v(op.default, real)
        if op not in (aten.rsqrt, aten.hardshrink, aten.softshrink, aten.gelu):
            v(op.default, odd)
    v(aten.sqrt.default, other.abs())
    v(aten.gelu.default, real, approximate="tanh")
    v(aten.elu.default, real, 0.5, 2.0, 3.0)
    v(aten.threshold.default, real, 0.75, -3)
    v(aten.clamp.default, whole, -2, 3)
    v(aten.clamp.default, whole, -2.5, None)
    v(aten.clamp_min.default, odd, 0.25)
    v(aten.bitwise_and.Tensor, whole, other)
    v(aten.bitwise_xor.Scalar, whole, 5)
    v(aten.bitwise_not.default, whole)
    v(aten.bitwise_not.default, flags)
    v(aten.__lshift__.Scalar, whole, 3)
    v(aten.__rshift__.Scalar, whole, 1)
    v(aten.__rshift__.Tensor, big, torch.tensor([3, 1, 63, 63, 0, 5]))
    v(aten.where.self, flags, whole, other)
    v(aten.where.self, flags, whole, real)
    v(aten.where.ScalarOther, flags, whole, 1.5)
    v(aten.where.ScalarSelf, flags, -100.0, real)
    v(aten.masked_fill.Scalar, real, flags, float("-inf"))
    v(aten.masked_fill.Scalar, whole, flags, 7)
    v(aten.lerp.Scalar, real, torch.ones(3), 0.75)
    v(aten.addcmul.default, real, real, real, value=0.5)
    v(aten.fmax.default, odd, odd.flip(0))
    v(aten.to.dtype, real, torch.int64)
    v(aten.to.dtype, whole, torch.uint8)
    v(aten.to.dtype, real, torch.bool)
    v(aten.to.dtype, big, torch.float32)
    v(aten.to.dtype, whole, torch.bfloat16)
    v(aten.type_as.default, whole, real)
    v(aten.to.other, whole, torch.ones(7))
    # Views, joins, indices
    cube = torch.arange(24).reshape(2, 3, 4)
    v(aten.permute.default, cube, [2, 0, 1])
    v(aten.transpose.int, cube, 0, -1)
    v(aten.movedim.intlist, cube, [0, 2], [2, 1])
    v(aten.slice.Tensor, cube, 2, 1, None, 2)
    v(aten.slice.Tensor, cube, -1, -3, -1, 1)
    v(aten.select.int, cube, 1, -1)
    v(aten.narrow.default, cube, 2, -3, 2)
    v(aten.expand.default, torch.tensor([[1], [2]]), [2, 2, 3])
    v(aten.unbind.int, cube, 1)
    v(aten.split.Tensor, cube, 3, 2)
    v(aten.split_with_sizes.default, cube, [1, 0, 2], 1)
    v(aten.tensor_split.indices, cube, [2, 1, -1], 2)
    v(aten.chunk.default, cube, 3, 2)
    v(aten.flatten.using_ints, cube, 1)
    v(aten.unsqueeze.default, flags, 0)
    v(aten.meshgrid.indexing, [torch.tensor([1, 2, 3]), torch.tensor([4, 5])], indexing="ij")
    v(aten.meshgrid.indexing, [torch.tensor([1, 2, 3]), torch.tensor([4, 5])], indexing="xy")
    v(aten.broadcast_tensors.default, [torch.tensor([[1], [2]]), torch.tensor([4, 5, 6])])
    v(aten.cat.default, [cube, cube + 100], 1)
    v(aten.cat.default, [flags, torch.tensor([2.5])])
    v(aten.stack.default, [whole, other], -1)
    v(aten.hstack.default, [whole, other])
    v(aten.vstack.default, [torch.tensor([1, 2, 3]), other])
    v(aten.flip.default, cube, [0, 2])
    v(aten.roll.default, cube, [1, -2], [1, 2])
    v(aten.roll.default, whole, [2])
    v(aten.roll.default, whole, [-7])
    v(aten.repeat.default, whole, [2, 1, 2])
    v(aten.tile.default, whole, [2])
    v(aten.repeat_interleave.self_int, whole, 2)
    v(aten.repeat_interleave.self_int, whole, 2, 1)
    v(aten.constant_pad_nd.default, whole, [1, -1, 0, 1], 9)
    v(aten.pad.default, real, [1, 2], "constant", 0.5)
    v(aten.pad.default, real.reshape(1, 2, 3), [2, 1], "reflect")
    v(aten.pad.default, real.reshape(1, 2, 3), [2, 1], "replicate")
    v(aten.pad.default, real.reshape(1, 2, 3), [2, 1], "circular")
    for diagonal in (-1, 0, 2, -(2**62)):
        v(aten.tril.default, cube, diagonal)
        v(aten.triu.default, cube, diagonal)
    v(aten.slice_scatter.default, cube, torch.zeros(2, 3, 2, dtype=torch.int64), 2, 1, None, 2)
    v(aten.select_scatter.default, cube, torch.tensor([[7, 8, 9], [1, 2, 3]]), 2, -1)
    v(aten.copy.default, whole, real)
    v(aten.fill.Scalar, whole, 2.75)
    v(aten.index.Tensor, cube, [torch.tensor([1, 0]), None, torch.tensor([[3], [-1]])])
    v(aten.index.Tensor, cube, [None, torch.tensor([[2, 0], [1, -3]])])
    v(aten.index.Tensor, cube, [torch.tensor([[1], [0]]), torch.tensor([2, 1, 0])])
    v(aten.index.Tensor, cube, [None, torch.tensor([2, 1]), torch.tensor([3, 0])])
    v(aten.index_select.default, cube, 2, torch.tensor([3, 0, 3]))
    v(aten.gather.default, whole, 1, torch.tensor([[2, 0], [1, 1]]))
    v(aten.take_along_dim.default, whole, torch.tensor([[2, 0]]), 1)
    v(aten.embedding.default, real, torch.tensor([[1, 0], [1, 1]]))
    # Creation
    v(aten.arange.default, 5)
    v(aten.arange.start_step, 7, -2, -3)
    v(aten.arange.start_step, 0, 1, 0.3)
    v(aten.arange.start, 1.5, 5, dtype=torch.int64)
    v(aten.linspace.default, -1, 1, 9)
    v(aten.zeros.default, [2], dtype=torch.bool)
    v(aten.ones_like.default, real)
    v(aten.full.default, [2], 2.5)
    v(aten.full.default, [2], 2.75, dtype=torch.int32)
    v(aten.new_full.default, whole, [2], 3)
    v(aten.scalar_tensor.default, 3)
    # Reductions
    for dim, keep in ([[0], False], [[1, 2], True], [[-1], False]):
        v(aten.sum.dim_IntList, cube, dim, keep)
        v(aten.mean.dim, cube.float(), dim, keep)
        v(aten.amax.default, cube, dim, keep)
        v(aten.amin.default, cube, dim, keep)
    v(aten.sum.default, big)
    v(aten.sum.default, flags)
    v(aten.prod.default, other)
    v(aten.sum.dim_IntList, whole, [1], dtype=torch.float32)
    v(aten.max.dim, whole, 1)
    v(aten.min.dim, odd, 0)
    v(aten.max.default, odd)
    v(aten.argmax.default, whole)
    v(aten.argmax.default, torch.tensor([[1, 5, 5], [2, 2, 0]]), 1, True)
    v(aten.argmin.default, odd)
    v(aten.any.dim, whole > 3, 1)
    v(aten.all.default, flags)
    v(aten.all.dim, whole, 0)
    v(aten.cumsum.default, cube, 1)
    v(aten.cumsum.default, real, 1)
    v(aten.cumsum.default, flags, 0)
    return v


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, cases in ("types", types()), ("values", values()):
        (folder / f"{name}.txt").write_text("\n".join(cases.lines) + "\n")
        print(name, len(cases.lines))


main()
