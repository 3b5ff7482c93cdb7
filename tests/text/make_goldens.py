#!/usr/bin/env python3
"""What transformers' tokenisers make of odd_text.py's lines and of SST-2, one 32-bit hash a line: data/goldens.npz.

  python3 -m venv build/hf && build/hf/bin/pip install transformers==5.24.0 numpy
  build/hf/bin/python tests/text/make_goldens.py            the goldens
  build/hf/bin/python tests/text/make_goldens.py --train    first the small vocabularies of data/, from README.md

Large vocabularies and SST-2 are looked for in ../shared, beside this repository.
"""
import pathlib
import sys

import numpy as np
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer, BertTokenizer, RobertaTokenizer

import odd_text

HERE = pathlib.Path(__file__).resolve().parent
DATA = HERE / "data"
SHARED = HERE.parents[2] / "shared"
PAIR_LENGTH = 24


def fnv(data):
    """FNV-1a, 64 bits folded to 32."""
    state = 0xCBF29CE484222325
    for byte in data:
        state = (state ^ byte) * 0x100000001B3 % 2**64
    return state >> 32 ^ state & 0xFFFFFFFF


def bytes_of(encoding):
    """Ids, type ids, special-token mask and offsets in code points, each as four little-endian bytes."""
    numbers = []
    for i, token in enumerate(encoding["input_ids"]):
        numbers += [token, encoding["token_type_ids"][i], encoding["special_tokens_mask"][i], *encoding["offset_mapping"][i]]
    return np.array(numbers, dtype="<u4").tobytes()


def encode(tokenizer, *texts, **options):
    return tokenizer(*texts, return_offsets_mapping=True, return_special_tokens_mask=True, return_token_type_ids=True,
                     **options)


def goldens(tokenizer, lines):
    """A hash a line of: the line alone; with the next one, truncated; decoded again."""
    hashes = []
    for i, line in enumerate(lines):
        alone = encode(tokenizer, line)
        pair = encode(tokenizer, line, lines[(i + 1) % len(lines)], truncation="longest_first", max_length=PAIR_LENGTH)
        decoded = tokenizer.decode(alone["input_ids"], skip_special_tokens=True)
        hashes.append(fnv(bytes_of(alone) + bytes_of(pair) + decoded.encode()))
    return np.array(hashes, dtype=np.uint32).view(np.int32)


def train():
    """Vocabularies small enough to keep here and to read."""
    files = [str(HERE.parents[1] / "README.md")]
    word_piece = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    word_piece.normalizer = normalizers.BertNormalizer()
    word_piece.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    word_piece.train(files, trainers.WordPieceTrainer(vocab_size=600, limit_alphabet=120, show_progress=False,
                     special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]))
    tokens = sorted(word_piece.get_vocab().items(), key=lambda entry: entry[1])
    for folder in ("word_piece", "word_piece_cased"):
        (DATA / folder).mkdir(parents=True, exist_ok=True)
        (DATA / folder / "vocab.txt").write_text("".join(token + "\n" for token, _ in tokens))

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.train(files, trainers.BpeTrainer(vocab_size=500, show_progress=False,
              initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
              special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"]))
    for folder in ("byte_level_bpe", "byte_level_bpe_prefix"):
        (DATA / folder).mkdir(parents=True, exist_ok=True)
        bpe.model.save(str(DATA / folder))

    unigram = Tokenizer(models.Unigram())
    unigram.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace("``", '"')])
    unigram.pre_tokenizer = pre_tokenizers.Metaspace()
    unigram.train(files, trainers.UnigramTrainer(vocab_size=400, show_progress=False, unk_token="<unk>",
                  special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"]))
    unigram.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B:1 </s>:1", special_tokens=[("<s>", 0), ("</s>", 2)])
    (DATA / "unigram").mkdir(parents=True, exist_ok=True)
    unigram.save(str(DATA / "unigram/tokenizer.json"), pretty=False)


def main():
    if sys.argv[1:] == ["--train"]:
        train()
    odd = [odd_text.odd_line(number) for number in range(2000)]
    found = {"odd_text": np.array([fnv("".join(odd).encode())], dtype=np.uint32).view(np.int32)}

    few = odd[:400]
    found["word_piece"] = goldens(BertTokenizer.from_pretrained(DATA / "word_piece"), few)
    found["word_piece_cased"] = goldens(BertTokenizer.from_pretrained(DATA / "word_piece_cased"), few)
    found["byte_level_bpe"] = goldens(RobertaTokenizer.from_pretrained(DATA / "byte_level_bpe"), few)
    found["byte_level_bpe_prefix"] = goldens(RobertaTokenizer.from_pretrained(DATA / "byte_level_bpe_prefix"), few)
    found["unigram"] = goldens(AutoTokenizer.from_pretrained(DATA / "unigram"), few)
    sst2 = [line.split("\t")[0] for line in (SHARED / "data/sst2/validation.tsv").read_text().splitlines()[1:]]
    distilbert = AutoTokenizer.from_pretrained(SHARED / "models/distilbert-sst2")
    roberta_base = RobertaTokenizer.from_pretrained(SHARED / "data/roberta-vocab")
    for name, tokenizer in (("distilbert-sst2", distilbert), ("roberta-vocab", roberta_base)):
        found[f"{name}.odd"] = goldens(tokenizer, odd)
        found[f"{name}.sst2"] = goldens(tokenizer, sst2)
    np.savez(DATA / "goldens.npz", **found)
    print(f"{len(found)} arrays, {(DATA / 'goldens.npz').stat().st_size} bytes")


if __name__ == "__main__":
    main()
