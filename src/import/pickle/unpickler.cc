#include "import/pickle/unpickler.h"

#include <bit>
#include <cstring>
#include <unordered_map>

#include "base/check.h"
#include "import/pickle/objects.h"
#include "import/printable.h"

namespace wherry::import {
namespace {

using base::fail;

/// Opcodes of pickle protocols 2 to 5 (CPython's Lib/pickletools.py documents them).
enum Opcode : std::uint8_t {
  kMark = '(',
  kStop = '.',
  kPop = '0',
  kPopMark = '1',
  kDup = '2',
  kBinFloat = 'G',
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kNone = 'N',
  kBinPersistentId = 'Q',
  kReduce = 'R',
  kBinString = 'T',
  kShortBinString = 'U',
  kBinUnicode = 'X',
  kEmptyList = ']',
  kAppend = 'a',
  kBuild = 'b',
  kGlobal = 'c',
  kDict = 'd',
  kEmptyDict = '}',
  kAppends = 'e',
  kBinGet = 'h',
  kLongBinGet = 'j',
  kList = 'l',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kSetItem = 's',
  kTuple = 't',
  kEmptyTuple = ')',
  kSetItems = 'u',
  kBinBytes = 'B',
  kShortBinBytes = 'C',
  kProto = 0x80,
  kNewObject = 0x81,
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kLong1 = 0x8a,
  kLong4 = 0x8b,
  kShortBinUnicode = 0x8c,
  kBinUnicode8 = 0x8d,
  kBinBytes8 = 0x8e,
  kEmptySet = 0x8f,
  kAddItems = 0x90,
  kFrozenSet = 0x91,
  kStackGlobal = 0x93,
  kMemoize = 0x94,
  kFrame = 0x95,
  kByteArray8 = 0x96,
};

class Machine {
 public:
  Machine(std::span<const std::byte> bytes, Heap& heap, const UnpickleContext& context)
      : bytes_(bytes), heap_(heap), context_(context), budget_(context.what), objects_(heap, context, budget_) {}

  Unpickled run() {
    while (true) {
      start_ = position_;
      const auto opcode = number<std::uint8_t>();
      if (opcode == kStop) break;
      step(opcode);
    }
    PythonValue value = pop();
    return {std::move(value), position_};
  }

