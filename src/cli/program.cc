// Where exceptions become exit codes.

#include "cli/program.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>

#include "cli/brackets.h"
#include "cli/command.h"
#include "cli/terminal.h"
#include "wherry/error.h"

namespace wherry::cli {
namespace {

constexpr const char* kFooter = R"(Examples:
  wherry classify-image mobilenet_v2.pth --arch mobilenet_v2 photo.jpg
  wherry classify-text distilbert-sst2 "A charming journey."
  wherry fill-mask roberta-base "Paris is the <mask> of France."
  wherry run model.pt --input x.npy --output y.npz
  wherry inspect model.pt --input 1x3x224x224
  wherry compile model.pt -o model.wherry
  wherry bench resnet50 --bs 8 --json here.json
  wherry profile resnet50 --html report.html
  wherry cost here.json --instance c6a.large

`wherry COMMAND --help` says more. Exit codes: 0 done, 2 bad input, 3 internal error.)";

/// The command that was being parsed when something was wrong with its options.
std::string help_of(const CLI::App& app) {
  for (const CLI::App* command : app.get_subcommands()) return "wherry " + command->get_name() + " --help";
  return "wherry --help";
}

bool is_command(const CLI::App& app, std::string_view name) {
  const auto commands = app.get_subcommands([name](const CLI::App* command) { return command->get_name() == name; });
  return !commands.empty();
}

/// `exit_code`, unless what was printed could not be written.
ExitCode finished(ExitCode exit_code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return exit_code;
  print_error(fmt::format("standard output: cannot write: {}", std::strerror(errno)));
  return kBadInput;
}

ExitCode work_with_errors(const Work& work) {
  try {
    return finished(work());
  } catch (const Unsupported& error) {
    print_error(error.what());
    for (const auto& item : error.items()) {
      const std::string where = item.where.empty() ? "" : "  (" + printable(item.where) + ")";
      std::fprintf(stderr, "  %s%s\n", printable(item.op).c_str(), where.c_str());
    }
    return kBadInput;
  } catch (const InvalidModel& error) {
    print_error(error.what());
    return kBadInput;
  } catch (const InvalidInput& error) {
    print_error(error.what());
    return kBadInput;
  } catch (const std::bad_alloc&) {
    print_error("out of memory");
    return kInternalError;
  } catch (const std::exception& error) {
    print_error(error.what());
    return kInternalError;
  }
}

}  // namespace

int run_program(int argc, const char* const* argv) {
  const std::string version = "wherry " WHERRY_VERSION;
  CLI::App app("wherry runs PyTorch models on CPUs", "wherry");
  app.footer(kFooter);
  app.get_formatter()->column_width(34);
  app.set_version_flag("--version", version);
  app.require_subcommand(1);
  Work work;
  add_classify_image(app, work);
  add_classify_text(app, work);
  add_fill_mask(app, work);
  add_embed(app, work);
  add_run(app, work);
  add_inspect(app, work);
  add_tune(app, work);
  add_compile(app, work);
  add_bench(app, work);
  add_profile(app, work);
  add_compare_precision(app, work);
  add_cost(app, work);
  for (CLI::App* command : app.get_subcommands({})) command->set_version_flag("--version", version);

  if (argc <= 1) {
    std::fputs(app.help().c_str(), stderr);
    return kBadInput;
  }
  const std::string_view command = argv[1];
  if (!command.starts_with('-') && !is_command(app, command)) {
    print_error(
        fmt::format("no command '{}'; classify-image, classify-text, fill-mask, embed, run, inspect, tune, compile, "
                    "bench, profile, compare-precision and cost are accepted; see 'wherry --help'",
                    command));
    return kBadInput;
  }
  try {
    app.parse(guarded_arguments(argc, argv));
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), stdout);  // of the command that was named, if one was
    return finished(kOk);
  } catch (const CLI::CallForVersion&) {
    std::fputs((version + "\n").c_str(), stdout);
    return finished(kOk);
  } catch (const CLI::ParseError& error) {
    print_error(fmt::format("{}; see '{}'", error.what(), help_of(app)));
    return kBadInput;
  }
  return work_with_errors(work);
}

}  // namespace wherry::cli
