//! Development only: assert_close, seeded inputs, golden files, tiny models, planted worlds.
