"""Speed of the training loop a researcher would plainly write in PyTorch, for comparison with homolog-train.

pytorch.py --tokens ROWS.u16 [--models N] [--threads T] [--dtype f32|bf16-autocast] [shape options]

A GPT-2 (pre-LN blocks, fused qkv, tied embedding) with fused attention, AdamW, gradient clipping and a cosine
schedule; eager mode, no torch.compile. With --models N, N models train side by side in processes of T threads each: on
a few cores that is often the fastest arrangement, and N seeds are what a study needs.

Prints one line of JSON. Its tokens per second are those of all models together, from the moment the last one is warm
until the last one ends, so that a model left alone on the machine does not flatter the sum.
"""

import argparse
import json
import math
import multiprocessing
import platform
import queue
import statistics
import sys
import time

try:
    import numpy
    import torch
    import torch.nn.functional as F
    from torch import nn
except ImportError as error:
    print(error)
    sys.exit(3)


class Block(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.n_heads = n_heads
        self.ln1 = nn.LayerNorm(d_model)
        self.qkv = nn.Linear(d_model, 3 * d_model)
        self.attn_out = nn.Linear(d_model, d_model)
        self.ln2 = nn.LayerNorm(d_model)
        self.mlp_in = nn.Linear(d_model, 4 * d_model)
        self.mlp_out = nn.Linear(4 * d_model, d_model)

    def forward(self, x):
        batch, pos, d_model = x.shape
        heads = (batch, pos, self.n_heads, d_model // self.n_heads)
        q, k, v = (part.view(heads).transpose(1, 2) for part in self.qkv(self.ln1(x)).split(d_model, dim=2))
        z = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.attn_out(z.transpose(1, 2).reshape(batch, pos, d_model))
        return x + self.mlp_out(F.gelu(self.mlp_in(self.ln2(x)), approximate="tanh"))


class Gpt2(nn.Module):
    def __init__(self, n_layers, d_model, n_heads, n_ctx, d_vocab):
        super().__init__()
        self.embed = nn.Embedding(d_vocab, d_model)
        self.pos_embed = nn.Embedding(n_ctx, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads) for _ in range(n_layers))
        self.ln_final = nn.LayerNorm(d_model)
        for name, parameter in self.named_parameters():
            if parameter.ndim >= 2:
                is_residual = name.endswith(("attn_out.weight", "mlp_out.weight"))
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * n_layers) if is_residual else 0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)

    def loss(self, ids):
        x = self.embed(ids) + self.pos_embed.weight[: ids.shape[1]]
        for block in self.blocks:
            x = block(x)
        # The last position predicts nothing; leaving it out here spares its logits.
        logits = F.linear(self.ln_final(x[:, :-1]), self.embed.weight)
        return F.cross_entropy(logits.float().flatten(0, 1), ids[:, 1:].flatten())


def read_rows(args):
    ids = numpy.fromfile(args.tokens, dtype="<u2")
    if len(ids) == 0 or len(ids) % args.context != 0:
        sys.exit(f"{args.tokens}: {len(ids)} tokens are no whole number of rows of {args.context}")
    if args.fold:
        ids = ids % args.vocab
    if ids.max() >= args.vocab:
        sys.exit(f"{args.tokens}: token {ids.max()} is not below --vocab {args.vocab} (--fold takes ids modulo it)")
    return torch.from_numpy(ids.astype("int64")).view(-1, args.context)


