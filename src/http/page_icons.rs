//! A loop's icon on a page: a drawing of ours where it is named, otherwise the text itself where it is a symbol.

use crate::domain::loops::{DEFAULT_ICON, ICONS};

/// The drawing in `assets/loop-icons.svg` that stands for it.
pub fn drawing(icon: &str) -> Option<&'static str> {
    let known = ICONS.into_iter().find(|name| *name == icon);
    known.or_else(|| symbol(icon).is_empty().then_some(DEFAULT_ICON))
}

/// The symbol to show, such as an emoji; empty where it is none: words are not for reading in so small a place.
pub fn symbol(icon: &str) -> &str {
    if icon.is_ascii() || icon.chars().count() > LONGEST || icon.chars().any(is_letter) { "" } else { icon }
}

/// The most code points of an emoji: two people with skin tones and what is between them.
const LONGEST: usize = 12;

/// Whether it is a letter of a word, and not one of the emoji that count as letters: ℹ, Ⓜ, 🅰 and their like.
fn is_letter(letter: char) -> bool {
    letter.is_alphabetic() && !matches!(letter, 'ℹ' | 'Ⓜ' | '🄰'..='🆉')
}

#[cfg(test)]
mod tests {
    use super::{drawing, symbol};

    #[test]
    fn an_icon_is_drawn_or_shown_as_it_is() {
        assert_eq!((drawing("lock"), symbol("lock")), (Some("lock"), ""));
        assert_eq!((drawing("🔒"), symbol("🔒")), (None, "🔒"));
        assert_eq!((drawing("my icon"), drawing("éééééééééééé")), (Some("shield-check"), Some("shield-check")));
        for emoji in ["ℹ️", "🅰️", "1️⃣", "👩🏽‍❤️‍💋‍👨🏿", "🇺🇳", "㊙️", "→"]
        {
            assert_eq!((drawing(emoji), symbol(emoji)), (None, emoji));
        }
        for word in ["Ärger", "日本", "да", "é"] {
            assert_eq!((drawing(word), symbol(word)), (Some("shield-check"), ""), "{word}");
        }
    }
}
