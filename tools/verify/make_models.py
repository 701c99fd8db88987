#!/usr/bin/env python3
"""Writes fixtures/models: for every architecture a random small model as transformers saves it, an adapter as peft saves
it, and what both libraries compute with them in float64: token ids, logits, loss and the gradient of every trained value.

The product needs none of this; its tests read what is written here (packages/lm/src/models/verified.contract.ts). Once:
  python3 -m pip install --target DIR torch transformers==4.53.3 peft==0.15.2 sentencepiece protobuf
  PYTHONPATH=DIR python3 tools/verify/make_models.py [NAME …]
Weights are bfloat16 values, so that their files are half as large and still exact.
"""
import json
import pathlib
import shutil
import sys

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig, BertForSequenceClassification, BertTokenizerFast, DistilBertConfig,
    DistilBertForSequenceClassification, Gemma3ForCausalLM, Gemma3TextConfig, GPT2Config,
    GPT2ForSequenceClassification, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, LlamaForSequenceClassification,
    MistralConfig, MistralForCausalLM, PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM, Qwen3Config,
    Qwen3ForCausalLM, RobertaConfig, RobertaForSequenceClassification,
)

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "packages/lm/fixtures/models"
LENGTH = 12  # tokens of a window
CORPUS = [
    "The quick brown fox jumps over the lazy dog. It's 12:45, isn't it?",
    "Größe, façade, naïve, Ærøskøbing, Łódź, İstanbul, straße STRASSE",
    "日本語のテキスト 한국어 文本 العربية עברית हिन्दी ไทย",
    "emoji 👩‍👩‍👧 🏳️‍🌈 and\ttabs\n\nnew lines   and spaces  ",
    "def f(x):\n    return x ** 2  # $%&@ <html> <|im_end|> 3.14159",
    "e\u0301 \u00e9 \ufb01 \u2167 \u00a0non\u00adbreaking \u200d zero",
    "", " ", "don't CAN'T we'll", "a" * 40,
]
TRAIN = CORPUS + ["a federation of small devices trains one model together, each on its own texts"] * 4


def byte_bpe(specials, size=300):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(TRAIN, trainers.BpeTrainer(vocab_size=size, special_tokens=specials, initial_alphabet=alphabet))
    return tokenizer


def byte_fallback(specials):
    """As Llama 2, Mistral and Gemma have it: spaces are ▁, unknown characters are spelt in bytes."""
    data = [*specials, *(f"<0x{byte:02X}>" for byte in range(256))]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence([
        decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(content=" ", left=1, right=0)])
    tokenizer.train_from_iterator(TRAIN[10:], trainers.BpeTrainer(vocab_size=len(data) + 60, special_tokens=data))
    file = json.loads(tokenizer.to_str())
    file["added_tokens"] = [token for token in file["added_tokens"] if token["content"] in specials]
    return Tokenizer.from_str(json.dumps(file))


def word_piece():
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(TRAIN, trainers.WordPieceTrainer(vocab_size=220, special_tokens=specials))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0", pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", sep_token="[SEP]", pad_token="[PAD]", cls_token="[CLS]", mask_token="[MASK]")


