"""Writes golden.txt: small graphs of ATen ops with the results that PyTorch gives for them.

Run with any PyTorch from 1.13 on: python3 tests/passes/make_goldens.py > tests/passes/golden.txt
Tensors are filled like the text form's uniform(seed, low, high), so the file holds results only.
"""

import math

import torch
import torch.nn.functional as F

MASK = (1 << 64) - 1


def mix(x):
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def uniform(seed, dtype, sizes, low, high):
    start = mix(seed)
    count = math.prod(sizes)
    bits = [mix((start + i) & MASK) for i in range(count)]
    if dtype in (torch.float32, torch.float64):
        data = [low + (b >> 11) * 2.0**-53 * (high - low) for b in bits]
    else:
        data = [(b >> 32) % (2 if dtype == torch.bool else 10) for b in bits]
    return torch.tensor(data, dtype=torch.float64).reshape(sizes).to(dtype)


class T:
    """A tensor argument: a graph input, or a constant of the model."""

    def __init__(self, *sizes, dtype=torch.float32, low=-1.0, high=1.0, constant=False):
        self.sizes, self.dtype, self.low, self.high, self.constant = list(sizes), dtype, float(low), float(high), constant


def C(*sizes, **options):
    return T(*sizes, constant=True, **options)


def name_of(dtype):
    return str(dtype).replace("torch.", "")


def type_of(t):
    return f"{name_of(t.dtype)}{list(t.shape)}"


def attribute(v):
    if v is None:
        return "none"
    if isinstance(v, bool):
        return "true" if v else "false"
    if isinstance(v, float):
        return {math.inf: "inf", -math.inf: "-inf"}.get(v, repr(v))
    if isinstance(v, str):
        return f'"{v}"'
    if isinstance(v, torch.dtype):
        return name_of(v)
    if isinstance(v, (list, tuple)):
        return f"[{', '.join(map(str, v))}]"
    return str(v)


def case(op, arguments, function, title=None, keep=None, **attributes):
    """One node. `keep`: which outputs are read."""
    inputs, lines, names, tensors, seed = [], [], [], [], 1
    for i, a in enumerate(arguments):
        if a is None:
            names.append("none")
            tensors.append(None)
            continue
        value = uniform(seed, a.dtype, a.sizes, a.low, a.high)
        kind = f"{name_of(a.dtype)}{a.sizes}"
        fill = f"uniform({seed}, {a.low}, {a.high})"
        if a.constant:
            lines.append(f"  %a{i} = constant {kind} {fill}")
        else:
            inputs.append((f"%a{i}: {kind}", fill))
        names.append(f"%a{i}")
        tensors.append(value)
        seed += 1
    results = function(*tensors)
    results = list(results) if isinstance(results, (tuple, list)) else [results]
    outs = ", ".join(f"%y{i}: {type_of(r)}" for i, r in enumerate(results))
    attrs = "".join(f" {k}={attribute(v)}" for k, v in attributes.items())
    keep = range(len(results)) if keep is None else keep
    print(f"case {title or op}")
    print("inputs " + "; ".join(f for _, f in inputs))
    print(f"graph({', '.join(t for t, _ in inputs)}) {{")
    for line in lines:
        print(line)
    print(f"  {outs} = aten::{op}({', '.join(names)}){attrs}")
    print("  return " + ", ".join(f"%y{i} as y{i}" for i in keep))
    print("}")
    for i in keep:
        flat = results[i].double().reshape(-1).tolist()
        print("expect " + " ".join(f"{v:.7g}" for v in flat))
    print("end")


I64 = torch.int64
BOOL = torch.bool


