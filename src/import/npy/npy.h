#pragma once
// NumPy's array files, the universal door for tensors in and out: .npy for one, .npz (a zip of them) for several.
// The format is NumPy's numpy/lib/format.py, versions 1.0 to 3.0.

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "import/zip/zip_archive.h"
#include "wherry/tensor.h"

namespace wherry::import {

/// Reads a .npy file as a row-major tensor. bool, int8 to int64, uint8, float16 to float64, in either byte order and in
/// C or Fortran order. Throws InvalidInput naming the file.
Tensor read_npy(const std::string& path);
/// The same over bytes in memory; `what` stands in messages. The tensor borrows little-endian, C-ordered, aligned
/// bytes.
Tensor parse_npy(const Bytes& bytes, const std::string& what);

/// Writes a tensor as version 1.0 (2.0 where the header needs it). bfloat16, which NumPy lacks, is widened to float32.
/// Throws InvalidInput where the file cannot be written.
void write_npy(const std::string& path, const Tensor& tensor);
std::vector<std::byte> format_npy(const Tensor& tensor);

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

/// Reads every array of a .npz file, in the file's order, without ".npy" in the names. Throws InvalidInput.
NamedTensors read_npz(const std::string& path);
NamedTensors parse_npz(const Bytes& bytes, const std::string& what);

/// Writes arrays uncompressed, as numpy.savez does. Throws InvalidInput for names that are empty or equal, or where the
/// file cannot be written; an unfinished file is removed.
void write_npz(const std::string& path, const NamedTensors& tensors);

}  // namespace wherry::import