def unigram():
    """As XLM-RoBERTa and T5 have it."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace("  ", " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    specials = ["<s>", "<pad>", "</s>", "<unk>"]
    tokenizer.train_from_iterator(TRAIN, trainers.UnigramTrainer(vocab_size=160, special_tokens=specials, unk_token="<unk>"))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>")


def gpt2_tokenizer():
    return PreTrainedTokenizerFast(tokenizer_object=byte_bpe(["<|endoftext|>"]), bos_token="<|endoftext|>", eos_token="<|endoftext|>")


def llama3_tokenizer():
    inner = byte_bpe(["<|begin_of_text|>", "<|end_of_text|>"])
    inner.post_processor = processors.TemplateProcessing(single="<|begin_of_text|> $A", special_tokens=[("<|begin_of_text|>", 0)])
    return PreTrainedTokenizerFast(tokenizer_object=inner, bos_token="<|begin_of_text|>", eos_token="<|end_of_text|>")


def qwen_tokenizer():
    return PreTrainedTokenizerFast(tokenizer_object=byte_bpe(["<|endoftext|>", "<|im_start|>", "<|im_end|>"]), eos_token="<|im_end|>", pad_token="<|endoftext|>")


def llama2_tokenizer():
    inner = byte_fallback(["<unk>", "<s>", "</s>"])
    inner.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=inner, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


def gemma_tokenizer():
    inner = byte_fallback(["<pad>", "<eos>", "<bos>", "<unk>"])
    inner.normalizer = normalizers.Replace(" ", "▁")
    inner.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    inner.post_processor = processors.TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", 2)])
    return PreTrainedTokenizerFast(tokenizer_object=inner, bos_token="<bos>", eos_token="<eos>", pad_token="<pad>", unk_token="<unk>")


def roberta_tokenizer():
    inner = byte_bpe(["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    inner.post_processor = processors.RobertaProcessing(sep=("</s>", 2), cls=("<s>", 0), add_prefix_space=False)
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token="<s>", eos_token="</s>", sep_token="</s>", cls_token="<s>", unk_token="<unk>", pad_token="<pad>", mask_token="<mask>")


DECODER = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, intermediate_size=28, max_position_embeddings=64)
PAIRS = [
    ("A man plays a guitar.", "Someone is playing an instrument, and he sings while others listen to it."),
    ("It's 12:45, isn't it? The quick brown fox jumps over the lazy dog.", "naïve façade"), ("short", "texts"), ("a", ""),
]
VALUES = [3.8, 0.25, 5.0, 1.5]  # of the pairs, as STS-B has them
# As many models write it, and as those do that know no system's turn.
MARKS = ("{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] | trim + '<|im_end|>' + '\n' }}{% endfor %}"
         "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")
TURNS = ("{{ bos_token }}{% for message in messages %}{% if message['role'] == 'system' %}{{ raise_exception('no system turn') }}{% endif %}"
         "{% set role = 'model' if message.role == 'assistant' else message.role %}[{{ role | upper }}] {{ message.content }}{{ eos_token if role == 'model' else '' }} {% endfor %}"
         "{% if add_generation_prompt %}[MODEL]{% endif %}")
SYSTEM = dict(role="system", content="Answer briefly.")
CHATS = [
    [dict(role="user", content="What is 2 + 2?"), dict(role="assistant", content="Four.")],
    [dict(role="user", content="Hello 👋"), dict(role="assistant", content="日本語?"), dict(role="user", content=" Größe "), dict(role="assistant", content="Yes:\n  line")],
]
ENCODER = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=28, num_labels=3)
GPT2 = dict(n_embd=16, n_layer=2, n_head=2, n_positions=64)
LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=16)

# name → tokenizer, config, class for training, adapter's targets, modules saved whole
MODELS = {
    "gpt2": (gpt2_tokenizer, lambda v: GPT2Config(vocab_size=v, bos_token_id=0, eos_token_id=0, **GPT2), GPT2LMHeadModel, ["c_attn", "c_proj", "c_fc"], None),
    "gpt2-variants": (gpt2_tokenizer, lambda v: GPT2Config(vocab_size=v + 3, bos_token_id=0, eos_token_id=0, activation_function="gelu", scale_attn_by_inverse_layer_idx=True, n_inner=24, tie_word_embeddings=False, **GPT2), GPT2LMHeadModel, ["c_attn"], None),
    "gpt2-classifier": (gpt2_tokenizer, lambda v: GPT2Config(vocab_size=v, bos_token_id=0, eos_token_id=0, pad_token_id=0, num_labels=3, **GPT2), GPT2ForSequenceClassification, ["c_attn"], ["score"]),
    "llama": (llama2_tokenizer, lambda v: LlamaConfig(vocab_size=v, attention_bias=True, mlp_bias=True, **DECODER), LlamaForCausalLM, "all-linear", None),
    "llama3": (llama3_tokenizer, lambda v: LlamaConfig(vocab_size=v, rope_theta=500000.0, rope_scaling=LLAMA3, head_dim=6, tie_word_embeddings=True, bos_token_id=0, eos_token_id=1, **DECODER), LlamaForCausalLM, ["q_proj", "v_proj"], None),
    "llama-classifier": (llama3_tokenizer, lambda v: LlamaConfig(vocab_size=v, bos_token_id=0, eos_token_id=1, pad_token_id=1, num_labels=3, **DECODER), LlamaForSequenceClassification, ["q_proj", "v_proj", "down_proj"], ["score"]),
    "mistral": (llama2_tokenizer, lambda v: MistralConfig(vocab_size=v, sliding_window=4, **DECODER), MistralForCausalLM, "all-linear", None),
    "qwen2": (qwen_tokenizer, lambda v: Qwen2Config(vocab_size=v + 20, use_sliding_window=True, sliding_window=5, max_window_layers=1, tie_word_embeddings=True, bos_token_id=0, eos_token_id=2, rope_scaling=dict(rope_type="linear", factor=2.0), **DECODER), Qwen2ForCausalLM, "all-linear", None),
    "qwen3": (qwen_tokenizer, lambda v: Qwen3Config(vocab_size=v, head_dim=8, tie_word_embeddings=True, bos_token_id=0, eos_token_id=2, **DECODER), Qwen3ForCausalLM, "all-linear", None),
    "gemma3": (gemma_tokenizer, lambda v: Gemma3TextConfig(vocab_size=v, head_dim=8, query_pre_attn_scalar=12, sliding_window=5, layer_types=["sliding_attention", "full_attention"], rope_scaling=dict(rope_type="linear", factor=8.0), **DECODER), Gemma3ForCausalLM, "all-linear", None),
    "bert": (word_piece, lambda v: BertConfig(vocab_size=v, max_position_embeddings=40, **ENCODER), BertForSequenceClassification, "all-linear", ["classifier"]),
    "roberta": (roberta_tokenizer, lambda v: RobertaConfig(vocab_size=v, max_position_embeddings=42, type_vocab_size=1, layer_norm_eps=1e-5, **ENCODER), RobertaForSequenceClassification, ["query", "value"], ["classifier"]),
    "distilbert": (word_piece, lambda v: DistilBertConfig(vocab_size=v, max_position_embeddings=40, dim=16, n_layers=2, n_heads=2, hidden_dim=28, num_labels=3), DistilBertForSequenceClassification, ["q_lin", "v_lin"], ["pre_classifier", "classifier"]),
    "bert-regression": (word_piece, lambda v: BertConfig(vocab_size=v, max_position_embeddings=40, **dict(ENCODER, num_labels=1)), BertForSequenceClassification, ["query", "value", "dense"], ["classifier"]),
    "gpt2-regression": (gpt2_tokenizer, lambda v: GPT2Config(vocab_size=v, bos_token_id=0, eos_token_id=0, pad_token_id=0, num_labels=1, **GPT2), GPT2ForSequenceClassification, ["c_attn"], ["score"]),
}


def randomise(model):
    """Larger than an initialisation's, so that every part matters; as bfloat16 has them."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            is_gain = "norm" in name.lower() or ".ln_" in name
            centre = 1.0 if is_gain and name.endswith("weight") and not isinstance(model, Gemma3ForCausalLM) else 0.0
            parameter.copy_((centre + 0.3 * torch.randn_like(parameter)).bfloat16().float())


