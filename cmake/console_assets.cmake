# Puts the files of console/dist and the documentation into the program, as they are and compressed, without Node.
# A change of one of them runs CMake again.

# The type of a file by the end of its name; empty: it is not served.
function(xsh_asset_type name out)
  set(types
    "html=text/html\\; charset=utf-8" "js=text/javascript\\; charset=utf-8" "css=text/css\\; charset=utf-8"
    "svg=image/svg+xml" "woff2=font/woff2" "json=application/json" "png=image/png"
    "md=text/markdown\\; charset=utf-8" "txt=text/plain\\; charset=utf-8")
  set(${out} "" PARENT_SCOPE)
  get_filename_component(end ${name} LAST_EXT)
  foreach(pair IN LISTS types)
    string(REGEX MATCH "^([a-z0-9]+)=(.*)$" _ "${pair}")
    if(end STREQUAL ".${CMAKE_MATCH_1}")
      set(${out} "${CMAKE_MATCH_2}" PARENT_SCOPE)
      return()
    endif()
  endforeach()
endfunction()

# Adds one file to the variables `declarations`, `rows` and `inputs` of the caller.
function(xsh_asset_add file path)
  xsh_asset_type(${path} type)
  if(type STREQUAL "")
    return()
  endif()
  list(LENGTH inputs number)
  file(SIZE ${file} size)
  file(SHA256 ${file} hash)
  string(SUBSTRING ${hash} 0 24 hash)
  string(REGEX MATCH "^/assets/" immutable "${path}")
  set(immutable_text "false")
  if(immutable)
    set(immutable_text "true")
  endif()
  set(text "XSH_EMBED(${number}, \"${file}\")\n")
  set(gzip "{ NULL, 0 }")
  if(NOT path MATCHES "\\.(woff2|png)$")
    set(packed ${PROJECT_BINARY_DIR}/console_assets/${hash}.gz)
    if(NOT EXISTS ${packed})
      file(ARCHIVE_CREATE OUTPUT ${packed} PATHS ${file} FORMAT raw COMPRESSION GZip COMPRESSION_LEVEL 9)
    endif()
    file(SIZE ${packed} packed_size)
    string(APPEND text "XSH_EMBED(${number}_gzip, \"${packed}\")\n")
    set(gzip "{ xsh_asset_${number}_gzip, ${packed_size} }")
  endif()
  string(APPEND rows
    "    { SLICE_INIT(\"${path}\"), SLICE_INIT(\"${type}\"), { xsh_asset_${number}, ${size} }, ${gzip},\n"
    "      SLICE_INIT(\"\\\"${hash}\\\"\"), SLICE_INIT(\"\\\"${hash}-gz\\\"\"), ${immutable_text} },\n")
  string(APPEND declarations "${text}")
  list(APPEND inputs ${file})
  set(rows "${rows}" PARENT_SCOPE)
  set(declarations "${declarations}" PARENT_SCOPE)
  set(inputs "${inputs}" PARENT_SCOPE)
endfunction()

# xsh_console_assets(<target>)
function(xsh_console_assets target)
  set(dist ${PROJECT_SOURCE_DIR}/console/dist)
  if(NOT EXISTS ${dist}/index.html)
    message(FATAL_ERROR "console/dist/index.html is not there: it is part of the sources (`./dev console` makes it)")
  endif()
  file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/console_assets)
  set(declarations "")
  set(rows "")
  set(inputs "")
  file(GLOB_RECURSE files CONFIGURE_DEPENDS ${dist}/*)
  foreach(file IN LISTS files)
    file(RELATIVE_PATH path ${dist} ${file})
    xsh_asset_add(${file} "/${path}")
  endforeach()

  file(GLOB pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/CHANGELOG.md
       ${PROJECT_SOURCE_DIR}/CONTRIBUTING.md ${PROJECT_SOURCE_DIR}/docs/*.md ${PROJECT_SOURCE_DIR}/docs/decisions/*.md)
  set(index "")
  foreach(file IN LISTS pages)
    file(RELATIVE_PATH path ${PROJECT_SOURCE_DIR} ${file})
    xsh_asset_add(${file} "/docs/source/${path}")
    string(APPEND index "${path}\n")
  endforeach()
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/console_assets/index.txt CONTENT "${index}" @ONLY)
  xsh_asset_add(${PROJECT_BINARY_DIR}/console_assets/index.txt "/docs/source/index.txt")

  set(source ${PROJECT_BINARY_DIR}/console_assets/console_assets_data.c)
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT
"/* Made by cmake/console_assets.cmake. */
#include \"base/check.h\"
#include \"console/console_assets.h\"

#define SLICE_INIT(text) { text, sizeof(text) - 1 }
#define XSH_EMBED(number, file)                                                                    \\
    __asm__(\".pushsection .rodata\\nxsh_asset_\" #number \":\\n.incbin \\\"\" file \"\\\"\\n.byte 0\\n.popsection\\n\"); \\
    extern const char xsh_asset_##number[];

@declarations@
const struct console_asset console_asset_table[] = {
@rows@};
const size_t console_asset_count = ARRAY_COUNT(console_asset_table);
")
  set_property(SOURCE ${source} APPEND PROPERTY OBJECT_DEPENDS ${inputs})
  set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${inputs})
  target_sources(${target} PRIVATE ${source})
endfunction()