def convolutions():
    x, w, b = T(2, 4, 7, 6), C(6, 4, 3, 3), C(6)
    case("conv2d", [x, w, b], lambda x, w, b: F.conv2d(x, w, b, 2, 1), stride=[2, 2], padding=[1, 1], dilation=[1, 1], groups=1)
    case("conv2d", [x, w, None], lambda x, w, b: F.conv2d(x, w, None, 1, 2, 2), "conv2d dilated", stride=[1, 1], padding=[2, 2], dilation=[2, 2], groups=1)
    case("conv2d", [x, C(8, 2, 3, 1), C(8)], lambda x, w, b: F.conv2d(x, w, b, 1, 0, 1, 2), "conv2d grouped", stride=[1, 1], padding=[0, 0], dilation=[1, 1], groups=2)
    case("conv2d", [x, C(6, 4, 4, 3), b], lambda x, w, b: F.conv2d(x, w, b, 1, "same"), "conv2d same", stride=[1, 1], padding="same", dilation=[1, 1], groups=1)
    case("conv2d", [T(4, 7, 6), w, b], lambda x, w, b: F.conv2d(x, w, b), "conv2d unbatched", stride=[1, 1], padding=[0, 0], dilation=[1, 1], groups=1)
    case("conv1d", [T(2, 4, 9), C(5, 4, 3), C(5)], lambda x, w, b: F.conv1d(x, w, b, 2, 1), stride=[2], padding=[1], dilation=[1], groups=1)
    case("_convolution", [x, w, b], lambda x, w, b: F.conv2d(x, w, b, 1, 1), stride=[1, 1], padding=[1, 1], dilation=[1, 1], transposed=False, output_padding=[0, 0], groups=1)


def pools():
    x = T(2, 3, 7, 8)
    case("max_pool2d", [x], lambda x: F.max_pool2d(x, 3, 2, 1), kernel_size=[3, 3], stride=[2, 2], padding=[1, 1], dilation=[1, 1], ceil_mode=False)
    case("max_pool2d", [x], lambda x: F.max_pool2d(x, 3, 2, ceil_mode=True), "max_pool2d ceil", kernel_size=[3, 3], stride=[2, 2], padding=[0, 0], dilation=[1, 1], ceil_mode=True)
    for include in (True, False):
        case("avg_pool2d", [x], lambda x: F.avg_pool2d(x, 3, 2, 1, True, include), f"avg_pool2d ceil {include}", kernel_size=[3, 3], stride=[2, 2], padding=[1, 1], ceil_mode=True, count_include_pad=include)
        case("avg_pool2d", [x], lambda x: F.avg_pool2d(x, 2, 2, 1, False, include), f"avg_pool2d {include}", kernel_size=[2, 2], stride=[2, 2], padding=[1, 1], ceil_mode=False, count_include_pad=include)
    case("avg_pool1d", [T(2, 3, 9)], lambda x: F.avg_pool1d(x, 3), kernel_size=[3], stride=[3], padding=[0], ceil_mode=False, count_include_pad=True)
    for out in ([1, 1], [7, 8], [7, 4], [3, 5]):
        case("adaptive_avg_pool2d", [x], lambda x: F.adaptive_avg_pool2d(x, out), f"adaptive_avg_pool2d {out}", output_size=out)
    case("adaptive_max_pool2d", [x], lambda x: F.adaptive_max_pool2d(x, [3, 4], True), keep=[0], output_size=[3, 4])
    case("pixel_shuffle", [T(1, 8, 2, 3)], lambda x: F.pixel_shuffle(x, 2), upscale_factor=2)
    case("pixel_unshuffle", [T(1, 2, 4, 6)], lambda x: F.pixel_unshuffle(x, 2), downscale_factor=2)
    case("channel_shuffle", [T(1, 6, 2, 2)], lambda x: x.reshape(1, 3, 2, 2, 2).transpose(1, 2).reshape(1, 6, 2, 2), groups=3)


