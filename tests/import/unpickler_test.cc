// The unpickler: what Python's pickles mean, and what hostile ones get.

#include "import/pickle/unpickler.h"

#include "test_files.h"

namespace wherry::import {
namespace {

using namespace std::string_literals;
using ::testing::HasSubstr;

class Unpickling : public ::testing::Test {
 protected:
  Unpickling() {
    context_.what = "test.pt: data.pkl";
    context_.storage = [](const std::string& key, std::optional<DType> dtype, std::int64_t numel) {
      auto storage = std::make_shared<Storage>();
      storage->name = "data/" + key;
      storage->dtype = dtype;
      storage->size = numel * static_cast<std::int64_t>(dtype ? size_of(*dtype) : 1);
      const Bytes zeros = bytes_of(std::string(static_cast<std::size_t>(storage->size), '\0'));
      storage->read = [zeros] { return zeros; };
      return storage;
    };
    context_.accepts_class = [](std::string_view module, std::string_view) { return module.starts_with("__torch__"); };
  }

  PythonValue load(const std::string& pickle) { return unpickle(bytes_of(pickle).data, heap_, context_).value; }

  template <typename T>
  T load_as(const std::string& pickle) {
    const PythonValue value = load(pickle);
    if (!std::holds_alternative<T>(value)) throw std::runtime_error("found " + type_name(value));
    return std::get<T>(value);
  }

  std::string refusal(const std::string& pickle) {
    const std::string message = message_of<InvalidModel>([&] { load(pickle); });
    EXPECT_THAT(message, HasSubstr("test.pt: data.pkl"));
    return message;
  }

