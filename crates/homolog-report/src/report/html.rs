//! The few forms of HTML that a report is made of.

/// Text for between tags and inside of quoted attributes.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// Parts, one after another.
pub(super) fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().concat()
}

/// A section with its heading.
pub(super) fn section(id: &str, heading: &str, content: &str) -> String {
    format!("<section id=\"{id}\">\n<h2>{heading}</h2>\n{content}\n</section>\n")
}

/// Sentences, plain text, as a list. A percent sign does not part from its number.
pub(super) fn list(sentences: &[String]) -> String {
    let items =
        joined(sentences.iter().map(|sentence| format!("<li>{}</li>\n", escaped(&sentence.replace(" %", "\u{a0}%")))));
    format!("<ul>\n{items}</ul>\n")
}

/// A table, folded away under its title; cells are plain text. Columns after `n_words` are numbers.
pub(super) fn table(title: &str, columns: &[&str], n_words: usize, rows: &[Vec<String>]) -> String {
    let class = |at: usize| if at < n_words { "" } else { " class=\"n\"" };
    let head = columns.iter().enumerate().map(|(at, name)| format!("<th{}>{}</th>", class(at), escaped(name)));
    let head = joined(head);
    let cells = |row: &Vec<String>| {
        joined(row.iter().enumerate().map(|(at, cell)| format!("<td{}>{}</td>", class(at), escaped(cell))))
    };
    let body = joined(rows.iter().map(|row| format!("<tr>{}</tr>\n", cells(row))));
    format!(
        "<details>\n<summary>{}</summary>\n<div class=\"wide\"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n\
         </table></div>\n</details>\n",
        escaped(title)
    )
}
