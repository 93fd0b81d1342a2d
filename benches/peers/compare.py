"""Our forward pass and correlation beside plain PyTorch, at GPT-2 Small size on random data, in turn in one run.

    pip install -r benches/peers/requirements.txt
    python benches/peers/compare.py --what forward correlation --pairs 3 --threads 2

Each pair runs our bench (`cargo bench`, built before the first pair) and then PyTorch, on the same number of threads. What is
compared:
- forward: tokens/s from ids to the activations after the nonlinearity of every layer, 8 rows of 512; PyTorch with its fused
  attention, linear layers and tanh GELU.
- correlation: GFLOP/s of one layer of 3,072 neurons with four, 2,048 tokens; ours is packed, added to f64 totals; PyTorch
  writes the f32 product of the same matrices (torch.mm), finds no maximum and keeps no total.
"""

import argparse
import os
import re
import subprocess
import time

D_MODEL, D_MLP, N_LAYERS, N_HEADS, D_VOCAB = 768, 3072, 12, 12, 50257
CONTEXT, N_ROWS, N_TOKENS = 512, 8, 2048
BENCHES = {
    "forward": ("homolog-model", "forward", "forward to every", 1.0, "tokens/s"),
    "correlation": ("homolog-stats", "correlation", "products", 1e9, "GFLOP/s"),
}


def ours(what, threads):
    """Throughput as criterion prints it."""
    package, bench, name, unit, _ = BENCHES[what]
    command = ["cargo", "bench", "-q", "-p", package, "--bench", bench, "--", name, "--noplot", "--warm-up-time", "1"]
    environment = {**os.environ, "RAYON_NUM_THREADS": str(threads)}
    out = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    number = r"([\d.]+)\s+([KMGT]?)elem/s"
    middle = re.search(rf"thrpt:\s+\[{number}\s+{number}\s+{number}", out)
    scale = {"": 1.0, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}[middle.group(4)]
    return float(middle.group(3)) * scale / unit


def mean_of(work, seconds=5.0):
    """Mean seconds of several calls, after one to warm up, as criterion takes them."""
    work()
    n, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        work()
        n += 1
    return (time.perf_counter() - start) / n


def torch_forward(torch):
    functional = torch.nn.functional
    generator = torch.Generator().manual_seed(1)
    weight = lambda *shape: 0.02 * torch.randn(*shape, generator=generator)
    layers = [
        (weight(3 * D_MODEL, D_MODEL), weight(D_MODEL, D_MODEL), weight(D_MLP, D_MODEL), weight(D_MODEL, D_MLP))
        for _ in range(N_LAYERS)
    ]
    embed, positions = weight(D_VOCAB, D_MODEL), weight(CONTEXT, D_MODEL)
    ones, bias, wide = torch.ones(D_MODEL), torch.zeros(D_MODEL), torch.zeros(D_MLP)
    ids = torch.randint(D_VOCAB, (N_ROWS, CONTEXT), generator=generator)

    def run():
        with torch.inference_mode():
            residual = embed[ids] + positions
            for layer, (qkv, out, up, down) in enumerate(layers):
                x = functional.layer_norm(residual, (D_MODEL,), ones, bias)
                heads = functional.linear(x, qkv).view(N_ROWS, CONTEXT, 3, N_HEADS, D_MODEL // N_HEADS)
                q, k, v = heads.permute(2, 0, 3, 1, 4)
                mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
                residual = residual + functional.linear(mixed.transpose(1, 2).flatten(2), out, bias)
                x = functional.layer_norm(residual, (D_MODEL,), ones, bias)
                neurons = functional.gelu(functional.linear(x, up, wide), approximate="tanh")
                if layer + 1 < N_LAYERS:
                    residual = residual + functional.linear(neurons, down, bias)

    return N_ROWS * CONTEXT / mean_of(run)


def torch_correlation(torch):
    generator = torch.Generator().manual_seed(1)
    a = torch.randn(D_MLP, N_TOKENS, generator=generator)
    b = torch.randn(N_TOKENS, 4 * D_MLP, generator=generator)
    out = torch.empty(D_MLP, 4 * D_MLP)
    return 2 * D_MLP * 4 * D_MLP * N_TOKENS / mean_of(lambda: torch.mm(a, b, out=out)) / 1e9


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--what", nargs="+", choices=sorted(BENCHES), default=sorted(BENCHES))
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    import torch

    torch.set_num_threads(arguments.threads)
    theirs = {"forward": torch_forward, "correlation": torch_correlation}
    for what in arguments.what:
        for pair in range(arguments.pairs):
            mine, other = ours(what, arguments.threads), theirs[what](torch)
            unit = BENCHES[what][4]
            print(f"{what}, pair {pair + 1}: ours {mine:.0f} {unit}, torch {torch.__version__} {other:.0f}, ratio {mine / other:.2f}", flush=True)


if __name__ == "__main__":
    main()
