//! What the fuzz targets share: a folder to write to, a count of the heap, seeds, and a look at panics that are caught.

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static LARGEST: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator (the sanitizer's, if there is one), counted. What C code allocates is not seen here; libFuzzer's
/// `-malloc_limit_mb` sees it.
struct Counted;

#[global_allocator]
static ALLOCATOR: Counted = Counted;

fn add(n_bytes: usize) {
    PEAK.fetch_max(LIVE.fetch_add(n_bytes, Relaxed) + n_bytes, Relaxed);
}

// SAFETY: every call goes to `System` as it came; only counters are kept beside it.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        // SAFETY: the caller's promise is `System`'s.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, n_bytes: usize) -> *mut u8 {
        // Old and new are there at once while they are copied.
        add(n_bytes);
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(at, layout, n_bytes) }
    }
}

/// The most heap that a parser may hold at one moment: `times` the bytes of its input, and `fixed` bytes.
#[derive(Clone, Copy)]
pub struct Limit {
    /// For each byte of the input.
    pub times: usize,
    /// Whatever the input.
    pub fixed: usize,
}

/// Parse an input of `n_bytes`; a panic if more heap than the limit was held at any moment, by any thread.
pub fn within<T>(limit: Limit, n_bytes: usize, parse: impl FnOnce() -> T) -> T {
    let before = LIVE.load(Relaxed);
    PEAK.store(before, Relaxed);
    let parsed = parse();
    let peak = PEAK.load(Relaxed).saturating_sub(before);
    assert!(peak <= limit.times * n_bytes + limit.fixed, "{peak} bytes of heap for an input of {n_bytes}");
    if peak > LARGEST.load(Relaxed) / 20 * 21 {
        LARGEST.store(peak, Relaxed);
        eprintln!("HEAP {peak} bytes for an input of {n_bytes}");
    }
    parsed
}

/// Where all processes have their folders: in memory, where the system offers that.
fn base() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let base = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
    base.join("homolog-fuzz")
}

/// A folder of this process.
pub fn folder(name: &str) -> PathBuf {
    let folder = base().join(std::process::id().to_string()).join(name);
    fs::create_dir_all(&folder).expect("a temporary folder can be made");
    folder
}

/// libFuzzer ends its process without a chance to tidy up, so the next one does it.
fn remove_folders_of_dead_processes() {
    for entry in fs::read_dir(base()).into_iter().flatten().flatten() {
        if Path::new("/proc/self").exists() && !Path::new("/proc").join(entry.file_name()).exists() {
            // Another process may have been faster.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Write a file of the folder.
pub fn put(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).expect("a temporary folder can be written");
    path
}

/// Called once by each target: one thread, and the seeds into the target's corpus, where they lie before it is read.
pub fn begin(target: &str, seeds: Vec<Vec<u8>>) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread();
    pool.build_global().expect("no pool was made before");
    remove_folders_of_dead_processes();
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    fs::create_dir_all(&corpus).expect("the corpus can be written");
    for (at, seed) in seeds.iter().enumerate() {
        put(&corpus, &format!("seed-{at:02}"), seed);
    }
}

/// Panics that the code under test catches are let pass, and told once for each place; one that it does not catch still ends
/// the process, in libFuzzer's own hands.
pub fn tell_caught_panics() {
    static SEEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        // The folder of the registry and the column say nothing.
        let place = place.rsplit_once(':').map_or(&*place, |(place, _)| place);
        let place = place.rsplit_once("/src/index").map_or(place, |(_, place)| place).to_owned();
        let mut seen = SEEN.lock().expect("nothing panics while it is held");
        if seen.insert(place.clone()) {
            eprintln!("PANIC at {place}: {}", panic.payload_as_str().unwrap_or("(no text)"));
        }
    }));
}

/// First byte and rest, or nothing.
pub fn choice(data: &[u8]) -> Option<(u8, &[u8])> {
    data.split_first().map(|(&first, rest)| (first, rest))
}

/// A seed whose first byte makes a choice.
pub fn chosen(first: u8, bytes: impl AsRef<[u8]>) -> Vec<u8> {
    [&[first], bytes.as_ref()].concat()
}

/// The smallest GPT-2 that has every tensor.
pub fn smallest() -> homolog_test::tiny_gpt2::Gpt2Shape {
    homolog_test::tiny_gpt2::Gpt2Shape {
        n_layers: 1,
        n_heads: 1,
        d_model: 2,
        d_mlp: 3,
        d_vocab: 5,
        n_ctx: 4,
        bos: Some(4),
        ..homolog_test::tiny_gpt2::Gpt2Shape::tiny()
    }
}

/// `tokenizer.json` of a byte-level tokenizer: the id of a byte is the byte, 256 is `<|endoftext|>`, and a few merges.
pub fn tokenizer_json() -> serde_json::Value {
    let is_visible = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    let visible = |byte: u8| {
        let n_before = (0..byte).filter(|&byte| !is_visible(byte)).count() as u32;
        if is_visible(byte) { char::from(byte) } else { char::from_u32(256 + n_before).expect("a character") }
    };
    let mut vocab: serde_json::Map<String, serde_json::Value> =
        (0..=255).map(|byte| (visible(byte).to_string(), byte.into())).collect();
    vocab.insert("<|endoftext|>".into(), 256.into());
    let merges = [("a", "b"), ("Ġ", "a"), ("ab", "ab"), ("e", "r")];
    for (at, (a, b)) in merges.iter().enumerate() {
        vocab.insert(format!("{a}{b}"), (257 + at).into());
    }
    serde_json::json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": [{
            "id": 256, "content": "<|endoftext|>", "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true
        }],
        "normalizer": null,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
        "post_processor": null,
        "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "vocab": vocab, "merges": merges.map(|(a, b)| format!("{a} {b}"))
        }
    })
}
