//! Linear forms: sums of values with integer factors, as mathematical integers.

use crate::ir::Value;

/// `constant + factor * value + …`.
///
/// Invariant: sorted by value, no factor is zero; all numbers are below [`LIMIT`] in magnitude, so that a form of 64-bit
/// values fits an `i128`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Linear {
    terms: Vec<(Value, i128)>,
    constant: i128,
}

/// Forms with more terms say nothing that can be proven, but cost time.
const MAX_TERMS: usize = 8;

/// Keeps the products with values, and the sums of [`MAX_TERMS`] of them, within an `i128`.
const LIMIT: i128 = 1 << 56;

impl Linear {
    /// The integer `constant`, which must be a value of a scalar type or close to one.
    pub(super) fn constant(constant: i128) -> Linear {
        Linear { terms: Vec::new(), constant }
    }

    /// The value of `value`.
    pub(super) fn atom(value: Value) -> Linear {
        Linear { terms: vec![(value, 1)], constant: 0 }
    }

    /// The terms: values and their factors.
    pub(super) fn terms(&self) -> &[(Value, i128)] {
        &self.terms
    }

    /// `self + factor * other`; `None` where that breaks the limits.
    pub(super) fn add_scaled(&self, other: &Linear, factor: i128) -> Option<Linear> {
        if factor.abs() >= LIMIT {
            return None;
        }
        let mut terms = self.terms.clone();
        for (value, other_factor) in &other.terms {
            let added = other_factor * factor;
            match terms.binary_search_by_key(value, |term| term.0) {
                Ok(at) => terms[at].1 += added,
                Err(at) => terms.insert(at, (*value, added)),
            }
        }
        terms.retain(|term| term.1 != 0);
        let constant = self.constant.checked_add(other.constant.checked_mul(factor)?)?;
        let fits = terms.len() <= MAX_TERMS
            && terms.iter().all(|term| term.1.abs() < LIMIT)
            && constant.abs() < LIMIT << 64;
        fits.then_some(Linear { terms, constant })
    }

    /// `self - other`; `None` where that breaks the limits.
    pub(super) fn minus(&self, other: &Linear) -> Option<Linear> {
        self.add_scaled(other, -1)
    }

    /// `self + constant`.
    pub(super) fn plus(&self, constant: i128) -> Linear {
        Linear { terms: self.terms.clone(), constant: self.constant + constant }
    }

    /// `self` with `form` for `value`; `None` where that breaks the limits.
    pub(super) fn substitute(&self, value: Value, form: &Linear) -> Option<Linear> {
        let factor = self.terms.iter().find(|term| term.0 == value).map_or(0, |term| term.1);
        self.add_scaled(&Linear::atom(value), -factor)?.add_scaled(form, factor)
    }

    /// The least that `value` can be if this form, which is about nothing else, is not negative.
    pub(super) fn least_of(&self, value: Value) -> Option<i128> {
        (self.terms == [(value, 1)]).then_some(-self.constant)
    }

    /// The least and the greatest it can be, given those of each value.
    pub(super) fn range(&self, mut range: impl FnMut(Value) -> (i128, i128)) -> (i128, i128) {
        self.terms.iter().fold((self.constant, self.constant), |(low, high), (value, factor)| {
            let (least, greatest) = range(*value);
            let ends = [least * factor, greatest * factor];
            (low + ends[0].min(ends[1]), high + ends[0].max(ends[1]))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::Entity;

    #[test]
    fn equal_sums_have_one_form() {
        let (x, y) = (Linear::atom(Value::from_index(1)), Linear::atom(Value::from_index(2)));
        let left = y.add_scaled(&x, 2).and_then(|form| form.plus(1).minus(&y));
        let right = x.add_scaled(&x, 1).map(|form| form.plus(1));
        assert!(left.is_some());
        assert_eq!(left, right);
    }

    #[test]
    fn substitution_keeps_factors() {
        let (x, y) = (Value::from_index(1), Value::from_index(2));
        let form = Linear::constant(5).add_scaled(&Linear::atom(x), -3);
        let substituted = form.and_then(|form| form.substitute(x, &Linear::atom(y).plus(-1)));
        assert_eq!(substituted, Linear::constant(8).add_scaled(&Linear::atom(y), -3));
    }

    #[test]
    fn ranges_follow_the_signs_of_the_factors() {
        let form = Linear::atom(Value::from_index(1)).add_scaled(&Linear::atom(Value::from_index(2)), -2);
        assert_eq!(form.map(|form| form.range(|_| (-1, 10))), Some((-21, 12)));
    }

    #[test]
    fn what_passes_the_limits_is_no_form() {
        let x = Linear::atom(Value::from_index(1));
        assert_eq!(x.add_scaled(&x, LIMIT), None);
        let wide = (0..=MAX_TERMS)
            .try_fold(Linear::constant(0), |sum, at| sum.add_scaled(&Linear::atom(Value::from_index(at)), 1));
        assert_eq!(wide, None);
    }
}
