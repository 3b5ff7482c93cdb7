#pragma once
// The exceptions that leave wherry. Each message is one line with three parts: what was being read, what was
// found, what would be accepted. Expected absence is std::optional, never an exception.

#include <stdexcept>
#include <string>
#include <vector>

namespace wherry {

/// Base of everything wherry throws on purpose.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The model file is damaged, hostile, or not what its name says.
class InvalidModel : public Error {
 public:
  using Error::Error;
};

/// An input (image, tensor, option, label file) cannot be used as given.
class InvalidInput : public Error {
 public:
  using Error::Error;
};

/// The model is sound but needs something wherry does not have. `what()` names every missing thing at once.
class Unsupported : public Error {
 public:
  /// One missing operator: its name, and where the model's own code uses it ("resnet.py:123" or empty).
  struct Item {
    std::string op;
    std::string where;
  };

  explicit Unsupported(const std::string& message) : Error(message) {}
  Unsupported(const std::string& message, std::vector<Item> items) : Error(message), items_(std::move(items)) {}

  const std::vector<Item>& items() const { return items_; }

 private:
  std::vector<Item> items_;
};

/// A bug of ours: a broken invariant, never the user's fault.
class InternalError : public Error {
 public:
  using Error::Error;
};

}  // namespace wherry
