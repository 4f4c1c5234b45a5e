//! What stands between fences on the pages of the documentation, in order. Does not run any of it.

use crate::process::in_repository;
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};
use std::fs;

/// The text between two fences, or of a comment that begins with the name of a language.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// Where it begins: `docs/page.md:12`.
    pub(crate) place: String,
    /// The first word of its fence.
    pub(crate) language: String,
    /// The other words of its fence.
    pub(crate) words: Vec<String>,
    pub(crate) text: String,
    /// Whether readers see it.
    pub(crate) is_shown: bool,
}

impl Block {
    fn new(place: String, fence: &str, text: String) -> Self {
        let mut words = fence.split_whitespace().map(str::to_owned);
        Self { place, language: words.next().unwrap_or_default(), words: words.collect(), text, is_shown: true }
    }

    pub(crate) fn has(&self, word: &str) -> bool {
        self.words.iter().any(|it| it == word)
    }

    /// The name of the file that a reader saves it as.
    pub(crate) fn file(&self) -> Option<&str> {
        self.words.iter().find_map(|word| word.strip_prefix("file="))
    }

    /// Which program takes it, if it is run at all.
    pub(crate) fn program(&self) -> Option<Language> {
        let language = Language::named(&self.language)?;
        (self.file().is_none() && !self.has("no-run")).then_some(language)
    }

    /// Whether it is what the block before it prints.
    pub(crate) fn is_output(&self) -> bool {
        ["json", "text"].contains(&self.language.as_str()) && self.file().is_none()
    }
}

/// What snippets are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Language {
    Shell,
    Python,
    JavaScript,
}

impl Language {
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "sh" | "bash" | "console" => Some(Self::Shell),
            "python" => Some(Self::Python),
            "js" | "javascript" => Some(Self::JavaScript),
            _ => None,
        }
    }
}

/// All pages, as paths in the repository.
pub(crate) fn pages() -> Vec<String> {
    let listed = fs::read_dir(in_repository("docs")).unwrap().map(|entry| entry.unwrap().path());
    let files = listed.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let mut pages: Vec<_> =
        files.map(|path| format!("docs/{}", path.file_name().expect("it was listed").to_string_lossy())).collect();
    pages.push("README.md".to_owned());
    pages.sort();
    pages
}

/// The text of a page.
pub(crate) fn page_text(page: &str) -> String {
    fs::read_to_string(in_repository(page)).unwrap_or_else(|error| panic!("{page}: {error}"))
}

/// The blocks of a page, in order. A comment `<!-- sh` … `-->` is a block that readers do not see.
pub(crate) fn blocks(page: &str) -> Vec<Block> {
    let source = page_text(page);
    let place = |at: usize| format!("{page}:{}", source[..at].lines().count() + 1);
    let mut found: Vec<Block> = Vec::new();
    let mut open = false;
    let mut comment: Option<(usize, String)> = None;
    for (event, range) in Parser::new(&source).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(fence))) => {
                open = true;
                found.push(Block::new(place(range.start), &fence, String::new()));
            }
            Event::Text(text) if open => found.last_mut().expect("one is open").text.push_str(&text),
            Event::End(TagEnd::CodeBlock) => open = false,
            Event::Start(Tag::HtmlBlock) => comment = Some((range.start, String::new())),
            Event::Html(text) if comment.is_some() => comment.as_mut().expect("one is open").1.push_str(&text),
            Event::End(TagEnd::HtmlBlock) => {
                let (at, text) = comment.take().expect("one was opened");
                let block = |(fence, text): (&str, &str)| Block::new(place(at), fence, text.to_owned());
                found.extend(hidden(&text).map(block).map(|block| Block { is_shown: false, ..block }));
            }
            _ => {}
        }
    }
    found
}

fn hidden(comment: &str) -> Option<(&str, &str)> {
    let (fence, text) = comment.trim_end().strip_prefix("<!-- ")?.strip_suffix("-->")?.split_once('\n')?;
    Language::named(fence.split_whitespace().next()?).map(|_| (fence, text))
}
