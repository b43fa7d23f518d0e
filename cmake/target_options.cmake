# Warnings, hardening and sanitizers, set once for every target of ours.
function(target_options target)
  target_compile_definitions(${target} PRIVATE _GNU_SOURCE
    TEMPMESSENGER_VERSION="${PROJECT_VERSION}")
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
    -Wformat=2 -Wvla -Wundef -Wcast-qual -Wwrite-strings
    -fstack-protector-strong -fPIE -ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
  target_link_options(${target} PRIVATE -pie -Wl,-z,relro,-z,now)
  if(WARNINGS_ARE_ERRORS)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_options(${target} PRIVATE
      -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-clash-protection)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
      target_compile_options(${target} PRIVATE -fcf-protection)
    endif()
  endif()
  if(SANITIZERS)
    target_compile_options(${target} PRIVATE
      -fsanitize=${SANITIZERS} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(${target} PRIVATE -fsanitize=${SANITIZERS})
  endif()
endfunction()
