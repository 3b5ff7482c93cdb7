// Lists, tuples and dicts.

#include <algorithm>

#include "base/check.h"
#include "import/torchscript/builtins.h"
#include "import/torchscript/interpreter.h"
#include "import/torchscript/values.h"

namespace wherry::import::torchscript::builtins {
namespace {

using Result = std::optional<PythonValue>;

List* list_at(const Arguments& arguments, std::size_t i) {
  if (i >= arguments.size()) return nullptr;
  const auto* list = std::get_if<List*>(&arguments[i]);
  return list != nullptr ? *list : nullptr;
}
Dict* dict_at(const Arguments& arguments, std::size_t i) {
  if (i >= arguments.size()) return nullptr;
  const auto* dict = std::get_if<Dict*>(&arguments[i]);
  return dict != nullptr ? *dict : nullptr;
}
std::vector<PythonValue>* elements_at(const Arguments& arguments, std::size_t i) {
  return i < arguments.size() ? elements(arguments[i]) : nullptr;
}

std::size_t checked_index(std::int64_t index, std::size_t size) {
  const std::int64_t wrapped = index < 0 ? index + static_cast<std::int64_t>(size) : index;
  if (wrapped < 0 || wrapped >= static_cast<std::int64_t>(size)) {
    base::fail<InvalidModel>("index {} of {} elements", index, size);
  }
  return static_cast<std::size_t>(wrapped);
}

std::pair<PythonValue, PythonValue>* find_key(Dict& dict, const PythonValue& key) {
  for (auto& item : dict.items) {
    if (equal(item.first, key)) return &item;
  }
  return nullptr;
}

Result len(Interpreter& interpreter, const Arguments& arguments) {
  if (arguments.size() != 1) return std::nullopt;
  if (interpreter.is_unknown(arguments[0])) return arguments[0];
  if (const auto* items = elements(arguments[0])) return static_cast<std::int64_t>(items->size());
  if (const Dict* dict = dict_at(arguments, 0)) return static_cast<std::int64_t>(dict->items.size());
  if (const auto* text = std::get_if<std::string>(&arguments[0])) return static_cast<std::int64_t>(text->size());
  if (const auto* tensor = std::get_if<TracedTensor*>(&arguments[0])) {
    const ir::Value* value = interpreter.tracer().read(**tensor);
    if (value == nullptr) return interpreter.unknown();
    if (value->type().sizes.empty()) base::fail<InvalidModel>("len() of a tensor without dimensions");
    return value->type().sizes[0];
  }
  if (std::holds_alternative<Instance*>(arguments[0])) {
    return static_cast<std::int64_t>(interpreter.iterate(arguments[0])->size());
  }
  return std::nullopt;
}

Result get_item(Interpreter& interpreter, const Arguments& arguments) {
  if (arguments.size() != 2) return std::nullopt;
  if (interpreter.is_unknown(arguments[0]) || interpreter.is_unknown(arguments[1])) return interpreter.unknown();
  if (Dict* dict = dict_at(arguments, 0)) {
    interpreter.charge(dict->items.size() / 8);
    const auto* item = find_key(*dict, arguments[1]);
    if (item == nullptr) base::fail<InvalidModel>("the dict has no key {}", to_text(arguments[1], true, 100));
    return item->second;
  }
  if (const auto* instance = std::get_if<Instance*>(&arguments[0])) {
    if (const auto* name = std::get_if<std::string>(&arguments[1])) return interpreter.get_attribute(*instance, *name);
  }
  const auto index = as_integer(arguments[1]);
  if (!index) return std::nullopt;
  if (const auto* items = elements(arguments[0])) return (*items)[checked_index(*index, items->size())];
  if (const auto* text = std::get_if<std::string>(&arguments[0])) {
    return std::string(1, (*text)[checked_index(*index, text->size())]);
  }
  if (std::holds_alternative<Instance*>(arguments[0])) {
    const auto items = interpreter.iterate(arguments[0]);
    return (*items)[checked_index(*index, items->size())];
  }
  if (std::holds_alternative<TracedTensor*>(arguments[0])) {
    static const Operation select{"aten::select", nullptr, false, ir::find_schemas("select")};
    return interpreter.record(select, {{arguments[0], PythonValue(std::int64_t{0}), PythonValue(*index)}, {}});
  }
  return std::nullopt;
}

Result set_item(Interpreter& interpreter, const Arguments& arguments) {
  if (arguments.size() != 3) return std::nullopt;
  if (interpreter.is_unknown(arguments[0]) || interpreter.is_unknown(arguments[1])) return interpreter.unknown();
  if (Dict* dict = dict_at(arguments, 0)) {
    interpreter.charge(dict->items.size() / 8 + 2);
    if (auto* item = find_key(*dict, arguments[1])) {
      item->second = arguments[2];
    } else {
      dict->items.emplace_back(arguments[1], arguments[2]);
    }
    return arguments[0];
  }
  List* list = list_at(arguments, 0);
  const auto index = as_integer(arguments[1]);
  if (list == nullptr || !index) return std::nullopt;
  list->items[checked_index(*index, list->items.size())] = arguments[2];
  return arguments[0];
}

Result delete_item(Interpreter& interpreter, const Arguments& arguments) {
  if (arguments.size() != 2) return std::nullopt;
  if (Dict* dict = dict_at(arguments, 0)) {
    interpreter.charge(dict->items.size() / 4);
    std::erase_if(dict->items, [&](const auto& item) { return equal(item.first, arguments[1]); });
    return None();
  }
  List* list = list_at(arguments, 0);
  const auto index = as_integer(arguments[1]);
  if (list == nullptr || !index) return std::nullopt;
  interpreter.charge(list->items.size() / 8);
  list->items.erase(list->items.begin() + static_cast<std::ptrdiff_t>(checked_index(*index, list->items.size())));
  return None();
}

Result slice(Interpreter& interpreter, const Arguments& arguments) {
  std::vector<PythonValue>* items = elements_at(arguments, 0);
  const auto* text = arguments.size() > 0 ? std::get_if<std::string>(&arguments[0]) : nullptr;
  if ((items == nullptr && text == nullptr) || arguments.size() > 4 || !arguments.keywords.empty()) return std::nullopt;
  const auto size = static_cast<std::int64_t>(items != nullptr ? items->size() : text->size());
  const auto part = [&](std::size_t i) -> std::optional<std::int64_t> {
    if (i >= arguments.size() || std::holds_alternative<None>(arguments[i])) return std::nullopt;
    const auto integer = as_integer(arguments[i]);
    if (!integer) base::fail<InvalidModel>("a slice bound that is no integer but {}", type_name(arguments[i]));
    return integer;
  };
  const std::int64_t step = part(3).value_or(1);
  if (step == 0) base::fail<InvalidModel>("a slice with step 0");
  // Python's rules: bounds wrap once and are clamped to what the step's direction can reach.
  const auto clamp = [&](std::int64_t bound) {
    const std::int64_t wrapped = bound < 0 ? bound + size : bound;
    return step > 0 ? std::clamp<std::int64_t>(wrapped, 0, size) : std::clamp<std::int64_t>(wrapped, -1, size - 1);
  };
  const auto start = part(1), end = part(2);
  std::int64_t at = start ? clamp(*start) : (step > 0 ? 0 : size - 1);
  const std::int64_t stop = end ? clamp(*end) : (step > 0 ? size : -1);
  interpreter.charge(static_cast<std::size_t>(size) / 8 + 2);
  std::vector<PythonValue> chosen;
  std::string letters;
  while (step > 0 ? at < stop : at > stop) {
    if (items != nullptr) {
      chosen.push_back((*items)[static_cast<std::size_t>(at)]);
    } else {
      letters += (*text)[static_cast<std::size_t>(at)];
    }
    if (step > 0 ? step >= stop - at : step <= stop - at) break;  // the next step leaves the range, or the integers
    at += step;
  }
  if (text != nullptr) return letters;
  interpreter.charge(chosen.size());
  if (std::holds_alternative<Tuple*>(arguments[0])) return interpreter.heap().new_tuple(std::move(chosen));
  return interpreter.heap().new_list(std::move(chosen));
}

Result append(Interpreter& interpreter, const Arguments& arguments) {
  List* list = list_at(arguments, 0);
  if (list == nullptr || arguments.size() != 2) return std::nullopt;
  interpreter.charge(1);
  list->items.push_back(arguments[1]);
  return arguments[0];
}

Result extend(Interpreter& interpreter, const Arguments& arguments) {
  List* list = list_at(arguments, 0);
  if (list == nullptr || arguments.size() != 2) return std::nullopt;
  const auto items = interpreter.iterate(arguments[1]);
  if (!items) return interpreter.unknown();
  list->items.insert(list->items.end(), items->begin(), items->end());
  return None();
}

Result insert(Interpreter& interpreter, const Arguments& arguments) {
  List* list = list_at(arguments, 0);
  const auto index = arguments.size() == 3 ? as_integer(arguments[1]) : std::nullopt;
  if (list == nullptr || !index) return std::nullopt;
  interpreter.charge(list->items.size() / 8 + 1);
  const auto size = static_cast<std::int64_t>(list->items.size());
  const std::int64_t at = std::clamp<std::int64_t>(*index < 0 ? *index + size : *index, 0, size);
  list->items.insert(list->items.begin() + at, arguments[2]);
  return None();
}

Result pop(Interpreter& interpreter, const Arguments& arguments) {
  if (Dict* dict = dict_at(arguments, 0)) {
    if (arguments.size() < 2) return std::nullopt;
    interpreter.charge(dict->items.size() / 4);
    for (auto item = dict->items.begin(); item != dict->items.end(); ++item) {
      if (!equal(item->first, arguments[1])) continue;
      PythonValue value = item->second;
      dict->items.erase(item);
      return value;
    }
    if (arguments.size() > 2) return arguments[2];
    base::fail<InvalidModel>("the dict has no key {}", to_text(arguments[1], true, 100));
  }
  List* list = list_at(arguments, 0);
  if (list == nullptr || arguments.size() > 2) return std::nullopt;
  const auto index = arguments.size() == 2 ? as_integer(arguments[1]) : std::int64_t{-1};
  if (!index) return std::nullopt;
  interpreter.charge(list->items.size() / 8);
  const auto at = list->items.begin() + static_cast<std::ptrdiff_t>(checked_index(*index, list->items.size()));
  PythonValue value = std::move(*at);
  list->items.erase(at);
  return value;
}

Result remove(Interpreter& interpreter, const Arguments& arguments) {
  List* list = list_at(arguments, 0);
  if (list == nullptr || arguments.size() != 2) return std::nullopt;
  interpreter.charge(list->items.size() / 4);
  const auto found = std::find_if(list->items.begin(), list->items.end(),
                                  [&](const PythonValue& item) { return equal(item, arguments[1]); });
  if (found == list->items.end()) base::fail<InvalidModel>("{} is not in the list", to_text(arguments[1], true, 100));
  list->items.erase(found);
  return None();
}

Result clear(Interpreter&, const Arguments& arguments) {
  if (List* list = list_at(arguments, 0)) {
    list->items.clear();
  } else if (Dict* dict = dict_at(arguments, 0)) {
    dict->items.clear();
  } else {
    return std::nullopt;
  }
  return None();
}

Result reverse(Interpreter& interpreter, const Arguments& arguments) {
  List* list = list_at(arguments, 0);
  if (list == nullptr) return std::nullopt;
  interpreter.charge(list->items.size());
  std::reverse(list->items.begin(), list->items.end());
  return None();
}

std::optional<std::vector<PythonValue>> sorted_items(Interpreter& interpreter, const Arguments& arguments) {
  const std::vector<PythonValue>* items = elements_at(arguments, 0);
  if (items == nullptr) return std::nullopt;
  interpreter.charge(items->size() * 4);
  std::vector<PythonValue> result = *items;
  const bool numbers = std::all_of(result.begin(), result.end(), [](const PythonValue& item) {
    return as_number(item).has_value() && *as_number(item) == *as_number(item);
  });
  const bool texts = std::all_of(result.begin(), result.end(),
                                 [](const PythonValue& item) { return std::holds_alternative<std::string>(item); });
  if (!numbers && !texts) return std::nullopt;
  std::sort(result.begin(), result.end(), [&](const PythonValue& a, const PythonValue& b) {
    return numbers ? *as_number(a) < *as_number(b) : std::get<std::string>(a) < std::get<std::string>(b);
  });
  const PythonValue* descending = arguments.keyword("reverse");
  if (arguments.size() > 1) descending = &arguments[1];
  if (descending != nullptr && *interpreter.truth(*descending)) std::reverse(result.begin(), result.end());
  return result;
}

Result sort(Interpreter& interpreter, const Arguments& arguments) {
  List* list = list_at(arguments, 0);
  auto items = list != nullptr ? sorted_items(interpreter, arguments) : std::nullopt;
  if (!items) return std::nullopt;
  list->items = std::move(*items);
  return None();
}

Result sorted(Interpreter& interpreter, const Arguments& arguments) {
  auto items = sorted_items(interpreter, arguments);
  return items ? Result(interpreter.heap().new_list(std::move(*items))) : std::nullopt;
}

// list(x), and copies of lists and dicts.
Result to_list(Interpreter& interpreter, const Arguments& arguments) {
  if (arguments.size() > 1) return std::nullopt;
  if (arguments.size() == 0) return interpreter.heap().new_list();
  auto items = interpreter.iterate(arguments[0]);
  return items ? interpreter.heap().new_list(std::move(*items)) : interpreter.unknown();
}
Result to_tuple(Interpreter& interpreter, const Arguments& arguments) {
  if (arguments.size() != 1) return std::nullopt;
  auto items = interpreter.iterate(arguments[0]);
  return items ? interpreter.heap().new_tuple(std::move(*items)) : interpreter.unknown();
}
Result copy(Interpreter& interpreter, const Arguments& arguments) {
  if (const Dict* dict = dict_at(arguments, 0)) {
    interpreter.charge(dict->items.size() * 2);
    Dict* made = interpreter.heap().new_dict();
    made->items = dict->items;
    return made;
  }
  return list_at(arguments, 0) != nullptr ? to_list(interpreter, arguments) : std::nullopt;
}
Result to_dict(Interpreter& interpreter, const Arguments& arguments) {
  if (arguments.size() == 0) return interpreter.heap().new_dict();
  if (dict_at(arguments, 0) != nullptr) return copy(interpreter, arguments);
  const auto* items = elements_at(arguments, 0);
  if (items == nullptr) return std::nullopt;
  Dict* made = interpreter.heap().new_dict();
  for (const PythonValue& item : std::vector<PythonValue>(*items)) {
    const auto* pair = elements(item);
    if (pair == nullptr || pair->size() != 2) return std::nullopt;
    set_item(interpreter, {{PythonValue(made), (*pair)[0], (*pair)[1]}, {}});
  }
  return made;
}

Result index_of(Interpreter& interpreter, const Arguments& arguments) {
  const List* list = list_at(arguments, 0);
  if (list == nullptr || arguments.size() != 2) return std::nullopt;
  interpreter.charge(list->items.size() / 4);
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    if (equal(list->items[i], arguments[1])) return static_cast<std::int64_t>(i);
  }
  base::fail<InvalidModel>("{} is not in the list", to_text(arguments[1], true, 100));
}

Result count(Interpreter& interpreter, const Arguments& arguments) {
  const List* list = list_at(arguments, 0);
  if (list == nullptr || arguments.size() != 2) return std::nullopt;
  interpreter.charge(list->items.size() / 4);
  return static_cast<std::int64_t>(std::count_if(list->items.begin(), list->items.end(),
                                                 [&](const PythonValue& item) { return equal(item, arguments[1]); }));
}

Result contains(Interpreter& interpreter, const Arguments& arguments) {
  if (arguments.size() != 2) return std::nullopt;
  if (Dict* dict = dict_at(arguments, 0)) {
    interpreter.charge(dict->items.size() / 8);
    return find_key(*dict, arguments[1]) != nullptr;
  }
  if (const auto* items = elements(arguments[0])) {
    interpreter.charge(items->size() / 4);
    return std::any_of(items->begin(), items->end(),
                       [&](const PythonValue& item) { return equal(item, arguments[1]); });
  }
  const auto* text = std::get_if<std::string>(&arguments[0]);
  const auto* part = std::get_if<std::string>(&arguments[1]);
  if (text != nullptr && part != nullptr) return text->find(*part) != std::string::npos;
  if (const auto* instance = std::get_if<Instance*>(&arguments[0]); instance != nullptr && part != nullptr) {
    return (*instance)->find(*part) != nullptr;
  }
  return std::nullopt;
}

template <bool keys, bool values>
Result dict_view(Interpreter& interpreter, const Arguments& arguments) {
  std::vector<std::pair<PythonValue, PythonValue>> pairs;
  if (const Dict* dict = dict_at(arguments, 0)) {
    pairs = dict->items;
  } else if (const auto* instance = arguments.size() > 0 ? std::get_if<Instance*>(&arguments[0]) : nullptr) {
    for (const auto& [name, value] : (*instance)->attributes) {  // a ModuleDict
      if (std::holds_alternative<Instance*>(value)) pairs.emplace_back(name, value);
    }
  } else {
    return std::nullopt;
  }
  interpreter.charge(pairs.size() * 4);
  std::vector<PythonValue> result;
  for (auto& [key, value] : pairs) {
    if (keys && values) {
      result.emplace_back(interpreter.heap().new_tuple({key, value}));
    } else {
      result.push_back(keys ? key : value);
    }
  }
  return interpreter.heap().new_list(std::move(result));
}

Result get(Interpreter& interpreter, const Arguments& arguments) {
  Dict* dict = dict_at(arguments, 0);
  if (dict == nullptr || arguments.size() < 2 || arguments.size() > 3) return std::nullopt;
  interpreter.charge(dict->items.size() / 8);
  if (const auto* item = find_key(*dict, arguments[1])) return item->second;
  return arguments.size() == 3 ? arguments[2] : PythonValue(None());
}

Result set_default(Interpreter& interpreter, const Arguments& arguments) {
  Dict* dict = dict_at(arguments, 0);
  if (dict == nullptr || arguments.size() != 3) return std::nullopt;
  if (const auto* item = find_key(*dict, arguments[1])) return item->second;
  set_item(interpreter, arguments);
  return arguments[2];
}

Result update(Interpreter& interpreter, const Arguments& arguments) {
  Dict* dict = dict_at(arguments, 0);
  const Dict* other = dict_at(arguments, 1);
  if (dict == nullptr || other == nullptr) return std::nullopt;
  for (const auto& [key, value] : std::vector(other->items))
    set_item(interpreter, {{PythonValue(dict), key, value}, {}});
  return None();
}

Result zip(Interpreter& interpreter, const Arguments& arguments) {
  std::vector<std::vector<PythonValue>> columns;
  std::size_t rows = SIZE_MAX;
  for (const PythonValue& argument : arguments.positional) {
    auto items = interpreter.iterate(argument);
    if (!items) return interpreter.unknown();
    rows = std::min(rows, items->size());
    columns.push_back(std::move(*items));
  }
  if (columns.empty()) return interpreter.heap().new_list();
  interpreter.charge(rows * (columns.size() + 2));
  std::vector<PythonValue> result;
  for (std::size_t row = 0; row < rows; ++row) {
    std::vector<PythonValue> tuple;
    for (const auto& column : columns) tuple.push_back(column[row]);
    result.emplace_back(interpreter.heap().new_tuple(std::move(tuple)));
  }
  return interpreter.heap().new_list(std::move(result));
}

Result enumerate(Interpreter& interpreter, const Arguments& arguments) {
  if (arguments.size() < 1) return std::nullopt;
  const auto items = interpreter.iterate(arguments[0]);
  if (!items) return interpreter.unknown();
  const std::int64_t first = arguments.size() > 1 ? as_integer(arguments[1]).value_or(0) : 0;
  if (first > INT32_MAX || first < INT32_MIN) return std::nullopt;
  interpreter.charge(items->size() * 4);
  std::vector<PythonValue> result;
  for (std::size_t i = 0; i < items->size(); ++i) {
    result.emplace_back(interpreter.heap().new_tuple({PythonValue(first + static_cast<std::int64_t>(i)), (*items)[i]}));
  }
  return interpreter.heap().new_list(std::move(result));
}

Result sum(Interpreter& interpreter, const Arguments& arguments) {
  const auto* items = elements_at(arguments, 0);
  if (items == nullptr || arguments.size() != 1) return std::nullopt;
  interpreter.charge(items->size());
  std::int64_t integer = 0;
  double number = 0;
  bool floating = false;
  for (const PythonValue& item : *items) {
    const auto value = as_number(item);
    if (!value) return std::nullopt;
    floating = floating || !as_integer(item);
    number += *value;
    if (const auto part = as_integer(item)) {
      integer = static_cast<std::int64_t>(static_cast<std::uint64_t>(integer) + static_cast<std::uint64_t>(*part));
    }
  }
  return floating ? PythonValue(number) : PythonValue(integer);
}

template <bool all>
Result all_or_any(Interpreter& interpreter, const Arguments& arguments) {
  const auto* items = elements_at(arguments, 0);
  if (items == nullptr || arguments.size() != 1) return std::nullopt;
  interpreter.charge(items->size());
  for (const PythonValue& item : *items) {
    const auto truth = interpreter.truth(item);
    if (!truth) return interpreter.unknown();
    if (*truth != all) return !all;
  }
  return all;
}

constexpr Entry kContainers[] = {
    {"aten::len", len, true},
    {"builtin::len", len, true},
    {"aten::__getitem__", get_item, true},
    {"aten::_set_item", set_item, true},
    {"aten::__setitem__", set_item, true},
    {"aten::__delitem__", delete_item, true},
    {"aten::Delete", delete_item, true},
    {"aten::slice", slice},
    {"aten::append", append, true},
    {"aten::extend", extend, true},
    {"aten::insert", insert, true},
    {"aten::pop", pop, true},
    {"aten::remove", remove},
    {"aten::clear", clear, true},
    {"aten::reverse", reverse, true},
    {"aten::sort", sort},
    {"aten::sorted", sorted},
    {"builtin::sorted", sorted},
    {"aten::list", to_list, true},
    {"builtin::list", to_list, true},
    {"aten::tuple", to_tuple, true},
    {"builtin::tuple", to_tuple, true},
    {"aten::copy", copy, true},
    {"aten::dict", to_dict, true},
    {"builtin::dict", to_dict, true},
    {"aten::index", index_of},
    {"aten::count", count},
    {"aten::__contains__", contains},
    {"aten::keys", dict_view<true, false>, true},
    {"aten::values", dict_view<false, true>, true},
    {"aten::items", dict_view<true, true>, true},
    {"aten::get", get, true},
    {"aten::setdefault", set_default, true},
    {"aten::update", update, true},
    {"builtin::zip", zip, true},
    {"builtin::enumerate", enumerate, true},
    {"aten::sum", sum},
    {"builtin::sum", sum},
    {"aten::all", all_or_any<true>},
    {"aten::any", all_or_any<false>},
};

}  // namespace

