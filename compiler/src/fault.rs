//! Faults of a launch: which one is reported is part of a program's meaning.
//!
//! Of all faults of a launch, the one at the lowest [`Site`] is reported, and of those the one at the lowest element:
//! the flat row-major index of the nest in the entry block in whose body it arose, or [`Fault::OUTSIDE`] for code outside
//! of nests; within one element, the first in order of evaluation. A fault inside the operator of a fold, whose operands
//! are no elements, has element [`Fault::IN_FOLD`] and zero `index` and `length`. A failed check ends the launch; any
//! other fault lets the nest go on, with zero for the value.

mod report;

use crate::{
    ir::{Body, Kernel, Nest, Op, Site, Value},
    scalar_ops,
};
use pk_dsl::scalar::{Const, Scalar};

/// A fault that arose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where in the source.
    pub site: Site,
    /// At which element.
    pub element: u64,
    /// The bad index of an access, the first value of a failed check, else 0.
    pub index: i64,
    /// The length of the axis of an access (the first axis that the index misses), the second value of a failed
    /// check, else 0.
    pub length: i64,
}

impl Fault {
    /// The element of a fault inside a fold's operator.
    pub const IN_FOLD: u64 = u64::MAX;

    /// The element of a fault outside of nests.
    pub const OUTSIDE: u64 = u64::MAX - 1;

    /// Whether this fault rather than `other` is the one to report.
    pub fn precedes(&self, other: &Fault) -> bool {
        (self.site, self.element) < (other.site, other.element)
    }

    /// The element by its place on each axis of the nest in `kernel`, launched for these sizes; `None` if there is no
    /// element, or where an extent is no simple function of the sizes.
    pub fn position(&self, kernel: &Kernel, sizes: &[i64]) -> Option<Vec<u64>> {
        if self.element >= Fault::OUTSIDE {
            return None;
        }
        let body = &kernel.body;
        let mut rest = self.element;
        let mut position = Vec::new();
        for dim in outermost_nest(body, self.site)?.dims.iter().skip(1).rev() {
            let extent = u64::try_from(evaluate(body, *dim, sizes, 0)?).ok().filter(|extent| *extent > 0)?;
            position.push(rest % extent);
            rest /= extent;
        }
        position.push(rest);
        position.reverse();
        Some(position)
    }
}

/// The nest in the entry block in whose body `site` stands.
fn outermost_nest(body: &Body, site: Site) -> Option<&Nest> {
    let mut found = None;
    // An instruction comes before those of its blocks.
    body.for_each_inst(body.entry, |inst| {
        let Op::Nest(nest) = &body.insts[inst].op else { return };
        if found.is_none() {
            let mut has_site = false;
            body.for_each_inst(nest.body, |inner| {
                body.insts[inner].op.for_each_site(|inner| has_site |= inner == site);
            });
            found = has_site.then_some(nest);
        }
    });
    found
}

/// The value of a size in the entry block, as far as messages are worth the trouble.
fn evaluate(body: &Body, value: Value, sizes: &[i64], depth: u32) -> Option<i64> {
    /// Sizes that people write are not deeper.
    const DEEPEST: u32 = 16;

    if let Some(param) = body.blocks[body.entry].params.iter().position(|param| *param == value) {
        return sizes.get(param).copied();
    }
    let result = match &body.insts[body.def(value)?].op {
        Op::Const(constant) => *constant,
        Op::Binary(op, a, b) if depth < DEEPEST && body.scalar(value) == Scalar::I64 => {
            let [a, b] = [a, b].map(|operand| evaluate(body, *operand, sizes, depth + 1));
            scalar_ops::binary(*op, Const::from(a?), Const::from(b?))
        }
        _ => return None,
    };
    result.as_int().and_then(|value| i64::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Arena, Builder, Entity, FaultKind, Sink, SiteData, Type};
    use pk_dsl::signature::Signature;
    use pk_grammar::span::Span;

    /// A nest over `n` and `n + 3` that reads outside at every element.
    fn table() -> (Kernel, Site) {
        let mut sites = Arena::default();
        let kind = FaultKind::OutOfBounds;
        let site = sites.push(SiteData { kind, span: Span::default(), other: None, texts: Vec::new() });
        let (mut builder, params) = Builder::new(vec![Type::scalar(Scalar::I64)]);
        let array = builder.entry_param(Type { scalar: Scalar::F32, shape: vec![params[0]] });
        let three = builder.constant(3i64);
        let wider = builder.binary(crate::ir::Binary::Add, params[0], three);
        let dims = vec![params[0], wider];
        let body = builder.block(vec![Type::scalar(Scalar::I64); 2], |builder, _| {
            let read = Op::Index { array, indices: vec![wider], check: Some(site) };
            vec![builder.single(read, Type::scalar(Scalar::F32))]
        });
        let ty = Type { scalar: Scalar::F32, shape: dims.clone() };
        let nest = builder.single(Op::Nest(Nest { dims, body, sinks: vec![Sink::Map] }), ty);
        let signature = Signature {
            name: "table".to_string(),
            doc: String::new(),
            sizes: Vec::new(),
            params: Vec::new(),
            results: Vec::new(),
            span: Span::default(),
        };
        (Kernel { signature, body: builder.finish(vec![nest]), sites }, site)
    }

    #[test]
    fn an_element_has_a_place_on_each_axis() {
        let (kernel, site) = table();
        let fault = |element| Fault { site, element, index: 7, length: 4 };
        assert_eq!(fault(0).position(&kernel, &[4]), Some(vec![0, 0]));
        assert_eq!(fault(7 * 2 + 5).position(&kernel, &[4]), Some(vec![2, 5]));
        assert_eq!(fault(Fault::OUTSIDE).position(&kernel, &[4]), None);
        assert_eq!(fault(Fault::IN_FOLD).position(&kernel, &[4]), None);
        let elsewhere = Fault { site: Site::from_index(1), ..fault(0) };
        assert_eq!(elsewhere.position(&kernel, &[4]), None);
    }
}
