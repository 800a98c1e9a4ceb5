//! The trees of reductions and scans: which operands meet, in which order. They are part of a program's meaning, so
//! that any back end, however it divides the work, gives the same bits.
//!
//! The elements `0..n` fall into *leaves* of [`LEAF`], the last of which may be shorter.
//!
//! * Inside a leaf of a reduction, [`LANES`] lanes fold left to right. Interleaved: lane `j` has the elements `j`,
//!   `j + 32`, `j + 64`, … of the leaf; then lanes combine by halving, `lane[j] = op(lane[j], lane[j + w])` for
//!   `w = 16, 8, 4, 2, 1`. Ordered: lane `j` has the 32 contiguous elements from `32 j` on; then adjacent lanes combine,
//!   level by level. What is absent in a short leaf is skipped.
//! * Leaf totals combine in a tree that splits `m` leaves at the largest power of two below `m`, on both sides again.
//! * Inside a leaf of a scan, elements fold left to right into local values. What precedes a leaf is the left-to-right
//!   fold of the maximal aligned subtrees of leaves before it, largest first. An element is `op(preceding, local)`.
//!
//! Only the shape is here: the room knows neither operators nor types.

use crate::ir::Order;

/// How many partial values a leaf of a reduction has.
pub const LANES: usize = 32;

/// How many elements a leaf has.
pub const LEAF: usize = 1024;

/// The reduction of `get(0), …, get(n - 1)`; `None` if `n` is 0.
pub fn reduce<T>(
    n: usize,
    order: Order,
    mut get: impl FnMut(usize) -> T,
    mut combine: impl FnMut(T, T) -> T,
) -> Option<T> {
    let mut reduction = Reduction::new(order);
    for at in 0..n {
        reduction.push(get(at), &mut combine);
    }
    reduction.finish(combine)
}

/// The inclusive scan of `get(0), …, get(n - 1)`.
pub fn scan<T: Clone>(
    n: usize,
    mut get: impl FnMut(usize) -> T,
    mut combine: impl FnMut(T, T) -> T,
) -> Vec<T> {
    let mut scan = Scan::default();
    let place = |at| {
        scan.push(get(at), &mut combine);
        scan.inclusive(&mut combine)
    };
    (0..n).filter_map(place).collect()
}

/// A reduction whose elements come one by one.
#[derive(Clone, Debug)]
pub struct Reduction<T> {
    order: Order,
    lanes: [Option<T>; LANES],
    /// How many elements the lanes hold.
    filled: usize,
    leaves: Leaves<T>,
}

impl<T> Reduction<T> {
    /// A reduction of nothing yet.
    pub fn new(order: Order) -> Reduction<T> {
        Reduction { order, lanes: [const { None }; LANES], filled: 0, leaves: Leaves::default() }
    }

    /// Takes the next element.
    pub fn push(&mut self, element: T, mut combine: impl FnMut(T, T) -> T) {
        let lane = match self.order {
            Order::Interleaved => self.filled % LANES,
            Order::Ordered => self.filled / (LEAF / LANES),
        };
        self.lanes[lane] = join(self.lanes[lane].take(), Some(element), &mut combine);
        self.filled += 1;
        if self.filled == LEAF {
            self.end_leaf(combine);
        }
    }

    /// The result; `None` if nothing was pushed.
    pub fn finish(mut self, mut combine: impl FnMut(T, T) -> T) -> Option<T> {
        self.end_leaf(&mut combine);
        self.leaves.total(combine)
    }

    fn end_leaf(&mut self, mut combine: impl FnMut(T, T) -> T) {
        let mut width = LANES / 2;
        while width > 0 {
            for lane in 0..width {
                let (left, right) = match self.order {
                    Order::Interleaved => (lane, lane + width),
                    Order::Ordered => (2 * lane, 2 * lane + 1),
                };
                self.lanes[lane] = join(self.lanes[left].take(), self.lanes[right].take(), &mut combine);
            }
            width /= 2;
        }
        self.filled = 0;
        if let Some(total) = self.lanes[0].take() {
            self.leaves.push(total, combine);
        }
    }
}

fn join<T>(left: Option<T>, right: Option<T>, combine: impl FnOnce(T, T) -> T) -> Option<T> {
    match (left, right) {
        (Some(left), Some(right)) => Some(combine(left, right)),
        (left, right) => left.or(right),
    }
}

