// Every candidate of every primitive is tried within whole inferences: plan k gives each primitive its candidate k, and
// the plans take turns, so what the machine does meanwhile befalls all of them alike.

#include "wherry/tune.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <utility>

#include "engine/model_state.h"
#include "engine/tuning_file.h"

namespace wherry {
namespace {

using Plan = runtime::BatchPlan;
using runtime::Tuning;

/// Faster by less than this is noise, first when the best of many is looked for, then when it alone is measured again.
constexpr double kWorthTrying = 0.98;
constexpr double kWorthKeeping = 0.985;
constexpr std::size_t kFewestRounds = 7;
constexpr std::size_t kMostRounds = 60;

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

double milliseconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

/// A primitive, the steps that run it, and what it may choose from.
struct Subject {
  std::string key;
  std::vector<std::size_t> steps;
  std::vector<kernels::Choice> candidates;
};

class Tuner {
 public:
  Tuner(Model::Impl& model, std::span<const Tensor> inputs, const TuneOptions& options)
      : model_(model), options_(options), inputs_(model.inputs_of(inputs)), graphs_(model.optimized_graphs(inputs_)) {
    for (Tensor& input : inputs_) input = input.contiguous();
  }

  TuneReport run() {
    TuneReport report;
    report.path = options_.output.empty() ? model_.tuning_path : options_.output;
    if (!report.path.empty()) engine::save_tuning(report.path, {});  // what cannot be kept need not be measured
    const auto base = plan({});
    find_subjects(*base);
    Tuning kept = confirm(*base, search(*base));
    compare(*base, kept, report);
    describe(*base, kept, report);
    if (!report.path.empty()) {
      for (const Subject& subject : subjects_) kept.try_emplace(subject.key);  // what an earlier tuning said is void
      engine::save_tuning(report.path, kept);
    }
    return report;
  }

 private:
  std::shared_ptr<const Plan> plan(const Tuning& tuning) { return model_.plan_of(graphs_, primitives_, tuning); }

  void find_subjects(const Plan& base) {
    std::map<std::string, std::size_t> found;
    const auto tunables = base.tunables();
    for (std::size_t step = 0; step < tunables.size(); ++step) {
      const auto& [key, candidates] = tunables[step];
      if (candidates.size() < 2) continue;
      const auto [at, added] = found.try_emplace(key, subjects_.size());
      if (added) subjects_.push_back({key, {}, candidates});
      subjects_[at->second].steps.push_back(step);
    }
  }

  void tell(std::string_view stage, double done) const {
    if (options_.progress) options_.progress(stage, done);
  }

  /// Median milliseconds of each subject under each plan, the plans taking turns.
  std::vector<std::vector<double>> measure(const std::vector<const Plan*>& plans, double seconds,
                                           std::string_view stage) {
    std::vector<std::vector<std::vector<double>>> samples(plans.size(),
                                                          std::vector<std::vector<double>>(subjects_.size()));
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t round = 0; round < kMostRounds; ++round) {
      const double spent = milliseconds_since(start) / 1e3;
      if (round > kFewestRounds && spent > seconds) break;
      tell(stage, std::min(1.0, std::max(spent / seconds, static_cast<double>(round) / kMostRounds)));
      for (std::size_t i = 0; i < plans.size(); ++i) {
        runtime::RunRecord record;
        plans[i]->run(inputs_, model_.team, model_.arenas, &record);
        if (round == 0) continue;  // warm-up
        const std::vector<double> times = record.step_ms(plans[i]->step_count());
        for (std::size_t s = 0; s < subjects_.size(); ++s) {
          double sum = 0;
          for (const std::size_t step : subjects_[s].steps) sum += times[step];
          samples[i][s].push_back(sum);
        }
      }
    }
    std::vector<std::vector<double>> medians(plans.size());
    for (std::size_t i = 0; i < plans.size(); ++i) {
      for (auto& each : samples[i]) medians[i].push_back(median(std::move(each)));
    }
    return medians;
  }

