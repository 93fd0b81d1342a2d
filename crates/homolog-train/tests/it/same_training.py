"""Trains from a model's step 0 in float64 PyTorch, every step on all rows, and compares with the weights we trained.

same_training.py FAMILY SEED ROWS.u32 OUT.json --steps N --warmup W --peak LR --min LR --clip C
                 --beta1 B --beta2 B --eps E --weight-decay D --context T

Begins at FAMILY/SEED/checkpoint-0, takes N steps on the mean loss of every predicted token of ROWS (little-endian u32
ids, rows of T) and compares with FAMILY/SEED/checkpoint-N; both must be float32, since a rounding of the stored weights
would hide a wrong step. A full batch leaves no order of the data to agree on.

OUT says, in nats, the loss before each step, the learning rate and the gradient norm (before clipping) of each, the
loss after the last, and for each tensor how far the two trainings are apart:

    max = max |ours - theirs| / max |theirs - start|        rms = the same with root mean squares

`max` is a strict measure only in exact arithmetic: Adam's first steps are about lr * sign(gradient), so an element
whose gradient is within the rounding error of float32 may go the other way. `rms` forgives these few elements and
nothing else. The key bias has no gradient at all (softmax forgets a term common to all keys), so its movement is
rounding error; it is reported apart from the query and value biases for that reason, and should not be judged.

What is fair to ask, measured with a second plain loop in place of ours (4 layers, d_model 128, 8 rows of 128, 20 steps
of peak 2e-3, eps 1e-8, decay 0.1): in float64, where only storing the weights rounds, max 5e-6, rms 5e-6; in float32
max 2e-4, rms 2e-5. A decay of 0.105 has rms 4e-4. An eps of 1e-6 on both sides damps the elements without a gradient:
float32 then has max 3e-5, rms 2e-5.

Nothing here is shared with the Rust code. Exit status 3: a package of requirements.txt is missing.
"""

import argparse
import json
import math
import os
import pathlib
import sys

os.environ["HF_HUB_OFFLINE"] = "1"

try:
    import numpy
    import safetensors.torch
    import torch
    import torch.nn.functional as F
    import transformers
except ImportError as error:
    print(error)
    sys.exit(3)


def open_weights(checkpoint):
    weights = safetensors.torch.load_file(checkpoint / "model.safetensors")
    for name, weight in weights.items():
        assert weight.dtype == torch.float32, f"{checkpoint}: {name} is {weight.dtype}"
    return {name: weight.double() for name, weight in weights.items()}


def open_model(checkpoint):
    # `eager` is the plain formula; `eval`, which from_pretrained leaves the model in, is without dropout.
    model, loading = transformers.GPT2LMHeadModel.from_pretrained(
        checkpoint, dtype=torch.float64, attn_implementation="eager", output_loading_info=True
    )
    for problem, found in loading.items():
        assert not found, f"{problem}: {found}"
    return model.eval()


def mean_loss(model, rows):
    # Not the model's own loss, which rounds the logits to float32.
    logits = model(rows).logits[:, :-1]
    return F.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())


def learning_rate(args, step):
    """Of steps 1 to N: a line from 0 to the peak, reached by step W, then half a cosine to the minimum, at step N."""
    if step <= args.warmup:
        return args.peak * step / args.warmup
    share = (step - args.warmup) / (args.steps - args.warmup)
    return args.min + 0.5 * (args.peak - args.min) * (1 + math.cos(math.pi * share))


def train(model, rows, args):
    parameters = list(model.parameters())
    groups = [
        # The embeddings decay too: they are matrices.
        {"params": [each for each in parameters if each.ndim >= 2], "weight_decay": args.weight_decay},
        {"params": [each for each in parameters if each.ndim < 2], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, betas=(args.beta1, args.beta2), eps=args.eps)
    log = {"losses_nats": [], "gradient_norms": [], "learning_rates": []}
    for step in range(1, args.steps + 1):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(args, step)
        loss = mean_loss(model, rows)
        optimizer.zero_grad()
        loss.backward()
        norm = math.sqrt(sum((each.grad**2).sum().item() for each in parameters))
        # torch's clip_grad_norm_ divides by norm + 1e-6 instead, a relative difference of 1e-6 at a norm of 1.
        if norm > args.clip:
            for each in parameters:
                each.grad *= args.clip / norm
        optimizer.step()
        log["losses_nats"].append(loss.item())
        log["gradient_norms"].append(norm)
        log["learning_rates"].append(learning_rate(args, step))
    with torch.no_grad():
        log["loss_after_nats"] = mean_loss(model, rows).item()
    return log


def compare(start, theirs, ours):
    """theirs: PyTorch's. ours: the checkpoint's."""
    assert set(ours) == set(theirs) == set(start), set(ours) ^ set(theirs)
    tensors = {}
    for name in sorted(theirs):
        parts = ["query", "key", "value"] if "c_attn" in name else ["all"]
        chunks = [weights[name].chunk(len(parts), dim=-1) for weights in (start, theirs, ours)]
        for part, before, reference, found in zip(parts, *chunks):
            assert found.shape == reference.shape, name
            moved, apart = reference - before, found - reference
            tensors[name if part == "all" else f"{name}.{part}"] = {
                "max": ratio(apart.abs().max().item(), moved.abs().max().item()),
                "rms": ratio(apart.square().mean().sqrt().item(), moved.square().mean().sqrt().item()),
                "max_moved": moved.abs().max().item(),
            }
    return tensors


def ratio(apart, moved):
    """None, JSON's null, where neither moved."""
    assert math.isfinite(apart) and math.isfinite(moved), (apart, moved)
    if moved == 0:
        assert apart == 0, "moved in one training only"
        return None
    return apart / moved


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("family", type=pathlib.Path)
    parser.add_argument("seed")
    parser.add_argument("rows_u32")
    parser.add_argument("out", type=pathlib.Path)
    for name in ["steps", "warmup", "context"]:
        parser.add_argument(f"--{name}", type=int, required=True)
    for name in ["peak", "min", "clip", "beta1", "beta2", "eps", "weight-decay"]:
        parser.add_argument(f"--{name}", type=float, required=True)
    args = parser.parse_args()

    rows = numpy.fromfile(args.rows_u32, dtype="<u4").reshape(-1, args.context)
    assert len(rows) > 0, f"{args.rows_u32} is empty"
    rows = torch.from_numpy(rows.astype("int64"))
    seed = args.family / args.seed
    start, ours = open_weights(seed / "checkpoint-0"), open_weights(seed / f"checkpoint-{args.steps}")
    model = open_model(seed / "checkpoint-0")
    report = train(model, rows, args)
    # The tied unembedding is the embedding, and named_parameters says it once.
    theirs = {name: parameter.detach() for name, parameter in model.named_parameters()}
    report["tensors"] = compare(start, theirs, ours)
    text = json.dumps(report, indent=1)
    args.out.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
