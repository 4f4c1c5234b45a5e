//! A number as an answer (contract 9.8).

use super::{config::Config, decimal};
use serde_json::{Value, json};

/// How a number is asked for. Whether `required` or not, the answer is a number.
#[derive(Clone, Debug, PartialEq)]
pub struct Number {
    /// The question shown with the control.
    pub prompt: Option<String>,
    /// Shown in the empty control.
    pub placeholder: Option<String>,
    /// The lowest answer, if any: 0 unless configured or negative numbers are allowed.
    pub min: Option<f64>,
    /// The highest answer, if any.
    pub max: Option<f64>,
    /// How far the control moves at once; above 0. Answers between the steps are fine.
    pub step: Option<f64>,
    /// The most decimals an answer may have: 0 to 10; 2 unless configured.
    pub decimal_places: usize,
    /// Stands before the number, such as `$`.
    pub prefix: String,
    /// Stands after the number, with the space the caller put into it, such as ` USD`.
    pub suffix: String,
    /// What the number counts, shown beside the control.
    pub unit: Option<String>,
    /// The caller's words for a reviewer whose number does not fit.
    pub validation_message: Option<String>,
}

impl Number {
    pub(super) fn parse(config: Config) -> Result<Self, String> {
        let lowest = (!config.flag("allow_negative")?).then_some(0.0);
        let min = config.number(&["min_value", "min", "scale_min"])?.or(lowest);
        let max = config.number(&["max_value", "max", "scale_max"])?;
        if let (Some(min), Some(max)) = (min, max)
            && max <= min
        {
            return Err("max_value must be greater than min_value".into());
        }
        let step = config.number(&["step", "scale_step"])?;
        if step.is_some_and(|step| step <= 0.0) {
            return Err("step must be greater than 0".into());
        }
        Ok(Self {
            prompt: config.prompt()?,
            placeholder: config.text(&["placeholder"])?,
            min,
            max,
            step,
            decimal_places: config.count("decimal_places", 0..=10)?.unwrap_or(2),
            prefix: config.text(&["prefix"])?.unwrap_or_default(),
            suffix: config.text(&["suffix"])?.unwrap_or_default(),
            unit: config.text(&["unit"])?,
            validation_message: config.text(&["validation_message"])?,
        })
    }

    /// The number for reading: `$299.99 USD` (9.2.3).
    pub fn format(&self, value: f64) -> String {
        let Self { prefix, suffix, decimal_places, .. } = self;
        format!("{prefix}{value:.decimal_places$}{suffix}")
    }

    /// The decimals of a default are not counted (9.9.2).
    pub(super) fn check_default(&self, default: &Value) -> Result<(), String> {
        self.value("default_response", default).map(drop)
    }

    pub(super) fn answer(&self, given: &Value) -> Result<Value, String> {
        let value = self.value("response", given)?;
        let places = self.decimal_places;
        if !decimal::has_places(value, places) {
            return Err(format!("response must have at most {places} decimal places"));
        }
        Ok(decimal::json(value))
    }

    pub(super) fn details(&self, answer: &Value) -> Value {
        let formatted = answer.as_f64().map(|value| self.format(value));
        json!({"number": answer, "formatted_value": formatted})
    }