def exact(values):
    return [float(f"{value:.9g}") for value in values.flatten().tolist()]


def tokens_of(tokenizer):
    cases = []
    for text in CORPUS:
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        cases.append(dict(text=text, ids=ids, special=tokenizer(text)["input_ids"], decoded=tokenizer.decode(ids, skip_special_tokens=True)))
    return cases


def write(name):
    make_tokenizer, make_config, model_class, targets, saved = MODELS[name]
    torch.manual_seed(sum(map(ord, name)))
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    tokenizer = make_tokenizer()
    config = make_config(len(tokenizer))
    config._attn_implementation = "eager"
    model = model_class(config).eval()
    randomise(model)
    is_classifier = "ForSequenceClassification" in model_class.__name__
    model.save_pretrained(folder)
    save_file({key: value.bfloat16().contiguous() for key, value in model.state_dict().items() if not (config.tie_word_embeddings and key == "lm_head.weight")}, folder / "model.safetensors")
    tokenizer.save_pretrained(folder)
    for extra in ("generation_config.json", "special_tokens_map.json", "vocab.txt", "vocab.json", "merges.txt"):
        (folder / extra).unlink(missing_ok=True)

    peft = get_peft_model(model, LoraConfig(
        r=2, lora_alpha=4, target_modules=targets, modules_to_save=saved, task_type="SEQ_CLS" if is_classifier else "CAUSAL_LM", init_lora_weights=False))
    with torch.no_grad():
        for parameter in peft.parameters():
            if parameter.requires_grad:
                parameter.copy_(0.2 * torch.randn_like(parameter))
    peft.save_pretrained(folder / "adapter")
    (folder / "adapter/README.md").unlink(missing_ok=True)
    peft = peft.double()

    expected = dict(tokens=tokens_of(tokenizer))
    if name == "bert-regression":
        pairs = tokenizer([a for a, _ in PAIRS], [b for _, b in PAIRS], max_length=24, truncation=True, padding=True, return_tensors="pt")
        logits = peft(**pairs).logits
        loss = torch.nn.functional.mse_loss(logits.squeeze(-1), torch.tensor(VALUES, dtype=torch.float64))
        expected |= dict(pairs=PAIRS, maxLength=24, values=VALUES)
    elif is_classifier:
        lengths, labels = [LENGTH, 5, 9], [2, 0, 1]
        sequences = [torch.randint(3, len(tokenizer), (length,)).tolist() for length in lengths]
        pad = config.pad_token_id
        ids = torch.tensor([row + [pad] * (LENGTH - len(row)) for row in sequences])
        mask = torch.tensor([[1] * len(row) + [0] * (LENGTH - len(row)) for row in sequences])
        logits = peft(input_ids=ids, attention_mask=mask).logits
        if config.num_labels == 1:
            loss = torch.nn.functional.mse_loss(logits.squeeze(-1), torch.tensor(VALUES[:3], dtype=torch.float64))
            expected |= dict(sequences=sequences, values=VALUES[:3])
        else:
            loss = torch.nn.functional.cross_entropy(logits, torch.tensor(labels))
            expected |= dict(sequences=sequences, labels=labels)
    else:
        windows = torch.randint(0, len(tokenizer), (2, LENGTH + 1))
        logits = peft(input_ids=windows[:, :-1]).logits
        losses = torch.nn.functional.cross_entropy(logits.transpose(1, 2), windows[:, 1:], reduction="none")
        loss = losses.mean()
        with torch.no_grad(), peft.disable_adapter():
            plain = peft(input_ids=windows[:, :-1]).logits
            plain_loss = torch.nn.functional.cross_entropy(plain.transpose(1, 2), windows[:, 1:])
            greedy = peft.generate(input_ids=windows[:1, :4], max_new_tokens=6, do_sample=False, pad_token_id=0)
        logits = logits[:, -1]
        expected |= dict(windows=windows.tolist(), plainLoss=float(plain_loss), greedy=greedy[0].tolist())
    loss.backward()
    expected |= dict(logits=exact(logits.detach()), loss=float(loss))
    gradients = {
        key.replace(".default", "").replace(".modules_to_save", ""): parameter.grad.float().contiguous()
        for key, parameter in peft.named_parameters() if parameter.requires_grad}
    save_file(gradients, folder / "gradients.safetensors")
    (folder / "expected.json").write_text(json.dumps(expected, ensure_ascii=False) + "\n")
    print(name, len(gradients), "trained tensors, loss", float(loss), sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) // 1000, "kB")


