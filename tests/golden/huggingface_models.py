"""The Hugging Face models that goldens and the agreement run are made of: every family with every head, weights from
seeds."""
import json
import pathlib

import numpy as np

import deterministic

FAMILIES = ("bert", "distilbert", "roberta")
HEADS = ("base", "masked_lm", "sequence_classification", "token_classification", "question_answering")
_CLASSES = {"bert": "Bert", "distilbert": "DistilBert", "roberta": "Roberta"}
_SUFFIX = {
    "base": "Model",
    "masked_lm": "ForMaskedLM",
    "sequence_classification": "ForSequenceClassification",
    "token_classification": "ForTokenClassification",
    "question_answering": "ForQuestionAnswering",
    "pretraining": "ForPreTraining",
}
# Hidden size, layers, heads, intermediate size.
SIZES = {"smallest": (8, 1, 2, 12), "tiny": (32, 2, 4, 48), "base": (768, 12, 12, 3072)}


def names():
    return [f"{family}.{head}" for family in FAMILIES for head in HEADS] + ["bert.pretraining", "bert.sentence"]


def config_of(family, head, size, **changes):
    import transformers

    hidden, layers, heads, intermediate = SIZES[size]
    tiny = size != "base"
    longest = 40 if tiny else 512
    common = {"vocab_size": 60 if tiny else (50265 if family == "roberta" else 30522)}
    # A number of labels that is no default.
    labels = 2 if head == "question_answering" else 3
    common["id2label"] = {i: f"LABEL_{i}" for i in range(labels)}
    if family == "distilbert":
        config = transformers.DistilBertConfig(
            dim=hidden, n_layers=layers if tiny else layers // 2, n_heads=heads, hidden_dim=intermediate,
            max_position_embeddings=longest, **common, **changes)
    else:
        kind = transformers.BertConfig if family == "bert" else transformers.RobertaConfig
        roberta = family == "roberta"
        if roberta:
            common.update(layer_norm_eps=1e-5, type_vocab_size=1, pad_token_id=1)
        config = kind(
            hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=heads, intermediate_size=intermediate,
            max_position_embeddings=longest + (2 if roberta else 0), **common, **changes)
    return config


def build(name, size="tiny", **changes):
    """A module in evaluation mode with weights from seeds, and what deterministic.fill says of them."""
    import transformers

    family, head = name.split(".")
    sentence = head == "sentence"
    config = config_of(family, head, size, **changes)
    kind = getattr(transformers, _CLASSES[family] + _SUFFIX["base" if sentence else head])
    module = kind(config).eval()
    return module, deterministic.fill(module, deterministic.text_weight_range)


def save(module, name, folder, **options):
    """The folder as save_pretrained writes it; of a sentence embedding, as sentence-transformers does."""
    folder = pathlib.Path(folder)
    module.save_pretrained(folder, **{"safe_serialization": True, **options})
    if not name.endswith(".sentence"):
        return
    prefix = "sentence_transformers.models."
    modules = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    (folder / "modules.json").write_text(json.dumps(
        [{"idx": i, "name": str(i), "path": path, "type": prefix + kind} for i, (path, kind) in enumerate(modules)]))
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(
        {"word_embedding_dimension": module.config.hidden_size, "pooling_mode_cls_token": False,
         "pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": False,
         "pooling_mode_mean_sqrt_len_tokens": False}))


def inputs_for(config, batch, length, mask=True, types=True, seed=0):
    """Sequences of unequal lengths, padded on the right; the first one is full."""
    random = np.random.default_rng(seed)
    pad = config.pad_token_id or 0
    ids = random.integers(2, config.vocab_size, (batch, length))
    lengths = np.maximum(1, length - (np.arange(batch) * length) // max(batch, 1))
    real = np.arange(length)[None, :] < lengths[:, None]
    if not mask:
        real[:] = True
    ids[~real] = pad
    inputs = {"input_ids": ids.astype(np.int64)}
    if mask:
        inputs["attention_mask"] = real.astype(np.int64)
    if types and getattr(config, "type_vocab_size", 0) > 1:
        inputs["token_type_ids"] = ((np.arange(length)[None, :] > lengths[:, None] // 2) & real).astype(np.int64)
    return inputs


def answers(module, name, inputs):
    """What transformers, or sentence-transformers' formula on top of it, answers: arrays by name."""
    import torch

    tensors = {key: torch.from_numpy(value) for key, value in inputs.items()}
    with torch.no_grad():
        outputs = module(**tensors)
    if name.endswith(".sentence"):
        hidden = outputs.last_hidden_state
        mask = tensors.get("attention_mask", torch.ones(hidden.shape[:2]))[..., None].float()
        mean = (hidden * mask).sum(1) / torch.clamp(mask.sum(1), min=1e-9)
        return {"sentence_embedding": torch.nn.functional.normalize(mean, p=2, dim=1).numpy()}
    return {key: value.float().numpy() for key, value in outputs.items() if isinstance(value, torch.Tensor)}
