pub(crate) mod gallery;
mod laws;
mod reading;