def write_unigram():
    """A tokenizer alone: what XLM-RoBERTa's models bring."""
    folder = FOLDER / "unigram"
    shutil.rmtree(folder, ignore_errors=True)
    tokenizer = unigram()
    tokenizer.save_pretrained(folder)
    (folder / "special_tokens_map.json").unlink(missing_ok=True)
    (folder / "expected.json").write_text(json.dumps(dict(tokens=tokens_of(tokenizer)), ensure_ascii=False) + "\n")


def write_pairs():
    """Two texts as tokenizers that are there join and cut them."""
    for name in ("bert", "roberta", "distilbert"):
        tokenizer = PreTrainedTokenizerFast.from_pretrained(FOLDER / name)
        cases = []
        for text, pair in [*PAIRS, *((b, a) for a, b in PAIRS)]:
            for length in (64, 21, 12, 11):
                # Alone, an empty second text would be taken for none.
                both = tokenizer([text], [pair], max_length=length, truncation="longest_first")
                cases.append(dict(text=text, pair=pair, length=length, ids=both["input_ids"][0]))
        (FOLDER / name / "pairs.json").write_text(json.dumps(cases, ensure_ascii=False) + "\n")


def write_chats():
    """Conversations in templates, beside tokenizers that are there."""
    for name, template, system in (("qwen3", MARKS, [SYSTEM]), ("llama3", TURNS, [])):
        tokenizer = PreTrainedTokenizerFast.from_pretrained(FOLDER / name)
        cases = []
        for turns in CHATS:
            messages = system + turns
            asked = tokenizer.apply_chat_template(messages[:-1], chat_template=template, add_generation_prompt=True)
            whole = tokenizer.apply_chat_template(messages, chat_template=template)
            cases.append(dict(messages=messages, asked=asked, whole=whole))
        (FOLDER / name / "chat.json").write_text(json.dumps(dict(template=template, cases=cases), ensure_ascii=False) + "\n")


OTHERS = {"unigram": write_unigram, "pairs": write_pairs, "chats": write_chats}
for wanted in sys.argv[1:] or [*MODELS, *OTHERS]:
    OTHERS[wanted]() if wanted in OTHERS else write(wanted)