    fn value(&self, subject: &str, given: &Value) -> Result<f64, String> {
        let value = decimal::parse(given).ok_or_else(|| format!("{subject} must be a number"))?;
        decimal::within(subject, value, self.min, self.max)?;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(config: &Value) -> Result<Number, String> {
        Number::parse(Config(config.as_object().unwrap()))
    }

    #[test]
    fn bounds_in_every_dialect() {
        for (config, min, max) in [
            (json!({}), Some(0.0), None),
            (json!({"allow_negative": true}), None, None),
            (json!({"allow_negative": true, "min": 1}), Some(1.0), None),
            (json!({"allow_negative": false, "min_value": -5}), Some(-5.0), None),
            (json!({"min": 1, "max": 2}), Some(1.0), Some(2.0)),
            (json!({"min": 1, "max": 2, "min_value": 3, "max_value": 4}), Some(3.0), Some(4.0)),
            (json!({"scale_min": 1, "scale_max": 2}), Some(1.0), Some(2.0)),
        ] {
            let number = parse(&config).unwrap();
            assert_eq!((number.min, number.max), (min, max), "{config}");
        }
    }

    #[test]
    fn two_decimals_unless_configured() {
        assert_eq!(parse(&json!({})).unwrap().decimal_places, 2);
        assert_eq!(parse(&json!({"decimal_places": 0})).unwrap().decimal_places, 0);
        assert_eq!(parse(&json!({"decimal_places": 10})).unwrap().decimal_places, 10);
    }

    #[test]
    fn bad_configs_are_refused() {
        let order = "max_value must be greater than min_value";
        let places = "decimal_places must be between 0 and 10";
        for (config, fault) in [
            (json!({"min": 5, "max": 5}), order),
            (json!({"max": 0}), order),
            (json!({"min_value": 1e308, "max_value": -1e308}), order),
            (json!({"decimal_places": -1}), places),
            (json!({"decimal_places": 11}), places),
            (json!({"decimal_places": 1e300}), places),
            (json!({"decimal_places": "2"}), "decimal_places must be an integer"),
            (json!({"min": "0"}), "min must be a number"),
            (json!({"max_value": {}}), "max_value must be a number"),
            (json!({"allow_negative": "no"}), "allow_negative must be a boolean"),
            (json!({"step": 0}), "step must be greater than 0"),
            (json!({"prefix": 5}), "prefix must be a string"),
            (json!({"unit": []}), "unit must be a string"),
        ] {
            assert_eq!(parse(&config), Err(fault.into()), "{config}");
        }
    }

    #[test]
    fn numbers_that_fit_are_accepted() {
        let number = parse(&json!({"max_value": 1000})).unwrap();
        for (given, stored) in [
            (json!(105.5), "105.5"),
            (json!(0), "0"),
            (json!(-0.0), "0"),
            (json!(1000.0), "1000"),
            (json!("299.99"), "299.99"),
        ] {
            assert_eq!(number.answer(&given).unwrap().to_string(), stored);
        }
        let free = parse(&json!({"allow_negative": true})).unwrap();
        assert_eq!(free.answer(&json!(-1e308)), Ok(json!(-1e308)));
    }

    #[test]
    fn numbers_that_do_not_fit_are_refused() {
        let number = parse(&json!({"max_value": 1000})).unwrap();
        for (given, fault) in [
            (json!(1000.01), "response must be between 0 and 1000"),
            (json!(-1), "response must be between 0 and 1000"),
            (json!(1.005), "response must have at most 2 decimal places"),
            (json!("inf"), "response must be a number"),
            (json!("1e2"), "response must be a number"),
            (json!(false), "response must be a number"),
            (json!(null), "response must be a number"),
            (json!({"value": 5}), "response must be a number"),
        ] {
            assert_eq!(number.answer(&given), Err(fault.into()), "{given}");
        }
        let below = parse(&json!({})).unwrap().answer(&json!(-1));
        assert_eq!(below, Err("response must be at least 0".into()));
    }

    #[test]
    fn a_default_is_a_number_within_the_bounds() {
        let number = parse(&json!({"max": 10, "decimal_places": 0})).unwrap();
        for default in [json!(0), json!(10), json!(1.234_56), json!("3")] {
            assert_eq!(number.check_default(&default), Ok(()), "{default}");
        }
        let fault = |default| number.check_default(&default).unwrap_err();
        assert_eq!(fault(json!(11)), "default_response must be between 0 and 10");
        assert_eq!(fault(json!("x")), "default_response must be a number");
        assert_eq!(fault(json!(true)), "default_response must be a number");
    }

    #[test]
    fn the_details_hold_the_number_for_reading() {
        let config = json!({"prefix": "$", "suffix": " USD", "max": 1e9});
        for (config, answer, formatted) in [
            (&config, json!(299.99), "$299.99 USD"),
            (&config, json!(7), "$7.00 USD"),
            (&json!({"decimal_places": 0}), json!(0), "0"),
            (&json!({"min": -9}), json!(-2.5), "-2.50"),
        ] {
            let details = json!({"number": answer, "formatted_value": formatted});
            assert_eq!(parse(config).unwrap().details(&answer), details);
        }
    }
}
