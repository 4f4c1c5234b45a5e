//! A rating on a scale as an answer (contract 9.7).

use super::{config::Config, decimal};
use serde_json::{Value, json};

/// How a rating is asked for. Whether `required` or not, the answer is a rating.
#[derive(Clone, Debug, PartialEq)]
pub struct Rating {
    /// The question shown with the control.
    pub prompt: Option<String>,
    /// The lowest rating; 1 unless configured; may be 0 or negative.
    pub min: f64,
    /// The highest rating; above `min`.
    pub max: f64,
    /// The distance between neighbouring ratings, counted from `min`; above 0; 1 unless configured.
    pub step: f64,
    /// What single ratings mean, keyed by the rating as text (`"10"`, `"7.5"`), in the caller's order.
    pub labels: Vec<(String, String)>,
}

impl Rating {
    pub(super) fn parse(config: Config) -> Result<Self, String> {
        let min = config.number(&["scale_min", "min", "min_value"])?.unwrap_or(1.0);
        let max = config
            .number(&["scale_max", "max", "max_value"])?
            .ok_or("scale_max is required for rating response type")?;
        let step = config.number(&["scale_step", "step"])?.unwrap_or(1.0);
        if max <= min {
            return Err("scale_max must be greater than scale_min".into());
        }
        if step <= 0.0 {
            return Err("scale_step must be greater than 0".into());
        }
        let mut rating = Self { prompt: config.prompt()?, min, max, step, labels: config.texts("labels")? };
        rating.add_label(min, config.text(&["min_label"])?);
        rating.add_label(max, config.text(&["max_label"])?);
        Ok(rating)
    }

    /// The label of exactly this rating, if it has one (9.2.3).
    pub fn label(&self, value: f64) -> Option<&str> {
        let key = value.to_string();
        let mut labels = self.labels.iter();
        labels.find_map(|(value, label)| (*value == key).then_some(label.as_str()))
    }

    /// The step is not applied to a default, and a default that is no number is outside the range too (9.9.2).
    pub(super) fn check_default(&self, default: &Value) -> Result<(), String> {
        let value = decimal::parse(default).unwrap_or(f64::NAN);
        self.within("default_response", value)
    }

    pub(super) fn answer(&self, given: &Value) -> Result<Value, String> {
        let value = decimal::parse(given).ok_or("response must be a number")?;
        self.within("response", value)?;
        if !self.is_on_scale(value) {
            let Self { min, step, .. } = self;
            return Err(format!("response must be in steps of {step} from {min}"));
        }
        Ok(decimal::json(value))
    }

    pub(super) fn details(&self, answer: &Value) -> Value {
        let label = answer.as_f64().and_then(|value| self.label(value));
        json!({"rating": answer, "rating_label": label})
    }

    fn within(&self, subject: &str, value: f64) -> Result<(), String> {
        decimal::within(subject, value, Some(self.min), Some(self.max))
    }

    fn is_on_scale(&self, value: f64) -> bool {
        let steps = (value - self.min) / self.step;
        (steps - steps.round()).abs() <= decimal::TOLERANCE
    }

