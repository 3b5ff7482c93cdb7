#include "import/file_kind.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace wherry::import {
namespace {

struct Signature {
  std::string_view begin;
  std::string_view description;
};

using namespace std::string_view_literals;

constexpr std::array kSignatures = {
    Signature{"version https://git-lfs"sv,
              "a Git LFS pointer, not the file it stands for; 'git lfs pull' fetches that"},
    Signature{"GGUF"sv, "a GGUF file"},
    Signature{"\x89HDF\r\n"sv, "an HDF5 file (Keras?)"},
    Signature{"\x1f\x8b"sv, "a gzip file; unpack it first"},
    Signature{"BZh"sv, "a bzip2 file; unpack it first"},
    Signature{"\xfd"
              "7zXZ"sv,
              "an xz file; unpack it first"},
    Signature{"\x28\xb5\x2f\xfd"sv, "a zstd file; unpack it first"},
    Signature{"\x93NUMPY"sv, "a NumPy array"},
    Signature{"\x89PNG"sv, "a PNG image"},
    Signature{"\xff\xd8\xff"sv, "a JPEG image"},
    Signature{"\x7f"
              "ELF"sv,
              "a program or library"},
    Signature{"%PDF"sv, "a PDF document"},
};

bool starts_with_any_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), text.begin(), [](char a, char b) {
           return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b - 'A' + 'a') : b);
         });
}

/// An 8-byte length, then that many bytes of JSON.
bool is_safetensors(std::string_view text) {
  std::uint64_t length = 0;
  if (text.size() < sizeof(length) + 2) return false;
  std::memcpy(&length, text.data(), sizeof(length));
  return length <= text.size() - sizeof(length) && text[sizeof(length)] == '{';
}

/// A serialized ModelProto: field 1 (ir_version, 1 to 127), then one of the fields 2 to 8, 14, 20 with a length.
bool is_onnx(std::string_view text) {
  if (text.size() < 4 || text[0] != 0x08 || text[1] < 1) return false;
  const auto tag = static_cast<unsigned char>(text[2]);
  return (tag & 7) == 2 && tag >> 3 >= 2 && tag >> 3 <= 15;
}

bool is_text(std::string_view text) {
  constexpr std::size_t kLooked = 512;
  const std::string_view head = text.substr(0, kLooked);
  return std::all_of(head.begin(), head.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 || c == '\n' || c == '\r' || c == '\t';
  });
}

}  // namespace

std::string describe_foreign_file(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.empty()) return "an empty file";
  for (const Signature& signature : kSignatures) {
    if (text.starts_with(signature.begin)) return std::string(signature.description);
  }
  std::string_view visible = text;
  visible.remove_prefix(std::min(visible.find_first_not_of(" \t\r\n\xef\xbb\xbf"), visible.size()));
  if (starts_with_any_case(visible, "<!doctype html") || starts_with_any_case(visible, "<html"))
    return "an HTML page (a download that needed a login or was not found?)";
  constexpr std::size_t kTarMagic = 257;
  if (text.size() > kTarMagic && text.substr(kTarMagic).starts_with("ustar"))
    return "a tar archive (torch.save's form before PyTorch 0.1.10, or a packed folder); load it with PyTorch and save "
           "its "
           "state_dict() again";
  if (is_safetensors(text))
    return "a safetensors file, which has weights alone; its folder, with config.json, is a model";
  if (is_onnx(text)) return "an ONNX file";
  constexpr unsigned char kProto = 0x80, kNewestProtocol = 5;
  if (text.size() > 1 && static_cast<unsigned char>(text[0]) == kProto &&
      static_cast<unsigned char>(text[1]) <= kNewestProtocol)
    return "a Python pickle that torch.save did not write";
  if (is_text(text)) return "a text file";
  std::string hex;
  for (const char c : text.substr(0, 8)) hex += fmt::format(" {:02x}", static_cast<unsigned char>(c));
  return fmt::format("an unknown file that begins with the bytes{}", hex);
}

}  // namespace wherry::import