 private:
  void step(std::uint8_t opcode) {
    switch (opcode) {
      case kProto:
        if (const int protocol = number<std::uint8_t>(); protocol > 5)
          refuse(fmt::format("pickle protocol {}; 2 to 5 can be read", protocol));
        return;
      case kFrame: take(8); return;  // a hint for buffering; the opcodes inside are read as they come

      case kNone: return push(None{});
      case kNewTrue: return push(true);
      case kNewFalse: return push(false);
      case kBinInt: return push(std::int64_t{number<std::int32_t>()});
      case kBinInt1: return push(std::int64_t{number<std::uint8_t>()});
      case kBinInt2: return push(std::int64_t{number<std::uint16_t>()});
      case kLong1: return push_long(number<std::uint8_t>());
      case kLong4: return push_long(number<std::uint32_t>());
      case kBinFloat: return push_float();
      case kShortBinString:
      case kShortBinUnicode:
      case kShortBinBytes: return push_text(number<std::uint8_t>());
      case kBinString:
      case kBinUnicode:
      case kBinBytes: return push_text(number<std::uint32_t>());
      case kBinUnicode8:
      case kBinBytes8:
      case kByteArray8: return push_text(number<std::uint64_t>());

      case kMark:
        budget_.charge(sizeof(std::size_t));
        marks_.push_back(stack_.size());
        return;
      case kPop:
        // As in CPython, POP right after MARK takes the mark.
        if (!marks_.empty() && marks_.back() == stack_.size())
          marks_.pop_back();
        else
          pop();
        return;
      case kPopMark: pop_to_mark(); return;
      case kDup: return push(top());

      case kEmptyTuple: return push_tuple({});
      case kTuple1: return push_tuple(pop_last(1));
      case kTuple2: return push_tuple(pop_last(2));
      case kTuple3: return push_tuple(pop_last(3));
      case kTuple: return push_tuple(pop_to_mark());
      case kEmptyList:
      case kEmptySet: return push_list({});
      case kList:
      case kFrozenSet: return push_list(pop_to_mark());
      case kAppend: return append(pop_last(1));
      case kAppends:
      case kAddItems: return append(pop_to_mark());
      case kEmptyDict: return push_dict({});
      case kDict: return push_dict(pop_to_mark());
      case kSetItem: return set_items(pop_last(2));
      case kSetItems: return set_items(pop_to_mark());

      case kBinPut: return memoize(number<std::uint8_t>());
      case kLongBinPut: return memoize(number<std::uint32_t>());
      case kMemoize: return memoize(static_cast<std::uint32_t>(memo_.size()));
      case kBinGet: return push_memo(number<std::uint8_t>());
      case kLongBinGet: return push_memo(number<std::uint32_t>());

      case kGlobal: {
        const std::string_view module = line();
        return push(objects_.global(module, line()));
      }
      case kStackGlobal: {
        const std::vector<PythonValue> names = pop_last(2);
        const auto* module = std::get_if<std::string>(&names[0]);
        const auto* name = std::get_if<std::string>(&names[1]);
        if (!module || !name) refuse("a global's name is no text");
        return push(objects_.global(*module, *name));
      }
      case kBinPersistentId: return push(objects_.persistent(pop()));
      case kReduce: {
        const std::vector<PythonValue> operands = pop_last(2);
        return push(objects_.call(operands[0], operands[1]));
      }
      case kNewObject: {
        const std::vector<PythonValue> operands = pop_last(2);
        return push(objects_.instance(operands[0], operands[1]));
      }
      case kBuild: {
        const PythonValue state = pop();
        return objects_.set_state(top(), state);
      }
      default:
        refuse(fmt::format(
            "pickle opcode 0x{:02x}, which PyTorch does not write; the file is damaged or no PyTorch file", opcode));
    }
  }

  [[noreturn]] void refuse(std::string_view finding) const {
    fail<InvalidModel>("{}: byte {} of the pickle: {}", context_.what, start_, finding);
  }

  // ---- reading

  std::span<const std::byte> take(std::uint64_t count) {
    if (count > bytes_.size() - position_)
      refuse(fmt::format("{} bytes are wanted where {} are left; the pickle is truncated or damaged", count,
                         bytes_.size() - position_));
    const auto part = bytes_.subspan(position_, static_cast<std::size_t>(count));
    position_ += static_cast<std::size_t>(count);
    return part;
  }

  template <typename T>
  T number() {  // little-endian in the file; wherry's machines are too
    static_assert(std::endian::native == std::endian::little);
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }

  std::string_view line() {
    const auto* begin = reinterpret_cast<const char*>(bytes_.data()) + position_;
    const std::string_view rest(begin, bytes_.size() - position_);
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) refuse("a name has no end; the pickle is truncated or damaged");
    position_ += end + 1;
    return rest.substr(0, end);
  }

  // ---- the stack

  void push(PythonValue value) {
    std::size_t size = sizeof(PythonValue);
    if (const auto* text = std::get_if<std::string>(&value)) size += text->size();
    if (const auto* global = std::get_if<Global>(&value)) size += global->module.size() + global->name.size();
    if (const auto* device = std::get_if<Device>(&value)) size += device->name.size();
    budget_.charge(size);
    stack_.push_back(std::move(value));
  }

  /// Lowest position that may be popped: what lies under the last mark is out of reach.
  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }

  PythonValue& top() {
    if (stack_.size() <= floor()) refuse("a value is wanted where the stack is empty; the pickle is damaged");
    return stack_.back();
  }

  PythonValue pop() {
    PythonValue value = std::move(top());
    stack_.pop_back();
    return value;
  }

  std::vector<PythonValue> pop_last(std::size_t count) {
    if (stack_.size() - floor() < count) refuse("a value is wanted where the stack is empty; the pickle is damaged");
    return pop_from(stack_.size() - count);
  }

