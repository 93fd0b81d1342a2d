//! Rust source divided into code and comments, line for line, so that a rule about code is not broken by a comment or a string.

/// Two texts with the lines of the source: what is not code (or not comment) is blank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    /// Without comments; string and character literals are emptied.
    pub(super) code: Vec<String>,
    /// Text of comments, slashes included.
    pub(super) comments: Vec<String>,
}

#[derive(Clone, Copy)]
enum Within {
    Code,
    LineComment,
    /// Depth of nesting.
    BlockComment(usize),
    Str,
    /// Number of `#` that close it.
    RawStr(usize),
}

impl Source {
    pub(super) fn divide(text: &str) -> Self {
        let mut divided = Self { code: vec![String::new()], comments: vec![String::new()] };
        let chars: Vec<char> = text.chars().collect();
        let starts = |at: usize, sign: &str| sign.chars().enumerate().all(|(k, c)| chars.get(at + k) == Some(&c));
        let mut within = Within::Code;
        let mut at = 0;
        while let Some(&c) = chars.get(at) {
            let mut length = 1;
            if c == '\n' {
                divided.code.push(String::new());
                divided.comments.push(String::new());
                if matches!(within, Within::LineComment) {
                    within = Within::Code;
                }
                at += 1;
                continue;
            }
            let code = divided.code.last_mut().expect("never empty");
            let comment = divided.comments.last_mut().expect("never empty");
            match within {
                Within::Code => {
                    let raw = raw_string_opening(&chars, at);
                    if starts(at, "//") {
                        within = Within::LineComment;
                        comment.push(c);
                    } else if starts(at, "/*") {
                        within = Within::BlockComment(1);
                        comment.push_str("/*");
                        length = 2;
                    } else if let Some((n_hashes, opening)) = raw {
                        within = Within::RawStr(n_hashes);
                        code.push('"');
                        length = opening;
                    } else if c == '"' {
                        within = Within::Str;
                        code.push('"');
                    } else if let Some(literal) = char_literal(&chars, at) {
                        code.push_str("''");
                        length = literal;
                    } else {
                        code.push(c);
                    }
                }
                Within::LineComment => comment.push(c),
                Within::BlockComment(depth) => {
                    let (opens, closes) = (starts(at, "/*"), starts(at, "*/"));
                    comment.push(c);
                    if opens || closes {
                        comment.push(chars[at + 1]);
                        length = 2;
                        within = match (opens, depth) {
                            (true, _) => Within::BlockComment(depth + 1),
                            (false, 1) => Within::Code,
                            (false, _) => Within::BlockComment(depth - 1),
                        };
                    }
                }
                // An escaped newline is left for the next turn, which counts the line.
                Within::Str if c == '\\' => length = if starts(at, "\\\n") { 1 } else { 2 },
                Within::Str if c == '"' => {
                    within = Within::Code;
                    code.push('"');
                }
                Within::RawStr(n_hashes) if c == '"' && starts(at + 1, &"#".repeat(n_hashes)) => {
                    within = Within::Code;
                    code.push('"');
                    length = 1 + n_hashes;
                }
                Within::Str | Within::RawStr(_) => {}
            }
            at += length;
        }
        divided
    }

    /// Lines that hold code.
    pub(super) fn n_code_lines(&self) -> usize {
        self.code.iter().filter(|line| !line.trim().is_empty()).count()
    }
}

/// Whether `word` occurs in `line` bounded by characters that are not part of a name.
pub(super) fn has_word(line: &str, word: &str) -> bool {
    let is_name = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word)
        .any(|(at, _)| !is_name(line[..at].chars().next_back()) && !is_name(line[at + word.len()..].chars().next()))
}

/// At `r"`, `r#"`, `br##"` ...: the number of hashes and the length of the opening.
fn raw_string_opening(chars: &[char], at: usize) -> Option<(usize, usize)> {
    let is_name = |c: &char| c.is_alphanumeric() || *c == '_';
    if at > 0 && is_name(&chars[at - 1]) {
        return None;
    }
    let mut end = at + usize::from(matches!(chars[at], 'b' | 'c'));
    if chars.get(end) != Some(&'r') {
        return None;
    }
    end += 1;
    let n_hashes = chars[end..].iter().take_while(|&&c| c == '#').count();
    (chars.get(end + n_hashes) == Some(&'"')).then_some((n_hashes, end + n_hashes + 1 - at))
}

/// The length of a character literal that begins here; a lifetime is none.
fn char_literal(chars: &[char], at: usize) -> Option<usize> {
    if chars[at] != '\'' {
        return None;
    }
    if chars.get(at + 1) == Some(&'\\') {
        // The escaped character itself may be a quote.
        let after = chars.get(at + 3..)?;
        let closing = after.iter().take(10).position(|&c| c == '\'')?;
        return Some(closing + 4);
    }
    (chars.get(at + 2) == Some(&'\'')).then_some(3)
}
