#pragma once
// The engine's public face: load a model file, describe it, run it. One loaded model may be run by several threads
// at once. Every failure is an exception of wherry/error.h.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wherry/tensor.h"

namespace wherry {

/// In what a model's matrix products and convolutions multiply. Sums are fp32 either way, and the model file is never
/// changed.
enum class Precision : std::uint8_t {
  /// What DNNL_DEFAULT_FPMATH_MODE or ONEDNN_DEFAULT_FPMATH_MODE says: BF16 and ANY for bf16, anything else for fp32.
  /// Where neither is set: bf16 if the file MODEL.precision lies beside the model, but for the modules that it keeps in
  /// fp32; else fp32.
  automatic,
  fp32,
  /// bf16 multiplication, activations kept in bf16 between steps. On a CPU without bf16 instructions fp32 runs, and
  /// PlanInfo::precision_note says so.
  bf16,
};

/// "auto", "fp32", "bf16".
std::string_view name_of(Precision precision);
/// The inverse of name_of; empty for any other word.
std::optional<Precision> precision_from_name(std::string_view name);

class Engine;
class ProfileSink;  // wherry/profile.h

struct Options {
  /// Threads of one inference; 0 means as many as the container, the affinity mask and OMP_NUM_THREADS allow.
  int threads = 0;
  /// Architecture of a bare state dict, by torchvision's name: "resnet50", "mobilenet_v2", … Of a Hugging Face folder,
  /// transformers' class to read it as, where that is not what config.json names. Unused for TorchScript.
  std::string arch;
  Precision precision = Precision::automatic;
  /// Where bf16 runs: modules, by their path, whose products are fp32 all the same. `wherry compare-precision` finds
  /// them and leaves them beside the model, where Precision::automatic looks.
  std::vector<std::string> keep_fp32 = {};
  /// Instruction set by name: "scalar", "avx2", "avx512", "avx512_bf16", "amx"; empty for what WHERRY_FORCE_ISA says,
  /// else the machine's best.
  std::string isa;
  /// What the model shares with others (wherry/engine.h); null for the engine of the process.
  std::shared_ptr<Engine> engine;
  /// File of what `wherry tune` measured; "" for none. Without one: WHERRY_TUNING (empty for none), else
  /// wherry/tuning.txt in $XDG_CACHE_HOME or ~/.cache.
  std::optional<std::string> tuning;
  /// Whether convolutions may use Winograd's algorithm in fp32 where it is faster (for bf16 images too, on CPUs without
  /// tiles): fewer multiplications, more rounding than in fp32 else (README says how much). Off where the environment
  /// variable WHERRY_WINOGRAD is 0.
  bool winograd = true;
  /// Whether linear layers and 1×1 convolutions in fp32 may use Strassen's algorithm where it is faster: an eighth
  /// fewer multiplications, more rounding (README says how much), weights 1.75 times as large. Off where the
  /// environment variable WHERRY_STRASSEN is 0.
  bool strassen = true;
  /// Whether fp32 products by constant weights run on AMX, where the instruction set is "amx" and they are large
  /// enough: each number as the sum of three bf16 ones, six of whose nine products are summed, so that results round
  /// about as fp32's do. Weights then take half as much memory again. Absent: as the environment variable
  /// WHERRY_FP32_PARTS says (0 or 1), else linear layers do and convolutions do not.
  std::optional<bool> fp32_in_parts;
  /// Takes the spans of loading, importing, optimising, planning and packing, and of every inference. Null for none,
  /// which costs nothing.
  std::shared_ptr<ProfileSink> sink;
};

/// One input or output of a model. Sizes are empty where the file does not fix them.
struct TensorInfo {
  std::string name;
  std::optional<DType> dtype;
  std::optional<Dims> sizes;
  /// Integers in it are 0 to values - 1, rows of some table; empty where the file does not say.
  std::optional<std::int64_t> values = {};
  /// An input that may be left out then counts as full of this number, in the first input's sizes. Empty where it may
  /// not.
  std::optional<std::int64_t> fallback = {};
  /// Whether it is an input that only asks for something special, as positions do: it comes last, may be left out, and
  /// nothing stands for it then.
  bool optional = false;

