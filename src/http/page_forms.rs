//! Forms as pages show them: what was filled in, and what is wrong, beside the field it is about.

use super::extract::Form;
use crate::service::Error;

/// A form to show: empty, filled in, or refused.
#[derive(Clone, Debug, Default)]
pub struct Filled {
    values: Form,
    problem: Option<Problem>,
}

/// What is wrong with it.
#[derive(Clone, Debug)]
struct Problem {
    /// The field it is about; empty where that is none of this form's.
    field: String,
    text: String,
}

impl Filled {
    /// With these values.
    pub fn with<const N: usize>(values: [(&str, &str); N]) -> Self {
        let values = values.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self { values: Form(crate::domain::request_filters::Query(values.to_vec())), problem: None }
    }

    /// As it was sent.
    pub fn sent(values: Form) -> Self {
        Self { values, problem: None }
    }

    /// As it was sent, with why it was not taken. The field is the first word of a message such as `email must be …`.
    pub fn refused(values: Form, error: &Error) -> Self {
        let field = field(error).filter(|field| values.0.0.iter().any(|(name, _)| name == field));
        let problem = Problem { field: field.unwrap_or_default(), text: told(error) };
        Self { values, problem: Some(problem) }
    }

    /// The same where the message does not name the field.
    pub fn refused_at(field: &str, values: Form, error: &Error) -> Self {
        let problem = Problem { field: field.to_owned(), text: told(error) };
        Self { values, problem: Some(problem) }
    }

    /// What stands in a field.
    pub fn value(&self, name: &str) -> &str {
        self.values.text(name)
    }

    /// The same with the white space around it, for what is more than a line.
    pub fn typed(&self, name: &str) -> &str {
        self.values.exact(name)
    }

    /// Whether one of several of this name is ticked or chosen.
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.values.all(name).any(|chosen| chosen == value)
    }

    /// Whether it was refused.
    pub fn is_refused(&self) -> bool {
        self.problem.is_some()
    }

    /// What is wrong with a field; empty where nothing is.
    pub fn problem_at(&self, name: &str) -> &str {
        self.problem.as_ref().filter(|problem| problem.field == name).map_or("", |problem| &problem.text)
    }

    /// What is wrong with none of the fields; empty where nothing is.
    pub fn problem(&self) -> &str {
        self.problem_at("")
    }
}

/// The detail of a refusal, where it is a sentence.
fn detail(error: &Error) -> Option<&str> {
    match error {
        Error::Invalid(invalid) => Some(invalid.data.as_ref().and_then(|data| data.as_str()).unwrap_or(&invalid.msg)),
        _ => None,
    }
}

fn field(error: &Error) -> Option<String> {
    detail(error)?.split(' ').next().map(str::to_lowercase)
}

/// What a person is told: the detail where there is one, and never what broke inside.
pub fn told(error: &Error) -> String {
    match error {
        Error::Store(error) => {
            tracing::error!(%error, "a page failed");
            "Something went wrong on our side. Please try again.".to_owned()
        }
        Error::Busy => "Too much is under way at the moment. Please try again.".to_owned(),
        Error::Throttled { .. } => "Too many attempts. Please wait a minute.".to_owned(),
        other => detail(other).map_or_else(|| other.to_string(), sentence),
    }
}

/// `current_password is wrong` as a sentence.
fn sentence(detail: &str) -> String {
    let (field, rest) = detail.split_once(' ').unwrap_or((detail, ""));
    let text = format!("{} {rest}", field.replace('_', " "));
    let mut letters = text.trim_end().chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Invalid, request_filters::Query};

    fn refused(error: &Error) -> Filled {
        Filled::refused(Form(Query::parse("email=x&current_password=y")), error)
    }

    #[test]
    fn a_problem_stands_beside_its_field() {
        let filled = refused(&Invalid::failed("email must be a valid e-mail address").into());
        assert_eq!(filled.problem_at("email"), "Email must be a valid e-mail address");
        assert_eq!((filled.problem(), filled.problem_at("name"), filled.value("email")), ("", "", "x"));
        let wrong = refused(&Invalid::failed("current_password is wrong").into());
        assert_eq!(wrong.problem_at("current_password"), "Current password is wrong");
        let sentence = refused(&Invalid::failed("Email is too long").into());
        assert_eq!(sentence.problem_at("email"), "Email is too long", "also where it begins a sentence");
    }

    #[test]
    fn a_problem_with_no_field_of_the_form_stands_above_it() {
        let filled = refused(&Invalid::failed("password must be between 10 and 1000 characters").into());
        assert_eq!(filled.problem(), "Password must be between 10 and 1000 characters");
        assert_eq!(refused(&Error::Conflict("Somebody was faster")).problem(), "Somebody was faster");
        assert!(!Filled::default().is_refused());
    }
}
