//! Estimators: moments, correlation, rotation baseline, universality, overlap of sets.
