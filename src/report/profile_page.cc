// The page draws itself from the JSON it carries (profile_page.html); here the two are put together.

#include "report/profile_page.h"

#include "report/profile_page_html.h"

namespace wherry::report {

std::string profile_page(std::string_view document) {
  constexpr std::string_view kPlace = "@PROFILE@";
  std::string page = kProfilePageHtml;
  // "</script>" within a text would end the element that holds the JSON; JSON may write "/" as "\/".
  std::string json;
  json.reserve(document.size());
  for (const char c : document) {
    if (c == '/' && json.ends_with('<')) json += '\\';
    json += c;
  }
  page.replace(page.find(kPlace), kPlace.size(), json);
  return page;
}

}  // namespace wherry::report
