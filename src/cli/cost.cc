// wherry cost: from result files and prices to cost per million inferences, beside a baseline's.

#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "base/check.h"
#include "base/mapped_file.h"
#include "base/new_file.h"
#include "cli/command.h"
#include "cli/cost_plots.h"
#include "cli/cost_report.h"
#include "cli/delimited.h"
#include "cli/json_text.h"
#include "cost/comparison.h"

namespace wherry::cli {
namespace {

constexpr const char* kExamples = R"(Examples:
  wherry bench resnet50 --json c7g.json --instance c7g.4xlarge     # on each machine
  wherry cost c7g.json c6i.json --baseline c6i.4xlarge
  wherry cost results/*.json --baseline "PyTorch 1.13" --plots plots/
  wherry cost results/*.json --baseline c5.4xlarge --speed-baseline "PyTorch 1.13, fp32" --csv cost.csv
  wherry cost here.json --instance c6a.large --json | jq '.results[].cost_per_million'
  wherry cost a.json b.json --instance a.json=ml.c7g.xlarge --instance b.json=ml.c6i.xlarge --prices mine.csv

RESULTS are what `wherry bench --json FILE` writes, or the same keys from other engines: one result a file, or a list.
Cost per million inferences is price an hour / 3600 / inferences a second x 1,000,000: one inference is one element of
a batch, and the machine is always busy. Only results of the same model, batch and length are compared.

A baseline is named by words with commas between them: an instance, an engine (any version, or one: "PyTorch 1.13" is
1.13.1 too), a precision, "2 threads", an instruction set. Of several such results each is compared with the one on its
own instance, then of its own engine, precision, threads and instruction set. Without --baseline it is each model's first
result.

Built in are EC2's prices on demand in us-east-1 of 2026-07-20, of compute-optimised .4xlarge instances; those of large,
xlarge and 2xlarge are derived from them. --prices FILE replaces them: .csv with columns instance and price_per_hour
(and currency, region, basis), or .json with a list of such objects.
Exit codes: 0 done, 2 bad input.)";

struct CostOptions {
  std::vector<std::string> results;
  std::vector<std::string> instances;
  cost::Baselines baselines;
  std::string prices;
  std::string csv;
  std::string plots;
  bool json = false;
};

std::string_view text_of(const base::MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

cost::PriceTable prices_of(const std::string& path) {
  if (path.empty()) return cost::PriceTable::built_in();
  if (path.ends_with(".json")) return cost::PriceTable::parse_json(text_of(*base::MappedFile::open(path)), path);
  if (!path.ends_with(".csv") && !path.ends_with(".tsv"))
    base::fail<InvalidInput>("--prices {}: is no table by its name; .csv, .tsv or .json is accepted", path);
  DelimitedReader reader(path);
  std::vector<std::vector<std::string>> rows;
  std::vector<std::int64_t> lines;
  while (auto row = reader.next()) {
    rows.push_back(std::move(*row));
    lines.push_back(reader.number());
  }
  return cost::PriceTable::from_rows(reader.header(), rows, lines, path);
}

/// What --instance says of a file.
struct Named {
  std::string file;  ///< empty for all
  std::string instance;
};

std::vector<Named> named_instances(const CostOptions& options) {
  std::vector<Named> named;
  for (const std::string& words : options.instances) {
    const auto equals = words.rfind('=');
    Named one{equals == words.npos ? "" : words.substr(0, equals),
              equals == words.npos ? words : words.substr(equals + 1)};
    if (one.instance.empty())
      base::fail<InvalidInput>("--instance {}: names no instance; NAME or FILE=NAME is accepted", words);
    if (!one.file.empty() &&
        std::find(options.results.begin(), options.results.end(), one.file) == options.results.end())
      base::fail<InvalidInput>("--instance {}: {} is none of the result files; {} are accepted", words, one.file,
                               fmt::join(options.results, ", "));
    named.push_back(std::move(one));
  }
  return named;
}

/// A file's own word counts; one that names it must not differ, one for all fills what is left.
void supply_instance(cost::Result& result, const std::string& file, const std::vector<Named>& named) {
  for (const bool of_file : {true, false}) {
    for (const Named& one : named) {
      if (one.file != (of_file ? file : "")) continue;
      if (of_file && !result.instance.empty() && result.instance != one.instance)
        base::fail<InvalidInput>(
            "--instance {}={}: {} was measured on {} by its own word; --instance is for files without one", one.file,
            one.instance, result.source, result.instance);
      if (!result.instance.empty()) continue;
      result.instance = one.instance;
      result.instance_basis = "supplied";
    }
  }
}

std::vector<cost::Result> read_results(const CostOptions& options) {
  const std::vector<Named> named = named_instances(options);
  std::vector<cost::Result> results;
  for (const std::string& path : options.results) {
    for (cost::Result& result : cost::parse_results(text_of(*base::MappedFile::open(path)), path)) {
      supply_instance(result, path, named);
      results.push_back(std::move(result));
    }
  }
  return results;
}

ExitCode run_cost(const CostOptions& options) {
  if (options.json && options.csv == "-")
    base::fail<InvalidInput>("--csv -: --json writes to standard output already; one of the two is accepted there");
  const cost::PriceTable prices = prices_of(options.prices);
  const cost::Comparison comparison = cost::compare(read_results(options), prices, options.baselines);
  for (const std::string& doubt : comparison.doubts) print_note(doubt);
  if (options.csv == "-") {
    std::fputs(cost_csv(comparison, prices.origin()).c_str(), stdout);
  } else if (!options.csv.empty()) {
    base::write_file(options.csv, cost_csv(comparison, prices.origin()));
  }
  if (options.json)
    std::fputs((json_text(cost_json(comparison, prices.origin())) + "\n").c_str(), stdout);
  else if (options.csv != "-")
    std::fputs(cost_text(comparison, prices.origin()).c_str(), stdout);
  if (!options.plots.empty()) write_cost_plots(options.plots, comparison, options.baselines, prices.origin());
  return kOk;
}

}  // namespace

void add_cost(CLI::App& app, Work& work) {
  const auto options = std::make_shared<CostOptions>();
  CLI::App& command = *app.add_subcommand("cost", "Cost per million inferences, from results of bench and prices");
  command.add_option("RESULTS", options->results, "Files that `wherry bench --json FILE` wrote")
      ->required()
      ->type_name("FILE");
  command
      .add_option("--instance", options->instances,
                  "Where results were measured that do not say so: NAME, or FILE=NAME")
      ->allow_extra_args(false)
      ->type_name("NAME");
  command.add_option("--prices", options->prices, "Prices an hour, instead of the built-in ones: .csv or .json")
      ->type_name("FILE");
  command
      .add_option("--baseline", options->baselines.cost, "What all is relative to: c5.4xlarge, \"PyTorch 1.13, fp32\"")
      ->type_name("WORDS");
  command.add_option("--speed-baseline", options->baselines.speed, "What speed is relative to, if that is another")
      ->type_name("WORDS");
  command.add_flag("--json", options->json, "Print JSON");
  command.add_option("--csv", options->csv, "Write all figures as CSV too; - for standard output alone")
      ->type_name("FILE");
  command.add_option("--plots", options->plots, "Draw speed, cost and p90 latency here, as SVG and PNG")
      ->type_name("FOLDER");
  command.footer(kExamples);
  command.callback([options, &work] { work = [options] { return run_cost(*options); }; });
}

}  // namespace wherry::cli
