# Writes OUTPUT, a header with the file INPUT as the text NAMESPACE::NAME.
file(READ ${INPUT} text)
string(LENGTH "${text}" length)
set(literals "")
# Compilers accept literals of at least 64 KiB; adjacent ones are joined.
foreach(begin RANGE 0 ${length} 16000)
  string(SUBSTRING "${text}" ${begin} 16000 part)
  string(APPEND literals "R\"wherry(${part})wherry\"\n")
endforeach()
file(WRITE ${OUTPUT} "#pragma once\n\nnamespace ${NAMESPACE} {\ninline constexpr const char* ${NAME} =\n${literals};\n}\n")
