//! What the instructions of one block need of each other, and in which order nests that merge can stand.

use crate::ir::{Block, Body, Def, Inst, Nest, Op, Sink, Site, Value};
use crate::pass::effects::{Faults, is_speculable};
use std::collections::HashMap;

/// An instruction of the block, by its place in it.
pub(super) type Node = usize;

/// How one instruction depends on another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    /// All it needs of the other is there at the same index: the two may become one nest.
    Elementwise,
    /// It needs the other to be done.
    Whole,
}

/// The instructions of a block and their dependencies.
#[derive(Debug)]
pub(super) struct Graph {
    /// The instructions, in their first order.
    pub(super) insts: Vec<Inst>,
    /// What each depends on directly.
    edges: Vec<HashMap<Node, Edge>>,
    /// The nodes that merge, in an order that keeps every dependency; most are alone, some places are empty.
    order: Vec<Vec<Node>>,
    /// Where each node stands in `order`.
    ranks: Vec<usize>,
}

impl Graph {
    /// Of the instructions of `block`.
    pub(super) fn new(body: &Body, block: Block, faults: &Faults) -> Graph {
        let insts = body.blocks[block].insts.clone();
        let mut edges = data_edges(body, &insts);
        add_order_edges(body, block, faults, &insts, &mut edges);
        let order = (0..insts.len()).map(|node| vec![node]).collect();
        let ranks = (0..insts.len()).collect();
        Graph { insts, edges, order, ranks }
    }

    /// The groups of nodes, in an order that keeps every dependency; the nodes of a group are in their first order.
    pub(super) fn into_order(self) -> Vec<Vec<Node>> {
        self.order.into_iter().filter(|group| !group.is_empty()).collect()
    }

    /// The nodes that have been merged with `node`, and itself.
    pub(super) fn group(&self, node: Node) -> &[Node] {
        &self.order[self.ranks[node]]
    }

    /// Whether a node of the one group depends directly on one of the other.
    pub(super) fn are_linked(&self, a: Node, b: Node) -> bool {
        self.links(a, b).next().is_some()
    }

    fn links(&self, a: Node, b: Node) -> impl Iterator<Item = Edge> {
        let between = |from: Node, to: Node| {
            let (group, target) = (self.group(from), self.group(to));
            // Edges lead to earlier nodes, so that a long group before a node costs nothing here.
            let is_possible = group.last() > target.first();
            let edges = if is_possible { group } else { &[] }.iter().flat_map(|node| &self.edges[*node]);
            edges.filter(move |(node, _)| self.ranks[**node] == self.ranks[to]).map(|(_, edge)| *edge)
        };
        between(a, b).chain(between(b, a))
    }

    /// Merges the groups of two nodes, unless one depends on the other in another way than elementwise, be it through
    /// an instruction between them.
    pub(super) fn merge(&mut self, a: Node, b: Node) -> bool {
        let (first, last) = (self.ranks[a].min(self.ranks[b]), self.ranks[a].max(self.ranks[b]));
        if first == last || self.links(a, b).any(|edge| edge == Edge::Whole) {
            return false;
        }
        // Whatever depends on the first group moves behind the merged one.
        let mut moves = vec![false; last - first + 1];
        moves[0] = true;
        for rank in first + 1..last {
            moves[rank - first] =
                self.depends_on(rank, |to| to < last && moves.get(to.wrapping_sub(first)) == Some(&true));
        }
        moves[0] = false;
        if self.depends_on(last, |to| to < last && moves.get(to.wrapping_sub(first)) == Some(&true)) {
            return false;
        }
        self.reorder(first, last, &moves);
        true
    }

    /// Whether the group at `rank` depends directly on one at a rank for which `test` holds.
    fn depends_on(&self, rank: usize, test: impl Fn(usize) -> bool) -> bool {
        self.order[rank].iter().flat_map(|node| self.edges[*node].keys()).any(|to| test(self.ranks[*to]))
    }

    fn reorder(&mut self, first: usize, last: usize, moves: &[bool]) {
        let window: Vec<Vec<Node>> = self.order.drain(first..=last).collect();
        let len = window.len();
        let (mut before, mut merged, mut after) = (Vec::new(), Vec::new(), Vec::new());
        for (at, group) in window.into_iter().enumerate() {
            match (at == 0 || at == len - 1, moves[at]) {
                (true, _) => merged.extend(group),
                (false, true) => after.push(group),
                (false, false) => before.push(group),
            }
        }
        merged.sort_unstable();
        before.push(merged);
        before.extend(after);
        // In place of the group that is gone, so that what follows keeps its ranks.
        before.push(Vec::new());
        for (at, group) in before.iter().enumerate() {
            group.iter().for_each(|node| self.ranks[*node] = first + at);
        }
        self.order.splice(first..first, before);
    }
}

