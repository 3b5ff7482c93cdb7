#pragma once
// A profile as one HTML file that needs nothing else: where the time goes, a timeline, a roofline plot, a table.

#include <string>
#include <string_view>

namespace wherry::report {

/// The page of a profile: `document` is the JSON that `wherry profile --json` writes.
std::string profile_page(std::string_view document);

}  // namespace wherry::report
