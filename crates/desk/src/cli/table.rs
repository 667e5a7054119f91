//! Tables of aligned columns.

use chrono::{DateTime, SecondsFormat, Utc};

/// Each line starts with `indent`; the last column is not padded.
pub(super) fn rows<const N: usize>(indent: &str, rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        text.push_str(&format!("{indent}{}\n", line.trim_end()));
    }
    text
}

/// A table whose first line names the columns.
pub(super) fn headed<const N: usize>(heads: [&str; N], lines: impl Iterator<Item = [String; N]>) -> String {
    let heads = heads.map(str::to_uppercase);
    rows("", &std::iter::once(heads).chain(lines).collect::<Vec<_>>())
}

/// In UTC, to the second.
pub(super) fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_do_not_end_in_blanks() {
        let cells = |row: [&str; 2]| row.map(str::to_owned);

        let text = rows("  ", &[cells(["a", "b"]), cells(["•••", ""])]);

        assert_eq!(text, "  a    b\n  •••\n");
    }

    #[test]
    fn the_first_line_names_the_columns() {
        let cells = |row: [&str; 2]| row.map(str::to_owned);

        let text = headed(["id", "state"], [cells(["1027", "open"])].into_iter());

        assert_eq!(text, "ID    STATE\n1027  open\n");
    }
}