/// Dependencies through values.
fn data_edges(body: &Body, insts: &[Inst]) -> Vec<HashMap<Node, Edge>> {
    let mut definitions = HashMap::new();
    let mut edges = Vec::with_capacity(insts.len());
    for (node, inst) in insts.iter().enumerate() {
        let mut own = HashMap::new();
        for (value, (elementwise, all)) in uses(body, *inst, &definitions) {
            let edge = if elementwise == all { Edge::Elementwise } else { Edge::Whole };
            add_edge(&mut own, definitions[&value], edge);
        }
        edges.push(own);
        definitions.extend(body.insts[*inst].results.iter().map(|result| (*result, node)));
    }
    edges
}

/// How often `inst` uses each value of `definitions`: elementwise, and in all.
fn uses(body: &Body, inst: Inst, definitions: &HashMap<Value, Node>) -> HashMap<Value, (usize, usize)> {
    let mut uses: HashMap<Value, (usize, usize)> = HashMap::new();
    let data = &body.insts[inst];
    let mut count = |value: Value| {
        if definitions.contains_key(&value) {
            uses.entry(value).or_default().1 += 1;
        }
    };
    data.op.for_each_operand(&mut count);
    data.results.iter().flat_map(|result| &body.ty(*result).shape).for_each(|extent| count(*extent));
    data.op.for_each_block(|block| body.for_each_use(block, &mut count));
    if let Op::Nest(nest) = &data.op {
        for_each_elementwise_read(body, nest, |_, array| {
            if let Some((elementwise, _)) = uses.get_mut(&array)
                && is_mapped(body, array, nest)
            {
                *elementwise += 1;
            }
        });
    }
    uses
}

/// Calls `visit` with each read inside `nest` whose first indices are the nest's own, and the array it reads.
pub(super) fn for_each_elementwise_read(body: &Body, nest: &Nest, mut visit: impl FnMut(Inst, Value)) {
    let params = &body.blocks[nest.body].params;
    body.for_each_inst(nest.body, |inst| {
        if let Op::Index { array, indices, .. } = &body.insts[inst].op
            && indices.starts_with(params)
        {
            visit(inst, *array);
        }
    });
}

/// Whether `array` is what another nest over the domain of `nest` maps.
fn is_mapped(body: &Body, array: Value, nest: &Nest) -> bool {
    let Def::Result { inst, index } = body.values[array].def else { return false };
    let Op::Nest(producer) = &body.insts[inst].op else { return false };
    let mut given = 0;
    let sink = producer.sinks.iter().find(|sink| {
        given += sink.gives();
        (index as usize) < given
    });
    producer.dims == nest.dims && matches!(sink, Some(Sink::Map))
}

/// The results of `nest` that it maps, each with the result of its body that is the element.
pub(super) fn mapped_results(nest: &Nest, given: &[Value], taken: &[Value]) -> Vec<(Value, Value)> {
    let (mut given, mut taken) = (given, taken);
    let mut mapped = Vec::new();
    for sink in &nest.sinks {
        let ((arrays, more_given), (elements, more_taken)) =
            (given.split_at(sink.gives()), taken.split_at(sink.takes()));
        if let (Sink::Map, [array], [element]) = (sink, arrays, elements) {
            mapped.push((*array, *element));
        }
        (given, taken) = (more_given, more_taken);
    }
    mapped
}

/// Dependencies through faults. Whatever relies on a check, or on not being evaluated after a failed one, stays on its
/// side of it; and since of several faults of one element at one site the first counts, they keep their order. Between
/// nests of the entry block that order is the order of elements, which merging keeps.
fn add_order_edges(
    body: &Body,
    block: Block,
    faults: &Faults,
    insts: &[Inst],
    edges: &mut [HashMap<Node, Edge>],
) {
    let by_element = if block == body.entry { Edge::Elementwise } else { Edge::Whole };
    let mut last_check = None;
    let mut since_check = Vec::new();
    let mut last_at: HashMap<Site, Node> = HashMap::new();
    for (node, inst) in insts.iter().enumerate() {
        for site in faults.sites(*inst) {
            if let Some(earlier) = last_at.insert(*site, node) {
                add_edge(&mut edges[node], earlier, by_element);
            }
        }
        if !is_speculable(body, *inst)
            && let Some(check) = last_check
        {
            add_edge(&mut edges[node], check, Edge::Whole);
        }
        match body.insts[*inst].op {
            Op::Check { .. } => {
                since_check.drain(..).for_each(|earlier| add_edge(&mut edges[node], earlier, Edge::Whole));
                last_check = Some(node);
            }
            _ if faults.can_fault(*inst) => since_check.push(node),
            _ => {}
        }
    }
}

fn add_edge(edges: &mut HashMap<Node, Edge>, to: Node, edge: Edge) {
    let known = edges.entry(to).or_insert(edge);
    if edge == Edge::Whole {
        *known = Edge::Whole;
    }
}
