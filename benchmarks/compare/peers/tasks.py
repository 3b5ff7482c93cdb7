"""Whole tasks around a model, as a user of the peers writes them: tokenise, run, take the best.

Tokenisers are Hugging Face's `tokenizers` itself, without what transformers puts around it.
"""
from __future__ import annotations

import csv
import pathlib
from typing import Any, Sequence

import models
from text_engines import Run, RunAll, numpy_of

ROBERTA_VOCABULARY = models.SHARED / "data/roberta-vocab"
SENTENCES = models.SHARED / "data/sst2/validation.tsv"
FILL_MASK_TOKENS = 128
# Each a single token of RoBERTa's, so that any of them in a row make a text of the length that is wanted.
WORDS = ("the of and to in is that for it as was with be by on not he his but at are this have from or had an they which one you were all her "
         "she there would their we him been has when who will no more if out so up said what its about than into them can only other time new "
         "some could these two may first then do any like my now over such our man me even most made after also well must before years").split()


def tokenizer_of(folder: pathlib.Path) -> Any:
    import tokenizers

    return tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))


def save_tokenizer(name: str, folder: pathlib.Path) -> None:
    """Adds a model's tokeniser to its folder, where a task needs one."""
    import transformers

    sources = {"roberta": (transformers.RobertaTokenizer, ROBERTA_VOCABULARY),
               "distilbert-sst2": (transformers.AutoTokenizer, models.SHARED / "models/distilbert-sst2")}
    if name in sources:
        cls, source = sources[name]
        cls.from_pretrained(source).save_pretrained(folder)


class FillMask:
    """The five likeliest words for a gap, one text at a time."""

    def __init__(self, run: Run, folder: pathlib.Path) -> None:
        self.run = run
        self.tokenizer = tokenizer_of(folder)
        self.gap = self.tokenizer.token_to_id("<mask>")

    def logits(self, line: str) -> tuple[list[int], int, Any]:
        import numpy

        encoding = self.tokenizer.encode(line)
        at = encoding.ids.index(self.gap)
        output = self.run(numpy.array([encoding.ids]), numpy.array([encoding.attention_mask]))
        return encoding.ids, at, numpy_of(output[0, at])

    def __call__(self, lines: Sequence[str]) -> list[Any]:
        import numpy

        found = []
        for line in lines:
            ids, at, logits = self.logits(line)
            scores = numpy.exp(logits - logits.max())
            scores /= scores.sum()
            best = numpy.argpartition(scores, -5)[-5:]
            best = best[numpy.argsort(-scores[best])]
            found.append([(float(scores[token]), self.tokenizer.decode([token]), self.tokenizer.decode([*ids[:at], token, *ids[at + 1:]]))
                          for token in best])
        return found

    def answer(self, lines: Sequence[str]) -> Any:
        """Of the first text, all words' logits, less their mean: probabilities have nothing else in them."""
        logits = self.logits(lines[0])[2]
        return logits - logits.mean()


class Sentiment:
    """Labels of all sentences, in batches of like length."""

    def __init__(self, run_all: RunAll, folder: pathlib.Path, batch: int = 8) -> None:
        self.run_all, self.batch = run_all, batch
        self.tokenizer = tokenizer_of(folder)
        self.tokenizer.enable_truncation(512)
        self.tokenizer.no_padding()

    def __call__(self, lines: Sequence[str]) -> Any:
        """Label and score of each."""
        import numpy

        encodings = self.tokenizer.encode_batch_fast(list(lines))
        order = sorted(range(len(lines)), key=lambda index: len(encodings[index].ids))
        chosen = [order[first:first + self.batch] for first in range(0, len(order), self.batch)]
        outputs = self.run_all([padded([encodings[index].ids for index in batch]) for batch in chosen])
        labels, scores = numpy.zeros(len(lines), numpy.int64), numpy.zeros(len(lines))
        for batch, output in zip(chosen, outputs):
            logits = numpy_of(output)
            shares = numpy.exp(logits - logits.max(1, keepdims=True))
            labels[batch] = logits.argmax(1)
            scores[batch] = shares.max(1) / shares.sum(1)
        return labels, scores

    def answer(self, lines: Sequence[str]) -> Any:
        return self(lines)[0]


def padded(rows: Sequence[Sequence[int]]) -> tuple[Any, Any]:
    """Token ids and mask of a batch."""
    import numpy

    ids, mask = numpy.zeros((2, len(rows), max(map(len, rows))), numpy.int64)
    for at, row in enumerate(rows):
        ids[at, :len(row)], mask[at, :len(row)] = row, 1
    return ids, mask


TASKS = ("fill-mask", "sst2")


def lines_of(task: str, folder: pathlib.Path) -> list[str]:
    if task == "fill-mask":
        tokenizer = tokenizer_of(folder)
        return [fill_mask_text(tokenizer, first) for first in range(8)]
    with open(SENTENCES, newline="", encoding="utf-8") as file:
        return [row["sentence"].strip() for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]


def fill_mask_text(tokenizer: Any, first: int) -> str:
    """FILL_MASK_TOKENS long, with one gap; another text for another first word."""
    words = [WORDS[(first + index) % len(WORDS)] for index in range(40)] + ["<mask>"]
    while len(tokenizer.encode(" ".join(words)).ids) < FILL_MASK_TOKENS:
        words.append(WORDS[(first + len(words)) % len(WORDS)])
    text = " ".join(words)
    if len(tokenizer.encode(text).ids) != FILL_MASK_TOKENS:
        raise SystemExit(f"fill-mask: the text has {len(tokenizer.encode(text).ids)} tokens, not {FILL_MASK_TOKENS}; all words must be single tokens")
    return text
