#pragma once
// What a fuzzer of a reader allows to come out of it: errors that blame the file, and nothing else.

#include "wherry/error.h"

/// Runs `read`. An InternalError is a bug of ours and goes on to the fuzzer; any other wherry::Error is an answer.
template <typename Read>
void attempt(Read read) {
  try {
    read();
  } catch (const wherry::InternalError&) {
    throw;
  } catch (const wherry::Error&) {
  }
}
