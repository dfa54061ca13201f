# What a plugin is built with, in this tree and out of it: the installed package (PharosConfig.cmake) has this file.

# Warnings, hardening and, in a sanitizer build, the sanitizer: a plugin must be built like its server.
if(NOT TARGET pharos_options)
  add_library(pharos_options INTERFACE)
  target_compile_features(pharos_options INTERFACE cxx_std_20)
  target_compile_options(pharos_options INTERFACE -Wall -Wextra -Wpedantic -Wnon-virtual-dtor -Wshadow=local -Wno-missing-field-initializers
                         -Wno-restrict # gcc 12 sees overlaps in std::string that are not there
                         -fstack-protector-strong -fstack-clash-protection)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64")
    target_compile_options(pharos_options INTERFACE -fcf-protection)
  endif()
  target_link_options(pharos_options INTERFACE -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
  if(PHAROS_SANITIZER)
    target_compile_options(pharos_options INTERFACE -fsanitize=${PHAROS_SANITIZER} -fno-omit-frame-pointer)
    target_link_options(pharos_options INTERFACE -fsanitize=${PHAROS_SANITIZER})
  else()
    target_compile_definitions(pharos_options INTERFACE _GLIBCXX_ASSERTIONS $<$<CONFIG:Release,RelWithDebInfo>:_FORTIFY_SOURCE=2>)
  endif()
endif()

# pharos_add_plugin(NAME SOURCES file... [LIBS target...])
#
# Makes the plugin NAME.so of plugin.cpp, which has the descriptor (PHAROS_PLUGIN) and the wiring, and a static library
# NAME-core of SOURCES, which has all of the logic; tests link NAME-core. It is installed where a server of the same
# prefix finds it. Out of tree, the test NAME-check has pharos-plugin-check look at the file.
function(pharos_add_plugin NAME)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  if(NOT ARG_SOURCES)
    message(FATAL_ERROR "pharos_add_plugin(${NAME}): SOURCES is empty; it has the plugin's logic, plugin.cpp is added by itself")
  endif()
  add_library(${NAME}-core STATIC ${ARG_SOURCES})
  add_library(${NAME} MODULE plugin.cpp)
  set_target_properties(${NAME}-core ${NAME} PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_EXTENSIONS OFF
                        CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  target_include_directories(${NAME}-core PUBLIC ${CMAKE_CURRENT_SOURCE_DIR}/src)
  target_link_libraries(${NAME}-core PUBLIC pharos_options pharos::sdk ${ARG_LIBS})
  target_link_libraries(${NAME} PRIVATE ${NAME}-core)
  # All symbols are there at the load; code stays for ever, since others may refer to it; nothing but the descriptor is
  # seen from outside.
  target_link_options(${NAME} PRIVATE -Wl,-z,defs -Wl,-z,nodelete -Wl,--exclude-libs,ALL)
  set_target_properties(${NAME} PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib/pharos/plugins
                        BUILD_RPATH "$ORIGIN/../.." INSTALL_RPATH "$ORIGIN/../..")
  install(TARGETS ${NAME} LIBRARY DESTINATION lib/pharos/plugins)
  if(PHAROS_PLUGIN_CHECK)
    add_test(NAME ${NAME}-check COMMAND ${PHAROS_PLUGIN_CHECK} $<TARGET_FILE:${NAME}>)
  endif()
endfunction()
