//! The forms and links of a page. Enough of HTML for sign-in pages that are written by hand or by a template.

/// A form, with the buttons that submit it wherever they stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Form {
    id: String,
    pub(super) action: String,
    pub(super) post: bool,
    pub(super) fields: Vec<Field>,
    pub(super) buttons: Vec<Button>,
}

/// An input that is no button.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) value: String,
    /// `text`, `password`, `hidden`, …
    pub(super) kind: String,
}

/// Something to press.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Button {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) text: String,
}

/// A link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) href: String,
    pub(super) text: String,
}

/// What a page offers to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) forms: Vec<Form>,
    pub(super) links: Vec<Link>,
}

impl Offer {
    /// Reads it from a page.
    pub(super) fn of(page: &str) -> Self {
        let (mut offer, mut open) = (Self::default(), None);
        // A button may stand before or after its form and name it.
        let mut apart = Vec::new();
        let mut rest = page;
        while let Some((tag, after)) = next_tag(rest) {
            rest = after;
            match tag.name.as_str() {
                "script" | "style" => rest = after_closing(rest, &tag.name).1,
                "form" => open = Some(offer.start_form(&tag)),
                "/form" => open = None,
                "input" => {
                    match (tag.get("type").as_str(), open.and_then(|place| offer.forms.get_mut(place))) {
                        ("submit", Some(form)) => form.buttons.push(tag.button(tag.get("value"))),
                        ("checkbox" | "radio", Some(_)) if tag.find("checked").is_none() => {}
                        (_, Some(form)) if tag.find("name").is_some() => form.fields.push(tag.field()),
                        (_, Some(_) | None) => {}
                    }
                }
                "button" => {
                    let (text, after) = after_closing(rest, "button");
                    rest = after;
                    let button = tag.button(text.trim().to_owned());
                    match (tag.find("form"), open.and_then(|place| offer.forms.get_mut(place))) {
                        (Some(form), _) => apart.push((form, button)),
                        (None, Some(form)) => form.buttons.push(button),
                        (None, None) => {}
                    }
                }
                "a" => {
                    let (text, after) = after_closing(rest, "a");
                    rest = after;
                    offer.links.push(Link { href: tag.get("href"), text: text.trim().to_owned() });
                }
                _ => {}
            }
        }
        for (id, button) in apart {
            offer
                .forms
                .iter_mut()
                .filter(|form| form.id == id)
                .for_each(|form| form.buttons.push(button.clone()));
        }
        offer
    }

    fn start_form(&mut self, tag: &Tag) -> usize {
        let post = tag.get("method").eq_ignore_ascii_case("post");
        self.forms.push(Form { id: tag.get("id"), action: tag.get("action"), post, ..Form::default() });
        self.forms.len() - 1
    }
}

struct Tag {
    /// In small letters; a closing tag begins with `/`.
    name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    fn find(&self, name: &str) -> Option<String> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    }

    fn get(&self, name: &str) -> String {
        self.find(name).unwrap_or_default()
    }

    fn field(&self) -> Field {
        let kind = self.find("type").map_or_else(|| "text".to_owned(), |kind| kind.to_ascii_lowercase());
        Field { name: self.get("name"), value: self.get("value"), kind }
    }

    fn button(&self, text: String) -> Button {
        Button { name: self.get("name"), value: self.get("value"), text }
    }
}

/// The next tag and what follows it.
fn next_tag(page: &str) -> Option<(Tag, &str)> {
    let mut rest = &page[page.find('<')? + 1..];
    while let Some(comment) = rest.strip_prefix("!--") {
        rest = &comment[comment.find("-->")? + 3..];
        rest = &rest[rest.find('<')? + 1..];
    }
    let end = rest.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(rest.len());
    let name = rest[..end].trim_end_matches('/').to_ascii_lowercase();
    let (mut attributes, mut rest) = (Vec::new(), &rest[end..]);
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        if let Some(after) = rest.strip_prefix('>') {
            return Some((Tag { name, attributes }, after));
        }
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '=' | '>' | '/'))?;
        let key = rest[..end].to_ascii_lowercase();
        rest = rest[end..].trim_start();
        let Some(after) = rest.strip_prefix('=') else {
            attributes.push((key, String::new()));
            continue;
        };
        let after = after.trim_start();
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (value, after) = match quote {
            Some(quote) => after[1..].split_once(quote)?,
            None => after.split_at(after.find(|c: char| c.is_whitespace() || c == '>')?),
        };
        attributes.push((key, unescaped(value)));
        rest = after;
    }
}

/// The text up to a closing tag, and what follows it.
fn after_closing<'a>(rest: &'a str, name: &str) -> (&'a str, &'a str) {
    let Some((text, after)) = rest.split_once(&format!("</{name}")) else { return (rest, "") };
    (text, after.split_once('>').map_or("", |(_, after)| after))
}

fn unescaped(text: &str) -> String {
    let named =
        [("&quot;", "\""), ("&#39;", "'"), ("&#x27;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")];
    // The ampersand last: what it yields is not unescaped again.
    named.into_iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_buttons_are_found_also_outside_of_their_form() {
        let page = r#"<!-- <form> --><style>form>a{}</style>
            <form id="f" method="POST" action="/go?a=1&amp;b=2">
            <input type="hidden" name="xsrf" value='a"b'><input name=user value=x disabled/>
            <input type="checkbox" name="unticked"><input type="checkbox" name="ticked" value="on" checked>
            </form><button type="submit" form="f" name="abort" value="yes">[ Abort ]</button>
            <a href="/abort">[ Cancel ]</a>"#;
        let offer = Offer::of(page);
        let [form] = &offer.forms[..] else { panic!("{offer:?}") };
        assert_eq!((form.action.as_str(), form.post), ("/go?a=1&b=2", true));
        let fields: Vec<_> =
            form.fields.iter().map(|field| (&*field.name, &*field.value, &*field.kind)).collect();
        assert_eq!(fields, [("xsrf", "a\"b", "hidden"), ("user", "x", "text"), ("ticked", "on", "checkbox")]);
        let button = &form.buttons[0];
        assert_eq!((&*button.name, &*button.value, &*button.text), ("abort", "yes", "[ Abort ]"));
        assert_eq!(offer.links[0], Link { href: "/abort".to_owned(), text: "[ Cancel ]".to_owned() });
    }

    #[test]
    fn a_page_that_is_torn_or_no_page_offers_nothing_and_ends() {
        for page in ["", "<", "<form", "<form action=", "<form action=\"x", "a < b", "<!-- x", "<a href='x'>"]
        {
            assert_eq!(Offer::of(page).forms, [], "{page}");
        }
    }
}
