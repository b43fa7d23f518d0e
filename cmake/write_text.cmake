# Writes the bytes of INPUT to OUTPUT as a C array called NAME (see embed_text.cmake).
file(READ ${INPUT} hex HEX)
string(REGEX REPLACE "(........................)" "\\1\n    " hex "${hex}")
# As characters, not numbers: the number of a byte above 127 does not fit into a char.
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1', " bytes "${hex}")
file(WRITE ${OUTPUT}
  "extern const char ${NAME}[];\n\nconst char ${NAME}[] = {\n    ${bytes}'\\0',\n};\n")
if(SHA1)
  file(SHA1 ${INPUT} sha1)
  file(APPEND ${OUTPUT}
    "\nextern const char ${NAME}_sha1[];\n\nconst char ${NAME}_sha1[] = \"${sha1}\";\n")
endif()
