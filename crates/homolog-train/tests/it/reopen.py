"""Opens a model that homolog-train wrote as a user of transformers would, and runs it on rows of tokens in float64.

reopen.py MODEL_FOLDER ROWS.u16 CONTEXT OUT.safetensors [--rows N] [--text TEXT]

OUT holds `logits` [n_rows, CONTEXT, d_vocab] float64 of the first N rows and, where a text is given, its `ids` int64.
Nothing here is shared with the Rust code. Exit status 3: a package of requirements.txt is missing.
"""

import argparse
import os
import pathlib
import sys

# Before the import, which reads it: a folder that lacks a file must fail, not be completed from elsewhere.
os.environ["HF_HUB_OFFLINE"] = "1"

try:
    import numpy
    import safetensors.torch
    import torch
    import transformers
except ImportError as error:
    print(error)
    sys.exit(3)


def open_model(folder):
    config = transformers.AutoConfig.from_pretrained(folder)
    assert config.model_type == "gpt2", config.model_type
    model, loading = transformers.GPT2LMHeadModel.from_pretrained(folder, output_loading_info=True)
    # transformers only warns of these, and fills what is missing with random numbers.
    for problem, found in loading.items():
        assert not found, f"{problem}: {found}"
    model = model.double().eval()
    # A precision named in the config would have rounded the file's values, without a word.
    state = model.state_dict()
    for name, stored in safetensors.torch.load_file(folder / "model.safetensors").items():
        assert name in state, f"{name} is no tensor of the model"
        assert torch.equal(state[name], stored.double()), f"{name} is not what the file holds"
    return model


def encode(folder, text):
    # Without this file transformers makes a tokenizer that knows no word, and does not say so.
    assert (folder / "tokenizer.json").is_file(), f"{folder} has no tokenizer.json"
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    assert tokenizer.is_fast
    return torch.tensor(tokenizer.encode(text), dtype=torch.int64)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model_folder", type=pathlib.Path)
    parser.add_argument("rows_u16")
    parser.add_argument("context", type=int)
    parser.add_argument("out")
    parser.add_argument("--rows", type=int, default=4)
    parser.add_argument("--text")
    args = parser.parse_args()

    rows = numpy.fromfile(args.rows_u16, dtype="<u2").reshape(-1, args.context)[: args.rows]
    assert len(rows) > 0, f"{args.rows_u16} is empty"
    model = open_model(args.model_folder)
    with torch.no_grad():
        tensors = {"logits": model(torch.from_numpy(rows.astype("int64"))).logits}
    assert tensors["logits"].dtype == torch.float64
    if args.text is not None:
        tensors["ids"] = encode(args.model_folder, args.text)
    safetensors.torch.save_file(tensors, args.out)


if __name__ == "__main__":
    main()
