//! Texts for people on terminals: no line of a help is wider than [`COLUMNS`].

/// What every terminal shows.
pub const COLUMNS: usize = 80;
/// An explanation that would begin further right stands below what it explains.
const LAST_START: usize = 44;
/// How much further right that is, and what continues an indented line without an explanation.
const STEP: usize = 4;

/// Breaks lines that are too wide between words.
///
/// Sources have wider lines: one that is too wide goes on in the next line at the same place. An explanation (of a variable,
/// an option or an example: what follows several blanks) goes on below itself. Narrow lines stay as they are.
pub fn fit(text: &str) -> String {
    let mut fitted = String::with_capacity(text.len() + text.len() / 16);
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let start = Start::of(line);
        let (mut whole, mut is_wide) = (line.to_owned(), width(line) > COLUMNS);
        while let Some(next) = lines.next_if(|next| start.goes_on_with(next, is_wide)) {
            whole.push(' ');
            whole.push_str(next.trim_start());
            is_wide = width(next) > COLUMNS;
        }
        start.write(&whole, &mut fitted);
    }
    fitted
}

/// Where the parts of a line begin.
#[derive(Clone, Copy)]
struct Start {
    indent: usize,
    /// In bytes and in columns.
    explanation: Option<(usize, usize)>,
}

impl Start {
    fn of(line: &str) -> Self {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        let gap = text.find("  ").map(|at| indent + at);
        let explanation = gap.and_then(|gap| {
            let (before, after) = line.split_at_checked(gap)?;
            let blanks = after.len() - after.trim_start().len();
            Some((gap + blanks, width(before) + blanks))
        });
        Self { indent, explanation }
    }

    /// Whether `next` is the rest of this line.
    fn goes_on_with(self, next: &str, is_wide: bool) -> bool {
        let indent = next.len() - next.trim_start().len();
        match self.explanation {
            _ if next.trim().is_empty() => false,
            Some((_, column)) => indent == column,
            None => is_wide && indent == self.indent && Self::of(next).explanation.is_none(),
        }
    }

    fn write(self, line: &str, fitted: &mut String) {
        let mut push = |line: &str| {
            fitted.push_str(line.trim_end());
            fitted.push('\n');
        };
        if width(line) <= COLUMNS {
            return push(line);
        }
        let (at, mut below) = self.explanation.unwrap_or(match self.indent {
            0 => (0, 0),
            indent => (indent, indent + STEP),
        });
        let (head, words) = line.split_at_checked(at).unwrap_or(("", line));
        let mut current = head.to_owned();
        if below > LAST_START {
            below = self.indent + STEP;
            push(head);
            current = " ".repeat(below);
        }
        let mut is_first = true;
        for word in words.split_whitespace() {
            if !is_first && width(&current) + 1 + width(word) > COLUMNS {
                push(&current);
                current = " ".repeat(below);
            } else if !is_first {
                current.push(' ');
            }
            current.push_str(word);
            is_first = false;
        }
        push(&current);
    }
}

fn width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paragraph_is_filled_and_narrow_lines_stay() {
        let wide = "Claims due messages, sends them over the WhatsApp Cloud API, and records the result of each call. Any number may run at\n\
            once.\n\nEnvironment:\n  A  b\n  desk letters list\n  desk letters show 12\n";

        assert_eq!(
            fit(wide),
            "Claims due messages, sends them over the WhatsApp Cloud API, and records the\n\
             result of each call. Any number may run at once.\n\nEnvironment:\n  A  b\n  desk letters list\n  \
             desk letters show 12\n"
        );
    }

    #[test]
    fn an_explanation_goes_on_below_itself() {
        let wide = "  SENDER_PROBE_AFTER         what WhatsApp refuses as a whole (token, number, account, template) is held; after\n\
            \x20                            this long one message tries again, then after twice as long [1m]\n  \
            SENDER_ADDR                health\n";

        assert_eq!(
            fit(wide),
            "  SENDER_PROBE_AFTER         what WhatsApp refuses as a whole (token, number,\n\
             \x20                            account, template) is held; after this long one\n\
             \x20                            message tries again, then after twice as long [1m]\n  \
             SENDER_ADDR                health\n"
        );
    }

    #[test]
    fn an_explanation_far_to_the_right_stands_below() {
        let wide = "  desk letters retry --all --reason unmappable --source lodgify --dry-run    what would come of them?\n";

        assert_eq!(
            fit(wide),
            "  desk letters retry --all --reason unmappable --source lodgify --dry-run\n      what would come of them?\n"
        );
    }
}
