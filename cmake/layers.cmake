# One CMake target a layer. wherry_layer(ir DEPENDS expression tensor SOURCES a.cc b.cc [LIBRARIES fmt::fmt])
# makes the static library wherry_ir; tests/<layer>/ adds its tests with wherry_test(ir SOURCES …).

function(wherry_layer name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;SOURCES;LIBRARIES" ${ARGN})
  wherry_isa_sources(ARG_SOURCES)
  add_library(wherry_${name} STATIC ${ARG_SOURCES})
  target_include_directories(wherry_${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>
                                                   $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>)
  list(TRANSFORM ARG_DEPENDS PREPEND wherry_)
  target_link_libraries(wherry_${name} PUBLIC ${ARG_DEPENDS} PRIVATE ${ARG_LIBRARIES} wherry_warnings)
  # Fuzzers are led by the branches of what reads their input; no branch of a kernel depends on it.
  set(kind layers)
  if(name STREQUAL kernels)
    set(kind kernels)
  elseif(WHERRY_FUZZ)
    target_compile_options(wherry_${name} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
  wherry_precompile(wherry_${name} ${kind})
endfunction()

# With WHERRY_PCH, the headers of libraries that most files of a kind (layers, kernels, tests) include: precompiled once, for the first
# target of that kind, and used by all others.
function(wherry_precompile target kind)
  if(NOT WHERRY_PCH)
    return()
  endif()
  get_property(first GLOBAL PROPERTY wherry_precompiled_${kind})
  if(first)
    target_precompile_headers(${target} REUSE_FROM ${first})
    return()
  endif()
  set_property(GLOBAL PROPERTY wherry_precompiled_${kind} ${target})
  set(headers <algorithm> <array> <charconv> <chrono> <cmath> <filesystem> <fstream> <functional> <map> <memory> <mutex> <numeric>
              <optional> <span> <sstream> <string> <string_view> <thread> <unordered_map> <vector> <fmt/format.h> <nlohmann/json.hpp>)
  if(kind STREQUAL tests)
    list(APPEND headers <gtest/gtest.h> <gmock/gmock.h>)
  endif()
  target_precompile_headers(${target} PRIVATE ${headers})
endfunction()

# One test binary a layer (or several: NAME overrides). Each GoogleTest case becomes a ctest test. In an emulator each binary is
# one: which cases it has depends on the CPU that ctest is told to emulate; those of the highest COST start first. The target
# <layer>_tests builds a layer's binaries.
function(wherry_test layer)
  cmake_parse_arguments(ARG "" "NAME;COST" "DEPENDS;SOURCES;LIBRARIES;LABELS" ${ARGN})
  if(NOT WHERRY_TESTS)
    return()
  endif()
  set(target ${layer}_test)
  if(ARG_NAME)
    set(target ${ARG_NAME})
  endif()
  add_executable(${target} ${ARG_SOURCES})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})  # tests/*.h
  list(TRANSFORM ARG_DEPENDS PREPEND wherry_)
  target_link_libraries(${target} PRIVATE wherry_${layer} ${ARG_DEPENDS} ${ARG_LIBRARIES} wherry_warnings GTest::gmock
                                          GTest::gtest_main)
  target_compile_options(${target} PRIVATE -O1)  # the tests themselves need no speed, and are half of what is built
  wherry_precompile(${target} tests)
  if(NOT TARGET ${layer}_tests)
    add_custom_target(${layer}_tests)
  endif()
  add_dependencies(${layer}_tests ${target})
  target_compile_definitions(${target} PRIVATE WHERRY_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                                               WHERRY_BINARY_DIR="${PROJECT_BINARY_DIR}")
  if(CMAKE_CROSSCOMPILING)
    add_test(NAME ${layer}.${target} COMMAND ${target} --gtest_brief=1)
    set_tests_properties(${layer}.${target} PROPERTIES TIMEOUT 1200 LABELS "${layer};${ARG_LABELS}" COST "${ARG_COST}")
  else()
    gtest_discover_tests(${target} TEST_PREFIX ${layer}. DISCOVERY_TIMEOUT 120 DISCOVERY_MODE PRE_TEST
                         PROPERTIES TIMEOUT 600 LABELS "${layer};${ARG_LABELS}")
  endif()
endfunction()

# A fuzzer: fuzz/<name>.cc defines LLVMFuzzerTestOneInput; fuzz/corpus/<name>/ holds its seeds. With clang and
# WHERRY_FUZZ it is a libFuzzer binary, else a replay program; either way ctest replays the seeds.
function(wherry_fuzzer name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LIBRARIES" ${ARGN})
  if(NOT WHERRY_TESTS)
    return()
  endif()
  add_executable(fuzz_${name} ${PROJECT_SOURCE_DIR}/fuzz/${name}.cc)
  list(TRANSFORM ARG_DEPENDS PREPEND wherry_)
  target_link_libraries(fuzz_${name} PRIVATE ${ARG_DEPENDS} ${ARG_LIBRARIES} wherry_warnings)
  if(WHERRY_FUZZ)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    add_test(NAME fuzz.${name} COMMAND fuzz_${name} -runs=0 ${PROJECT_SOURCE_DIR}/fuzz/corpus/${name})
  else()
    target_sources(fuzz_${name} PRIVATE ${PROJECT_SOURCE_DIR}/fuzz/replay.cc)
    add_test(NAME fuzz.${name} COMMAND fuzz_${name} ${PROJECT_SOURCE_DIR}/fuzz/corpus/${name})
  endif()
  set_tests_properties(fuzz.${name} PROPERTIES LABELS fuzz TIMEOUT 300)
endfunction()

# Files named for an instruction set, and only they, are compiled for it, and only where the architecture has it. Takes the
# others out of the list of that name.
function(wherry_isa_sources list)
  # One option, for which clang's driver has a name of its own and GCC passes on its assembler's.
  set(align_branches $<IF:$<CXX_COMPILER_ID:GNU>,-Wa$<COMMA>-mbranches-within-32B-boundaries,-mbranches-within-32B-boundaries>)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
    set(avx2 -mavx2 -mfma -mf16c -mbmi -mbmi2)
    set(avx512 -mavx512f -mavx512bw -mavx512cd -mavx512dq -mavx512vl ${avx2} -mprefer-vector-width=512)
    set(avx512_bf16 ${avx512} -mavx512bf16)
    set(amx ${avx512_bf16} -mamx-tile -mamx-bf16 -falign-functions=64 -falign-loops=64 ${align_branches})
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
    set(neon -march=armv8-a)
    set(neon_bf16 -march=armv8.2-a+bf16)
    set(sve -march=armv8.2-a+sve)
    set(sve256 ${sve} -msve-vector-bits=256)
    set(sve_bf16 -march=armv8.2-a+sve+bf16)
  endif()
  foreach(source ${${list}})
    if(source MATCHES "_(avx2|avx512|avx512_bf16|amx|neon|neon_bf16|sve|sve256|sve_bf16)\\.cc$")
      set(isa ${CMAKE_MATCH_1})
      if(DEFINED ${isa})
        set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${${isa}}" SKIP_PRECOMPILE_HEADERS ON)
      else()
        list(REMOVE_ITEM ${list} ${source})
      endif()
    endif()
  endforeach()
  set(${list} ${${list}} PARENT_SCOPE)
endfunction()

# Those of a folder's sources that stand in for AMX where there is none.
function(wherry_emulates_amx)
  if(WHERRY_EMULATE_AMX)
    set_source_files_properties(${ARGN} PROPERTIES COMPILE_DEFINITIONS WHERRY_EMULATE_AMX SKIP_PRECOMPILE_HEADERS ON)
  endif()
endfunction()
