//! Symbolic sizes: polynomials over size variables, in a normal form in which equal sizes are equal values.
//! What a variable stands for is the checker's business, and so are the checks that a polynomial cannot decide.

use std::fmt;

/// A size variable of one kernel or function: an index into its table of size variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SizeVar(pub u32);

/// A product of variables, sorted; empty for the constant term.
type Monomial = Vec<SizeVar>;

/// A polynomial over size variables with `i64` coefficients.
///
/// Invariant: the terms are sorted by monomial and no coefficient is zero, so that equality is equality of values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Size {
    terms: Vec<(Monomial, i64)>,
}

impl Size {
    /// The constant `value`.
    pub fn constant(value: i64) -> Size {
        match value {
            0 => Size::default(),
            _ => Size { terms: vec![(Vec::new(), value)] },
        }
    }

    /// The variable `var`.
    pub fn var(var: SizeVar) -> Size {
        Size { terms: vec![(vec![var], 1)] }
    }

    /// Its value, if no variable is left.
    pub fn as_constant(&self) -> Option<i64> {
        match &self.terms[..] {
            [] => Some(0),
            [(monomial, value)] if monomial.is_empty() => Some(*value),
            _ => None,
        }
    }

    /// The variable, if that is all it is.
    pub fn as_var(&self) -> Option<SizeVar> {
        match &self.terms[..] {
            [(monomial, 1)] if monomial.len() == 1 => Some(monomial[0]),
            _ => None,
        }
    }

    /// The terms: products of variables with their coefficients.
    pub fn terms(&self) -> impl Iterator<Item = (&[SizeVar], i64)> {
        self.terms.iter().map(|(monomial, factor)| (&monomial[..], *factor))
    }

