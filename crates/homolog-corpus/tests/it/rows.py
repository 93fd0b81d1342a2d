"""Rows of tokens by the plainest code, with other people's readers and hashes; and the speed of tokenizers on a file.

rows.py make FOLDER [TOKENIZER_JSON]   writes documents in every format and cases.json: files, spec, expected rows
rows.py time TOKENIZER_JSON FILE       prints MB/s of encode_batch and encode_batch_fast, for benches/rows.rs

Nothing here is shared with the Rust code. Exit status 3: a package of requirements.txt is missing.
"""

import gzip
import json
import pathlib
import random
import sys
import time

try:
    import blake3
    import pyarrow
    import pyarrow.parquet
    import tokenizers
    import zstandard
except ImportError as error:
    print(error)
    sys.exit(3)

END_OF_TEXT = "<|endoftext|>"


def make(folder, tokenizer_json=None):
    folder = pathlib.Path(folder)
    documents = make_documents(random.Random(0))
    files = write_files(folder, documents)
    if tokenizer_json is None:
        tokenizer_json = folder / "tokenizer.json"
        train(documents).save(str(tokenizer_json))
    tokenizer = tokenizers.Tokenizer.from_file(str(tokenizer_json))
    specs = [
        {"context": 128, "bos": True, "tokens": None, "held_out_tokens": None},
        {"context": 100, "bos": False, "tokens": 20_000, "held_out_tokens": 1_500},
        {"context": 64, "bos": True, "tokens": 30_000, "held_out_tokens": 0},
        {"context": 64, "bos": True, "tokens": 40_000, "held_out_tokens": None},
    ]
    cases = []
    for chosen in [[file] for file in files] + [files]:
        for spec in specs:
            rows, held_out = make_rows(chosen, tokenizer, **spec)
            names = [file.name for file in chosen]
            cases.append({"files": names, "spec": spec, "rows": rows, "held_out": held_out})
    (folder / "cases.json").write_text(json.dumps({"tokenizer": str(tokenizer_json), "cases": cases}))


def make_documents(draw):
    """Words, numbers, contractions, every kind of space, scripts, the special token; empty, short and very long ones."""
    words = ["the", "neuron", "it's", "we'll", "I'VE", "1234", "3.14", "naïve", "日本語", "ночь", "😀", "e\u0301", "٣", "½"]
    ends = [" "] * 12 + ["\n", "\n\n", "  ", "\t", ", ", ". ", "\r\n", "\u00a0", "\u3000", "\u2028", "\x85", "\x1c", " \n ", "。\n"]
    documents = []
    for _ in range(400):
        n_words = draw.choice([0, 1, 5, 50, 300])
        documents.append("".join(draw.choice(words) + draw.choice(ends) for _ in range(n_words)))
    documents[3] = "".join(draw.choice(words) + draw.choice(ends) for _ in range(40_000))
    documents[5] = f"one{END_OF_TEXT}two {END_OF_TEXT} three"
    documents[6] = "\ufeffmark"
    documents[7] = " " * 5000 + "x" + "\n" * 5000
    return documents


def write_files(folder, documents):
    text = END_OF_TEXT.join(documents).encode()
    lines = "".join(json.dumps({"id": n, "text": text}, ensure_ascii=n % 2 == 0) + "\n" for n, text in enumerate(documents))
    contents = {
        "a.txt": text,
        "a.jsonl": lines.encode(),
        "b.jsonl.gz": gzip.compress(lines.encode()),
        "c.jsonl.zst": zstandard.compress(lines.encode()),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    table = pyarrow.table({"id": list(range(len(documents))), "text": documents})
    pyarrow.parquet.write_table(table, folder / "d.parquet", row_group_size=64)
    return [folder / name for name in [*contents, "d.parquet"]]


def train(documents):
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=600, special_tokens=[END_OF_TEXT], initial_alphabet=alphabet)
    tokenizer.train_from_iterator(documents, trainer)
    return tokenizer


def read_documents(file):
    if file.suffix == ".parquet":
        return pyarrow.parquet.read_table(file)["text"].to_pylist()
    content = file.read_bytes()
    if file.suffix == ".gz":
        content = gzip.decompress(content)
    if file.suffix == ".zst":
        content = zstandard.ZstdDecompressor().decompressobj().decompress(content)
    if ".jsonl" in file.name:
        return [json.loads(line)["text"] for line in content.split(b"\n") if line]
    documents = content.decode().split(END_OF_TEXT)
    return documents[:-1] if len(documents) > 1 and documents[-1] == "" else documents


def make_rows(files, tokenizer, context, bos, tokens, held_out_tokens):
    end_of_text = tokenizer.token_to_id(END_OF_TEXT)
    n_text = context - 1 if bos else context
    n_wanted = None if tokens is None else tokens // context
    if held_out_tokens is None and tokens is not None:
        held_out_tokens = tokens // 20
    n_held_out_wanted = None if held_out_tokens is None else held_out_tokens // context
    kept, held_out = [], []

    def is_full(stream, n_rows):
        return n_rows is not None and len(stream) >= n_rows * n_text

    for file in files:
        for document in read_documents(file):
            if document == "":
                continue
            hashed = int.from_bytes(blake3.blake3(document.encode()).digest()[:8], "little") % 20 == 0
            side = held_out if hashed and not is_full(held_out, n_held_out_wanted) else kept
            if side is kept and is_full(kept, n_wanted):
                continue
            if side:
                side.append(end_of_text)
            side.extend(tokenizer.encode(document, add_special_tokens=False).ids)

    def cut(stream, n_rows):
        n_rows = len(stream) // n_text if n_rows is None else min(n_rows, len(stream) // n_text)
        rows = [stream[n * n_text : (n + 1) * n_text] for n in range(n_rows)]
        return [token for row in rows for token in ([end_of_text] if bos else []) + row]

    return cut(kept, n_wanted), cut(held_out, n_held_out_wanted)


def time_encode(tokenizer_json, file):
    tokenizer = tokenizers.Tokenizer.from_file(tokenizer_json)
    text = pathlib.Path(file).read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    pieces, piece, n_chars = [], [], 0
    for line in lines:
        piece.append(line)
        n_chars += len(line)
        if n_chars >= 65536:
            pieces.append("".join(piece))
            piece, n_chars = [], 0
    pieces.append("".join(piece))
    n_bytes = len(text.encode())
    for name in ["encode_batch", "encode_batch_fast"]:
        encode = getattr(tokenizer, name)
        best = float("inf")
        for _ in range(3):
            begin = time.perf_counter()
            n_tokens = sum(len(encoding.ids) for encoding in encode(pieces, add_special_tokens=False))
            best = min(best, time.perf_counter() - begin)
        print(f"{name}: {n_bytes / best / 1e6:.2f} MB/s ({n_tokens} tokens, best of 3)")


if __name__ == "__main__":
    {"make": make, "time": time_encode}[sys.argv[1]](*sys.argv[2:])
