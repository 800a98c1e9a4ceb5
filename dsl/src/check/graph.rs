//! What declarations need: an order in which all of that comes first, or the cycle that forbids one.

use pk_grammar::{
    ast::{Ast, ExprId, ExprKind, Item, ItemKind, TypeExprKind, TypeId},
    span::Symbol,
    walk::for_each_child,
};
use std::collections::HashMap;

/// An order in which every declaration but kernels, which nothing can need, comes after what it needs; or a cycle.
pub(super) fn order_items(ast: &Ast) -> Result<Vec<&Item>, Vec<&Item>> {
    let items: Vec<&Item> =
        ast.items.iter().filter(|item| !matches!(item.kind, ItemKind::Kernel(_))).collect();
    let index: HashMap<Symbol, usize> = items.iter().map(|item| item.name.name).zip(0..).collect();
    let edges: Vec<Vec<usize>> = items
        .iter()
        .map(|item| {
            let needed = mentioned(ast, item).into_iter().filter_map(|(name, role)| {
                let at = *index.get(&name)?;
                role.admits(&items[at].kind).then_some(at)
            });
            needed.collect()
        })
        .collect();
    let named = |order: Vec<usize>| order.into_iter().map(|at| items[at]).collect();
    order(&edges).map(named).map_err(named)
}

/// As what a declaration is mentioned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Value,
    Type,
    Size,
}

impl Role {
    fn admits(self, kind: &ItemKind) -> bool {
        match kind {
            ItemKind::Fn(_) => self == Role::Value,
            ItemKind::Const { .. } => matches!(self, Role::Value | Role::Size),
            ItemKind::Type { .. } => self == Role::Type,
            ItemKind::Kernel(_) => false,
        }
    }
}

/// Every name in an item that may be a declaration. Does not recurse.
fn mentioned(ast: &Ast, item: &Item) -> Vec<(Symbol, Role)> {
    let mut names = Vec::new();
    let mut types: Vec<TypeId> = Vec::new();
    let mut exprs: Vec<(ExprId, Role)> = Vec::new();
    match &item.kind {
        ItemKind::Type { ty } => types.push(*ty),
        ItemKind::Const { ty, value } => {
            types.push(*ty);
            exprs.push((*value, Role::Value));
        }
        ItemKind::Fn(function) | ItemKind::Kernel(function) => {
            types.extend(function.params.iter().map(|param| param.ty));
            types.push(function.result);
            exprs.push((function.body, Role::Value));
        }
    }
    loop {
        if let Some(id) = types.pop() {
            match &ast.ty(id).kind {
                TypeExprKind::Name(name) => names.push((name.name, Role::Type)),
                TypeExprKind::Tuple(fields) => types.extend(fields.iter().map(|field| field.ty)),
                TypeExprKind::Array { elem, sizes } => {
                    types.push(*elem);
                    exprs.extend(sizes.iter().map(|size| (*size, Role::Size)));
                }
                TypeExprKind::Error => {}
            }
        } else if let Some((id, role)) = exprs.pop() {
            let kind = &ast.expr(id).kind;
            match kind {
                ExprKind::Name(name) | ExprKind::Call { callee: name, .. } => names.push((name.name, role)),
                ExprKind::Block { lets, .. } => types.extend(lets.iter().filter_map(|binding| binding.ty)),
                _ => {}
            }
            for_each_child(kind, |child| exprs.push((child, role)));
        } else {
            return names;
        }
    }
}

/// The nodes `0..edges.len()` with all successors before each, or a cycle. Does not recurse.
fn order(edges: &[Vec<usize>]) -> Result<Vec<usize>, Vec<usize>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
    }
    let mut marks = vec![Mark::New; edges.len()];
    let mut sorted = Vec::with_capacity(edges.len());
    for root in 0..edges.len() {
        if marks[root] != Mark::New {
            continue;
        }
        marks[root] = Mark::Open;
        let mut path = vec![(root, 0)];
        while let Some((node, next)) = path.last_mut() {
            let Some(&successor) = edges[*node].get(*next) else {
                marks[*node] = Mark::Done;
                sorted.push(*node);
                path.pop();
                continue;
            };
            *next += 1;
            match marks[successor] {
                Mark::Done => {}
                Mark::New => {
                    marks[successor] = Mark::Open;
                    path.push((successor, 0));
                }
                Mark::Open => {
                    let nodes = path.iter().map(|(node, _)| *node);
                    return Err(nodes.skip_while(|node| *node != successor).collect());
                }
            }
        }
    }
    Ok(sorted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callees_come_first_and_cycles_are_shown() {
        assert_eq!(order(&[vec![1, 2], vec![2], vec![]]), Ok(vec![2, 1, 0]));
        assert_eq!(order(&[vec![1], vec![2], vec![1]]), Err(vec![1, 2]));
        assert_eq!(order(&[vec![0]]), Err(vec![0]));
    }

    #[test]
    fn a_long_chain_needs_no_stack() {
        let chain: Vec<Vec<usize>> =
            (0..1_000_000).map(|i| if i > 0 { vec![i - 1] } else { vec![] }).collect();
        assert_eq!(order(&chain).map(|sorted| sorted.len()), Ok(1_000_000));
    }
}