def matmuls():
    case("linear", [T(2, 3, 4), C(5, 4), C(5)], F.linear)
    case("linear", [T(4), C(5, 4), None], lambda x, w, b: F.linear(x, w), "linear of a vector")
    case("addmm", [C(5), T(3, 4), C(4, 5)], torch.addmm, beta=1, alpha=1)
    case("addmm", [T(3, 5), T(3, 4), T(4, 5)], lambda c, a, b: torch.addmm(c, a, b, beta=0.5, alpha=2), "addmm scaled", beta=0.5, alpha=2)
    case("baddbmm", [T(2, 3, 5), T(2, 3, 4), T(2, 4, 5)], lambda c, a, b: torch.baddbmm(c, a, b), beta=1, alpha=1)
    case("addbmm", [T(3, 5), T(2, 3, 4), T(2, 4, 5)], lambda c, a, b: torch.addbmm(c, a, b), beta=1, alpha=1)
    case("matmul", [T(2, 3, 4), T(4)], torch.matmul, "matmul matrix vector")
    case("matmul", [T(4), T(2, 4, 3)], torch.matmul, "matmul vector matrix")
    case("matmul", [T(2, 1, 3, 4), T(5, 4, 2)], torch.matmul, "matmul broadcast")
    case("bmm", [T(2, 3, 4), T(2, 4, 2)], torch.bmm)
    case("mv", [T(3, 4), T(4)], torch.mv)
    case("dot", [T(4), T(4)], torch.dot)
    for equation, sizes in {
        "bij,bjk->bik": ([2, 3, 4], [2, 4, 5]),
        "bhid,bhjd->bhij": ([2, 2, 3, 4], [2, 2, 5, 4]),
        "ij,kj->ki": ([3, 4], [5, 4]),
        "i,j->ij": ([3], [4]),
        "...ij,...jk": ([2, 3, 4], [4, 5]),
        "bhwc,hkc->bhwk": ([2, 3, 4, 5], [3, 6, 5]),
        "abc,cd->ad": ([2, 3, 4], [4, 5]),
        "ij->ji": ([3, 4],),
        "abij->a": ([2, 3, 4, 5],),
    }.items():
        case("einsum", [T(*s) for s in sizes], lambda *t: torch.einsum(equation, *t), f"einsum {equation}", equation=equation)
    q, k, v = T(2, 2, 5, 4), T(2, 2, 6, 4), T(2, 2, 6, 3)

    def attention(q, k, v, mask=None, causal=False, scale=None):
        s = q @ k.transpose(-2, -1) * (1 / math.sqrt(q.shape[-1]) if scale is None else scale)
        if causal:
            mask = torch.ones(s.shape[-2:], dtype=torch.bool).tril()
        if mask is not None:
            s = s.masked_fill(~mask, -math.inf) if mask.dtype == torch.bool else s + mask
        return s.softmax(-1) @ v

    op = "scaled_dot_product_attention"
    case(op, [q, k, v, None], lambda q, k, v, m: attention(q, k, v), dropout_p=0.0, is_causal=False)
    case(op, [q, k, v, T(5, 6)], attention, "attention with an addend", dropout_p=0.0, is_causal=False)
    case(op, [T(2, 5, 4), T(2, 5, 4), T(2, 5, 4), None], lambda q, k, v, m: attention(q, k, v, causal=True, scale=0.3), "attention causal", dropout_p=0.0, is_causal=True, scale=0.3)
    case(op, [q, k, v, T(2, 1, 1, 6, dtype=BOOL)], attention, "attention with padded keys", dropout_p=0.0, is_causal=False)
    case(op, [q, k, v, T(5, 1)], attention, "attention with an addend for each query", dropout_p=0.0, is_causal=False)
    # (Since PyTorch 2.5 such a query's result is 0; before, NaN.)
    case(op, [q, k, v, T(2, 1, 5, 1, dtype=BOOL)], lambda *t: attention(*t).nan_to_num(), "attention of queries that see nothing", dropout_p=0.0, is_causal=False)
    native = lambda x, y, z, w, b, p, c, m=None: F.multi_head_attention_forward(
        *(t.transpose(0, 1) for t in (x, y, z)), 8, 2, w, b, None, None, False, 0.0, p, c, training=False,
        key_padding_mask=m, need_weights=True)
    both = lambda *t: (lambda r: (r[0].transpose(0, 1), r[1]))(native(*t))
    weights = [C(24, 8), C(24), C(8, 8), C(8)]
    op = "_native_multi_head_attention"
    case(op, [T(2, 5, 8), T(2, 4, 8), T(2, 4, 8), *weights, T(2, 4, dtype=BOOL)], both, embed_dim=8, num_head=2, need_weights=True, average_attn_weights=True, mask_type=1)
    case(op, [T(2, 5, 8), T(2, 4, 8), T(2, 4, 8), *weights, T(2, 4, dtype=BOOL)], lambda *t: (both(*t)[0], torch.empty(0)), op + " without weights", keep=[0], embed_dim=8, num_head=2, need_weights=False, mask_type=1)


