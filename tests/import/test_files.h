#pragma once
// Bytes and files for the tests of the readers.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "import/zip/zip_archive.h"
#include "tests/temporary_folder.h"
#include "wherry/error.h"

namespace wherry::import {

inline std::string data_path(const std::string& name) {
  return std::string(WHERRY_SOURCE_DIR) + "/tests/import/data/" + name;
}

inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A copy of `text` as bytes in memory of exactly that size, so that a sanitizer sees a read past the end.
inline Bytes bytes_of(std::string_view text) {
  auto copy = std::make_shared<std::vector<std::byte>>(text.size());
  std::copy(text.begin(), text.end(), reinterpret_cast<char*>(copy->data()));
  return {{copy->data(), copy->size()}, copy};
}

/// A file of this content that goes away with the object.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view content, const std::string& name = "file")
      : path_(folder_.file(name, content)) {}
  const std::string& path() const { return path_; }

 private:
  TemporaryFolder folder_;
  std::string path_;
};

/// What the call says when it throws E; fails the test where it throws something else or nothing, or not in one line.
template <typename E, typename Call>
std::string message_of(Call call) {
  try {
    call();
  } catch (const E& error) {
    const std::string message = error.what();
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    return message;
  } catch (const std::exception& error) {
    ADD_FAILURE() << "another exception: " << error.what();
    return {};
  }
  ADD_FAILURE() << "no exception";
  return {};
}

/// Runs `read` on every prefix of `content` and on copies with one byte changed (`patterns` changes at every
/// `stride`-th byte). Whatever comes out, it must be a result or a wherry::Error that is no bug of ours.
template <typename Read>
void mutate(const std::string& content, std::size_t stride, Read read) {
  auto attempt = [&](const std::string& bytes) {
    try {
      read(bytes_of(bytes));
    } catch (const InternalError& error) {
      ADD_FAILURE() << error.what();
    } catch (const Error& error) {
      EXPECT_EQ(std::string_view(error.what()).find('\n'), std::string_view::npos) << error.what();
    }  // anything else ends the test
  };
  for (std::size_t length = 0; length < content.size(); ++length) attempt(content.substr(0, length));
  for (std::size_t i = 0; i < content.size(); i += stride) {
    for (const unsigned char pattern : {0x01, 0x80, 0xff}) {
      std::string changed = content;
      changed[i] = static_cast<char>(static_cast<unsigned char>(changed[i]) ^ pattern);
      attempt(changed);
    }
  }
}

}  // namespace wherry::import