/// A scan whose elements come one by one.
#[derive(Clone, Debug)]
pub struct Scan<T> {
    leaves: Leaves<T>,
    /// What precedes this leaf; `None` in the first one.
    preceding: Option<T>,
    /// The fold of this leaf so far.
    local: Option<T>,
    /// How many elements that is.
    filled: usize,
}

impl<T> Default for Scan<T> {
    fn default() -> Self {
        Scan { leaves: Leaves::default(), preceding: None, local: None, filled: 0 }
    }
}

impl<T: Clone> Scan<T> {
    /// Takes the next element.
    pub fn push(&mut self, element: T, mut combine: impl FnMut(T, T) -> T) {
        self.start_leaf(&mut combine);
        self.filled += 1;
        self.local = join(self.local.take(), Some(element), combine);
    }

    /// The place of the last element in the inclusive scan; `None` if nothing was pushed.
    pub fn inclusive(&self, combine: impl FnMut(T, T) -> T) -> Option<T> {
        join(self.preceding.clone(), self.local.clone(), combine)
    }

    /// The place of the next element in the exclusive scan; `None` for the very first, where the neutral element is.
    pub fn exclusive(&mut self, mut combine: impl FnMut(T, T) -> T) -> Option<T> {
        self.start_leaf(&mut combine);
        self.inclusive(combine)
    }

    /// Makes room for an element.
    fn start_leaf(&mut self, mut combine: impl FnMut(T, T) -> T) {
        if self.filled < LEAF {
            return;
        }
        if let Some(total) = self.local.take() {
            self.leaves.push(total, &mut combine);
        }
        self.preceding = self.leaves.preceding(combine);
        self.filled = 0;
    }
}

/// The tree over the totals of leaves, as a binary counter: the maximal aligned subtrees so far, largest first.
#[derive(Clone, Debug)]
struct Leaves<T> {
    /// Each with its number of leaves, a power of two.
    subtrees: Vec<(usize, T)>,
}

impl<T> Default for Leaves<T> {
    fn default() -> Self {
        Leaves { subtrees: Vec::new() }
    }
}

impl<T> Leaves<T> {
    fn push(&mut self, total: T, mut combine: impl FnMut(T, T) -> T) {
        let mut subtree = (1, total);
        while let Some((size, left)) = self.subtrees.pop_if(|(size, _)| *size == subtree.0) {
            subtree = (2 * size, combine(left, subtree.1));
        }
        self.subtrees.push(subtree);
    }

    /// The whole: subtrees combine from the smallest up, since each split leaves the largest power of two to the left.
    fn total(self, mut combine: impl FnMut(T, T) -> T) -> Option<T> {
        let totals = self.subtrees.into_iter().map(|(_, total)| total);
        totals.rev().reduce(|right, left| combine(left, right))
    }

