#pragma once
// clang-format off
// The core set: what a graph is made of after the passes, and all that the runtime has to know how to run.
//
// Before the `layout` pass types carry no strides, and four ops name pure index changes:
//   reshape(x)                  attrs: sizes int[]                       same elements in row-major order
//   permute(x)                  attrs: dims int[]
//   slice(x)                    attrs: dim, start, end, step             already clamped; step ≥ 1
//   expand(x)                   attrs: sizes int[]                       size-1 dims (and new leading dims) repeat
// The layout pass gives every value strides, turns those four into
//   view(x)                     attrs: offset int (elements)             no work: the type's sizes and strides over x's bytes;
//                                                                        x is never itself a view
//   copy(x)                                                              same sizes, other strides
// and inserts a copy where a kernel needs another memory order. From there on every value has strides. Images live
// channels-last (C has stride 1), sequences row-major. Graph inputs, constants and outputs are row-major; an output may
// be a view, an input or a constant.
//
//   convolution(x[N,C,H,W], w[O,C/g,KH,KW], bias[O]?, operands...)
//        attrs: stride int[2], padding int[4] (top, bottom, left, right), dilation int[2], groups int, epilogue Program?
//               dtype DType? bf16 where an fp32 x is multiplied as bf16 (use_bf16: fewer than 16 channels, any strides)
//        needs: x and out with C stride 1 (any strides for N, H, W); w constant. 1-d convolution is lowered to H = 1.
//   matmul(a[..., M, K], b[..., K, N], bias[N]?, operands...)
//        attrs: epilogue Program?          batch dims broadcast; strides of a, b and out are free (out: N stride 1)
//   attention(q[..., L, E], k[..., S, E], v[..., S, D], mask?)   attrs: scale float, causal bool, zero_hidden bool
//        softmax(scale · q kᵀ + mask) · v; batch dims broadcast. mask: fp32 addends, broadcastable to [..., L, S], the last
//        dimension S long. causal: query i sees keys 0 … i.
//        needs: strides of q, k, v, mask and out are free but the last dimension's, which is 1
//   layer_norm(x, weight?, bias?)          attrs: dims int (trailing dims normalised), eps
//   group_norm(x[N,C,...], weight?, bias?) attrs: groups, eps
//   softmax(x)                             attrs: dim, log bool
//   pool(x[N,C,H,W])                       attrs: mode "max"|"avg", kernel int[2], stride int[2], padding int[4],
//                                          dilation int[2], count_include_pad bool, divisor int (0 = window size)
//                                          x and out with C stride 1
//   adaptive_pool(x[N,C,H,W])              attrs: mode "max"|"avg", output_size int[2] ; window of output i: [floor(i·in/out), ceil((i+1)·in/out))
//   reduce(x)                              attrs: mode "sum"|"mean"|"max"|"min"|"prod"|"argmax"|"argmin"|"any"|"all", dims int[], keepdim bool
//   gather(table, indices)                 attrs: dim       out = table with dim replaced by indices' dims (index_select, embedding)
//   concat(xs...)                          attrs: dim       written in place by the producers where the plan can
//   pad(x)                                 attrs: pads int[2·rank] (before, after per dim, ≥ 0), value   (constant padding; cropping is a slice)
//   elementwise(operands...)               attrs: program Program   operands broadcast to the output; also every dtype cast:
//                                          operands convert to program.compute, the result converts to the output's dtype
//
// An epilogue's operand 0 is the accumulator (with bias already added); its other operands are the node's inputs after
// the fixed ones ("operands": from position 3 on, the bias being null where it is absent), each broadcastable to the
// output. A bias is always the separate input. A residual is the epilogue's first instruction: add x0 x1.
// clang-format on

#include <array>
#include <string_view>

namespace wherry::ir {

inline constexpr std::array<std::string_view, 19> kCoreOps = {
    "reshape", "permute",   "slice",      "expand",     "view",       "copy", "convolution",
    "matmul",  "attention", "layer_norm", "group_norm", "softmax",    "pool", "adaptive_pool",
    "reduce",  "gather",    "concat",     "pad",        "elementwise"};

}  // namespace wherry::ir