    fn add_label(&mut self, value: f64, label: Option<String>) {
        if let Some(label) = label
            && self.label(value).is_none()
        {
            self.labels.push((value.to_string(), label));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(config: &Value) -> Result<Rating, String> {
        Rating::parse(Config(config.as_object().unwrap()))
    }

    #[test]
    fn every_dialect_of_the_scale_is_read() {
        for (config, scale) in [
            (json!({"max": 5}), (1.0, 5.0, 1.0)),
            (json!({"min": 0, "max": 10, "step": 0.5}), (0.0, 10.0, 0.5)),
            (json!({"scale_min": -5, "scale_max": 5, "scale_step": 2.5}), (-5.0, 5.0, 2.5)),
            (json!({"min_value": 2, "max_value": 4}), (2.0, 4.0, 1.0)),
            (json!({"max_value": 1, "max": 2, "scale_max": 3, "step": 9, "scale_step": 0.1}), (1.0, 3.0, 0.1)),
            (json!({"max_value": 9, "max": 2}), (1.0, 2.0, 1.0)),
        ] {
            let rating = parse(&config).unwrap();
            assert_eq!((rating.min, rating.max, rating.step), scale, "{config}");
        }
    }

    #[test]
    fn bad_scales_are_refused() {
        for (config, fault) in [
            (json!({}), "scale_max is required for rating response type"),
            (json!({"min": 1, "max": null}), "scale_max is required for rating response type"),
            (json!({"max": 1}), "scale_max must be greater than scale_min"),
            (json!({"min": 6, "max": 5}), "scale_max must be greater than scale_min"),
            (json!({"max": 5, "step": 0}), "scale_step must be greater than 0"),
            (json!({"max": 5, "scale_step": -1}), "scale_step must be greater than 0"),
            (json!({"max": "5"}), "max must be a number"),
            (json!({"scale_min": [], "max": 5}), "scale_min must be a number"),
            (json!({"max": 5, "labels": ["Poor"]}), "labels must be an object of strings"),
            (json!({"max": 5, "labels": {"1": 1}}), "labels must be an object of strings"),
            (json!({"max": 5, "min_label": 1}), "min_label must be a string"),
        ] {
            assert_eq!(parse(&config), Err(fault.into()), "{config}");
        }
    }

    #[test]
    fn ratings_on_the_scale_are_accepted() {
        let rating = parse(&json!({"min": 1, "max": 10, "step": 0.1})).unwrap();
        for (given, stored) in [
            (json!(1), "1"),
            (json!(10.0), "10"),
            (json!(7.3), "7.3"),
            (json!(0.1 + 2.0), "2.1"),
            (json!("7.50"), "7.5"),
        ] {
            assert_eq!(rating.answer(&given).unwrap().to_string(), stored);
        }
    }

    #[test]
    fn ratings_off_the_scale_are_refused() {
        let rating = parse(&json!({"min": 0, "max": 5, "step": 0.5})).unwrap();
        for (given, fault) in [
            (json!(5.5), "response must be between 0 and 5"),
            (json!(-0.5), "response must be between 0 and 5"),
            (json!(1e308), "response must be between 0 and 5"),
            (json!(4.2), "response must be in steps of 0.5 from 0"),
            (json!("many"), "response must be a number"),
            (json!("nan"), "response must be a number"),
            (json!(true), "response must be a number"),
            (json!(null), "response must be a number"),
            (json!([4]), "response must be a number"),
        ] {
            assert_eq!(rating.answer(&given), Err(fault.into()), "{given}");
        }
    }

    #[test]
    fn a_default_is_within_the_range_at_any_step() {
        let rating = parse(&json!({"max": 5})).unwrap();
        for default in [json!(1), json!(5), json!(4.2), json!("3")] {
            assert_eq!(rating.check_default(&default), Ok(()), "{default}");
        }
        for default in [json!(0), json!(5.01), json!("x"), json!(""), json!(true), json!({})] {
            let fault = "default_response must be between 1 and 5";
            assert_eq!(rating.check_default(&default), Err(fault.into()), "{default}");
        }
    }

    #[test]
    fn the_details_hold_the_label_of_exactly_this_rating() {
        let labels = json!({"1": "Poor", "7.5": "Good", "10": "Great"});
        let rating = parse(&json!({"max": 10, "step": 0.5, "labels": labels})).unwrap();
        for (answer, label) in [(json!(1), json!("Poor")), (json!(7.5), json!("Good")), (json!(7), json!(null))] {
            let details = json!({"rating": answer, "rating_label": label});
            assert_eq!(rating.details(&answer), details);
        }
    }

    #[test]
    fn the_ends_may_be_labelled_apart() {
        let config = json!({"max": 5, "labels": {"5": "Great"}, "min_label": "Poor", "max_label": "No"});
        let rating = parse(&config).unwrap();
        assert_eq!(rating.label(1.0), Some("Poor"));
        assert_eq!(rating.label(5.0), Some("Great"));
    }
}
