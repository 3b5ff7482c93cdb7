#include "import/torchscript/source_map.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <tuple>

#include "import/pickle/unpickler.h"
#include "import/python_value.h"
#include "wherry/error.h"

namespace wherry::import::torchscript {
namespace {

constexpr std::size_t kMaxText = std::size_t{1} << 20;

const Tuple* as_tuple(const PythonValue& value, std::size_t least) {
  Tuple* const* tuple = std::get_if<Tuple*>(&value);
  return tuple != nullptr && (*tuple)->items.size() >= least ? *tuple : nullptr;
}

// "/usr/lib/python3/dist-packages/torchvision/models/resnet.py" → "torchvision/models/resnet.py"
std::string strip_installation(std::string_view file) {
  for (const std::string_view folder : {"site-packages/", "dist-packages/"}) {
    if (const std::size_t at = file.rfind(folder); at != std::string_view::npos)
      return std::string(file.substr(at + folder.size()));
  }
  return std::string(file);
}

bool is_own_code(std::string_view file) { return !file.starts_with("torch/"); }

// One frame of a Python stack: "/path/resnet.py(279): _forward_impl".
std::optional<SourceMap::Place> parse_frame(std::string_view line) {
  const std::size_t open = line.rfind('(', line.rfind("): "));
  if (line.rfind("): ") == std::string_view::npos || open == std::string_view::npos) return std::nullopt;
  int number = 0;
  const auto [stop, error] = std::from_chars(line.data() + open + 1, line.data() + line.size(), number);
  if (error != std::errc() || *stop != ')') return std::nullopt;
  return SourceMap::Place{strip_installation(line.substr(0, open)), number};
}

// Traced code is recorded with a whole stack, innermost frame first: the author's own frame is the first one outside
// of torch.
std::optional<SourceMap::Place> parse_stack(std::string_view text) {
  std::optional<SourceMap::Place> first;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const auto frame = parse_frame(text.substr(0, end));
    if (!frame) return first;
    if (is_own_code(frame->file)) return frame;
    if (!first) first = frame;
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return first;
}

// The string table of the newer format; the older one writes texts in place.
class Texts {
 public:
  explicit Texts(const Tuple* table) : table_(table) {}

  std::string_view at(const PythonValue& index) const {
    if (const auto* text = std::get_if<std::string>(&index)) return *text;
    const auto* i = std::get_if<std::int64_t>(&index);
    if (i == nullptr || table_ == nullptr || *i < 0 || *i >= static_cast<std::int64_t>(table_->items.size())) return {};
    const auto* text = std::get_if<std::string>(&table_->items[static_cast<std::size_t>(*i)]);
    return text != nullptr ? std::string_view(*text) : std::string_view();
  }

  // A source is a list of lines, or one text.
  std::string join(const PythonValue& source) const {
    const std::vector<PythonValue>* items = nullptr;
    if (const auto* list = std::get_if<List*>(&source)) items = &(*list)->items;
    if (const auto* tuple = std::get_if<Tuple*>(&source)) items = &(*tuple)->items;
    if (items == nullptr) return std::string(at(source));
    std::string text;
    for (const PythonValue& item : *items) {
      text += at(item);
      if (text.size() > kMaxText) break;
    }
    return text;
  }

 private:
  const Tuple* table_;
};

std::optional<SourceMap::Place> decode_place(const Tuple& range, const Texts& texts) {
  const Tuple* source = as_tuple(range.items[0], 3);
  const auto* start = std::get_if<std::int64_t>(&range.items[1]);
  if (source == nullptr || start == nullptr) return std::nullopt;
  const std::string text = texts.join(source->items[0]);
  if (text.empty()) return std::nullopt;
  const std::string_view file = texts.at(source->items[1]);
  const auto* first_line = std::get_if<std::int64_t>(&source->items[2]);
  if (*start < 0 || *start > static_cast<std::int64_t>(text.size())) return std::nullopt;
  if (auto frame = parse_stack(std::string_view(text).substr(static_cast<std::size_t>(*start)))) return frame;
  if (file.empty() || first_line == nullptr || *first_line < 0 || *first_line > (1 << 24)) return std::nullopt;
  const auto newlines = std::count(text.begin(), text.begin() + *start, '\n');
  return SourceMap::Place{strip_installation(file), static_cast<int>(*first_line + newlines)};
}

}  // namespace

SourceMap::SourceMap(std::span<const std::byte> debug_pickle) {
  try {
    Heap heap;
    UnpickleContext context;
    context.what = "debug_pkl";
    const PythonValue root = unpickle(debug_pickle, heap, context).value;
    const Tuple* ranges = as_tuple(root, 0);
    if (ranges == nullptr) return;
    const Tuple* table = nullptr;
    if (ranges->items.size() == 3 && std::holds_alternative<std::string>(ranges->items[0])) {
      table = as_tuple(ranges->items[1], 0);
      ranges = as_tuple(ranges->items[2], 0);
      if (ranges == nullptr) return;
    }
    const Texts texts(table);
    // Neighbouring ranges mostly point to the same few places.
    std::map<std::tuple<const void*, std::int64_t>, std::int32_t> known;
    for (const PythonValue& item : ranges->items) {
      const Tuple* entry = as_tuple(item, 2);
      const auto* offset = entry != nullptr ? std::get_if<std::int64_t>(&entry->items[0]) : nullptr;
      const Tuple* range = entry != nullptr ? as_tuple(entry->items[1], 3) : nullptr;
      if (offset == nullptr || range == nullptr || *offset < 0 || *offset > UINT32_MAX) continue;
      const auto* source = std::get_if<Tuple*>(&range->items[0]);
      const auto* start = std::get_if<std::int64_t>(&range->items[1]);
      if (source == nullptr || start == nullptr) continue;
      const auto [it, added] = known.try_emplace({*source, *start}, -1);
      if (added) {
        if (auto place = decode_place(*range, texts)) {
          it->second = static_cast<std::int32_t>(places_.size());
          places_.push_back(std::move(*place));
        }
      }
      entries_.push_back({static_cast<std::uint32_t>(*offset), it->second});
    }
    std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) { return a.offset < b.offset; });
  } catch (const Error&) {
    entries_.clear();
  }
}

const SourceMap::Place* SourceMap::find(std::uint32_t offset) const {
  auto after = std::upper_bound(entries_.begin(), entries_.end(), offset,
                                [](std::uint32_t at, const Entry& entry) { return at < entry.offset; });
  if (after == entries_.begin()) return nullptr;
  const Entry& entry = *std::prev(after);
  return entry.place < 0 ? nullptr : &places_[static_cast<std::size_t>(entry.place)];
}

}  // namespace wherry::import::torchscript
