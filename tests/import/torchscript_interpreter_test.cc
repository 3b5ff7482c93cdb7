// The interpreter on small programs: the language, control flow, aliasing and in-place writes, bounds, and messages.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "torchscript_script.h"
#include "wherry/error.h"

namespace wherry::import::torchscript {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::string run(const std::string& body) { return Script::body(body).text(); }

TEST(Language, ArithmeticFollowsTorchScript) {
  EXPECT_EQ(run("return [torch.add(1, 2), torch.sub(1, 2), torch.mul(3, 4), torch.neg(5)]"), "[3, -1, 12, -5]");
  EXPECT_EQ(run("return [torch.div(7, 2), torch.floordiv(-7, 2), torch.remainder(-7, 2), torch.fmod(-7., 2)]"),
            "[3.5, -4, 1, -1.0]");
  EXPECT_EQ(run("return torch.pow(9, 0.5)"), "3.0");
  EXPECT_EQ(run("return [torch.floor(2.5), torch.ceil(2.1), int(-2.9), float(3), bool(0)]"), "[2, 3, -2, 3.0, False]");
  EXPECT_EQ(
      run("return [ops.prim.min(2, 3), ops.prim.max([4, 9, 2]), torch.__and__(True, False), torch.__xor__(6, 3)]"),
      "[2, 9, False, 5]");
  EXPECT_EQ(run("return (1 + 2 * 3 ** 2 - 8 // 3 % 2, -2 ** 2, 1 < 2, not True, 3 if 0 else 4)"),
            "(19.0, -4.0, True, False, 4)");
}

TEST(Language, IntegersWrapAsInC) {
  EXPECT_EQ(run("return torch.add(9223372036854775807, 1)"), "-9223372036854775808");
  EXPECT_EQ(run("return torch.floordiv(-9223372036854775808, -1)"), "-9223372036854775808");
}

TEST(Language, Lists) {
  EXPECT_EQ(run("a = [1, 2]\n_0 = torch.append(a, 3)\ntorch.insert(a, 0, 9)\nreturn (a, torch.len(a), a[-1], "
                "torch.pop(a, 0))"),
            "([1, 2, 3], 4, 3, 9)");
  EXPECT_EQ(run("a = [5, 1, 3]\ntorch.sort(a)\nb = torch.copy(a)\n_0 = torch._set_item(b, 0, 7)\nreturn a + b"),
            "[1, 3, 5, 7, 3, 5]");
  EXPECT_EQ(run("a = [0, 1, 2, 3, 4]\nreturn (a[1:3], a[-2:], a[::2], a[::-1], torch.slice(a, None, -1))"),
            "([1, 2], [3, 4], [0, 2, 4], [4, 3, 2, 1, 0], [0, 1, 2, 3])");
  EXPECT_EQ(run("a = [1] * 3\nb = [i * i for i in range(5) if i > 2]\nreturn a + b"), "[1, 1, 1, 9, 16]");
  EXPECT_EQ(run("return (sum([1, 2]), 2 in [1, 2], torch.index([4, 5], 5), torch.sorted([2, 1]))"),
            "(3, True, 1, [1, 2])");
}

TEST(Language, ListsAreSharedByReference) {
  EXPECT_EQ(run("a = [1]\nb = a\n_0 = torch.append(b, 2)\nreturn a"), "[1, 2]");
}

TEST(Language, DictsTuplesAndStrings) {
  EXPECT_EQ(run("d = {\"a\": 1}\ntorch._set_item(d, \"b\", 2)\nreturn (torch.keys(d), d[\"b\"], torch.get(d, \"c\", "
                "0), \"a\" in d)"),
            "(['a', 'b'], 2, 0, True)");
  EXPECT_EQ(run("a, (b, c), = (1, (2, 3))\nreturn c - a + b"), "4");
  EXPECT_EQ(run("return torch.format(\"{} of {}{{}}\", 1, [2.5, None])"), "1 of [2.5, None]{}");
  EXPECT_EQ(run("return torch.join(\"-\", torch.split(\"a b c\"))"), "a-b-c");
  EXPECT_EQ(run("return (torch.find(\"hello\", \"l\", 0, -1), \"abc\"[1], torch.upper(\"x\"), str(1.))"),
            "(2, 'b', 'X', '1.0')");
}

TEST(Language, Loops) {
  EXPECT_EQ(run("t = 0\nfor i in range(1, 10, 3):\n  t = t + i\nreturn t"), "12");
  EXPECT_EQ(run("n = 0\nwhile torch.lt(n, 5):\n  n = torch.add(n, 2)\nreturn n"), "6");
  EXPECT_EQ(run("n = 0\nfor i in range(10):\n  if i == 2:\n    continue\n  if i == 5:\n    break\n  n += i\nreturn n"),
            "8");
  EXPECT_EQ(run("o = []\nfor a, b in zip([1, 2], [3, 4]):\n  torch.append(o, a * b)\nfor i, v in enumerate(o):\n  o[i] "
                "= v + i\nreturn o"),
            "[3, 9]");
}

TEST(Language, FunctionsClassesAndNamedTuples) {
  Script script(
      "class M(Module):\n"
      "  def forward(self, x):\n"
      "    c = __torch__.m.Counter.__new__(__torch__.m.Counter)\n"
      "    _0 = (c).__init__(5, )\n"
      "    (c).bump(by=2, )\n"
      "    f = __torch__.other.twice\n"
      "    out = __torch__.m.Out((c).get(), f(3, ))\n"
      "    return (out, out.b, getattr(out, \"a\"))\n"
      "class Counter:\n"
      "  n : int\n"
      "  def __init__(self, n: int) -> NoneType:\n"
      "    self.n = n\n"
      "  def bump(self, by: int=1) -> NoneType:\n"
      "    self.n = torch.add(self.n, by)\n"
      "  def get(self) -> int:\n"
      "    return self.n\n"
      "class Out(NamedTuple):\n"
      "  a : int\n"
      "  b : int\n");
  script.add_file("code/__torch__/other.py", "def twice(n: int) -> int:\n  return torch.mul(n, 2)\n");
  EXPECT_EQ(script.text(), "((7, 6), 6, 7)");
}

TEST(Language, IsinstanceAndNone) {
  EXPECT_EQ(run("return (isinstance(1, int), isinstance([1], List[int]), isinstance(x, Tensor), isinstance(None, int),"
                " isinstance((1, 2.), Tuple[int, float]), isinstance(1, (float, int)))"),
            "(True, True, True, False, True, True)");
  EXPECT_EQ(run("return (torch.__is__(None, None), torch.__isnot__(x, None), annotate(Optional[int], None))"),
            "(True, True, None)");
}

TEST(Modules, AttributesAndEvaluationMode) {
  Script script(
      "class M(Module):\n"
      "  size : Final[int] = 7\n"
      "  def forward(self, x):\n"
      "    if self.training:\n"
      "      r = -1\n"
      "    else:\n"
      "      r = torch.add(self.size, getattr(self, \"0\").k)\n"
      "    return r\n"
      "class Sub(Module):\n"
      "  k : int\n");
  Instance* sub = script.heap().new_instance("__torch__.m.Sub");
  sub->attributes.emplace_back("k", std::int64_t{3});
  script.root()->attributes.emplace_back("training", true);
  script.root()->attributes.emplace_back("0", sub);
  EXPECT_EQ(script.text(), "10");
}

TEST(Modules, NodesKnowTheirModuleAndPlace) {
  Script script(
      "class M(Module):\n"
      "  def forward(self, x):\n"
      "    for m in self.blocks:\n"
      "      x = (m).forward(x, )\n"
      "    return x\n"
      "class Block(Module):\n"
      "  def forward(self, x):\n"
      "    return torch.relu(x)\n");
  Instance* blocks = script.heap().new_instance("__torch__.m.Blocks");
  for (const char* name : {"0", "1"}) {
    blocks->attributes.emplace_back(name, script.heap().new_instance("__torch__.m.Block"));
  }
  script.root()->attributes.emplace_back("blocks", blocks);
  script.run();
  ASSERT_EQ(script.graph().node_count(), 2u);
  const ir::Source& source = script.graph().nodes()[1]->source();
  EXPECT_EQ(source.module, "blocks.1");
  EXPECT_EQ(source.file, "code/__torch__/m.py");
  EXPECT_EQ(source.line, 8);
}

TEST(Modules, StateThatOneCallLeavesToTheNextIsRefused) {
  Script counter("class M(Module):\n  def forward(self, x):\n    self.n = torch.add(self.n, 1)\n    return x\n");
  counter.root()->attributes.emplace_back("n", std::int64_t{0});
  EXPECT_THAT(counter.error<Unsupported>(), AllOf(HasSubstr("attribute n"), HasSubstr("m.py:3")));

  Script buffer("class M(Module):\n  def forward(self, x):\n    _0 = torch.add_(self.b, 1)\n    return self.b\n");
  buffer.root()->attributes.emplace_back("b", tensor::LazyTensor::of(Tensor::zeros(DType::f32, {2})));
  EXPECT_THAT(buffer.error<Unsupported>(), AllOf(HasSubstr("own tensor b"), HasSubstr("m.py:3")));

  Script scratch("class M(Module):\n  def forward(self, x):\n    self.last = torch.relu(x)\n    return self.last\n");
  EXPECT_EQ(scratch.ops(), "relu");
}

TEST(Modules, ManyCallsOfOneTreeDoNotDisturbEachOther) {
  Script script("class M(Module):\n  def forward(self, x):\n    _0 = torch.append(self.l, 1)\n    return self.l\n");
  script.root()->attributes.emplace_back("l", script.heap().new_list());
  EXPECT_EQ(script.text(), "[1]");
  EXPECT_EQ(script.text(), "[1]");
}

TEST(Graph, PlainValuesDisappear) {
  EXPECT_EQ(Script::body("B, C, H, W, = torch.size(x)\n"
                         "y = torch.view(x, [B, C, torch.mul(H, W)])\n"
                         "if torch.gt(H, 2):\n"
                         "  y = torch.relu(y)\n"
                         "else:\n"
                         "  y = torch.sigmoid(y)\n"
                         "return y")
                .ops(),
            "view relu");
}

TEST(Graph, TracedShapeArithmeticDisappears) {
  Script script = Script::body(
      "h = ops.prim.NumToTensor(torch.size(x, 2))\n"
      "a = int(torch.remainder(torch.rsub(torch.remainder(h, 3), 3), 3))\n"
      "b = int(torch.floor_divide(h, CONSTANTS.c0))\n"
      "return torch.pad(x, [0, a, 0, b])");
  const std::int64_t two = 2;
  script.add_constant(Tensor::of<std::int64_t>({}, std::span(&two, 1)));
  EXPECT_EQ(script.ops(), "pad");
  EXPECT_EQ(script.graph().nodes()[0]->integers("pad"), (Dims{0, 2, 0, 2}));
}

TEST(Graph, OverloadsDefaultsAndConversions) {
  Script script = Script::body("return torch.max_pool2d(x, 2)");
  EXPECT_EQ(script.ops(), "max_pool2d");
  EXPECT_EQ(Script::body("return torch.add(x, 1, alpha=2)").ops(), "add");
  EXPECT_EQ(Script::body("return torch.softmax(x, 1, None)").ops(), "softmax");
  EXPECT_EQ(Script::body("a, b, = torch.chunk(x, 2, 2)\nreturn torch.cat([a, b], 1)").ops(), "chunk cat");
}

TEST(Graph, OpsThatDoNothingAreNotRecorded) {
  EXPECT_EQ(Script::body("y = torch.dropout(x, 0.5, False)\ny = torch.detach(torch.contiguous(y))\n"
                         "y = torch.to(y, torch.device(\"cuda:0\"), 6)\nreturn torch.relu(torch.clone(y))")
                .ops(),
            "relu");
}

TEST(InPlace, EveryNameOfATensorSeesTheWrite) {
  EXPECT_THAT(Script::body("a = torch.zeros([3])\nb = a\n_0 = torch.add_(a, 2)\nreturn b").numbers(),
              ElementsAre(2, 2, 2));
  EXPECT_THAT(Script::body("a = torch.zeros([2])\nb = torch.clone(a)\n_0 = torch.add_(a, 2)\nreturn b").numbers(),
              ElementsAre(0, 0));
}

TEST(InPlace, WritesGoThroughViewsBothWays) {
  EXPECT_THAT(Script::body(
                  "a = torch.zeros([2, 3])\n_0 = torch.fill_(torch.slice(torch.select(a, 0, 1), 0, 1, 3), 5)\nreturn a")
                  .numbers(),
              ElementsAre(0, 0, 0, 0, 5, 5));
  EXPECT_THAT(
      Script::body("a = torch.zeros([2, 2])\nv = torch.select(a, 1, 0)\n_0 = torch.add_(a, 3)\nreturn v").numbers(),
      ElementsAre(3, 3));
  EXPECT_THAT(Script::body("a = torch.zeros([2, 2])\nu = torch.select(a, 0, 0)\nv = torch.select(a, 1, 1)\n"
                           "_0 = torch.copy_(u, torch.tensor([1., 2.]))\nreturn v")
                  .numbers(),
              ElementsAre(2, 0));
  EXPECT_THAT(
      Script::body(
          "a = torch.zeros([2, 3])\nt = torch.permute(a, [1, 0])\n_0 = torch.fill_(torch.select(t, 0, 2), 1)\nreturn a")
          .numbers(),
      ElementsAre(0, 0, 1, 0, 0, 1));
  EXPECT_THAT(
      Script::body("a = torch.zeros([4])\n_0 = torch.fill_(torch.select(torch.view(a, [2, 2]), 0, 1), 1)\nreturn a")
          .numbers(),
      ElementsAre(0, 0, 1, 1));
  EXPECT_THAT(
      Script::body(
          "a = torch.zeros([4])\np, q, = torch.split(a, 2)\n_0 = torch.fill_(q, 1)\n_1 = torch.add_(p, 2)\nreturn a")
          .numbers(),
      ElementsAre(2, 2, 1, 1));
  EXPECT_THAT(
      Script::body("a = torch.zeros([2])\n_0 = torch.unsqueeze_(a, 0)\n_1 = torch.fill_(a, 4)\nreturn a").numbers(),
      ElementsAre(4, 4));
}

TEST(InPlace, TheResultKeepsTheTensorsDtype) {
  Script script = Script::body("a = torch.ones([2], dtype=4)\n_0 = torch.mul_(a, 2.6)\nreturn a");
  EXPECT_THAT(script.numbers(), ElementsAre(2, 2));
}

TEST(InPlace, WhatMayOrMayNotShareMemoryIsNeverRead) {
  const std::string write = "y = torch.reshape(torch.permute(x, [0, 2, 3, 1]), [1, 48])\n_0 = torch.relu_(y)\n";
  EXPECT_EQ(Script::body(write + "return y").ops(), "permute reshape relu");
  EXPECT_THAT(Script::body(write + "return torch.add(x, 1)").error<Unsupported>(),
              AllOf(HasSubstr("may have changed"), HasSubstr("m.py:4")));
  // A reshape that only adds or drops ones is a view for sure.
  EXPECT_THAT(Script::body("a = torch.zeros([2])\n_0 = torch.fill_(torch.reshape(a, [1, 2]), 3)\nreturn a").numbers(),
              ElementsAre(3, 3));
}

TEST(InPlace, AWriteThroughAnExpandedTensorIsRefused) {
  EXPECT_THAT(Script::body("a = torch.zeros([1, 2])\n_0 = torch.fill_(torch.expand(a, [3, 2]), 1)\nreturn a")
                  .error<Unsupported>(),
              HasSubstr("aten::expand"));
}

TEST(Unsupported, EveryMissingOpIsReportedWithItsPlace) {
  Script script(
      "class M(Module):\n"
      "  def forward(self, x):\n"
      "    a = torch.frobnicate(x, 3)\n"
      "    if torch.gt(torch.sum(a), 0):\n"
      "      b = ops.torchvision.nms(a, x)\n"
      "    else:\n"
      "      b = torch.relu(a)\n"
      "    if self.training:\n"
      "      b = torch.only_when_training(b)\n"
      "    for i in range(torch.size(b, 0)):\n"
      "      b = torch.wibble_(b)\n"
      "    c = torch.frobnicate(x, 4)\n"
      "    return c\n");
  script.root()->attributes.emplace_back("training", true);
  std::vector<std::string> found;
  try {
    script.run();
  } catch (const wherry::Unsupported& error) {
    for (const auto& item : error.items()) found.push_back(item.op + " " + item.where);
    EXPECT_THAT(error.what(), HasSubstr("aten::frobnicate (code/__torch__/m.py:3)"));
  }
  const std::string file = " code/__torch__/m.py:";
  EXPECT_THAT(found, ElementsAre("aten::frobnicate" + file + "3", "torchvision::nms" + file + "5",
                                 "aten::wibble_" + file + "11", "aten::frobnicate" + file + "12"));
}

TEST(Unsupported, ControlFlowOnValuesNamesThePlace) {
  EXPECT_THAT(Script::body("if torch.gt(torch.sum(x), 0):\n  y = torch.relu(x)\nelse:\n  y = x\nreturn y")
                  .error<wherry::Unsupported>(),
              AllOf(HasSubstr("control flow"), HasSubstr("m.py:3")));
  EXPECT_THAT(Script::body("n = int(torch.sum(x))\nreturn torch.mul(x, n)").error<wherry::Unsupported>(),
              AllOf(HasSubstr("number read from a tensor"), HasSubstr("m.py:3")));
  EXPECT_EQ(Script::body(
                "m = torch.zeros([9, 9])\nif torch.all(torch.eq(m, 0)):\n  y = torch.relu(x)\nelse:\n  y = x\nreturn y")
                .ops(),
            "relu");
}

TEST(Errors, TheModelsOwnRefusalIsAnInvalidInput) {
  EXPECT_THAT(Script::body("if torch.ne(torch.dim(x), 3):\n  ops.prim.RaiseException(torch.format(\"want 3D, got "
                           "{}D\", torch.dim(x)), \"E\")\n"
                           "else:\n  pass\nreturn x")
                  .error<InvalidInput>(),
              AllOf(HasSubstr("want 3D, got 4D"), HasSubstr("m.py:4")));
  EXPECT_THAT(Script::body("assert torch.size(x, 1) == 4, \"four channels\"\nreturn x").error<InvalidInput>(),
              HasSubstr("four channels"));
  EXPECT_THAT(Script::body("return torch.matmul(x, torch.zeros([5, 5]))").error<InvalidInput>(),
              AllOf(HasSubstr("matmul"), HasSubstr("m.py:3")));
}

TEST(Errors, DamagedCodeIsAnInvalidModel) {
  EXPECT_THAT(Script::body("return y").error<InvalidModel>(), AllOf(HasSubstr("m.py:3"), HasSubstr("y")));
  EXPECT_THAT(Script::body("if torch.size(x, 0) == 9:\n  y = x\nreturn y").error<InvalidModel>(),
              HasSubstr("before it has a value"));
  EXPECT_THAT(Script::body("return __torch__.nowhere.f(x)").error<InvalidModel>(), HasSubstr("__torch__.nowhere.f"));
  EXPECT_THAT(Script::body("return self.weight").error<InvalidModel>(), HasSubstr("no attribute weight"));
  EXPECT_THAT(Script::body("a, b, = (1, 2, 3)\nreturn x").error<InvalidModel>(),
              HasSubstr("3 values are assigned to 2 names"));
  EXPECT_THAT(Script::body("return [1][5]").error<InvalidModel>(), HasSubstr("index 5 of 1"));
  EXPECT_THAT(Script::body("return torch.floordiv(1, 0)").error<InvalidModel>(), HasSubstr("zero"));
  EXPECT_THAT(Script::body("return CONSTANTS.c3").error<InvalidModel>(), HasSubstr("has 0 constants"));
  EXPECT_THAT(Script("class N(Module):\n  pass\n").error<InvalidModel>(), HasSubstr("class __torch__.m.M"));
  EXPECT_THAT(Script("class M(Module):\n  def forward(self, a, b, c):\n    return a\n").error<InvalidModel>(),
              HasSubstr("argument b"));
}

TEST(Bounds, EndlessAndHugeProgramsEnd) {
  EXPECT_THAT(Script::body("while True:\n  pass\nreturn x").error<InvalidModel>(), HasSubstr("steps"));
  EXPECT_THAT(Script::body("a = [1] * 1000000000000\nreturn x").error<InvalidModel>(), HasSubstr("steps"));
  EXPECT_THAT(Script::body("a = [1]\nfor i in range(60):\n  a = a + a\nreturn x").error<InvalidModel>(),
              HasSubstr("steps"));
  EXPECT_THAT(Script::body("s = \"x\" * 1000000000000\nreturn x").error<InvalidModel>(), HasSubstr("steps"));
  EXPECT_THAT(Script::body("return range(9223372036854775807)").error<InvalidModel>(), HasSubstr("steps"));
  EXPECT_THAT(
      Script("class M(Module):\n  def forward(self, x):\n    return (self).forward(x, )\n").error<InvalidModel>(),
      HasSubstr("deeply"));
  EXPECT_THAT(
      Script::body("a = []\ntorch.append(a, a)\nreturn torch.eq(a, [[1]]) + torch.eq(a, a)").error<InvalidModel>(),
      HasSubstr("deep"));
  EXPECT_THAT(Script::body("a = [0]\nb = [0]\nfor i in range(60):\n  a = [a, a]\n  b = [b, b]\nreturn torch.eq(a, b)")
                  .error<InvalidModel>(),
              HasSubstr("comparison"));
  EXPECT_THAT(Script::body("y = x\nfor i in range(70):\n  y = torch.unsqueeze(y, 0)\nreturn y").error<InvalidInput>(),
              HasSubstr("64"));
}

}  // namespace
}  // namespace wherry::import::torchscript