def norms():
    x, c = T(2, 6, 3, 4), C(6)
    var = C(6, low=0.5, high=2.0)
    case("batch_norm", [x, c, c, c, var], lambda x, w, b, m, v: F.batch_norm(x, m, v, w, b, False, 0.1, 1e-3), training=False, momentum=0.1, eps=1e-3, cudnn_enabled=True)
    case("batch_norm", [T(3, 6), None, None, c, var], lambda x, w, b, m, v: F.batch_norm(x, m, v, eps=1e-5), "batch_norm 1-d", training=False, momentum=0.1, eps=1e-5, cudnn_enabled=True)
    case("layer_norm", [T(2, 3, 5), C(5), C(5)], lambda x, w, b: F.layer_norm(x, [5], w, b, 1e-6), normalized_shape=[5], eps=1e-6, cudnn_enable=True)
    case("layer_norm", [x, None, None], lambda x, w, b: F.layer_norm(x, [6, 3, 4]), "layer_norm three dims", normalized_shape=[6, 3, 4], eps=1e-5, cudnn_enable=True)
    case("group_norm", [x, c, c], lambda x, w, b: F.group_norm(x, 3, w, b, 1e-5), num_groups=3, eps=1e-5, cudnn_enabled=True)
    case("instance_norm", [x, c, c, None, None], lambda x, w, b, m, v: F.instance_norm(x, None, None, w, b), use_input_stats=True, momentum=0.1, eps=1e-5, cudnn_enabled=True)
    case("rms_norm", [T(2, 3, 5), C(5)], lambda x, w: x * torch.rsqrt((x * x).mean(-1, True) + 1e-5) * w, normalized_shape=[5], eps=1e-5)
    for op, f in {"softmax": F.softmax, "log_softmax": F.log_softmax}.items():
        for dim in (1, -1):
            case(op, [T(2, 3, 4)], lambda x: f(x, dim), f"{op} {dim}", dim=dim, dtype=None)


def elementwise():
    x = T(3, 5, low=-4, high=4)
    for op in ("relu", "relu6", "hardswish", "hardsigmoid", "silu", "sigmoid", "tanh", "mish", "selu", "softplus", "exp", "neg", "abs", "floor", "round", "erf", "sign"):
        f = getattr(torch, op, None) or getattr(F, op)
        case(op, [x], f)
    case("gelu", [x], F.gelu, approximate="none")
    case("gelu", [x], lambda x: F.gelu(x, approximate="tanh"), "gelu tanh", approximate="tanh")
    case("hardtanh", [x], lambda x: F.hardtanh(x, -2, 0.5), min_val=-2, max_val=0.5)
    case("elu", [x], lambda x: F.elu(x, 0.7), alpha=0.7, scale=1, input_scale=1)
    case("leaky_relu", [x], lambda x: F.leaky_relu(x, 0.2), negative_slope=0.2)
    case("prelu", [T(2, 3, 4), C(3)], F.prelu)
    case("glu", [T(2, 6)], lambda x: F.glu(x, 1), dim=1)
    case("add", [x, T(5)], lambda a, b: torch.add(a, b, alpha=2), alpha=2)
    case("add", [x], lambda a: a + 1.5, "add scalar", other=1.5, alpha=1)
    case("sub", [x, T(3, 1)], lambda a, b: a - b, alpha=1)
    case("rsub", [x], lambda a: 1 - a, other=1, alpha=1)
    case("mul", [x, T(3, 5, dtype=I64)], lambda a, b: a * b, "mul promotes")
    case("div", [T(4, dtype=I64), T(4, low=1, high=2)], lambda a, b: a / b)
    case("div", [T(6, dtype=I64)], lambda a: torch.div(a, 4, rounding_mode="floor"), "div floor", other=4, rounding_mode="floor")
    case("pow", [T(4, low=0.5, high=2)], lambda a: a**2.5, exponent=2.5)
    case("maximum", [x, T(5)], torch.maximum)
    case("clamp", [x], lambda a: a.clamp(-1, 2), min=-1, max=2)
    case("gt", [x], lambda a: a > 0.5, other=0.5)
    case("logical_not", [T(6, dtype=BOOL)], torch.logical_not)
    case("where", [T(3, 5, dtype=BOOL), x, T(5)], torch.where)
    case("masked_fill", [x, T(3, 5, dtype=BOOL)], lambda a, m: a.masked_fill(m, -3.0), value=-3.0)
    case("addcmul", [x, T(5), T(3, 5)], lambda a, b, c: torch.addcmul(a, b, c, value=0.5), value=0.5)
    case("to", [x], lambda a: a.to(I64), "to integers", dtype=I64)
    case("to", [T(5, dtype=I64)], lambda a: a.to(torch.float32), "to floats", dtype=torch.float32)
    case("full_like", [x], lambda a: torch.full_like(a, 2.5), fill_value=2.5)
    case("zeros_like", [x], torch.zeros_like)