def train(args, seed, start_together, results):
    """One model's training. Sends the clock at the first timed step and at the end, step seconds and losses."""
    torch.set_num_threads(args.threads)
    torch.manual_seed(seed)
    rows = read_rows(args)
    model = Gpt2(args.layers, args.d_model, args.heads, args.context, args.vocab)
    matrices = [parameter for parameter in model.parameters() if parameter.ndim >= 2]
    vectors = [parameter for parameter in model.parameters() if parameter.ndim < 2]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    # `None` leaves the choice to PyTorch.
    optimizer = torch.optim.AdamW(groups, lr=2e-3, betas=(0.9, 0.95), fused=True if args.fused else None)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.steps, eta_min=2e-4)
    order = torch.randint(len(rows), (args.steps, args.batch_rows))
    losses, step_seconds = [], []
    for step in range(args.steps):
        if step == args.warm_up:
            start_together.wait()
            begin = time.monotonic()
        step_begin = time.monotonic()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.dtype == "bf16-autocast"):
            loss = model.loss(rows[order[step]])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        cosine.step()
        losses.append(loss.item())
        if step >= args.warm_up:
            step_seconds.append(time.monotonic() - step_begin)
    n_parameters = sum(parameter.numel() for parameter in model.parameters())
    results.put((begin, time.monotonic(), step_seconds, losses, n_parameters))


def next_result(results, processes):
    """Waits for one; but a process that failed sends none, and leaves the others at the barrier."""
    while True:
        try:
            return results.get(timeout=1)
        except queue.Empty:
            if any(process.exitcode not in (None, 0) for process in processes):
                sys.exit("a training process failed")


def main():
    parser = argparse.ArgumentParser()
    tokens_help = "rows of --context little-endian u16 ids, such as ../shared/fixtures/tokens-long.u16"
    parser.add_argument("--tokens", required=True, help=tokens_help)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--d-model", type=int, default=128)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--context", type=int, default=128)
    parser.add_argument("--vocab", type=int, default=2048)
    parser.add_argument("--fold", action="store_true", help="ids modulo --vocab: for speed only")
    parser.add_argument("--batch-rows", type=int, default=16)
    parser.add_argument("--steps", type=int, default=40, help="with those of the warm-up")
    parser.add_argument("--warm-up", type=int, default=5, help="steps before the clock starts")
    parser.add_argument("--models", type=int, default=1, help="trained side by side, a process each")
    parser.add_argument("--threads", "--threads-each", type=int, default=2, help="of each model")
    parser.add_argument("--dtype", choices=["f32", "bf16-autocast"], default="f32")
    parser.add_argument("--fused", action="store_true", help="AdamW's fused form, not PyTorch's default")
    args = parser.parse_args()
    if not 0 <= args.warm_up < args.steps:
        parser.error("--warm-up must be below --steps")
    # A bad file ends here, not in a process that the others then wait for.
    read_rows(args)

    # Fresh processes: a forked copy of a threaded library may hang.
    context = multiprocessing.get_context("spawn")
    start_together, results = context.Barrier(args.models), context.Queue()
    arguments = [(args, seed, start_together, results) for seed in range(args.models)]
    processes = [context.Process(target=train, args=each) for each in arguments]
    for process in processes:
        process.start()
    try:
        runs = [next_result(results, processes) for _ in processes]
    finally:
        for process in processes:
            process.terminate()
    begins, ends, step_seconds, losses, n_parameters = zip(*runs)
    n_timed = args.steps - args.warm_up
    n_tokens = args.models * n_timed * args.batch_rows * args.context
    report = {
        "tokens_per_second": round(n_tokens / (max(ends) - min(begins)), 1),
        "median_step_seconds": statistics.median(seconds for run in step_seconds for seconds in run),
        "models": args.models,
        "threads_each": args.threads,
        "dtype": args.dtype,
        "adamw": "fused" if args.fused else "default",
        "layers": args.layers,
        "d_model": args.d_model,
        "heads": args.heads,
        "context": args.context,
        "vocab": args.vocab,
        "batch_rows": args.batch_rows,
        "parameters": n_parameters[0],
        "steps_timed": n_timed,
        "loss_nats_first_last": [round(losses[0][0], 4), round(losses[0][-1], 4)],
        "versions": {"python": platform.python_version(), "torch": torch.__version__, "numpy": numpy.__version__},
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
