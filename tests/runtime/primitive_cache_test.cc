// Keys tell every two primitives apart, plans share what is alike, and what a plan holds outlives its eviction.

#include "runtime/primitive_cache.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <functional>
#include <set>

#include "net.h"
#include "runtime/plan.h"
#include "runtime/primitive_key.h"

namespace wherry::runtime {
namespace {

template <typename Shape>
void expect_all_differ(const Shape& origin, const std::vector<std::function<void(Shape&)>>& changes,
                       const std::function<std::string(const Shape&)>& key) {
  std::set<std::string> keys{key(origin)};
  for (std::size_t i = 0; i < changes.size(); ++i) {
    Shape changed = origin;
    changes[i](changed);
    ASSERT_NE(changed, origin) << i;
    EXPECT_TRUE(keys.insert(key(changed)).second) << "change " << i << " has the key of another shape";
  }
}

TEST(PrimitiveKey, HasEveryMemberOfAConvolution) {
  using Shape = kernels::ConvolutionShape;
  Shape origin;
  origin.weights = {4, 8, 3, 3, 1};
  origin.in_h = origin.in_w = 12;
  origin.set_dense_strides();
  const auto key = [](const Shape& shape) { return primitive_key(shape, base::Isa::avx2, 2); };
  expect_all_differ<Shape>(origin,
                           {[](Shape& s) { s.weights.in_channels = 12; },
                            [](Shape& s) { s.weights.out_channels = 12; },
                            [](Shape& s) { s.weights.kernel_h = 1; },
                            [](Shape& s) { s.weights.kernel_w = 1; },
                            [](Shape& s) { s.weights.groups = 2; },
                            [](Shape& s) { s.batch = 2; },
                            [](Shape& s) { s.in_h = 13; },
                            [](Shape& s) { s.in_w = 13; },
                            [](Shape& s) { s.stride_h = 2; },
                            [](Shape& s) { s.stride_w = 2; },
                            [](Shape& s) { s.pad_top = 1; },
                            [](Shape& s) { s.pad_bottom = 1; },
                            [](Shape& s) { s.pad_left = 1; },
                            [](Shape& s) { s.pad_right = 1; },
                            [](Shape& s) { s.dilation_h = 2; },
                            [](Shape& s) { s.dilation_w = 2; },
                            [](Shape& s) { s.x_stride_n += 4; },
                            [](Shape& s) { s.x_stride_h += 4; },
                            [](Shape& s) { s.x_stride_w += 4; },
                            [](Shape& s) { s.y_stride_n += 4; },
                            [](Shape& s) { s.y_stride_h += 4; },
                            [](Shape& s) { s.y_stride_w += 4; },
                            [](Shape& s) { s.y_dtype = DType::bf16; },
                            [](Shape& s) { s.x_halo = true; },
                            [](Shape& s) { s.weights.dtype = DType::bf16; }},
                           key);
  EXPECT_NE(key(origin), primitive_key(origin, base::Isa::avx2, 3));
  EXPECT_NE(key(origin), primitive_key(origin, base::Isa::avx512, 2));
}

TEST(PrimitiveKey, HasEveryMemberOfAMatmul) {
  using Shape = kernels::MatmulShape;
  const auto key = [](const Shape& shape) { return primitive_key(shape, base::Isa::avx2, 2); };
  expect_all_differ<Shape>(
      {},
      {[](Shape& s) { s.rows = 7; }, [](Shape& s) { s.depth = 7; }, [](Shape& s) { s.columns = 7; },
       [](Shape& s) { s.dtype = DType::bf16; }, [](Shape& s) { s.a_row_stride = 7; },
       [](Shape& s) { s.a_depth_stride = 7; }, [](Shape& s) { s.packed_b = false; },
       [](Shape& s) { s.b_depth_stride = 7; }, [](Shape& s) { s.b_column_stride = 7; },
       [](Shape& s) { s.c_row_stride = 7; }, [](Shape& s) { s.c_dtype = DType::i64; }, [](Shape& s) { s.batch[1] = 7; },
       [](Shape& s) { s.batch[2] = 7; }, [](Shape& s) { s.a_batch_strides[0] = -7; },
       [](Shape& s) { s.b_batch_strides[0] = 7; }, [](Shape& s) { s.c_batch_strides[3] = 7; }},
      key);
}

TEST(PrimitiveKey, ListsDoNotRunIntoEachOther) {
  using Shape = kernels::CopyShape;
  std::set<std::string> keys;
  for (const Shape& shape : {Shape{{1, 2}, {3}, {}, 4}, Shape{{1}, {2, 3}, {}, 4}, Shape{{1, 2, 3}, {}, {}, 4},
                             Shape{{12}, {3}, {}, 4}, Shape{{}, {1, 2}, {3}, 4}}) {
    EXPECT_TRUE(keys.insert(primitive_key(shape, base::Isa::avx2)).second);
  }
}

TEST(PrimitiveKey, TellsProgramsAndTheirTypesApart) {
  const auto parse = [](std::string_view text) { return expression::Program::parse(text); };
  std::set<std::string> keys;
  const std::vector<DType> floats{DType::f32, DType::f32}, mixed{DType::f32, DType::i64};
  for (const auto* text :
       {"f32 (x0, x1) { x2 = add x0 x1 }", "f32 (x0, x1) { x2 = add x1 x0 }", "f32 (x0, x1) { x2 = mul x0 x1 }",
        "f64 (x0, x1) { x2 = add x0 x1 }", "f32 (x0, x1) { x2 = constant 1; x3 = add x0 x2 }",
        "f32 (x0, x1) { x2 = constant 1.0000001; x3 = add x0 x2 }",
        "f32 (x0, x1) { x2 = constant -0.0; x3 = add x0 x2 }", "f32 (x0, x1) { x2 = constant 0.0; x3 = add x0 x2 }"}) {
    EXPECT_TRUE(keys.insert(primitive_key(parse(text), floats, DType::f32, base::Isa::avx2)).second) << text;
  }
  const expression::Program sum = parse("f32 (x0, x1) { x2 = add x0 x1 }");
  EXPECT_TRUE(keys.insert(primitive_key(sum, mixed, DType::f32, base::Isa::avx2)).second);
  EXPECT_TRUE(keys.insert(primitive_key(sum, floats, DType::f64, base::Isa::avx2)).second);
}

/// Two equal convolutions with a ReLU after them, and a softmax.
void build_net(Net& net, std::int64_t size) {
  const Dims sizes{1, 16, size, size};
  ir::Value* x = net.channels_last(net.input(sizes));
  for (int i = 0; i < 2; ++i) {
    x = net.node("convolution", {x, net.constant({16, 16, 3, 3}), nullptr},
                 {{"stride", Dims{1, 1}},
                  {"padding", Dims{1, 1, 1, 1}},
                  {"dilation", Dims{1, 1}},
                  {"groups", std::int64_t{1}},
                  {"epilogue", expression::Program::parse("f32 (x0) { x1 = relu x0 }")}},
                 sizes, image_strides(sizes));
  }
  net.output(net.node("softmax", {x}, {{"dim", std::int64_t{1}}, {"log", false}}, sizes, image_strides(sizes)));
}

TEST(PrimitiveCache, PlansShareWhatIsAlike) {
  PrimitiveCache primitives({.entries = 100, .bytes = 1 << 20});
  PackedWeights weights;
  ThreadTeam team(1);
  Net first(1), second(2), larger(3);
  build_net(first, 8);
  build_net(second, 8);
  build_net(larger, 9);
  const Plan plan(first.graph(), weights, primitives, team, base::selected_isa());
  const CacheInfo one = primitives.info();
  EXPECT_EQ(one.hits, 1) << "the second convolution is the first one's kernel with other weights";
  EXPECT_EQ(one.entries, one.misses);
  EXPECT_GT(one.bytes, 0);

  const Plan again(second.graph(), weights, primitives, team, base::selected_isa());
  EXPECT_EQ(primitives.info().misses, one.misses) << "another model of the same shapes";
  const Plan other(larger.graph(), weights, primitives, team, base::selected_isa());
  EXPECT_EQ(primitives.info().misses, 2 * one.misses);
}

TEST(PrimitiveCache, EvictedPrimitivesLiveInTheirPlans) {
  for (const std::int64_t entries : {0, 1}) {
    PackedWeights weights;
    ThreadTeam team(2);
    ArenaPool arenas;
    Net net(1), other(2);
    build_net(net, 8);
    build_net(other, 11);
    auto primitives = std::make_unique<PrimitiveCache>(LruCache::Limits{.entries = entries, .bytes = 1 << 20});
    const Plan plan(net.graph(), weights, *primitives, team, base::selected_isa());
    const Tensor before = plan.run(net.inputs(), team, arenas)[0];
    const Plan another(other.graph(), weights, *primitives, team, base::selected_isa());
    EXPECT_LE(primitives->info().entries, entries);
    EXPECT_EQ(primitives->info().evictions > 0, entries > 0);
    primitives.reset();
    expect_close(plan.run(net.inputs(), team, arenas)[0], before, 0, "after the cache is gone");
  }
}

#if !defined(WHERRY_SANITIZER)
TEST(PrimitiveCache, BytesAreAboutWhatTheHeapSays) {
  PrimitiveCache primitives({.entries = 2000, .bytes = 64 << 20});
  const auto in_use = [] { return static_cast<double>(mallinfo2().uordblks); };
  const auto program = expression::Program::parse("f32 (x0) { x1 = sigmoid x0; x2 = mul x0 x1 }");
  const double before = in_use();
  for (std::int64_t i = 1; i <= 500; ++i) {
    kernels::ConvolutionShape convolution;
    convolution.weights = {16, 32, 3, 3, 1};
    convolution.in_h = 10 + i, convolution.in_w = 20;
    convolution.set_dense_strides();
    primitives.get(primitive_key(convolution, base::Isa::scalar, 1),
                   [&] { return kernels::make_convolution(convolution, base::Isa::scalar, 1); });
    const kernels::ElementwiseShape shape{{i, 8, 3}, {24, 3, 1}, DType::f32, {{24, 1, 8}}, {DType::f32}};
    primitives.get(primitive_key(program, shape, base::Isa::scalar),
                   [&] { return kernels::make_elementwise(program, shape, base::Isa::scalar); });
  }
  const double real = in_use() - before;
  const auto estimate = static_cast<double>(primitives.info().bytes);
  EXPECT_GT(estimate, 0.5 * real);
  EXPECT_LT(estimate, 2.5 * real);
}
#endif

}  // namespace
}  // namespace wherry::runtime
