//! Which instruction set the kernels use: asked of the CPU once, the same for the whole process.

use std::fmt;
use std::sync::OnceLock;

/// Instruction sets with a kernel of their own, in ascending order of speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isa {
    /// Plain Rust; whatever the compiler's baseline vectorises to.
    Portable,
    /// AVX2 with FMA: 8 f32 lanes.
    Avx2,
    /// AVX-512F: 16 f32 lanes.
    Avx512,
}

static CURRENT: OnceLock<Isa> = OnceLock::new();

impl Isa {
    /// The instruction set of this process: the one chosen by [`Isa::force`], else the fastest that the CPU has.
    pub fn current() -> Self {
        *CURRENT.get_or_init(|| *Self::available().last().expect("the portable set is always available"))
    }

    /// Every set that this CPU can run, in ascending order of speed.
    pub fn available() -> Vec<Self> {
        let mut sets = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            let has_avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            if has_avx2 {
                sets.push(Self::Avx2);
            }
            if has_avx2 && is_x86_feature_detected!("avx512f") {
                sets.push(Self::Avx512);
            }
        }
        sets
    }

    /// Choose the set of this process before any kernel has run.
    ///
    /// Errors: the set in force, when the CPU lacks the wanted one or another was already chosen.
    pub fn force(wanted: Self) -> Result<(), Self> {
        if Self::available().contains(&wanted) && *CURRENT.get_or_init(|| wanted) == wanted {
            return Ok(());
        }
        Err(Self::current())
    }

    /// Parse the name that `Display` prints.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Portable, Self::Avx2, Self::Avx512].into_iter().find(|isa| isa.to_string() == name)
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        })
    }
}
