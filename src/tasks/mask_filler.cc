// From logits to words by the rules of transformers' pipelines/fill_mask.py.

#include "tasks/mask_filler.h"

#include <algorithm>

#include "base/check.h"
#include "tasks/length_batches.h"

namespace wherry::tasks {

using base::fail;

MaskFiller::MaskFiller(const std::string& path, const Options& options, const TextOptions& text)
    : model_(path, options, text) {
  const auto id = mask().empty() ? std::nullopt : model_.tokenizer().id_of(mask());
  if (!id)
    fail<InvalidModel>(
        "{}: the tokenizer has no mask token; [MASK], <mask> or tokenizer_config.json's mask_token is "
        "expected in its vocabulary",
        model_.tokenizer().name());
  mask_id_ = *id;
}

text::Encoding MaskFiller::encode(const TextInput& input) const {
  text::Encoding encoding = model_.encode(input);
  if (std::find(encoding.ids.begin(), encoding.ids.end(), mask_id_) == encoding.ids.end())
    fail<InvalidInput>("the text has no {}{}; one at least is expected, where a word is missing", mask(),
                       encoding.truncated() ? fmt::format(" within its first {} tokens", model_.max_length()) : "");
  return encoding;
}

std::vector<Fillings> MaskFiller::fill(std::span<const text::Encoding* const> texts, std::size_t top) const {
  std::vector<Fillings> results(texts.size());
  for (const auto& part : model_.parts(texts)) {
    const std::vector<const text::Encoding*> together = texts_of(texts, part);
    std::vector<Fillings> answers = fill_part(together, top);
    for (std::size_t i = 0; i < part.size(); ++i) results[part[i]] = std::move(answers[i]);
  }
  return results;
}

std::vector<Fillings> MaskFiller::fill_part(std::span<const text::Encoding* const> texts, std::size_t top) const {
  std::vector<TokenPlace> masks;
  for (std::size_t i = 0; i < texts.size(); ++i)
    for (std::size_t at = 0; at < texts[i]->ids.size(); ++at)
      if (texts[i]->ids[at] == mask_id_) masks.push_back({i, at});
  if (masks.empty()) return std::vector<Fillings>(texts.size());

  // The head's product with the vocabulary is a third of a small model's work when every token gets its scores.
  const bool only_masks = model_.takes_positions();
  const TextOutputs outputs =
      model_.run_part(texts, only_masks ? std::span<const TokenPlace>(masks) : std::span<const TokenPlace>());
  const Tensor logits = model_.output(outputs, "logits", only_masks ? 2 : 3);
  const auto sequence = static_cast<std::size_t>(outputs.sequence);
  const auto words = static_cast<std::size_t>(logits.sizes().back());
  if (!only_masks && logits.sizes()[1] != outputs.sequence)
    fail<InvalidModel>("{}: the model's output is {}; scores of each of {} tokens are expected", model_.name(),
                       to_string(logits.sizes()), sequence);

  if (const std::int64_t largest = model_.tokenizer().largest_id(); logits.sizes().back() <= largest)
    fail<InvalidModel>("{}: the model gives {} scores; one for each token up to id {} is expected of a masked LM",
                       model_.name(), words, largest);

  std::vector<Fillings> results(texts.size());
  for (std::size_t i = 0; i < masks.size(); ++i) {
    const auto [text, token] = masks[i];
    const std::size_t row = only_masks ? i : text * sequence + token;
    const auto found = top_classes(logits.values<float>().subspan(row * words, words), top);
    if (!found) fail<InvalidModel>("{}: the model's output is not finite; scores need finite logits", model_.name());
    results[text].push_back(fillings(*texts[text], token, *found));
  }
  return results;
}

std::vector<Filling> MaskFiller::fillings(const text::Encoding& text, std::size_t token,
                                          std::span<const ClassScore> words) const {
  const text::Tokenizer& tokenizer = model_.tokenizer();
  std::vector<std::int64_t> ids = text.ids;
  const bool single = std::count(ids.begin(), ids.end(), mask_id_) == 1;
  std::vector<Filling> result;
  for (const ClassScore& one : words) {
    ids[token] = one.index;
    result.push_back({.score = static_cast<float>(one.probability),
                      .token = one.index,
                      .token_str = tokenizer.decode(std::span(&one.index, 1), false),
                      .sequence = tokenizer.decode(ids, single)});
  }
  return result;
}

}  // namespace wherry::tasks