def reductions():
    x = T(2, 3, 4)
    case("mean", [x], lambda a: a.mean([1, 2]), dim=[1, 2], keepdim=False)
    case("mean", [x], lambda a: a.mean(), "mean of all")
    case("sum", [x], lambda a: a.sum(-1, True), dim=[-1], keepdim=True)
    case("sum", [T(2, 3, dtype=BOOL)], lambda a: a.sum(0), "sum of bools", dim=[0], keepdim=False)
    case("amax", [x], lambda a: a.amax(1), dim=[1], keepdim=False)
    case("max", [x], lambda a: a.max(1), "max along a dim", dim=1, keepdim=False)
    case("max", [x], lambda a: a.max(), "max of all")
    case("argmin", [x], lambda a: a.argmin(), "argmin of all")
    case("argmax", [x], lambda a: a.argmax(2, True), dim=2, keepdim=True)
    case("any", [T(3, 4, dtype=BOOL)], lambda a: a.any(1), dim=1, keepdim=False)
    case("all", [T(3, 4, dtype=BOOL)], lambda a: a.all(1), dim=1, keepdim=False)
    case("var", [x], lambda a: a.var([0, 2]), dim=[0, 2], unbiased=True, keepdim=False)
    case("std", [x], lambda a: a.std(1, False, True), dim=[1], unbiased=False, keepdim=True)
    case("var_mean", [x], lambda a: torch.var_mean(a, dim=2), dim=[2], unbiased=True, keepdim=False)
    case("norm", [x], lambda a: a.norm(2, 1), p=2, dim=[1], keepdim=False)
    case("norm", [x], lambda a: a.norm(3, -1, True), "norm p3", p=3, dim=[-1], keepdim=True)
    case("linalg_vector_norm", [x], lambda a: torch.linalg.vector_norm(a, math.inf, 2), ord=math.inf, dim=[2], keepdim=False)
    case("logsumexp", [x], lambda a: a.logsumexp(1), dim=[1], keepdim=False)
    case("cumsum", [T(2, 70, 3)], lambda a: a.cumsum(1), dim=1, dtype=None)
    case("cumsum", [T(9, 2, dtype=torch.int32)], lambda a: a.cumsum(-2), dim=-2, dtype=None)
    case("cumsum", [T(3, 8, dtype=torch.bool)], lambda a: a.cumsum(1), dim=1, dtype=None)


