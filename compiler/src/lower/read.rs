//! Reading arrays: from an index of a view to an index of what is stored.

use super::{
    At, Lowering, Repr,
    arrays::{Array, Edges, Lifted, LiftedOp, Place, Source, Tree},
};
use crate::ir::{Binary, Compare, IntDiv, Op, Type, Value};
use pk_dsl::{builtins::EdgeRule, scalar::Scalar};
use std::rc::Rc;

impl Lowering<'_> {
    /// The element at `at`, or the row if there are fewer indices than axes.
    pub(super) fn read(&mut self, array: &Array, at: &[At]) -> Repr {
        if at.len() < array.shape.len() {
            return self.read_row(array, at);
        }
        match &array.source {
            Source::Stored(tree) => self.read_stored(tree, at),
            Source::Elements(rows) => self.read_elements(array, rows, at),
            Source::Iota => Repr::Scalar(at[0].value),
            Source::Fill(value) => Repr::clone(value),
            Source::Reverse(base) => {
                let first = self.mirror(base.shape[0], at[0].value);
                let at = [&[At { value: first, ..at[0] }], &at[1..]].concat();
                self.read(base, &at)
            }
            Source::Transpose(base) => {
                let at = [&[at[1], at[0]], &at[2..]].concat();
                self.read(base, &at)
            }
            Source::Reshape(base) => self.read_reshaped(array, base, at),
            Source::Broadcast(base) => {
                let at = at[at.len() - base.shape.len()..].to_vec();
                self.read(base, &at)
            }
            Source::Slice(base, places) => {
                let at = self.slice_indices(places, at);
                self.read(base, &at)
            }
            Source::Zip(arrays) => {
                Repr::Tuple(arrays.iter().map(|array| self.read(array, &at[..1])).collect())
            }
            Source::Field(base, index) => {
                let rank = base.shape.len();
                let element = self.read(base, &at[..rank]);
                self.read_field(element, *index, &at[rank..])
            }
            Source::Concat(parts) => self.read_concat(parts, at),
            Source::Edges(edges) => self.read_edges(edges, at),
            Source::Lifted(lifted) => self.read_lifted(lifted, at),
        }
    }

    /// The element where a user's index may lie outside. A view that cannot carry the index as it stands is stored.
    pub(super) fn read_at(&mut self, array: &Array, at: &[At]) -> Repr {
        let is_proven = at.iter().all(|at| at.unproven.is_none());
        if is_proven || array.carries_checks() {
            return self.read(array, at);
        }
        let stored = self.store(array);
        self.read(&stored, at)
    }

    /// The index counted from the other end: `extent - 1 - index`.
    fn mirror(&mut self, extent: Value, index: Value) -> Value {
        let one = self.int(-1);
        let last = self.size_op(super::sizes::SizeOp::Add, extent, one);
        self.builder.binary(Binary::Sub, last, index)
    }

    fn read_row(&mut self, array: &Array, at: &[At]) -> Repr {
        if at.is_empty() {
            return Repr::Array(array.clone());
        }
        if let (Source::Elements(rows), Some(index)) = (&array.source, self.known_int(at[0].value))
            && let Some(Repr::Array(row)) = usize::try_from(index).ok().and_then(|index| rows.get(index))
        {
            return self.read_row(&row.clone(), &at[1..]);
        }
        let shape = array.shape[at.len()..].to_vec();
        let places: Vec<Place> = at.iter().map(|at| Place::At(*at)).collect();
        Repr::Array(Array { shape, source: Source::Slice(Rc::new(array.clone()), places.into()) })
    }

    fn read_stored(&mut self, tree: &Tree, at: &[At]) -> Repr {
        match tree {
            Tree::Tuple(parts) => Repr::Tuple(parts.iter().map(|part| self.read_stored(part, at)).collect()),
            Tree::Leaf(array) => {
                let ty = self.builder.body().ty(*array).clone();
                if ty.shape.len() > at.len() {
                    let places: Vec<Place> = at.iter().map(|at| Place::At(*at)).collect();
                    let whole = Array::stored(ty.shape.clone(), *array);
                    let shape = ty.shape[at.len()..].to_vec();
                    return Repr::Array(Array {
                        shape,
                        source: Source::Slice(Rc::new(whole), places.into()),
                    });
                }
                Repr::Scalar(self.index(*array, ty.scalar, at))
            }
        }
    }

    fn index(&mut self, array: Value, scalar: Scalar, at: &[At]) -> Value {
        let unproven = at.iter().find_map(|at| at.unproven);
        let check = unproven.map(|unproven| self.access_site(unproven));
        let indices = at.iter().map(|at| at.value).collect();
        self.builder.single(Op::Index { array, indices, check }, Type::scalar(scalar))
    }

    fn read_elements(&mut self, array: &Array, rows: &[Repr], at: &[At]) -> Repr {
        let known = self.known_int(at[0].value).and_then(|index| usize::try_from(index).ok());
        match known.and_then(|index| rows.get(index)) {
            Some(Repr::Array(row)) => self.read(&row.clone(), &at[1..]),
            Some(row) => row.clone(),
            None => {
                let stored = self.store(array);
                self.read(&stored, at)
            }
        }
    }

    fn read_field(&mut self, element: Repr, index: usize, rest: &[At]) -> Repr {
        match element {
            Repr::Tuple(mut parts) => match (parts.swap_remove(index), rest.is_empty()) {
                (Repr::Array(row), false) => self.read(&row, rest),
                (part, _) => part,
            },
            other => other,
        }
    }

    /// Another shape: the position in row-major order, taken apart again.
    fn read_reshaped(&mut self, array: &Array, base: &Array, at: &[At]) -> Repr {
        let mut position = at[0].value;
        for (at, extent) in at.iter().zip(&array.shape).skip(1) {
            let scaled = self.builder.binary(Binary::Mul, position, *extent);
            position = self.builder.binary(Binary::Add, scaled, at.value);
        }
        let mut indices = Vec::with_capacity(base.shape.len());
        for extent in base.shape.iter().skip(1).rev() {
            let inner = self.divide(IntDiv::Rem, position, *extent);
            indices.push(At::inside(inner));
            position = self.divide(IntDiv::Div, position, *extent);
        }
        indices.push(At::inside(position));
        indices.reverse();
        self.read(base, &indices)
    }

    /// A division whose divisor is an extent: where it is zero there is no element to divide for.
    fn divide(&mut self, op: IntDiv, lhs: Value, rhs: Value) -> Value {
        self.builder.single(Op::IntDiv { op, lhs, rhs, check: None }, Type::scalar(Scalar::I64))
    }

    fn slice_indices(&mut self, places: &[Place], at: &[At]) -> Vec<At> {
        let mut rest = at.iter();
        let mut indices = Vec::with_capacity(at.len() + places.len());
        for place in places {
            match *place {
                Place::At(fixed) => indices.push(fixed),
                Place::From { start, step, unproven } => {
                    let Some(at) = rest.next() else { break };
                    let offset = match step {
                        1 => at.value,
                        step => {
                            let step = self.int(step);
                            self.builder.binary(Binary::Mul, at.value, step)
                        }
                    };
                    let value = match self.known_int(start) {
                        Some(0) => offset,
                        _ => self.builder.binary(Binary::Add, start, offset),
                    };
                    indices.push(At { value, unproven: unproven.or(at.unproven) });
                }
            }
        }
        indices.extend(rest);
        indices
    }

    fn read_concat(&mut self, parts: &[Array], at: &[At]) -> Repr {
        let (first, rest) = match parts {
            [only] => return self.read(only, at),
            [first, rest @ ..] => (first, rest),
            [] => return Repr::Tuple(Vec::new()),
        };
        let length = first.shape[0];
        let is_first = self.builder.compare(Compare::Lt, at[0].value, length);
        self.choose(
            is_first,
            |lowering| lowering.read(first, at),
            |lowering| {
                let shifted = lowering.builder.binary(Binary::Sub, at[0].value, length);
                let at = [&[At { value: shifted, ..at[0] }], &at[1..]].concat();
                lowering.read_concat(rest, &at)
            },
        )
    }

    /// `if cond { then } else { otherwise }`.
    pub(super) fn choose(
        &mut self,
        cond: Value,
        then: impl FnOnce(&mut Self) -> Repr,
        otherwise: impl FnOnce(&mut Self) -> Repr,
    ) -> Repr {
        let (then_block, _) = self.builder.open_block(Vec::new());
        let chosen = then(self);
        let chosen = self.settle(chosen);
        let (layout, types) = (self.layout(&chosen), self.layout_types(&chosen));
        let results = self.flatten(chosen, &layout);
        self.builder.close_block(results);
        let (otherwise_block, _) = self.builder.open_block(Vec::new());
        let other = otherwise(self);
        let results = self.flatten(other, &layout);
        self.builder.close_block(results);
        let op = Op::If { cond, then: then_block, otherwise: otherwise_block };
        let values = self.builder.multi(op, types);
        self.rebuild(&mut values.into_iter(), &layout)
    }

    fn read_edges(&mut self, edges: &Edges, at: &[At]) -> Repr {
        let base = &edges.base;
        if let Some(pad) = &edges.pad {
            let indices: Vec<Value> = at.iter().map(|at| at.value).collect();
            let shape = base.shape.clone();
            let is_inside = self.is_inside(&indices, &shape);
            let inside: Vec<At> = indices.into_iter().map(At::inside).collect();
            return self.choose(is_inside, |lowering| lowering.read(base, &inside), |_| pad.clone());
        }
        let indices: Vec<At> = at
            .iter()
            .zip(&base.shape)
            .map(|(at, extent)| {
                let value = self.edge_index(edges.rule, at.value, *extent);
                // Of an empty array no element is near.
                let may_be_empty = self.known_int(*extent).is_none_or(|extent| extent == 0);
                At { value, unproven: may_be_empty.then_some(edges.unproven) }
            })
            .collect();
        self.read_at(base, &indices)
    }

    /// Whether all indices lie inside.
    pub(super) fn is_inside(&mut self, indices: &[Value], shape: &[Value]) -> Value {
        let zero = self.int(0);
        let mut inside = None;
        for (index, extent) in indices.iter().zip(shape) {
            let above = self.builder.compare(Compare::Ge, *index, zero);
            let below = self.builder.compare(Compare::Lt, *index, *extent);
            let both = self.builder.binary(Binary::And, above, below);
            inside = Some(match inside {
                Some(inside) => self.builder.binary(Binary::And, inside, both),
                None => both,
            });
        }
        match inside {
            Some(inside) => inside,
            None => self.builder.constant(true),
        }
    }

    /// Where an edge view reads for an index that may lie outside.
    fn edge_index(&mut self, rule: EdgeRule, index: Value, extent: Value) -> Value {
        let (zero, minus_one) = (self.int(0), self.int(-1));
        match rule {
            EdgeRule::Clamp | EdgeRule::Pad => {
                let last = self.size_op(super::sizes::SizeOp::Add, extent, minus_one);
                let below = self.builder.binary(Binary::Min, index, last);
                self.builder.binary(Binary::Max, below, zero)
            }
            EdgeRule::Wrap => self.divide(IntDiv::ModFloor, index, extent),
            EdgeRule::Mirror => {
                let two = self.int(2);
                let period = self.size_op(super::sizes::SizeOp::Mul, extent, two);
                let phase = self.divide(IntDiv::ModFloor, index, period);
                let mirrored = self.mirror(period, phase);
                self.builder.binary(Binary::Min, phase, mirrored)
            }
        }
    }

    fn read_lifted(&mut self, lifted: &Lifted, at: &[At]) -> Repr {
        let args: Vec<Repr> = match &lifted.op {
            LiftedOp::Elementwise(_) => {
                lifted.args.iter().map(|arg| self.lifted_argument(arg, true, at)).collect()
            }
            LiftedOp::Call { is_lifted, .. } => lifted
                .args
                .iter()
                .zip(is_lifted)
                .map(|(arg, is)| self.lifted_argument(arg, *is, at))
                .collect(),
        };
        let result = self.in_frame(lifted.frame, |lowering| match &lifted.op {
            LiftedOp::Elementwise(op) => {
                let operands: Vec<Value> = args.iter().map(Repr::scalar).collect();
                lowering.elementwise(*op, &operands, lifted.span)
            }
            LiftedOp::Call { function, sizes, .. } => lowering.inline(*function, args, Rc::clone(sizes)),
        });
        // A function may give an array for each element; the indices that are left are its.
        match result {
            Repr::Array(row) if at.len() > lifted.rank => self.read(&row, &at[lifted.rank..]),
            result => result,
        }
    }

    /// What an argument of a lifted operation is for one element. A lifted call may give an array for each element;
    /// then there are more indices than the arguments have axes.
    fn lifted_argument(&mut self, arg: &Repr, is_lifted: bool, at: &[At]) -> Repr {
        match arg {
            Repr::Array(array) if is_lifted => {
                let array = array.clone();
                self.read(&array, &at[..array.shape.len()])
            }
            other => other.clone(),
        }
    }
}

impl Array {
    /// Whether an index that lies outside of it lies outside of what is stored, at the same axis and position.
    pub(super) fn carries_checks(&self) -> bool {
        match &self.source {
            Source::Stored(_) | Source::Edges(..) => true,
            Source::Transpose(base) | Source::Field(base, _) => base.carries_checks(),
            Source::Slice(base, places) => {
                places.iter().all(|place| matches!(place, Place::At(_))) && base.carries_checks()
            }
            _ => false,
        }
    }
}
