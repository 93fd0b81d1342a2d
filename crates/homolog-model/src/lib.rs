//! GPT-2 weights, tokens, hooks, forward pass, loss and interventions.