std::optional<PythonValue> concatenate(Interpreter& interpreter, const Arguments& arguments) {
  if (arguments.size() != 2 || !arguments.keywords.empty()) return std::nullopt;
  const auto* left = std::get_if<std::string>(&arguments[0]);
  const auto* right = std::get_if<std::string>(&arguments[1]);
  if (left != nullptr && right != nullptr) {
    interpreter.charge((left->size() + right->size()) / 8);
    return *left + *right;
  }
  const auto* a = elements(arguments[0]);
  const auto* b = elements(arguments[1]);
  if (a == nullptr || b == nullptr || arguments[0].index() != arguments[1].index()) return std::nullopt;
  interpreter.charge(a->size() + b->size() + 2);
  std::vector<PythonValue> items = *a;
  items.insert(items.end(), b->begin(), b->end());
  if (std::holds_alternative<Tuple*>(arguments[0])) return interpreter.heap().new_tuple(std::move(items));
  return interpreter.heap().new_list(std::move(items));
}

std::optional<PythonValue> repeat(Interpreter& interpreter, const Arguments& arguments) {
  if (arguments.size() != 2 || !arguments.keywords.empty()) return std::nullopt;
  const bool count_first = as_integer(arguments[0]).has_value();
  const PythonValue& what = arguments[count_first ? 1 : 0];
  const auto times = as_integer(arguments[count_first ? 0 : 1]);
  if (!times) return std::nullopt;
  const auto count = static_cast<std::size_t>(std::max<std::int64_t>(*times, 0));
  if (const auto* text = std::get_if<std::string>(&what)) {
    interpreter.charge(count);
    interpreter.charge(count * text->size() / 8);
    std::string result;
    for (std::size_t i = 0; i < count; ++i) result += *text;
    return result;
  }
  const auto* items = std::holds_alternative<List*>(what) ? elements(what) : nullptr;
  if (items == nullptr) return std::nullopt;
  interpreter.charge(count);
  interpreter.charge(count * items->size());
  std::vector<PythonValue> result;
  result.reserve(count * items->size());
  for (std::size_t i = 0; i < count; ++i) result.insert(result.end(), items->begin(), items->end());
  return interpreter.heap().new_list(std::move(result));
}

std::span<const Entry> containers() { return kContainers; }

}  // namespace wherry::import::torchscript::builtins
