# Makes a text file part of a target, as `const char NAME[]` with a NUL behind it; with SHA1 as a
# fourth argument also its SHA-1 in hex digits, as `const char NAME_sha1[]`.
function(target_embed_text target file name)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${name}.c)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DINPUT=${CMAKE_CURRENT_SOURCE_DIR}/${file} -DOUTPUT=${output}
            -DNAME=${name} -DSHA1=${ARGN} -P ${PROJECT_SOURCE_DIR}/cmake/write_text.cmake
    DEPENDS ${file} ${PROJECT_SOURCE_DIR}/cmake/write_text.cmake
    VERBATIM)
  target_sources(${target} PRIVATE ${output})
endfunction()
