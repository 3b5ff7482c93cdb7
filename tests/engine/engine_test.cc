// What models share: one engine's primitives, its limits, and the environment that sets them.

#include "wherry/engine.h"

#include <gmock/gmock.h>

#include <array>
#include <cstdlib>
#include <thread>

#include "wherry/error.h"

namespace wherry {
namespace {

using testing::HasSubstr;

const std::string kSmallCnn = WHERRY_SOURCE_DIR "/tests/engine/data/small_cnn.pt";

Model load(const std::shared_ptr<Engine>& engine) {
  Options options;
  options.threads = 1;
  options.engine = engine;
  return Model::load(kSmallCnn, options);
}

TEST(Engine, ModelsShareItsPrimitives) {
  const auto engine = std::make_shared<Engine>(CacheLimits{});
  const Model one = load(engine), other = load(engine);
  const std::array image{Tensor::zeros(DType::f32, {1, 3, 20, 18})};
  one.run(image);
  const CacheInfo first = one.cache_info();
  EXPECT_GT(first.misses, 3);
  EXPECT_EQ(first.entries, first.misses);
  EXPECT_EQ(first.evictions, 0);
  other.run(image);
  const CacheInfo both = engine->cache_info();
  EXPECT_EQ(both.misses, first.misses);
  EXPECT_EQ(both.hits, 2 * first.hits + first.misses);
}

TEST(Engine, OfTheProcessServesModelsThatNameNone) {
  const Model model = Model::load(kSmallCnn);
  const std::int64_t before = Engine::of_process()->cache_info().misses;
  model.run(std::array{Tensor::zeros(DType::f32, {1, 3, 33, 35})});
  EXPECT_GT(Engine::of_process()->cache_info().misses, before);
  EXPECT_EQ(model.cache_info().misses, Engine::of_process()->cache_info().misses);
}

TEST(Engine, LivesAsLongAsItsModels) {
  auto engine = std::make_shared<Engine>(CacheLimits{.entries = 2});
  const Model model = load(engine);
  engine.reset();
  for (std::int64_t size = 6; size < 16; ++size) model.run(std::array{Tensor::zeros(DType::f32, {1, 3, size, 9})});
  EXPECT_EQ(model.cache_info().entries, 2);
  EXPECT_GT(model.cache_info().evictions, 0);
}

TEST(Engine, WithoutCacheAnswersAlike) {
  const Model cached = load(std::make_shared<Engine>(CacheLimits{}));
  const Model plain = load(std::make_shared<Engine>(CacheLimits{.entries = 0}));
  const std::array image{Tensor::of<float>({1, 3, 2, 2}, std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})};
  const auto a = cached.run(image), b = plain.run(image);
  EXPECT_THAT(std::vector<float>(a[0].values<float>().begin(), a[0].values<float>().end()),
              testing::ElementsAreArray(b[0].values<float>()));
  EXPECT_EQ(plain.cache_info().entries, 0);
  EXPECT_EQ(plain.cache_info().hits, 0);
}

TEST(CacheLimits, FollowLruCacheCapacity) {
  EXPECT_EQ(CacheLimits::from_environment().entries, 1024);
  for (const auto& [text, entries] : {std::pair{"0", 0}, std::pair{"7", 7}, std::pair{"2147483647", 2147483647}}) {
    ::setenv("LRU_CACHE_CAPACITY", text, 1);
    EXPECT_EQ(CacheLimits::from_environment().entries, entries);
  }
  for (const char* text : {"", "-1", "many", "12x", "2147483648", " 5"}) {
    ::setenv("LRU_CACHE_CAPACITY", text, 1);
    try {
      const Engine engine;
      ADD_FAILURE() << text << " was accepted";
    } catch (const InvalidInput& error) {
      EXPECT_THAT(error.what(), HasSubstr("LRU_CACHE_CAPACITY: found \"" + std::string(text) + "\""));
      EXPECT_THAT(error.what(), HasSubstr("accepted are 0"));
    }
  }
  ::unsetenv("LRU_CACHE_CAPACITY");
}

}  // namespace
}  // namespace wherry
