// The commands on text in a build with -DWHERRY_TEXT=OFF: known, and refused with the reason.

#include <memory>
#include <string>

#include "base/check.h"
#include "cli/command.h"

namespace wherry::cli {
namespace {

void add_refusal(CLI::App& app, Work& work, const char* name) {
  CLI::App& command = *app.add_subcommand(name, "Not in this build, which has no tokenisation");
  command.allow_extras();
  command.callback([name, &work] {
    work = [name]() -> ExitCode {
      base::fail<InvalidInput>("{}: this wherry was built without tokenisation; one built with -DWHERRY_TEXT=ON has it",
                               name);
    };
  });
}

}  // namespace

void add_classify_text(CLI::App& app, Work& work) { add_refusal(app, work, "classify-text"); }
void add_fill_mask(CLI::App& app, Work& work) { add_refusal(app, work, "fill-mask"); }
void add_embed(CLI::App& app, Work& work) { add_refusal(app, work, "embed"); }

}  // namespace wherry::cli
