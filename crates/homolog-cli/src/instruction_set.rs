//! HOMOLOG_ISA: the instruction set that the user wants, instead of the fastest there is.

use std::env;

use homolog_study::Isa;

/// Its name in the environment.
pub(crate) const VARIABLE: &str = "HOMOLOG_ISA";

/// Choose the wanted set before any kernel runs. Errors: there is no such set, or this process cannot use it.
pub(crate) fn choose() -> Result<(), String> {
    let Some(name) = env::var_os(VARIABLE) else { return Ok(()) };
    let name = name.to_string_lossy();
    let names = |sets: &[Isa]| sets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let Some(isa) = Isa::from_name(&name) else {
        return Err(format!("{VARIABLE} is {name:?}, which is no instruction set; there are {}", names(&Isa::ALL)));
    };
    Isa::force(isa).map_err(|_| {
        let why = isa.why_not().unwrap_or("another set is in use already");
        format!("{VARIABLE} is {name}, but {why}; here there are {}, or leave it unset", names(&Isa::available()))
    })
}

/// Whether the user has chosen.
pub(crate) fn is_chosen() -> bool {
    env::var_os(VARIABLE).is_some()
}
