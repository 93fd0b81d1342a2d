//! Numeric operators: fast form, float64 twin, and the choice of instruction set.
