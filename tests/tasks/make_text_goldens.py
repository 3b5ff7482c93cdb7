#!/usr/bin/env python3
"""Three tiny models of text with random weights in data/, and what Hugging Face's pipelines answer for them.

  build/hf/bin/python tests/tasks/make_text_goldens.py      transformers 5.24.0 and PyTorch, as tests/text/make_goldens.py

And the label that it gives each sentence of SST-2 for the real model in ../shared, beside this repository.
Weights are large for models of this size, so that answers differ by more than rounding.
"""
import json
import pathlib
import shutil

import torch
from transformers import (BertConfig, BertModel, BertTokenizer, DistilBertConfig, DistilBertForSequenceClassification,
                          RobertaConfig, RobertaForMaskedLM, RobertaTokenizer, pipeline)

HERE = pathlib.Path(__file__).resolve().parent
DATA = HERE / "data"
VOCABULARIES = HERE.parent / "text/data"
SHARED = HERE.parents[2] / "shared"

TEXTS = ["The engine runs models on a CPU.", "wherry", "A model file becomes a graph once, the graph becomes a plan once per shape.",
         "Na\u00efve caf\u00e9 \u2014 \u4f60\u597d!", "x " * 40]
PAIRS = [("The engine runs.", "Nothing runs."), ("a", "The graph becomes a plan once per shape. " * 4)]
MASKED = ["The <mask> runs models.", "<mask> and <mask> on a CPU.", "a plan once per <mask>"]


def save(name, model, vocabulary, **tokenizer_config):
    folder = DATA / name
    shutil.rmtree(folder, ignore_errors=True)
    model.eval().save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    for file in (VOCABULARIES / vocabulary).iterdir():
        if file.name.startswith("vocab") or file.name == "merges.txt":
            shutil.copy(file, folder / file.name)
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer_config, indent=1) + "\n")
    return folder


def main():
    torch.manual_seed(1337)
    size = {"vocab_size": 600, "max_position_embeddings": 48, "initializer_range": 0.6}
    bert = {**size, "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}

    labels = {0: "NEGATIVE", 1: "NEUTRAL", 2: "POSITIVE"}
    classifier = DistilBertForSequenceClassification(DistilBertConfig(
        **size, dim=8, n_layers=2, n_heads=2, hidden_dim=16, id2label=labels, label2id={v: k for k, v in labels.items()}))
    folder = save("classifier", classifier, "word_piece", tokenizer_class="DistilBertTokenizer", model_max_length=32)
    tokenizer = BertTokenizer.from_pretrained(folder)
    classify = pipeline("text-classification", model=classifier, tokenizer=tokenizer, device="cpu")
    expected = {"classify": [{"text": text, "result": classify(text, top_k=3, truncation=True, max_length=32)} for text in TEXTS]}
    expected["classify_pairs"] = [
        {"text": a, "text_pair": b, "result": classify({"text": a, "text_pair": b}, top_k=3, truncation=True, max_length=32)}
        for a, b in PAIRS]

    filler = RobertaForMaskedLM(RobertaConfig(**{**bert, "vocab_size": 500}, type_vocab_size=1, pad_token_id=1))
    mask = {"__type": "AddedToken", "content": "<mask>", "lstrip": True, "rstrip": False, "normalized": False, "single_word": False, "special": True}
    folder = save("filler", filler, "byte_level_bpe", tokenizer_class="RobertaTokenizer", mask_token=mask)
    fill = pipeline("fill-mask", model=filler, tokenizer=RobertaTokenizer.from_pretrained(folder), device="cpu")
    expected["fill"] = [{"text": text, "result": fill(text, top_k=4)} for text in MASKED]

    encoder = BertModel(BertConfig(**bert))
    folder = save("embedder", encoder, "word_piece", tokenizer_class="BertTokenizer")
    tokenizer = BertTokenizer.from_pretrained(folder)
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling/config.json").write_text(json.dumps({"word_embedding_dimension": 8, "pooling_mode_mean_tokens": True}) + "\n")
    modules = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    (folder / "modules.json").write_text(json.dumps([
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (path, kind) in enumerate(modules)], indent=1) + "\n")
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 12, "do_lower_case": false}\n')
    expected["embed"] = []
    for text in TEXTS:
        with torch.no_grad():
            inputs = tokenizer(text, return_tensors="pt", truncation=True, max_length=12)
            mean = encoder(**inputs).last_hidden_state[0].mean(0)
            expected["embed"].append({"text": text, "result": (mean / mean.norm()).tolist()})
    rows = (SHARED / "data/sst2/validation.tsv").read_text().splitlines()[1:]
    classify = pipeline("text-classification", model=str(SHARED / "models/distilbert-sst2"), device="cpu")
    expected["sst2"] = "".join("1" if found["label"] == "POSITIVE" else "0"
                               for found in classify([row.split("\t")[0] for row in rows]))
    (DATA / "text_goldens.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
