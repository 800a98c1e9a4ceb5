//! What is known at one place of a body, found by the values that it is about.

use super::linear::Linear;
use crate::ir::Value;
use std::collections::{HashMap, HashSet};

/// How many forms about one value a proof looks at. The latest are those of the closest conditions; a chain of more
/// would make proofs take time with the square of its length.
const MOST_TRIED: usize = 32;

/// Forms that are not negative, in the order in which they were learnt.
#[derive(Debug, Default)]
pub(super) struct Facts {
    forms: Vec<Linear>,
    known: HashSet<Linear>,
    /// Of each value, the places in `forms` of those about it.
    about: HashMap<Value, Vec<usize>>,
    /// Of each value, the least that it can be, as it grew with the forms at these places.
    least: HashMap<Value, Vec<(usize, i128)>>,
}

impl Facts {
    /// How many forms there are.
    pub(super) fn len(&self) -> usize {
        self.forms.len()
    }

    /// Adds a form, unless it is there or says nothing.
    pub(super) fn add(&mut self, form: Linear) {
        if form.terms().is_empty() || !self.known.insert(form.clone()) {
            return;
        }
        let place = self.forms.len();
        for (value, _) in form.terms() {
            self.about.entry(*value).or_default().push(place);
            if let Some(least) = form.least_of(*value)
                && self.least_of(*value).is_none_or(|known| known < least)
            {
                self.least.entry(*value).or_default().push((place, least));
            }
        }
        self.forms.push(form);
    }

    /// Forgets all but the first `count` forms.
    pub(super) fn truncate(&mut self, count: usize) {
        while self.forms.len() > count {
            let Some(form) = self.forms.pop() else { return };
            for (value, _) in form.terms() {
                if let Some(places) = self.about.get_mut(value) {
                    places.pop();
                }
                if let Some(least) = self.least.get_mut(value) {
                    least.pop_if(|(place, _)| *place >= count);
                }
            }
            self.known.remove(&form);
        }
    }

    /// The least that `value` can be, if a form about nothing else says so.
    pub(super) fn least_of(&self, value: Value) -> Option<i128> {
        Some(self.least.get(&value)?.last()?.1)
    }

    /// The latest forms about `value`, the last first.
    pub(super) fn about(&self, value: Value) -> impl Iterator<Item = &Linear> {
        let places = self.about.get(&value).map_or(&[][..], Vec::as_slice);
        places.iter().rev().take(MOST_TRIED).map(|place| &self.forms[*place])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::Entity;

    #[test]
    fn what_was_learnt_is_forgotten_in_reverse() {
        let (x, y) = (Value::from_index(1), Value::from_index(2));
        let mut facts = Facts::default();
        facts.add(Linear::atom(x));
        facts.add(Linear::atom(x).plus(-5));
        facts.add(Linear::atom(x));
        let between = Linear::atom(y).minus(&Linear::atom(x)).expect("a short form");
        facts.add(between.clone());
        assert_eq!((facts.len(), facts.least_of(x), facts.least_of(y)), (3, Some(5), None));
        assert_eq!(facts.about(x).next(), Some(&between));
        facts.truncate(1);
        assert_eq!((facts.least_of(x), facts.about(x).count(), facts.about(y).count()), (Some(0), 1, 0));
        facts.add(between);
        assert_eq!(facts.len(), 2);
    }

    #[test]
    fn only_the_latest_are_tried() {
        let x = Value::from_index(1);
        let mut facts = Facts::default();
        (0..100).for_each(|least| facts.add(Linear::atom(x).plus(-least)));
        assert_eq!((facts.about(x).count(), facts.least_of(x)), (MOST_TRIED, Some(99)));
    }
}
