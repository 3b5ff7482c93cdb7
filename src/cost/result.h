#pragma once
// Result files: what one engine did with one model on one machine, in the JSON that `wherry bench --json` writes and
// others may write too. docs/cost.md has the keys.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wherry::cost {

/// What `"schema"` says in files of this form. Keys may be added; one that changes its meaning makes a new number.
inline constexpr std::string_view kResultSchema = "wherry.result/1";

/// Where figures come from: they were measured there, computed by a model of the machine, or given by somebody.
enum class Basis : std::uint8_t { measured, modelled, supplied };
std::string_view name_of(Basis basis);

/// Where it ran; what a file does not say is empty.
struct Machine {
  std::string cpu;
  std::optional<std::int64_t> cores;
  std::string isa;
  std::optional<std::int64_t> memory_bytes;
  std::optional<double> clock_mhz;
};

/// One inference is one element of a batch.
struct Result {
  std::string source;  ///< the file, and the place in its list: "all.json[2]"
  std::string model;
  std::int64_t batch = 1;
  std::optional<std::int64_t> sequence;  ///< tokens of a text
  std::string engine;
  std::string engine_version;
  std::string engine_mode;  ///< "torch.compile"; most engines have no such word
  std::string precision;
  std::optional<std::int64_t> threads;  ///< of one inference
  std::string isa;                      ///< that the engine used
  std::string instance;                 ///< "c7g.4xlarge"; empty where nobody said
  std::string instance_basis;           ///< "detected" on the machine or "supplied"
  Machine machine;
  Basis basis = Basis::measured;
  std::string date;  ///< "2026-11-27T09:30:00Z", as the file has it
  double throughput_per_s = 0;
  double p90_ms = 0;

  /// "resnet50, batch 1" or "bert, batch 8, 128 tokens": only results of the same work are compared.
  std::string work() const;
  /// "PyTorch 2.15.0 torch.compile"
  std::string engine_name() const;
};

/// The results in a file's text, which holds one, or a list of them; `name` begins messages. Throws InvalidInput for
/// what is no such file, another schema, and figures that cannot be.
std::vector<Result> parse_results(std::string_view text, const std::string& name);

}  // namespace wherry::cost