  std::vector<PythonValue> pop_to_mark() {
    if (marks_.empty()) refuse("a mark is wanted where none was set; the pickle is damaged");
    const std::size_t mark = marks_.back();
    marks_.pop_back();
    return pop_from(mark);
  }

  std::vector<PythonValue> pop_from(std::size_t first) {
    const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(first);
    std::vector<PythonValue> values(std::make_move_iterator(begin), std::make_move_iterator(stack_.end()));
    stack_.erase(begin, stack_.end());
    return values;
  }

  // ---- values

  void push_long(std::uint64_t width) {
    if (width > 8) refuse(fmt::format("an integer of {} bytes; at most 8 are expected", width));
    const auto digits = take(width);
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < digits.size(); ++i) value |= std::to_integer<std::uint64_t>(digits[i]) << (8 * i);
    const unsigned unused = static_cast<unsigned>(64 - 8 * width);
    push(unused == 64 ? std::int64_t{0} : static_cast<std::int64_t>(value << unused) >> unused);
  }

  void push_float() {
    std::uint64_t bits = 0;
    for (const std::byte byte : take(8)) bits = bits << 8 | std::to_integer<std::uint64_t>(byte);
    push(std::bit_cast<double>(bits));
  }

  void push_text(std::uint64_t length) {
    const auto text = take(length);
    push(std::string(reinterpret_cast<const char*>(text.data()), text.size()));
  }

  void push_tuple(std::vector<PythonValue> items) {
    budget_.charge(sizeof(Tuple) + items.size() * sizeof(PythonValue));
    push(heap_.new_tuple(std::move(items)));
  }

  void push_list(std::vector<PythonValue> items) {
    budget_.charge(sizeof(List) + items.size() * sizeof(PythonValue));
    push(heap_.new_list(std::move(items)));
  }

  void push_dict(std::vector<PythonValue> items) {
    budget_.charge(sizeof(Dict));
    push(heap_.new_dict());
    set_items(std::move(items));
  }

  void append(std::vector<PythonValue> items) {
    const auto* list = std::get_if<List*>(&top());
    if (!list) refuse(fmt::format("it appends to a {}", printable(type_name(top()))));
    budget_.charge(2 * items.size() * sizeof(PythonValue));  // vectors grow by doubling
    for (PythonValue& item : items) (*list)->items.push_back(std::move(item));
  }

  void set_items(std::vector<PythonValue> items) {
    const auto* dict = std::get_if<Dict*>(&top());
    if (!dict) refuse(fmt::format("it sets items of a {}", printable(type_name(top()))));
    if (items.size() % 2 != 0) refuse("a dict's key has no value");
    budget_.charge(2 * items.size() * sizeof(PythonValue));
    for (std::size_t i = 0; i < items.size(); i += 2)
      (*dict)->items.emplace_back(std::move(items[i]), std::move(items[i + 1]));
  }

  void memoize(std::uint32_t index) {
    charge_copy(top());
    memo_[index] = top();
  }

  void push_memo(std::uint32_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) refuse(fmt::format("memo entry {} was never stored; the pickle is damaged", index));
    push(found->second);
  }

  void charge_copy(const PythonValue& value) {
    const auto* text = std::get_if<std::string>(&value);
    budget_.charge(sizeof(PythonValue) + 4 * sizeof(void*) + (text ? text->size() : 0));
  }

  std::span<const std::byte> bytes_;
  std::size_t position_ = 0;
  std::size_t start_ = 0;  ///< of the opcode being run
  Heap& heap_;
  const UnpickleContext& context_;
  MemoryBudget budget_;
  ObjectBuilder objects_;
  std::vector<PythonValue> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint32_t, PythonValue> memo_;
};

}  // namespace

Unpickled unpickle(std::span<const std::byte> bytes, Heap& heap, const UnpickleContext& context) {
  return Machine(bytes, heap, context).run();
}

}  // namespace wherry::import