    /// What precedes the next leaf.
    fn preceding(&self, combine: impl FnMut(T, T) -> T) -> Option<T>
    where
        T: Clone,
    {
        self.subtrees.iter().map(|(_, total)| total.clone()).reduce(combine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::{DefaultHasher, Hash, Hasher};

    const LENGTHS: [usize; 12] = [0, 1, 2, 31, 32, 33, 1023, 1024, 1025, 3 * 1024, 5000, 7 * 1024 + 1];

    /// A fingerprint of an expression tree: equal for equal trees only, short of collisions.
    fn node(left: u64, right: u64) -> u64 {
        let mut hasher = DefaultHasher::new();
        (left, right).hash(&mut hasher);
        hasher.finish()
    }

    fn fold(elements: impl Iterator<Item = usize>) -> Option<u64> {
        elements.map(|element| element as u64).reduce(node)
    }

    fn node_of(left: Option<u64>, right: Option<u64>) -> Option<u64> {
        join(left, right, node)
    }

    /// Lane `j` of the interleaved leaf `lo..hi` when the lanes have combined down to `width`.
    fn interleaved(lo: usize, hi: usize, j: usize, width: usize) -> Option<u64> {
        match width {
            32 => fold((lo + j..hi).step_by(32)),
            _ => node_of(interleaved(lo, hi, j, 2 * width), interleaved(lo, hi, j + width, 2 * width)),
        }
    }

    /// Lanes `j..j + count` of the ordered leaf `lo..hi`.
    fn ordered(lo: usize, hi: usize, j: usize, count: usize) -> Option<u64> {
        match count {
            1 => fold(lo + 32 * j..hi.min(lo + 32 * j + 32)),
            _ => node_of(ordered(lo, hi, j, count / 2), ordered(lo, hi, j + count / 2, count / 2)),
        }
    }

    fn leaf_tree(leaves: std::ops::Range<usize>, leaf: &impl Fn(usize) -> Option<u64>) -> Option<u64> {
        if leaves.len() < 2 {
            return leaves.start.lt(&leaves.end).then(|| leaf(leaves.start))?;
        }
        let split = leaves.start + leaves.len().next_power_of_two() / 2;
        node_of(leaf_tree(leaves.start..split, leaf), leaf_tree(split..leaves.end, leaf))
    }

    #[test]
    fn reductions_are_the_recursive_definition() {
        for n in LENGTHS {
            let leaves = 0..n.div_ceil(1024);
            let of_leaf = |k: usize| interleaved(k * 1024, n.min(k * 1024 + 1024), 0, 1);
            let found = reduce(n, Order::Interleaved, |at| at as u64, node);
            assert_eq!(found, leaf_tree(leaves.clone(), &of_leaf), "interleaved {n}");
            let of_leaf = |k: usize| ordered(k * 1024, n.min(k * 1024 + 1024), 0, 32);
            let found = reduce(n, Order::Ordered, |at| at as u64, node);
            assert_eq!(found, leaf_tree(leaves, &of_leaf), "ordered {n}");
        }
    }

    /// Element `at` of the inclusive scan.
    fn scanned(at: usize) -> Option<u64> {
        let of_leaf = |k: usize| fold(k * 1024..k * 1024 + 1024);
        let leaf = at / 1024;
        let mut start = 0;
        let mut preceding = None;
        for size in (0..usize::BITS).rev().map(|bit| 1 << bit).filter(|bit| leaf & bit != 0) {
            preceding = node_of(preceding, leaf_tree(start..start + size, &of_leaf));
            start += size;
        }
        node_of(preceding, fold(leaf * 1024..at + 1))
    }

    #[test]
    fn scans_are_the_recursive_definition() {
        let n = 7 * 1024 + 3;
        let found = scan(n, |at| at as u64, node);
        assert_eq!(found.len(), n);
        for at in [0, 1, 1023, 1024, 1025, 2047, 2048, 3072, 5000, n - 1] {
            assert_eq!(Some(found[at]), scanned(at), "{at}");
        }
    }

    #[test]
    fn exclusive_scans_are_the_inclusive_ones_moved_by_one_inside_a_leaf() {
        let inclusive = scan(5000, |at| at as u64, node);
        let mut exclusive = Scan::default();
        for at in 0..5000 {
            let before = exclusive.exclusive(node);
            exclusive.push(at as u64, node);
            if at % 1024 != 0 {
                assert_eq!(before, Some(inclusive[at - 1]), "{at}");
            }
            if at == 3072 {
                // Two aligned subtrees precede leaf 3; the inclusive element 3071 is bracketed otherwise.
                let of_leaf = |k: usize| fold(k * 1024..k * 1024 + 1024);
                assert_eq!(before, node_of(leaf_tree(0..2, &of_leaf), of_leaf(2)));
            }
        }
        assert_eq!(Scan::default().exclusive(node), None);
    }

    #[test]
    fn operand_order_is_kept_unless_interleaved() {
        let letter = |at: usize| char::from(b'a' + (at % 26) as u8).to_string();
        let concat = |left: String, right: String| left + &right;
        let whole: String = (0..5000).map(letter).collect();
        for n in LENGTHS.into_iter().filter(|n| *n <= whole.len()) {
            assert_eq!(reduce(n, Order::Ordered, letter, concat).unwrap_or_default(), whole[..n]);
        }
        for (at, prefix) in scan(2100, letter, concat).into_iter().enumerate() {
            assert_eq!(prefix, whole[..=at]);
        }
        assert_ne!(reduce(5000, Order::Interleaved, letter, concat).unwrap_or_default(), whole);
    }

    #[test]
    fn short_leaves_skip_what_is_absent() {
        let text = |order| {
            reduce(5, order, |at| at.to_string(), |left, right| format!("({left} {right})"))
                .unwrap_or_default()
        };
        insta::assert_snapshot!(text(Order::Interleaved), @"(((0 4) 2) (1 3))");
        insta::assert_snapshot!(text(Order::Ordered), @"((((0 1) 2) 3) 4)");
    }
}
