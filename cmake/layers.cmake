# One CMake target a layer. wherry_layer(ir DEPENDS expression tensor SOURCES a.cc b.cc [LIBRARIES fmt::fmt])
# makes the static library wherry_ir; tests/<layer>/ adds its tests with wherry_test(ir SOURCES …).

function(wherry_layer name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;SOURCES;LIBRARIES" ${ARGN})
  add_library(wherry_${name} STATIC ${ARG_SOURCES})
  target_include_directories(wherry_${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>
                                                   $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>)
  list(TRANSFORM ARG_DEPENDS PREPEND wherry_)
  target_link_libraries(wherry_${name} PUBLIC ${ARG_DEPENDS} PRIVATE ${ARG_LIBRARIES} wherry_warnings)
endfunction()

# One test binary a layer (or several: NAME overrides). Each GoogleTest case becomes a ctest test.
function(wherry_test layer)
  cmake_parse_arguments(ARG "" "NAME" "DEPENDS;SOURCES;LIBRARIES;LABELS" ${ARGN})
  if(NOT WHERRY_TESTS)
    return()
  endif()
  set(target ${layer}_test)
  if(ARG_NAME)
    set(target ${ARG_NAME})
  endif()
  add_executable(${target} ${ARG_SOURCES})
  list(TRANSFORM ARG_DEPENDS PREPEND wherry_)
  target_link_libraries(${target} PRIVATE wherry_${layer} ${ARG_DEPENDS} ${ARG_LIBRARIES} wherry_warnings GTest::gmock
                                          GTest::gtest_main)
  target_compile_definitions(${target} PRIVATE WHERRY_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                                               WHERRY_BINARY_DIR="${PROJECT_BINARY_DIR}")
  gtest_discover_tests(${target} TEST_PREFIX ${layer}. DISCOVERY_TIMEOUT 120 DISCOVERY_MODE PRE_TEST
                       PROPERTIES TIMEOUT 600 LABELS "${layer};${ARG_LABELS}")
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

# Files named for an instruction set, and only they, are compiled for it: *_avx2.cc, *_avx512.cc,
# *_avx512_bf16.cc, *_amx.cc.
function(wherry_isa_sources)
  foreach(source ${ARGN})
    set(avx512 -mavx512f -mavx512bw -mavx512cd -mavx512dq -mavx512vl -mavx2 -mfma -mf16c -mbmi -mbmi2 -mprefer-vector-width=512)
    if(source MATCHES "_avx2\\.cc$")
      set(flags "-mavx2;-mfma;-mf16c;-mbmi;-mbmi2")
    elseif(source MATCHES "_avx512\\.cc$")
      set(flags ${avx512})
    elseif(source MATCHES "_avx512_bf16\\.cc$")
      set(flags ${avx512} -mavx512bf16)
    elseif(source MATCHES "_amx\\.cc$")
      set(flags ${avx512} -mavx512bf16 -mamx-tile -mamx-bf16)
    else()
      message(FATAL_ERROR "${source}: its name ends in no instruction set")
    endif()
    set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${flags}")
  endforeach()
endfunction()