    /// Every variable in it; repeats are possible.
    pub fn vars(&self) -> impl Iterator<Item = SizeVar> + '_ {
        self.terms.iter().flat_map(|(monomial, _)| monomial.iter().copied())
    }

    /// `self + other`; `None` if a coefficient overflows.
    pub fn add(&self, other: &Size) -> Option<Size> {
        let mut terms = Vec::with_capacity(self.terms.len() + other.terms.len());
        let (mut left, mut right) = (self.terms.iter().peekable(), other.terms.iter().peekable());
        loop {
            let order = match (left.peek(), right.peek()) {
                (Some(a), Some(b)) => a.0.cmp(&b.0),
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (None, None) => return Some(Size { terms }),
            };
            let (a, b) = (
                if order.is_le() { left.next() } else { None },
                if order.is_ge() { right.next() } else { None },
            );
            let factor = a.map_or(0, |t| t.1).checked_add(b.map_or(0, |t| t.1))?;
            if let (Some((monomial, _)), true) = (a.or(b), factor != 0) {
                terms.push((monomial.clone(), factor));
            }
        }
    }

    /// `self - other`; `None` if a coefficient overflows.
    pub fn sub(&self, other: &Size) -> Option<Size> {
        self.add(&other.mul(&Size::constant(-1))?)
    }

    /// `self * other`; `None` if a coefficient overflows or the product has more than 64 terms or a degree over 8.
    pub fn mul(&self, other: &Size) -> Option<Size> {
        const MAX_TERMS: usize = 64;
        const MAX_DEGREE: usize = 8;
        let mut sum = Size::default();
        for (left, a) in &self.terms {
            for (right, b) in &other.terms {
                let mut monomial = [&left[..], &right[..]].concat();
                if monomial.len() > MAX_DEGREE {
                    return None;
                }
                monomial.sort_unstable();
                sum = sum.add(&Size { terms: vec![(monomial, a.checked_mul(*b)?)] })?;
            }
        }
        (sum.terms.len() <= MAX_TERMS).then_some(sum)
    }

    /// Whether it is at least zero for all non-negative values of its variables.
    pub fn is_surely_nonnegative(&self) -> bool {
        self.terms.iter().all(|(_, factor)| *factor >= 0)
    }

    /// Whether the two differ by a constant other than zero, so that no values make them equal.
    pub fn surely_differs(&self, other: &Size) -> bool {
        self.sub(other).and_then(|difference| difference.as_constant()).is_some_and(|value| value != 0)
    }

    /// Each variable replaced by what `value` gives for it; `None` on overflow or where `value` gives `None`.
    pub fn substitute(&self, mut value: impl FnMut(SizeVar) -> Option<Size>) -> Option<Size> {
        let mut sum = Size::default();
        for (monomial, factor) in &self.terms {
            let mut product = Size::constant(*factor);
            for &var in monomial {
                product = product.mul(&value(var)?)?;
            }
            sum = sum.add(&product)?;
        }
        Some(sum)
    }

    /// Its value where each variable has the value that `value` gives; `None` on overflow or an unknown variable.
    pub fn evaluate(&self, mut value: impl FnMut(SizeVar) -> Option<i64>) -> Option<i64> {
        let mut sum = 0i64;
        for (monomial, factor) in &self.terms {
            let mut product = *factor;
            for &var in monomial {
                product = product.checked_mul(value(var)?)?;
            }
            sum = sum.checked_add(product)?;
        }
        Some(sum)
    }

    /// Writes it as the language does (`n - 2`, `2 * n * m + 1`), with `name` naming the variables.
    pub fn write<N: fmt::Display>(
        &self,
        f: &mut impl fmt::Write,
        mut name: impl FnMut(SizeVar) -> N,
    ) -> fmt::Result {
        // The constant comes last, as people write it, though it sorts first.
        let constant = self.terms.iter().filter(|(monomial, _)| monomial.is_empty());
        let products = self.terms.iter().filter(|(monomial, _)| !monomial.is_empty());
        let mut is_first = true;
        for (monomial, factor) in products.chain(constant) {
            match (is_first, *factor < 0) {
                (true, true) => f.write_str("-")?,
                (true, false) => {}
                (false, true) => f.write_str(" - ")?,
                (false, false) => f.write_str(" + ")?,
            }
            is_first = false;
            let magnitude = factor.unsigned_abs();
            let mut separator = "";
            if magnitude != 1 || monomial.is_empty() {
                write!(f, "{magnitude}")?;
                separator = " * ";
            }
            for &var in monomial {
                write!(f, "{separator}{}", name(var))?;
                separator = " * ";
            }
        }
        if is_first { f.write_str("0") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(size: &Size) -> String {
        let mut text = String::new();
        size.write(&mut text, |var| ["n", "m"][var.0 as usize]).expect("a String takes all");
        text
    }

    #[test]
    fn equal_sizes_have_one_form() {
        let (n, m) = (Size::var(SizeVar(0)), Size::var(SizeVar(1)));
        let one = Size::constant(1);
        let left = n.add(&one).and_then(|s| s.mul(&m.add(&one)?)).expect("small");
        let right = m.mul(&n).and_then(|s| s.add(&m)?.add(&one)?.add(&n)).expect("small");
        assert_eq!(left, right);
        assert_eq!(show(&left), "n + n * m + m + 1");
        assert_eq!(left.sub(&right).map(|s| show(&s)), Some("0".to_string()));
    }

    #[test]
    fn sizes_that_cannot_be_equal_are_told_from_those_that_may() {
        let (n, m) = (Size::var(SizeVar(0)), Size::var(SizeVar(1)));
        let shorter = n.sub(&Size::constant(2)).expect("small");
        assert_eq!(show(&shorter), "n - 2");
        assert!(n.surely_differs(&shorter));
        assert!(!n.surely_differs(&m));
        assert!(!shorter.is_surely_nonnegative());
    }

    #[test]
    fn overflow_is_no_value() {
        let big = Size::constant(i64::MAX);
        assert_eq!(big.add(&Size::constant(1)), None);
        assert_eq!(big.mul(&big), None);
        assert_eq!(Size::var(SizeVar(0)).evaluate(|_| Some(5)), Some(5));
    }
}
