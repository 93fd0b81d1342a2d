//! Which instruction set the kernels use: asked of the CPU and the system once, the same for the whole process.

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
    /// AVX-512F, and tiles (AMX) for products in bf16.
    Amx,
}

static CURRENT: OnceLock<Isa> = OnceLock::new();

impl Isa {
    /// Every set, whether this machine has it or not.
    pub const ALL: [Self; 4] = [Self::Portable, Self::Avx2, Self::Avx512, Self::Amx];

    /// The instruction set of this process: the one chosen by [`Isa::force`], else the fastest that it can use.
    pub fn current() -> Self {
        *CURRENT.get_or_init(|| *Self::available().last().expect("the portable set is always available"))
    }

    /// Every set that this process can use, in ascending order of speed.
    pub fn available() -> Vec<Self> {
        Self::ALL.into_iter().filter(|isa| isa.why_not().is_none()).collect()
    }

    /// Why this process cannot use a set; none if it can.
    ///
    /// For [`Isa::Amx`] this asks Linux for the use of tiles, once: the permission holds for all threads of the process.
    pub fn why_not(self) -> Option<&'static str> {
        if self == Self::Portable {
            return None;
        }
        #[cfg(not(target_arch = "x86_64"))]
        return Some("this is not an x86-64 CPU");
        #[cfg(target_arch = "x86_64")]
        {
            if !(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")) {
                return Some("the CPU lacks AVX2 with FMA");
            }
            if self >= Self::Avx512 && !is_x86_feature_detected!("avx512f") {
                return Some("the CPU lacks AVX-512F");
            }
            if self == Self::Amx { tiles::why_not() } else { None }
        }
    }

    /// Whether products in bf16 are faster than in f32, rather than computed by the f32 kernels on rounded operands.
    pub fn has_bf16_units(self) -> bool {
        self == Self::Amx
    }

    /// Choose the set of this process before any kernel has run.
    ///
    /// Errors: the set in force, when the wanted one cannot be used ([`Isa::why_not`]) or another was already chosen.
    pub fn force(wanted: Self) -> Result<(), Self> {
        if wanted.why_not().is_none() && *CURRENT.get_or_init(|| wanted) == wanted {
            return Ok(());
        }
        Err(Self::current())
    }

    /// Parse the name that `Display` prints.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|isa| isa.to_string() == name)
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Amx => "amx",
        })
    }
}

/// Whether CPU, hypervisor and system together let this process use AMX.
#[cfg(target_arch = "x86_64")]
mod tiles {
    use std::arch::asm;
    use std::arch::x86_64::__cpuid_count;
    use std::sync::OnceLock;

    /// Bits of CPUID leaf 7, EDX (Intel SDM volume 2A, CPUID).
    const AMX_BF16: u32 = 1 << 22;
    const AMX_TILE: u32 = 1 << 24;
    /// Tile configuration and tile data in XCR0 (Intel SDM volume 1, section 13.1).
    const TILE_STATES: u64 = 1 << 17 | 1 << 18;

    /// The CPU is known to have AVX-512F.
    pub(super) fn why_not() -> Option<&'static str> {
        static ANSWER: OnceLock<Option<&'static str>> = OnceLock::new();
        *ANSWER.get_or_init(|| {
            if __cpuid_count(7, 0).edx & (AMX_BF16 | AMX_TILE) != AMX_BF16 | AMX_TILE {
                Some("the CPU lacks AMX with bf16")
            } else if saved_states() & TILE_STATES != TILE_STATES {
                Some("the system does not save AMX tiles (a newer kernel or another virtual machine would)")
            } else if !is_permitted() {
                Some("the system refuses AMX tiles to this process (arch_prctl ARCH_REQ_XCOMP_PERM)")
            } else {
                None
            }
        })
    }

    /// XCR0: the register states that the system saves.
    fn saved_states() -> u64 {
        let (low, high): (u32, u32);
        // SAFETY: a CPU whose AVX-512F is usable has OSXSAVE, without which it would not be reported; XGETBV reads a register.
        unsafe {
            asm!("xgetbv", in("ecx") 0, out("eax") low, out("edx") high, options(nomem, nostack, preserves_flags));
        };
        u64::from(high) << 32 | u64::from(low)
    }

    /// Ask Linux (since 5.16) for tile data: arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA). Other systems are not asked.
    #[cfg(target_os = "linux")]
    fn is_permitted() -> bool {
        const ARCH_PRCTL: i64 = 158;
        const ARCH_REQ_XCOMP_PERM: u64 = 0x1023;
        const XFEATURE_XTILEDATA: u64 = 18;
        let answer: i64;
        // SAFETY: a system call that changes nothing but what this process may use; the kernel clobbers rcx and r11.
        unsafe {
            asm!(
                "syscall",
                inlateout("rax") ARCH_PRCTL => answer,
                in("rdi") ARCH_REQ_XCOMP_PERM,
                in("rsi") XFEATURE_XTILEDATA,
                out("rcx") _,
                out("r11") _,
                options(nostack),
            );
        }
        answer == 0
    }

    #[cfg(not(target_os = "linux"))]
    fn is_permitted() -> bool {
        false
    }
}
