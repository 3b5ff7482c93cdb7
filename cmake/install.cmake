# `cmake --install` gives others include/wherry, the component libraries and find_package(wherry). Programs link
# wherry::wherry; the libraries behind it are exported because a static library does not contain what it uses.
# `cmake --install build --component development` installs these alone, without the program.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

add_library(wherry_api INTERFACE)
set_target_properties(wherry_api PROPERTIES EXPORT_NAME wherry)
target_link_libraries(wherry_api INTERFACE wherry_engine)
target_compile_features(wherry_api INTERFACE cxx_std_20)
add_library(wherry::wherry ALIAS wherry_api)

install(TARGETS wherry_api wherry_warnings wherry_base wherry_tensor wherry_expression wherry_ir wherry_kernels
                wherry_import wherry_passes wherry_runtime wherry_engine
        EXPORT wherryTargets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}/wherry COMPONENT development
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/wherry DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/wherry)
install(EXPORT wherryTargets NAMESPACE wherry:: DESTINATION ${package_dir} COMPONENT development)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/wherryConfig.cmake.in
                              ${PROJECT_BINARY_DIR}/wherryConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/wherryConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/wherryConfig.cmake ${PROJECT_BINARY_DIR}/wherryConfigVersion.cmake
        DESTINATION ${package_dir} COMPONENT development)
