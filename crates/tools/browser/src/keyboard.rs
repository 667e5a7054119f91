//! The keyboard, for pages that must do without a mouse.

use anyhow::bail;
use serde_json::json;

use crate::Browser;

/// More keys than any page has places to stop at.
const TABS: usize = 200;
/// Says where a press of Tab has led.
const STEP: &str = "const at = document.activeElement; \
                    if (at.matches(arguments[0])) return 'there'; \
                    if (window.passed.has(at)) return 'around'; \
                    window.passed.add(at)";

/// A key without a character of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// To the next place.
    Tab,
    /// Presses what is focused, or sends a form.
    Enter,
    /// The blank.
    Space,
    /// Leaves.
    Escape,
}

impl Browser {
    /// Presses a key, for whatever is focused.
    ///
    /// # Errors
    /// As [`Browser::resize`].
    pub async fn press(&self, key: Key) -> anyhow::Result<()> {
        self.keys(key.code()).await
    }

    /// Types with the keyboard alone, for whatever is focused.
    ///
    /// # Errors
    /// As [`Browser::resize`].
    pub async fn keys(&self, words: &str) -> anyhow::Result<()> {
        let strokes = words.chars().flat_map(|key| {
            ["keyDown", "keyUp"].map(|action| json!({ "type": action, "value": key.to_string() }))
        });
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": strokes.collect::<Vec<_>>() });
        self.driver
            .post("actions", &json!({ "actions": [keyboard] }))
            .await?;
        Ok(())
    }

    /// Presses Tab until the element is focused.
    ///
    /// # Errors
    /// Where the keyboard does not lead there, once around the page.
    pub async fn tab_to(&self, selector: &str) -> anyhow::Result<()> {
        self.run("window.passed = new Set()", &[]).await?;
        for _ in 0..TABS {
            self.press(Key::Tab).await?;
            match self.run(STEP, &[json!(selector)]).await?.as_str() {
                Some("there") => return Ok(()),
                Some("around") => break,
                _ => {}
            }
        }
        bail!("the keyboard does not lead to {selector}")
    }
}

impl Key {
    /// Its code in WebDriver.
    fn code(self) -> &'static str {
        match self {
            Self::Tab => "\u{E004}",
            Self::Enter => "\u{E007}",
            Self::Space => " ",
            Self::Escape => "\u{E00C}",
        }
    }
}
