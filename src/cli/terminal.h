#pragma once
// What the program may do with the terminal it talks to: colour, width, block characters; and text that is safe there.

#include <cstdint>
#include <string>
#include <string_view>

namespace wherry::cli {

/// Text from files, made safe for one line of a terminal: control characters become \x1b and the like.
std::string printable(std::string_view text);

/// Code points in UTF-8 text: the columns it takes, but for East Asian and combining characters.
std::size_t columns_of(std::string_view text);

/// `text` in at most `columns` columns, with "…" where its end (or its start) was cut.
std::string cut_end(std::string_view text, std::size_t columns);
std::string cut_start(std::string_view text, std::size_t columns);

/// True if standard error is a terminal.
bool error_is_terminal();

/// Columns of standard output's terminal; 120 where it is a file or a pipe, and never less than 80.
std::size_t output_width();

/// True if the locale's encoding is UTF-8.
bool utf8_locale();

/// Text in bold or in a colour, if standard output is a terminal that wants colour (NO_COLOR, TERM=dumb).
std::string bold(std::string_view text);
std::string dim(std::string_view text);
std::string green(std::string_view text);

/// That many columns, filled from the left by a share of 0 to 1: in eighths where the locale is UTF-8, else with '#'.
std::string bar(double share, std::size_t columns);

/// "14.0 MB", "602 kB"
std::string human_bytes(std::int64_t bytes);

/// "3,504,872"
std::string grouped(std::int64_t number);

}  // namespace wherry::cli
