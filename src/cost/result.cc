// Everything a later sum relies on is checked here, once.

#include "cost/result.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/read_json.h"

namespace wherry::cost {
namespace {

using base::fail;
using Json = nlohmann::json;

constexpr std::string_view kWriters = "`wherry bench --json FILE` writes such a file";

/// One object of a file, with its name for messages.
class Fields {
 public:
  Fields(const Json& object, std::string name) : object_(object), name_(std::move(name)) {}

  const std::string& name() const { return name_; }

  const Json* find(const char* key) const {
    const auto found = object_.find(key);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }

  /// Empty where it is absent or null.
  std::string text(const char* key) const {
    const Json* value = find(key);
    if (value == nullptr) return "";
    if (!value->is_string()) wrong(key, *value, "a string");
    return value->get<std::string>();
  }

  std::string wanted_text(const char* key) const {
    std::string value = text(key);
    if (value.empty()) fail<InvalidInput>("{}: has no \"{}\"; a string is expected", name_, key);
    return value;
  }

  std::optional<double> positive(const char* key) const {
    const Json* value = find(key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_number()) wrong(key, *value, "a number above 0");
    const auto number = value->get<double>();
    if (!std::isfinite(number) || number <= 0) wrong(key, *value, "a number above 0");
    return number;
  }

  double wanted_positive(const char* key) const {
    const auto value = positive(key);
    if (!value) fail<InvalidInput>("{}: has no \"{}\"; a number above 0 is expected", name_, key);
    return *value;
  }

  std::optional<std::int64_t> count(const char* key) const {
    const auto value = positive(key);
    if (!value) return std::nullopt;
    if (*value > 9e15 || std::floor(*value) != *value) wrong(key, object_[key], "a whole number above 0");
    return static_cast<std::int64_t>(*value);
  }

  std::optional<Fields> object(const char* key) const {
    const Json* value = find(key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_object()) wrong(key, *value, "an object");
    return Fields(*value, name_ + ": " + key);
  }

 private:
  [[noreturn]] void wrong(const char* key, const Json& found, std::string_view accepted) const {
    std::string text = found.dump(-1, ' ', false, Json::error_handler_t::replace);
    if (text.size() > 40) text = fmt::format("a JSON {}", found.type_name());
    fail<InvalidInput>("{}: \"{}\" is {}; {} is expected", name_, key, text, accepted);
  }

  const Json& object_;
  std::string name_;
};

void check_schema(const Fields& fields) {
  const std::string schema = fields.text("schema");
  if (schema == kResultSchema) return;
  if (schema.empty())
    fail<InvalidInput>("{}: has no \"schema\"; a result of schema {} is expected: {}", fields.name(), kResultSchema,
                       kWriters);
  fail<InvalidInput>("{}: is of schema '{}'; this wherry reads {}", fields.name(), schema, kResultSchema);
}

Basis basis_of(const Fields& fields) {
  const std::string name = fields.wanted_text("basis");
  for (const Basis basis : {Basis::measured, Basis::modelled, Basis::supplied})
    if (name == name_of(basis)) return basis;
  fail<InvalidInput>("{}: \"basis\" is '{}'; measured, modelled or supplied is expected", fields.name(), name);
}

Result read(const Json& object, const std::string& name) {
  if (!object.is_object())
    fail<InvalidInput>("{}: is a JSON {}; an object, or a list of objects, is expected: {}", name, object.type_name(),
                       kWriters);
  const Fields fields(object, name);
  check_schema(fields);
  Result result;
  result.source = name;
  result.model = fields.wanted_text("name");
  const auto batch = fields.count("batch");
  if (!batch) fail<InvalidInput>("{}: has no \"batch\"; a whole number above 0 is expected", name);
  result.batch = *batch;
  result.sequence = fields.count("sequence");
  const auto engine = fields.object("engine");
  if (!engine) fail<InvalidInput>("{}: has no \"engine\"; an object of name and version is expected", name);
  result.engine = engine->wanted_text("name");
  result.engine_version = engine->text("version");
  result.engine_mode = engine->text("mode");
  result.precision = fields.wanted_text("precision");
  result.threads = fields.count("threads");
  result.isa = fields.text("isa");
  result.instance = fields.text("instance");
  if (!result.instance.empty())
    result.instance_basis = fields.text("instance_basis") == "detected" ? "detected" : "supplied";
  if (const auto machine = fields.object("machine"))
    result.machine = {machine->text("cpu"), machine->count("cores"), machine->text("isa"),
                      machine->count("memory_bytes"), machine->positive("clock_mhz")};
  result.basis = basis_of(fields);
  result.date = fields.text("date");
  result.throughput_per_s = fields.wanted_positive("throughput_per_s");
  result.p90_ms = fields.wanted_positive("p90_ms");
  return result;
}

}  // namespace

std::string_view name_of(Basis basis) {
  switch (basis) {
    case Basis::measured: return "measured";
    case Basis::modelled: return "modelled";
    case Basis::supplied: return "supplied";
  }
  return "";
}

std::string Result::work() const {
  std::string text = fmt::format("{}, batch {}", model, batch);
  if (sequence) text += fmt::format(", {} token{}", *sequence, *sequence == 1 ? "" : "s");
  return text;
}

std::string Result::engine_name() const {
  std::string text = engine;
  for (const std::string* more : {&engine_version, &engine_mode})
    if (!more->empty()) text += " " + *more;
  return text;
}

std::vector<Result> parse_results(std::string_view text, const std::string& name) {
  const Json parsed = base::read_json<InvalidInput>(
      text, name, fmt::format("a result of schema {} is expected: {}", kResultSchema, kWriters));
  std::vector<Result> results;
  if (!parsed.is_array()) {
    results.push_back(read(parsed, name));
    return results;
  }
  for (const Json& one : parsed) results.push_back(read(one, fmt::format("{}[{}]", name, results.size())));
  if (results.empty())
    fail<InvalidInput>("{}: is an empty list; at least one result of schema {} is expected", name, kResultSchema);
  return results;
}

}  // namespace wherry::cost