  Heap heap_;
  UnpickleContext context_;
};

/// A tensor of the storage '0' of `numel` floats with offset, sizes and strides
/// as pickled.
std::string tensor(const std::string& rest, const std::string& numel = "K\x0c") {
  return "ctorch._utils\n_rebuild_tensor_v2\n((X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0"s + "0X\3\0\0\0cpu"s +
         numel + "NtQ" + rest + "\x89}tR";
}

TEST_F(Unpickling, Scalars) {
  EXPECT_TRUE(std::holds_alternative<None>(load("\x80\2N.")));
  EXPECT_EQ(load_as<bool>("\x80\2\x88."), true);
  EXPECT_EQ(load_as<bool>("\x80\2\x89."), false);
  EXPECT_EQ(load_as<std::int64_t>("\x80\2K\xff."), 255);
  EXPECT_EQ(load_as<std::int64_t>("\x80\2M\1\2."), 513);
  EXPECT_EQ(load_as<std::int64_t>("\x80\2J\xfe\xff\xff\xff."), -2);
  EXPECT_EQ(load_as<std::int64_t>("\x80\2\x8a\0."s), 0);
  EXPECT_EQ(load_as<std::int64_t>("\x80\2\x8a\1\xff."), -1);
  EXPECT_EQ(load_as<std::int64_t>("\x80\2\x8a\6\0\0\0\0\0\1."s), std::int64_t{1} << 40);
  EXPECT_EQ(load_as<std::int64_t>("\x80\2\x8a\x08\0\0\0\0\0\0\0\x80."s), INT64_MIN);
  EXPECT_EQ(load_as<double>("\x80\2G\xbf\xf4\0\0\0\0\0\0."s), -1.25);
  EXPECT_EQ(load_as<std::string>("\x80\2X\2\0\0\0\xc3\xa9."s), "\xc3\xa9");
  EXPECT_EQ(load_as<std::string>("\x80\4\x95\6\0\0\0\0\0\0\0\x8c\2hi\x94."s), "hi");
  EXPECT_EQ(load_as<DType>("\x80\2"
                           "ctorch\nbfloat16\n."),
            DType::bf16);
}

TEST_F(Unpickling, Containers) {
  const auto* list = load_as<List*>("\x80\2]q\0(K\1K\2e."s);
  ASSERT_EQ(list->items.size(), 2u);
  EXPECT_EQ(std::get<std::int64_t>(list->items[1]), 2);
  const auto* tuple = load_as<Tuple*>("\x80\2K\1K\2K\3\x87.");
  EXPECT_EQ(tuple->items.size(), 3u);
  EXPECT_EQ(load_as<Tuple*>("\x80\2).")->items.size(), 0u);
  const auto* dict = load_as<Dict*>("\x80\2}(X\1\0\0\0aK\7X\1\0\0\0bK\x08u."s);
  ASSERT_NE(dict->find("b"), nullptr);
  EXPECT_EQ(std::get<std::int64_t>(*dict->find("b")), 8);
  EXPECT_EQ(dict->find("c"), nullptr);
  EXPECT_EQ(load_as<List*>("\x80\4\x8f(K\1K\2\x90.")->items.size(), 2u);
  const auto* ordered = load_as<Dict*>(
      "\x80\2"
      "ccollections\nOrderedDict\n)R(X\1\0\0\0aK\1u}b."s);
  EXPECT_EQ(ordered->items.size(), 1u);
}

TEST_F(Unpickling, MemoKeepsIdentity) {
  const auto* list = load_as<List*>("\x80\2](]q\1h\1e."s);
  EXPECT_EQ(std::get<List*>(list->items[0]), std::get<List*>(list->items[1]));
  const auto* self = load_as<List*>("\x80\2]q\0h\0a."s);  // a list that holds itself
  EXPECT_EQ(std::get<List*>(self->items[0]), self);
}

TEST_F(Unpickling, Tensors) {
  const auto made = load_as<tensor::LazyTensorPtr>("\x80\2" + tensor("K\2K\2K\3\x86K\3K\1\x86") + ".");
  EXPECT_EQ(made->sizes(), (Dims{2, 3}));
  EXPECT_EQ(made->dtype(), DType::f32);
  EXPECT_EQ(made->get().numel(), 6);
  const auto* pair = load_as<Tuple*>("\x80\2" + tensor("K\0K\2\x85K\1\x85"s) + tensor("K\0K\2\x85K\1\x85"s) + "\x86.");
  EXPECT_EQ(std::get<tensor::LazyTensorPtr>(pair->items[0]), std::get<tensor::LazyTensorPtr>(pair->items[1]));
  const auto parameter = load_as<tensor::LazyTensorPtr>(
      "\x80\2"
      "ctorch._utils\n_rebuild_parameter\n(" +
      tensor("K\0))"s) + "\x88}tR.");
  EXPECT_EQ(parameter->get().dim(), 0);
}

TEST_F(Unpickling, RefusesTensorsThatDoNotFit) {
  EXPECT_THAT(refusal("\x80\2" + tensor("K\0K\x0d\x85K\1\x85"s) + "."), HasSubstr("does not fit its storage"));
  EXPECT_THAT(refusal("\x80\2" + tensor("J\xff\xff\xff\xffK\1\x85K\1\x85") + "."), HasSubstr("does not fit"));
  EXPECT_THAT(refusal("\x80\2" + tensor("K\0K\1\x85NK\1\x85"s) + "."), HasSubstr("should be a tuple"));
  EXPECT_THAT(refusal("\x80\2" + tensor("K\0NN"s) + "."), HasSubstr("should be a tuple"));
}

TEST_F(Unpickling, TorchScriptObjects) {
  const auto* object = load_as<Instance*>(
      "\x80\2"
      "c__torch__.net\nNet\n)\x81}(X\1\0\0\0aK\1u"
      "b."s);
  EXPECT_EQ(object->class_name, "__torch__.net.Net");
  ASSERT_NE(object->find("a"), nullptr);
  const auto* packed = load_as<Instance*>(
      "\x80\2"
      "c__torch__.net\nNet\n)\x81K\1\x85"
      "b.");
  ASSERT_NE(packed->find("__state__"), nullptr);
  EXPECT_EQ(load_as<List*>("\x80\2"
                           "ctorch.jit._pickle\nbuild_intlist\n(](K\1K\2etR.")
                ->items.size(),
            2u);
  EXPECT_EQ(load_as<Dict*>("\x80\2"
                           "ctorch.jit._pickle\nrestore_type_tag\n(}X\3\0\0\0anytR."s)
                ->items.size(),
            0u);
  EXPECT_EQ(load_as<Device>("\x80\2"
                            "ctorch\ndevice\nX\3\0\0\0cpu\x85R."s)
                .name,
            "cpu");
}

TEST_F(Unpickling, RefusesCode) {
  EXPECT_THAT(refusal("\x80\2"
                      "cposix\nsystem\nX\2\0\0\0ls\x85R."s),
              HasSubstr("posix.system is not something a model file needs"));
  EXPECT_THAT(refusal("\x80\2"
                      "cbuiltins\neval\n."),
              HasSubstr("builtins.eval"));
  EXPECT_THAT(refusal("\x80\4\x8c\2os\x8c\6system\x93."), HasSubstr("os.system"));
  EXPECT_THAT(refusal("\x80\2"
                      "ctorch._utils\n_rebuild_tensor_v2.__globals__\n."),
              HasSubstr("not something a model file needs"));
  EXPECT_THAT(refusal("\x80\2"
                      "ctorch.hub\nload\n."),
              HasSubstr("torch.hub.load"));
  EXPECT_THAT(refusal("\x80\2"
                      "cposix\nsys\x1b[2J\n."),
              HasSubstr("posix.sys\\x1b[2J"));
  EXPECT_THAT(refusal("\x80\2"
                      "c__torch__\nNet\n)R."),
              HasSubstr("it calls __torch__.Net"));
}

TEST_F(Unpickling, NamesWhatItDoesNotSupport) {
  EXPECT_THAT(refusal("\x80\2"
                      "ctorchvision.models.resnet\nResNet\n)\x81."),
              testing::AllOf(HasSubstr("class torchvision.models.resnet.ResNet"), HasSubstr("state_dict()")));
  EXPECT_THAT(refusal("\x80\2"
                      "ctorch._utils\n_rebuild_qtensor\n."),
              HasSubstr("quantised"));
  EXPECT_THAT(refusal("\x80\2"
                      "ctorch\nQInt8Storage\n."),
              HasSubstr("QInt8Storage"));
  EXPECT_THAT(refusal("\x80\2"
                      "ctorch\ncomplex64\n."),
              HasSubstr("torch.complex64 tensors are not supported"));
  EXPECT_THAT(refusal("\x80\2(X\6\0\0\0moduleNtQ."s), HasSubstr("whole pickled nn.Module"));
}

TEST_F(Unpickling, RefusesDamage) {
  EXPECT_THAT(refusal(""), HasSubstr("truncated"));
  EXPECT_THAT(refusal("\x80\2"), HasSubstr("byte 2"));
  EXPECT_THAT(refusal("\x80\x06N."), HasSubstr("protocol 6"));
  EXPECT_THAT(refusal("\x80\2."), HasSubstr("stack is empty"));
  EXPECT_THAT(refusal("\x80\2K\1(."),
              HasSubstr("stack is empty"));  // what lies under a mark is out of reach
  EXPECT_THAT(refusal("\x80\2t."), HasSubstr("mark"));
  EXPECT_THAT(refusal("\x80\2h\5."), HasSubstr("memo entry 5"));
  EXPECT_THAT(refusal("\x80\2NK\1a."), HasSubstr("appends to a NoneType"));
  EXPECT_THAT(refusal("\x80\2](K\1u."), HasSubstr("sets items of a list"));
  EXPECT_THAT(refusal("\x80\2}(K\1u."), HasSubstr("no value"));
  EXPECT_THAT(refusal("\x80\2X\xff\xff\xff\xff."), HasSubstr("4294967295 bytes are wanted"));
  EXPECT_THAT(refusal("\x80\4\x8d\xff\xff\xff\xff\xff\xff\xff\xff."), HasSubstr("wanted"));
  EXPECT_THAT(refusal("\x80\2\x8a\x09\0\0\0\0\0\0\0\0\0."s), HasSubstr("integer of 9 bytes"));
  EXPECT_THAT(refusal("\x80\2\x8b\xff\xff\xff\x7f."), HasSubstr("integer of 2147483647 bytes"));
  EXPECT_THAT(refusal("\x80\2i."), HasSubstr("opcode 0x69"));
  EXPECT_THAT(refusal("\x80\2"
                      "cno newline"),
              HasSubstr("no end"));
  EXPECT_THAT(refusal("\x80\2(X\7\0\0\0storageNNNNtQ."s), HasSubstr("no storage type"));
  EXPECT_THAT(refusal("\x80\2NNR."), HasSubstr("no function"));
}

TEST_F(Unpickling, BoundsDepthAndMemory) {
  // A million nested lists: no recursion, so only memory counts.
  std::string deep = "\x80\2" + std::string(1000000, ']') + std::string(999999, 'a') + ".";
  EXPECT_EQ(load_as<List*>(deep)->items.size(), 1u);
  // A long text fetched from the memo again and again.
  std::string laughs = "\x80\2]q\1(X\0\0\x10\0"s + std::string(1 << 20, 'x') + "q\2";
  for (int i = 0; i < 5000; ++i) laughs += "h\2";
  EXPECT_THAT(refusal(laughs + "e."), HasSubstr("MiB"));
  // A long list copied again and again.
  std::string copies = "\x80\2]q\1(" + std::string(100000, 'N') + "e";
  for (int i = 0; i < 5000; ++i) copies += "ctorch\nSize\nh\1\x85R";
  EXPECT_THAT(refusal(copies + "."), HasSubstr("MiB"));
}

TEST_F(Unpickling, StopsAtTheFirstStop) {
  const std::string two = "\x80\2K\1.\x80\2K\2.";
  const Unpickled first = unpickle(bytes_of(two).data, heap_, context_);
  EXPECT_EQ(std::get<std::int64_t>(first.value), 1);
  EXPECT_EQ(first.consumed, 5u);
}

}  // namespace
}  // namespace wherry::import
