// Lexer and parser on what PyTorch prints, and on what nobody should.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "import/torchscript/lexer.h"
#include "import/torchscript/operations.h"
#include "import/torchscript/parser.h"
#include "wherry/error.h"

namespace wherry::import::torchscript {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> spellings(std::string_view source) {
  std::vector<std::string> result;
  for (const Token& token : tokenize(source, "f.py")) {
    switch (token.kind) {
      case TokenKind::newline: result.emplace_back("NEWLINE"); break;
      case TokenKind::indent: result.emplace_back("INDENT"); break;
      case TokenKind::dedent: result.emplace_back("DEDENT"); break;
      case TokenKind::end: break;
      default: result.emplace_back(token.spelling);
    }
  }
  return result;
}

std::string lexer_error(std::string_view source) {
  try {
    tokenize(source, "f.py");
  } catch (const InvalidModel& error) {
    return error.what();
  }
  return "";
}

std::unique_ptr<CodeUnit> parse_text(std::string source) {
  static OperationTable operations;
  return parse("f.py", std::move(source), operations);
}

std::string parser_error(std::string source) {
  try {
    parse_text(std::move(source));
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Lexer, IndentationBecomesTokens) {
  EXPECT_THAT(spellings("if a:\n  b\nelse:\n    c\n"),
              ElementsAre("if", "a", ":", "NEWLINE", "INDENT", "b", "NEWLINE", "DEDENT", "else", ":", "NEWLINE",
                          "INDENT", "c", "NEWLINE", "DEDENT"));
}

TEST(Lexer, BlankLinesCommentsAndBracketsCarryNoIndentation) {
  EXPECT_THAT(spellings("f(a,\n     # why\n        b)\n\n   # nothing\nc"),
              ElementsAre("f", "(", "a", ",", "b", ")", "NEWLINE", "c", "NEWLINE"));
}

TEST(Lexer, ClosesEveryBlockAtTheEnd) {
  EXPECT_THAT(spellings("a:\n b:\n  c"), ElementsAre("a", ":", "NEWLINE", "INDENT", "b", ":", "NEWLINE", "INDENT", "c",
                                                     "NEWLINE", "DEDENT", "DEDENT"));
}

TEST(Lexer, Numbers) {
  const auto tokens = tokenize("9223372036854775807 0.10000000000000001 1. 1e-05 .5 1e999", "f.py");
  EXPECT_EQ(tokens[0].integer, INT64_MAX);
  EXPECT_EQ(tokens[1].number, 0.1);
  EXPECT_EQ(tokens[2].number, 1.0);
  EXPECT_EQ(tokens[3].number, 1e-5);
  EXPECT_EQ(tokens[4].number, 0.5);
  EXPECT_TRUE(std::isinf(tokens[5].number));
}

TEST(Lexer, StringsKeepTheirBytes) {
  EXPECT_EQ(tokenize(R"("a\n\t\\\"\101\x42'")", "f.py")[0].text, "a\n\t\\\"AB'");
  EXPECT_EQ(tokenize("'it is'", "f.py")[0].text, "it is");
}

TEST(Lexer, SaysWhereItStopped) {
  EXPECT_THAT(lexer_error("a\nb = \"open\nc"), AllOf(HasSubstr("f.py:2"), HasSubstr("never closed")));
  EXPECT_THAT(lexer_error("a\n\nf(b"), HasSubstr("\"(\" is never closed"));
  EXPECT_THAT(lexer_error("a]"), HasSubstr("closes nothing"));
  EXPECT_THAT(lexer_error("if a:\n    b\n  c"), AllOf(HasSubstr("f.py:3"), HasSubstr("indentation")));
  EXPECT_THAT(lexer_error("a = 99999999999999999999"), HasSubstr("64-bit"));
  EXPECT_THAT(lexer_error("a = $"), HasSubstr("0x24"));
  EXPECT_THAT(lexer_error(std::string(300, '(')), HasSubstr("deep"));
}

TEST(Parser, ReadsAClassAsPyTorchPrintsIt) {
  const auto unit = parse_text(
      "class Conv2d(Module):\n"
      "  __parameters__ = [\"weight\", \"bias\", ]\n"
      "  __buffers__ = []\n"
      "  weight : Tensor\n"
      "  bias : Optional[Tensor]\n"
      "  __annotations__[\"0\"] = __torch__.torch.nn.modules.activation.ReLU\n"
      "  stride : Final[Tuple[int, int]] = (2, 2)\n"
      "  def forward(self: __torch__.Conv2d,\n"
      "    input: Tensor,\n"
      "    size: int=-1) -> Tensor:\n"
      "    return torch.conv2d(input, self.weight, self.bias, [2, 2])\n"
      "class Out(NamedTuple):\n"
      "  a : Tensor\n"
      "  b : Optional[Tensor]\n"
      "def free(x: Tensor) -> Tensor:\n"
      "  return x\n");
  const ClassDef* conv = unit->find_class("Conv2d");
  ASSERT_NE(conv, nullptr);
  EXPECT_EQ(conv->kind, ClassKind::module);
  EXPECT_THAT(conv->parameters, ElementsAre("weight", "bias"));
  ASSERT_NE(conv->find_field("0"), nullptr);
  EXPECT_EQ(type_text(*conv->find_field("0")->type), "__torch__.torch.nn.modules.activation.ReLU");
  EXPECT_EQ(type_text(*conv->find_field("stride")->type), "Final[Tuple[int, int]]");
  const FunctionDef* forward = conv->find_method("forward");
  ASSERT_NE(forward, nullptr);
  ASSERT_EQ(forward->parameters.size(), 3u);
  EXPECT_EQ(forward->parameters[1].name, "input");
  EXPECT_EQ(forward->parameters[2].fallback->integer, -1);
  EXPECT_EQ(unit->find_class("Out")->kind, ClassKind::named_tuple);
  EXPECT_EQ(unit->find_class("Out")->fields.size(), 2u);
  EXPECT_TRUE(unit->functions.contains("free"));
}

TEST(Parser, LocalsGetSlotsAndOperatorsAreResolved) {
  const auto unit = parse_text("def f(a, b):\n  c = torch.add(a, b)\n  return c\n");
  const FunctionDef& f = *unit->functions.at("f");
  EXPECT_THAT(f.locals, ElementsAre("a", "b", "c"));
  const Expr& call = *f.body[0]->value;
  EXPECT_EQ(call.children[0]->kind, ExprKind::operation);
  EXPECT_EQ(call.children[0]->operation->name, "aten::add");
  EXPECT_FALSE(call.children[0]->operation->schemas.empty());
  EXPECT_EQ(call.children[2]->kind, ExprKind::local);
  EXPECT_EQ(call.children[2]->slot, 1);
}

TEST(Parser, SaysWhatItFoundAndWhatItWanted) {
  EXPECT_THAT(parser_error("def f(a:\n  b\n"), HasSubstr("f.py"));
  EXPECT_THAT(parser_error("def f(a)\n  pass\n"), AllOf(HasSubstr("f.py:1"), HasSubstr("expected \":\"")));
  EXPECT_THAT(parser_error("class A:\n  def f(self):\n    x = \n"),
              AllOf(HasSubstr("f.py:3"), HasSubstr("an expression")));
  EXPECT_THAT(parser_error("def f(a):\n  1 = a\n"), HasSubstr("cannot assign"));
  EXPECT_THAT(parser_error("def f(a, a):\n  pass\n"), HasSubstr("stands twice"));
  EXPECT_THAT(parser_error("def f(*a):\n  pass\n"), HasSubstr("variable number"));
  EXPECT_THAT(parser_error("def f(a):\n  return CONSTANTS.x\n"), HasSubstr("CONSTANTS.x"));
  EXPECT_THAT(parser_error("x = 1\n"), HasSubstr("a class or a function"));
}

TEST(Parser, HostileNestingIsRefused) {
  std::string chain = "def f(a):\n  return a";
  for (int i = 0; i < 10000; ++i) chain += ".b";
  EXPECT_THAT(parser_error(chain + "\n"), HasSubstr("deep"));
  std::string sum = "def f(a):\n  return a";
  for (int i = 0; i < 10000; ++i) sum += " + a";
  EXPECT_THAT(parser_error(sum + "\n"), HasSubstr("deep"));
  std::string nots = "def f(a):\n  return ";
  for (int i = 0; i < 100000; ++i) nots += "not ";
  EXPECT_THAT(parser_error(nots + "a\n"), HasSubstr("deep"));
  std::string minuses = "def f(a):\n  return " + std::string(100000, '-') + "a\n";
  EXPECT_THAT(parser_error(minuses), HasSubstr("deep"));
  std::string blocks = "def f(a):\n";
  for (int i = 1; i < 150; ++i) blocks += std::string(static_cast<std::size_t>(i), ' ') + "if a:\n";
  EXPECT_THAT(parser_error(blocks), HasSubstr("deep"));
}

}  // namespace
}  // namespace wherry::import::torchscript