  bool may_be_left_out() const { return optional || fallback.has_value(); }
};

struct ModelInfo {
  std::string format;  ///< "TorchScript" or "state dict (resnet50)"
  std::vector<TensorInfo> inputs;
  std::int64_t parameter_count = 0;
  std::int64_t parameter_bytes = 0;
  std::string precision;       ///< in what products multiply: "fp32" or "bf16"
  std::string precision_note;  ///< why that is not what was asked for; empty where it is
  std::string tuning_note;     ///< why a tuning file that exists is not used; empty otherwise
};

/// A module of the model: its path in the module tree ("layer1.0.conv1", empty for the model itself) and its class
/// ("Conv2d", empty where the file does not say).
struct ModuleInfo {
  std::string path;
  std::string type;
};

/// An op of the model as it was imported.
struct OriginInfo {
  std::string op;      ///< "aten::batch_norm"
  std::string module;  ///< "layer1.0.bn1"
  std::string source;  ///< where in the model's own code: "torchvision/models/resnet.py:94"
};

/// A function of the model's own code, and the line where it called the one before it in the list.
struct CallInfo {
  std::string function;  ///< "forward"
  std::string file;
  int line = 0;
};

/// One step of a plan, as `wherry inspect` lists it.
struct StepInfo {
  std::string op;         ///< core op: "convolution", "matmul", …
  std::string kernel;     ///< the kernel that really runs: "f32_6x64_avx512"
  std::string precision;  ///< the precision that really runs: "fp32"
  std::string shape;      ///< "[1, 64, 56, 56] x [64, 64, 3, 3] -> [1, 64, 56, 56]"
  std::string source;     ///< where in the model's own code it comes from
  std::int64_t weight_bytes = 0;
  std::int64_t output_bytes = 0;
  std::int64_t workspace_bytes = 0;
  std::int64_t flops = 0;           ///< 2 × multiply-adds
  double runs = 1;                  ///< in one inference: more where its batch runs in slices; all above is of one
  std::int64_t input_bytes = 0;     ///< of what it reads and no weight is
  std::vector<ModuleInfo> modules;  ///< that its main op is in, the model itself first
  std::vector<OriginInfo> origins;  ///< all whose work it does, its main op first
  std::vector<CallInfo> calls;      ///< that led to its main op, innermost first; empty where the file has no code
};

/// Everything `wherry inspect` shows for one set of input shapes.
struct PlanInfo {
  std::string graph;            ///< as imported, ATen ops, one node a line
  std::string optimized;        ///< after the passes, core ops
  std::vector<StepInfo> steps;  ///< of one slice where there are slices
  /// A batch whose elements do not depend on each other may run as slices of `slice_size` elements, the last one of
  /// `rest_size` where that is not 0, each by one thread from the first step to the last, of which those that have
  /// many activations and few weights may take fewer elements at a time (StepInfo::runs). 1, and sizes 0, where all
  /// threads share every step.
  std::int64_t slices = 1;
  std::int64_t slice_size = 0;
  std::int64_t rest_size = 0;
  std::vector<TensorInfo> inputs;
  std::vector<TensorInfo> outputs;
  std::int64_t arena_bytes = 0;
  std::int64_t packed_weight_bytes = 0;
  int threads = 0;
  int tuned_steps = 0;  ///< whose blocking `wherry tune` measured
  std::string isa;
  std::string precision;       ///< what runs: "fp32" or "bf16"
  std::string precision_note;  ///< why it is not what was asked for; empty where it is
};

/// What a layer of a model computed: a convolution or matrix product with all that was fused into it, or attention.
struct LayerOutput {
  std::string module;     ///< path of the module: "layer1.0.conv1"
  std::string op;         ///< core op: "convolution", "matmul", "attention"
  std::string precision;  ///< in what it multiplied: "fp32", "bf16"
  Tensor value;           ///< as float32, row-major
};

/// The cache of primitives (a kernel chosen for a shape, with its blocking), shared by all models of an engine.
struct CacheInfo {
  std::int64_t hits = 0;
  std::int64_t misses = 0;
  std::int64_t evictions = 0;
  std::int64_t entries = 0;
  std::int64_t bytes = 0;  ///< estimated
};

struct CompiledInfo;  // wherry/compiled.h

class Model {
 public:
  /// Reads `path` (TorchScript archive, a state dict with Options::arch, a Hugging Face folder, or a compiled model). A
  /// compiled model runs in the precision it was compiled for unless Options::precision says otherwise; throws
  /// InvalidInput where that or the instruction set is not the one it was compiled for.
  static Model load(const std::string& path, const Options& options = {});

  /// One of architectures() with random weights, the same ones for the same seed: what a model costs before its weights
  /// are at hand. Its answers have an ordinary size and no meaning. Options::arch is not used.
  static Model random(const std::string& arch, const Options& options = {}, std::uint64_t seed = 1337);

  /// What Options::arch and `random` accept, by torchvision's names.
  static std::vector<std::string> architectures();

  Model(Model&&) noexcept;
  Model& operator=(Model&&) noexcept;
  ~Model();

  ModelInfo describe() const;

  /// Imports, optimises and plans for inputs of these types. Plans are kept, so a later run of the same shape starts at
  /// once.
  PlanInfo inspect(std::span<const Tensor> inputs) const;

  /// One inference. Inputs in the model's order, those that may be left out undefined or, at the end, missing; outputs
  /// flattened in the model's order (tuples and dicts opened up, None left out). Safe to call from several threads.
  std::vector<Tensor> run(std::span<const Tensor> inputs) const;

  /// The same with its spans for `sink`, beside what Options::sink gets.
  std::vector<Tensor> run(std::span<const Tensor> inputs, ProfileSink& sink) const;

  /// One inference for what every layer computed, in order; the model's own outputs go to `outputs` (may be null). The
  /// plan is made anew, since values that are asked for cannot share memory.
  std::vector<LayerOutput> layer_outputs(std::span<const Tensor> inputs, std::vector<Tensor>* outputs = nullptr) const;

  /// Of the engine's cache of primitives, which other models may share.
  CacheInfo cache_info() const;

  /// Names of the outputs of `run`, for the same inputs: the dict's or named tuple's keys, else "output" or "output_0",
  /// …
  std::vector<std::string> output_names(std::span<const Tensor> inputs) const;

  /// Writes the model to `path` with its weights packed for this instruction set and precision, for each of these sets
  /// of inputs (only their types matter); other shapes work too. The file is mapped when loaded: nothing is packed, and
  /// processes share its pages. `portable` keeps the weights unpacked as well, so other machines can pack them again.
  /// Throws InvalidInput where `path` cannot be written, or this model is a compiled one.
  CompiledInfo compile(const std::string& path, std::span<const std::vector<Tensor>> inputs,
                       bool portable = false) const;

  /// What a compiled model's file holds; empty for other models.
  std::optional<CompiledInfo> compiled() const;

  /// Reads all of a compiled model's file and compares every checksum; loading compares those of everything but the
  /// weights. Does nothing for other models. Throws InvalidModel naming the part that is damaged.
  void verify() const;

  struct Impl;
  Impl& impl() const { return *impl_; }

 private:
  explicit Model(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wherry