def views():
    x = T(2, 3, 4)
    case("view", [x], lambda a: a.view(6, 4), size=[6, 4])
    case("flatten", [x], lambda a: a.flatten(1), start_dim=1, end_dim=-1)
    case("permute", [x], lambda a: a.permute(2, 0, 1), dims=[2, 0, -2])
    case("transpose", [x], lambda a: a.transpose(-1, 0), dim0=-1, dim1=0)
    case("t", [T(2, 3)], lambda a: a.t())
    case("select", [x], lambda a: a.select(1, -1), dim=1, index=-1)
    case("slice", [x], lambda a: a[:, :, 1:10:2], dim=2, start=1, end=10, step=2)
    case("slice", [x], lambda a: a[:, -2:], "slice from the end", dim=1, start=-2, end=None, step=1)
    case("narrow", [x], lambda a: a.narrow(1, 1, 2), dim=1, start=1, length=2)
    case("chunk", [T(2, 7)], lambda a: a.chunk(3, 1), chunks=3, dim=1)
    case("split", [T(2, 7)], lambda a: a.split(3, 1), keep=[0, 2], split_size=3, dim=1)
    case("unbind", [x], lambda a: a.unbind(1), dim=1)
    case("squeeze", [T(2, 1, 3, 1)], lambda a: a.squeeze(), "squeeze all")
    case("unsqueeze", [x], lambda a: a.unsqueeze(-1), dim=-1)
    case("expand", [T(3, 1)], lambda a: a.expand(2, 3, 4), size=[2, -1, 4], implicit=False)
    case("movedim", [x], lambda a: a.movedim([0, 1], [2, 0]), source=[0, 1], destination=[2, 0])
    case("unflatten", [T(2, 6)], lambda a: a.unflatten(1, (3, 2)), dim=1, sizes=[3, 2])
    case("cat", [T(2, 3), T(2, 1)], lambda *t: torch.cat(t, -1), dim=-1)
    case("stack", [T(2, 3), T(2, 3)], lambda *t: torch.stack(t, 1), dim=1)
    case("roll", [x], lambda a: a.roll([1, -2], [1, 2]), shifts=[1, -2], dims=[1, 2])
    case("roll", [x], lambda a: a.roll(5), "roll flat", shifts=[5], dims=[])
    case("flip", [x], lambda a: a.flip([0, 2]), dims=[0, 2])
    case("pad", [x], lambda a: F.pad(a, [1, 2, 0, 1], value=0.5), pad=[1, 2, 0, 1], mode="constant", value=0.5)
    case("pad", [x], lambda a: F.pad(a, [-1, 1, 1, -1]), "pad crops", pad=[-1, 1, 1, -1], mode="constant", value=None)
    for mode in ("reflect", "replicate", "circular"):
        case("pad", [T(1, 2, 4, 3)], lambda a: F.pad(a, [1, 2, 2, 1], mode), f"pad {mode}", pad=[1, 2, 2, 1], mode=mode, value=None)
    case("repeat", [T(2, 3)], lambda a: a.repeat(2, 1, 2), repeats=[2, 1, 2])
    case("repeat_interleave", [T(2, 3)], lambda a: a.repeat_interleave(2, 1), repeats=2, dim=1)
    case("slice_scatter", [T(4, 3), T(2, 3)], lambda a, b: torch.slice_scatter(a, b, 0, 1, 3, 1), dim=0, start=1, end=3, step=1)
    case("slice_scatter", [T(2, 5), T(2, 2)], lambda a, b: torch.slice_scatter(a, b, 1, 1, 5, 2), "slice_scatter steps", dim=1, start=1, end=5, step=2)
    case("select_scatter", [T(4, 3), T(4)], lambda a, b: torch.select_scatter(a, b, 1, -1), dim=1, index=-1)
    case("meshgrid", [T(2), T(3)], lambda *t: torch.meshgrid(*t, indexing="xy"), indexing="xy")
    case("embedding", [C(10, 3), T(2, 4, dtype=I64)], lambda w, i: F.embedding(i, w), padding_idx=-1)
    case("index_select", [T(3, 10), T(4, dtype=I64)], lambda a, i: a.index_select(1, i), dim=1)
    case("index", [T(3, 10, 2), None, T(2, 2, dtype=I64)], lambda a, _, i: a[:, i])
    case("index", [T(3, 10, 10, 2), None, T(2, 1, dtype=I64), T(3, dtype=I64)], lambda a, _, i, j: a[:, i, j])
    case("index", [T(10, 3, 10), T(4, dtype=I64), None, T(2, 4, dtype=I64)], lambda a, i, _, j: a[i, :, j])
    case("gather", [T(4, 10, 3), T(2, 7, 3, dtype=I64)], lambda a, i: torch.gather(a, 1, i), dim=1)
    case("gather", [T(10, dtype=I64), T(5, dtype=I64)], lambda a, i: torch.gather(a, 0, i), dim=-1)


torch.manual_seed(0)
for theme in (convolutions, pools, matmuls, norms, elementwise, reductions, views):
    print(f"# {theme.__name__}")
    theme()
