//! The call graph: an order in which callees come before callers, or the cycle that forbids one.

use pk_grammar::{
    ast::{Ast, ExprId, ExprKind},
    span::{Ident, Symbol},
    walk::for_each_child,
};
use std::collections::HashMap;

/// Every name in the expression below `root` that may be a function or constant. Does not recurse.
pub(super) fn mentioned(ast: &Ast, root: ExprId) -> Vec<Ident> {
    let mut names = Vec::new();
    let mut open = vec![root];
    while let Some(id) = open.pop() {
        let kind = &ast.expr(id).kind;
        if let ExprKind::Name(name) | ExprKind::Call { callee: name, .. } = kind {
            names.push(*name);
        }
        for_each_child(kind, |child| open.push(child));
    }
    names
}

/// The nodes `0..edges.len()` with all successors before each, or a cycle. Does not recurse.
pub(super) fn order(edges: &[Vec<usize>]) -> Result<Vec<usize>, Vec<usize>> {
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

/// The index of each name among `names`.
pub(super) fn index_of(names: impl IntoIterator<Item = Symbol>) -> HashMap<Symbol, usize> {
    names.into_iter().enumerate().map(|(index, name)| (name, index)).collect()
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
