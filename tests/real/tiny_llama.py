"""A language model of 2 layers with random weights, made on the spot: a real model for a real server, that knows nothing.

Run as `python tests/real/tiny_llama.py FOLDER`, or called by the test.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

CHAT = (
    "{% for message in messages %}<|{{ message['role'] }}|>\n{{ message['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
MARKS = ["<|pad|>", "<|begin|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]


def make(folder: Path, *, texts: list[str]) -> Path:
    """Writes model and tokenizer, the same for the same texts. The tokenizer is byte-level, so any text can be read."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=1024, special_tokens=MARKS, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<|pad|>", bos_token="<|begin|>", eos_token="<|end|>", chat_template=CHAT,
    )  # fmt: skip
    fast.save_pretrained(folder)
    torch.manual_seed(7)
    config = LlamaConfig(
        vocab_size=len(fast), hidden_size=128, intermediate_size=256, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=4, max_position_embeddings=32768, pad_token_id=0, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        # Whole words alone: single bytes make no text, and the mark of the end would end a stream by chance.
        model.lm_head.weight[: len(MARKS) + len(alphabet)] = 0
        model.lm_head.weight[len(MARKS) + len(alphabet) :] *= 50
    model.to(torch.bfloat16).save_pretrained(folder)
    return folder


if __name__ == "__main__":
    print(make(Path(sys.argv[1]), texts=["Der Urlaub beträgt 30 Tage im Jahr. The answer is in the documents."] * 20))
