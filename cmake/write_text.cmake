# Writes the bytes of INPUT to OUTPUT as a C array called NAME (see embed_text.cmake).
file(READ ${INPUT} hex HEX)
string(REGEX REPLACE "(..)" "0x\\1, " bytes "${hex}")
string(REGEX REPLACE "((0x.., ){16})" "\\1\n    " bytes "${bytes}")
file(WRITE ${OUTPUT}
  "extern const char ${NAME}[];\n\nconst char ${NAME}[] = {\n    ${bytes}0x00,\n};\n")
