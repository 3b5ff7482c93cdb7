#pragma once
// What the IR knows of each op: its schema, the types of its outputs, and (for cheap index and mask arithmetic) its
// value.

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph.h"

namespace wherry::ir {

enum class ArgumentKind : std::uint8_t {
  tensor,        ///< Tensor
  tensor_list,   ///< Tensor[] or Tensor?[]
  boolean,       ///< bool
  integer,       ///< int, SymInt
  number,        ///< float
  scalar,        ///< Scalar: int, float or bool, kept as what it is
  integer_list,  ///< int[] ; `list_size` n means a lone int stands for n of them
  number_list,   ///< float[]
  boolean_list,  ///< bool[n]
  text,          ///< str
  dtype,         ///< ScalarType
  ignored,       ///< Layout, Device, MemoryFormat, Generator, pin_memory: accepted, not recorded
};

struct Argument {
  std::string name;
  ArgumentKind kind;
  bool optional = false;  ///< "?" in the schema: None is allowed
  int list_size = 0;
  bool keyword_only = false;
  std::optional<Attribute> fallback;  ///< default value; for tensors monostate
};

/// One overload, as PyTorch's native_functions.yaml writes it:
/// "aten::conv2d(Tensor input, Tensor weight, Tensor? bias=None, int[2] stride=1, …) -> Tensor".
struct Schema {
  /// The op to record: "aten::add", for "add_" and for other spellings too ("multiply" is "aten::mul").
  std::string name;
  std::string overload;  ///< "Tensor", "Scalar", or empty
  std::vector<Argument> arguments;
  int outputs = 1;           ///< number of tensor results
  bool output_list = false;  ///< one result that is a list of tensors (chunk, split, unbind, meshgrid)
  /// "add_": writes its first argument. The result takes that argument's dtype, so a caller casts ("aten::to") where
  /// infer_types says otherwise.
  bool inplace = false;
  std::vector<std::string> output_names;  ///< of a named tuple ("values", "indices"), else empty
};

/// All overloads of a name with or without "aten::", in the order they are to be tried; empty if wherry lacks the op.
std::span<const Schema> find_schemas(std::string_view name);

/// Every op name known, sorted.
std::vector<std::string> known_ops();

/// Output types of an op for these inputs (null = absent) and attributes (complete: defaults filled in). Covers ATen
/// and core ops. Throws InvalidModel with op and shapes where they do not fit, Unsupported for a mode wherry lacks.
std::vector<TensorType> infer_types(std::string_view op, std::span<const TensorType* const> inputs,
                                    const Attributes& attributes);

/// infer_types + add_node. Attributes that PyTorch lets a caller shorten are written out first: convolution's and
/// pooling's one-element lists get one number per dimension, a pooling's empty stride is its kernel.
Node* record(Graph& graph, std::string op, std::vector<Value*> inputs, Attributes attributes, Source source = {},
             Node* before = nullptr);

/// The outputs of a node whose inputs are all known, for ops that cost no more than reading them (views, arithmetic on
/// indices and masks, arange, cat, index, roll, comparisons, reductions …); empty for the others (convolution, matmul,
/// …) and where the result would be larger than `max_elements`.
std::optional<std::vector<Tensor>> evaluate(std::string_view op, std::span<const Tensor* const> inputs,
                                            const Attributes& attributes, std::span<const TensorType> outputs,
                                            std::int64_t max_elements = std::int64_t{1} << 24);

/// Whether evaluate() knows the op at all.
bool can_evaluate(std::string_view op);

/// An elementwise ATen op as a program over its tensor inputs (absent ones skipped), in the arithmetic that PyTorch
/// uses for these dtypes; empty for ops that are not elementwise. The result converts to the output's dtype, and
/// operands to program.compute, as in the core op `elementwise`. Where program.inputs is less than the number of
/// tensors, it reads the first ones (the other tensor of "aten::to" lends only its dtype).
std::optional<expression::Program> elementwise_program(std::string_view op, std::span<const TensorType* const> inputs,
                                                       const Attributes& attributes);

/// Whether elementwise_program() knows the op.
bool is_elementwise(std::string_view op);

/// The dtype PyTorch computes `inputs` and the numbers `scalars` in: tensors with dimensions outrank zero-dim tensors,
/// those outrank Python numbers, and a lower rank counts only where its category (bool, integer, float) is higher.
DType promote(std::span<const TensorType* const> inputs, std::span<const Attribute* const> scalars = {});

/// Throws InternalError where the graph breaks an invariant: use before definition, wrong users, types that infer_types
/// denies, unknown ops.
void verify(const Graph& graph);

// clang-format off
/// The text form, one node a line, that tests are written in:
///
///     graph(%x: float32[1, 3, 8, 8], %mask: bool[8]) {
///       %w = constant float32[16, 3, 3, 3] uniform(1)
///       %0: float32[1, 16, 6, 6] = convolution(%x, %w, none) stride=[1, 1] groups=1  # net.py:12 features.0
///       %y: float32[1, 16, 6, 6]{576, 1, 96, 16}, %i: int64[4] = op(%0) flag=true p=0.5 mode="max" dtype=float16
///       %z: float32[1, 16, 6, 6] = elementwise(%y) program=`f32 (x0) { x1 = relu x0 }`
///       return %z as output
///     }
///
/// A value without a name of its own is numbered. An absent input or attribute is `none`. Floating attributes have a
/// point or an exponent; lists of numbers are float[0.5, 2.0], of bools bool[true, false]. Strides stand in braces.
/// "#" opens a comment; at the end of a node's line it is the node's source. A constant is described as
///   zeros, ones
///   uniform(seed), uniform(seed, low, high)   floating in [low, high), by default [-1, 1); integers 0 … 9; bools
///   [1, 2, 3]                                 its elements in row-major order: how constants of up to 8 print
///   "key"                                     its LazyTensor's key; read back, the contents follow from the key
/// parse_graph takes types at their word (verify does not) and throws InvalidInput with line and column.
// clang-format on
std::string print(const Graph& graph);
Graph parse_graph(std::string_view text);

}  // namespace wherry::ir
