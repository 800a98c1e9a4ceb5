//! The children of a node, in the order of the text: the one place that knows the shape of every node, for those who
//! only want to go through a tree.

use crate::ast::{Comprehension, ExprId, ExprKind, ForRange, IndexArg};

/// Calls `visit` with each expression directly below `kind`, in the order of the text.
pub fn for_each_child(kind: &ExprKind, mut visit: impl FnMut(ExprId)) {
    use ExprKind::*;
    match kind {
        Int { .. } | Float { .. } | Bool(_) | Name(_) | Operator(_) | Error => {}
        Unary(_, operand) => visit(*operand),
        Binary { lhs, rhs, .. } => [*lhs, *rhs].into_iter().for_each(visit),
        Tuple(fields) => fields.iter().for_each(|field| visit(field.value)),
        Array(elements) => elements.iter().copied().for_each(visit),
        Comprehension(comprehension) => comprehension_children(comprehension, visit),
        Call { args, .. } => args.iter().for_each(|arg| visit(arg.value)),
        Field { base, .. } | TupleField { base, .. } => visit(*base),
        Index { base, indices } => {
            visit(*base);
            indices.iter().for_each(|index| index_children(index, &mut visit));
        }
        If { cond, then, otherwise } => [*cond, *then, *otherwise].into_iter().for_each(visit),
        Block { lets, tail } => {
            lets.iter().for_each(|binding| visit(binding.value));
            visit(*tail);
        }
        Loop(node) => {
            visit(node.init);
            range_children(&node.range, &mut visit);
            node.cond.into_iter().for_each(&mut visit);
            visit(node.body);
        }
        Closure { body, .. } => visit(*body),
    }
}

fn comprehension_children(node: &Comprehension, mut visit: impl FnMut(ExprId)) {
    visit(node.body);
    node.ranges.iter().for_each(|range| range_children(range, &mut visit));
    node.cond.into_iter().for_each(visit);
}

fn range_children(range: &ForRange, visit: &mut impl FnMut(ExprId)) {
    visit(range.start);
    visit(range.end);
}

fn index_children(index: &IndexArg, visit: &mut impl FnMut(ExprId)) {
    match index {
        IndexArg::At(at) => visit(*at),
        IndexArg::Slice { lo, hi, step, .. } => [*lo, *hi, *step].into_iter().flatten().for_each(visit),
    }
}