  /// The candidates that look best.
  Tuning search(const Plan& base) {
    std::size_t most = 0;
    for (const Subject& subject : subjects_) most = std::max(most, subject.candidates.size());
    std::vector<std::shared_ptr<const Plan>> owned;
    std::vector<const Plan*> plans{&base};
    for (std::size_t k = 1; k < most; ++k) {
      Tuning tuning;
      for (const Subject& subject : subjects_) {
        if (k < subject.candidates.size()) tuning[subject.key] = subject.candidates[k];
      }
      owned.push_back(plan(tuning));
      plans.push_back(owned.back().get());
    }
    Tuning best;
    if (plans.size() == 1) return best;
    const auto medians = measure(plans, options_.seconds * 0.7, "measuring candidates");
    for (std::size_t s = 0; s < subjects_.size(); ++s) {
      std::size_t winner = 0;
      for (std::size_t k = 1; k < subjects_[s].candidates.size(); ++k) {
        if (medians[k][s] < medians[winner][s]) winner = k;
      }
      if (medians[winner][s] < kWorthTrying * medians[0][s]) best[subjects_[s].key] = subjects_[s].candidates[winner];
    }
    return best;
  }

  /// Those of `candidates` that are faster again: the best of many is often only the luckiest.
  Tuning confirm(const Plan& base, const Tuning& candidates) {
    before_.assign(subjects_.size(), 0);
    after_.assign(subjects_.size(), 0);
    const auto tuned = plan(candidates);
    const auto medians = measure({&base, tuned.get()}, options_.seconds * 0.15, "measuring the best again");
    Tuning kept;
    for (std::size_t s = 0; s < subjects_.size(); ++s) {
      before_[s] = after_[s] = medians[0][s];
      const auto found = candidates.find(subjects_[s].key);
      if (found == candidates.end() || medians[1][s] >= kWorthKeeping * medians[0][s]) continue;
      kept.insert(*found);
      after_[s] = medians[1][s];
    }
    return kept;
  }

  /// Whole inferences with and without; drops all of `kept` where it makes them no faster.
  void compare(const Plan& base, Tuning& kept, TuneReport& report) {
    const auto tuned = plan(kept);
    std::vector<double> before, after;
    const auto start = std::chrono::steady_clock::now();
    while (before.size() < kFewestRounds ||
           (milliseconds_since(start) / 1e3 < options_.seconds * 0.15 && before.size() < 1000)) {
      tell("measuring whole inferences", std::min(1.0, milliseconds_since(start) / 150 / options_.seconds));
      for (const auto& [plan, times] : {std::pair{&base, &before}, std::pair{tuned.get(), &after}}) {
        const auto at = std::chrono::steady_clock::now();
        plan->run(inputs_, model_.team, model_.arenas);
        times->push_back(milliseconds_since(at));
      }
    }
    report.before_ms = report.after_ms = median(std::move(before));
    const double with = median(std::move(after));
    if (kept.empty()) return;
    if (with < report.before_ms) {
      report.after_ms = with;
    } else {
      kept.clear();
      after_ = before_;
    }
  }

  void describe(const Plan& base, const Tuning& kept, TuneReport& report) const {
    const std::vector<StepInfo> infos = base.steps();
    for (std::size_t s = 0; s < subjects_.size(); ++s) {
      const Subject& subject = subjects_[s];
      const StepInfo& info = infos[subject.steps[0]];
      TunedPrimitive primitive;
      primitive.op = info.op;
      primitive.kernel = info.kernel;
      primitive.shape = info.shape;
      primitive.key = subject.key;
      primitive.steps = static_cast<int>(subject.steps.size());
      primitive.candidates = static_cast<int>(subject.candidates.size());
      primitive.before_ms = before_[s];
      primitive.after_ms = after_[s];
      if (const auto found = kept.find(subject.key); found != kept.end()) primitive.choice = found->second;
      report.primitives.push_back(std::move(primitive));
    }
  }

  Model::Impl& model_;
  const TuneOptions& options_;
  std::vector<Tensor> inputs_;
  const engine::BatchGraphs graphs_;
  runtime::PrimitiveCache primitives_{{.entries = 4096, .bytes = std::int64_t{64} << 20}};  // not the models': most are
                                                                                            // tried only once
  std::vector<Subject> subjects_;
  std::vector<double> before_, after_;  // by subject
};

}  // namespace

TuneReport tune(const Model& model, std::span<const Tensor> inputs, const TuneOptions& options) {
  return Tuner(model.impl(), inputs, options).run();
}

}  // namespace wherry
