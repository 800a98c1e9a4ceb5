//! Scans: leaves side by side.
//!
//! Inside a leaf a scan folds one element after the other, so the vectors that are folded hold the elements at one
//! position of neighbouring leaves. Bodies are computed, and results stored, with neighbouring elements in a vector; in
//! between, squares of as many positions as leaves are transposed. The first pass only folds, and the second computes
//! the elements anew and stores them: memory is written once.

use super::{
    Group, Operand, Shape,
    control::{flat_types, flatten, unflatten},
    linear::Linear,
    pack::Pack,
};
use crate::{
    backend::cpu::{
        emitter::Emitter,
        fold::Cells,
        nest::{Leaf, Loops},
        sink::{Prefix, Target},
    },
    ir::{Fold, Sink},
    plan::LEAF,
};
use cranelift_codegen::ir::{Block, InstBuilder, Type, Value, condcodes::IntCC, types};

/// How many leaves are scanned side by side.
pub(super) const LEAVES: u32 = 4;

/// What a pass over a leaf does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// Folds the leaf.
    Total,
    /// Continues the fold of all leaves before and stores the elements.
    Store,
}

impl<'a> Emitter<'a, '_> {
    /// The first pass over the leaves `begin..end`: leaves their totals in `partials`.
    pub(in crate::backend::cpu) fn scan_totals(
        &mut self,
        loops: &Loops<'a>,
        shape: Shape,
        partials: &[Cells],
        range: [Value; 2],
    ) {
        self.scan_leaves(loops, shape, partials, range, Pass::Total);
    }

    /// The second pass over the leaves `begin..end`, which continue what `partials` hold.
    pub(in crate::backend::cpu) fn scan_elements(
        &mut self,
        loops: &Loops<'a>,
        shape: Shape,
        partials: &[Cells],
        range: [Value; 2],
    ) {
        self.scan_leaves(loops, shape, partials, range, Pass::Store);
    }

    /// Takes whole leaves side by side, the first leaf, which continues nothing, and what is left one by one.
    fn scan_leaves(
        &mut self,
        loops: &Loops<'a>,
        shape: Shape,
        partials: &[Cells],
        [begin, end]: [Value; 2],
        pass: Pass,
    ) {
        let extent = self.value(loops.nest.dims[0]);
        let whole = self.builder.ins().ushr_imm_u(extent, i64::from(LEAF.trailing_zeros()));
        let is_less = self.icmp(IntCC::SignedLessThan, whole, end);
        let whole_end = self.builder.ins().select(is_less, whole, end);
        self.while_loop(
            &[begin],
            |e, at| e.icmp(IntCC::SignedLessThan, at[0], end),
            |e, at| {
                let next = e.builder.ins().iadd_imm_s(at[0], i64::from(LEAVES));
                let fits = e.icmp(IntCC::SignedLessThanOrEqual, next, whole_end);
                let is_later = e.builder.ins().icmp_imm_s(IntCC::SignedGreaterThan, at[0], 0);
                let is_grouped = e.builder.ins().band(fits, is_later);
                let one = e.builder.ins().iadd_imm_s(at[0], 1);
                let scalar_end = e.builder.ins().select(is_grouped, next, one);
                e.leaves_or_scalar(loops, shape, partials, [at[0], scalar_end], (is_grouped, pass));
                vec![scalar_end]
            },
        );
    }

    fn leaves_or_scalar(
        &mut self,
        loops: &Loops<'a>,
        shape: Shape,
        partials: &[Cells],
        [begin, end]: [Value; 2],
        (is_grouped, pass): (Value, Pass),
    ) {
        let [grouped, scalar, exit] = [0; 3].map(|_| self.builder.create_block());
        self.branch(is_grouped, grouped, &[], scalar, &[]);
        self.builder.switch_to_block(grouped);
        let bail = self.leaves_together(loops, shape, partials, begin, pass);
        self.jump(exit, &[]);
        if let Some(bail) = bail {
            self.builder.switch_to_block(bail);
            self.jump(scalar, &[]);
        }
        self.builder.switch_to_block(scalar);
        self.for_range(begin, end, &[], |e, number, _| {
            e.leaf_alone(loops, partials, number, pass);
            Vec::new()
        });
        self.jump(exit, &[]);
        self.builder.switch_to_block(exit);
    }

    fn leaf_alone(&mut self, loops: &Loops<'a>, partials: &[Cells], number: Value, pass: Pass) {
        let extent = self.value(loops.nest.dims[0]);
        let leaf = self.leaf(number, extent);
        if pass == Pass::Total {
            let totals = self.leaf_totals(loops, leaf);
            let mut rest = &totals[..];
            for ((_, fold), cells) in loops.folds().zip(partials) {
                let (values, others) = rest.split_at(fold.width());
                self.store_cell(cells, number, values);
                rest = others;
            }
            return;
        }
        let mut prefixes = Vec::new();
        for ((_, fold), cells) in loops.folds().zip(partials) {
            let is_some = self.builder.ins().icmp_imm_u(IntCC::NotEqual, number, 0);
            let values = self.load_cell(fold, cells, number);
            prefixes.push(Some(Prefix { is_some, values }));
        }
        self.leaf_elements(loops, leaf, &[], &prefixes);
    }

    /// The fold of `leaf` for each scan, element by element.
    fn leaf_totals(&mut self, loops: &Loops<'a>, leaf: Leaf) -> Vec<Value> {
        let mut carried = Vec::new();
        for (_, fold) in loops.folds() {
            carried.extend(fold.neutral.iter().map(|neutral| self.zero_like(*neutral)));
        }
        let types = self.types(&carried);
        self.for_range(leaf.start, leaf.end, &carried, |e, flat, before| {
            let outer = e.enter_element(loops, flat);
            e.block_with(loops.nest.body, &[flat]);
            let is_first = e.icmp(IntCC::Equal, flat, leaf.start);
            let inputs: Vec<Value> = loops.folds().flat_map(|(target, _)| e.all(target.inputs)).collect();
            let fold_all = |e: &mut Self| {
                let (mut after, mut done) = (Vec::new(), 0);
                for (_, fold) in loops.folds() {
                    let range = done..done + fold.width();
                    after.extend(e.combine(fold, &before[range.clone()], &inputs[range]));
                    done += fold.width();
                }
                after
            };
            let after = e.if_else(is_first, &types, |_| inputs.clone(), fold_all);
            e.element = outer;
            after
        })
    }

    /// Emits [`LEAVES`] whole leaves from number `first` on; gives the block to which they bail.
    fn leaves_together(
        &mut self,
        loops: &Loops<'a>,
        shape: Shape,
        partials: &[Cells],
        first: Value,
        pass: Pass,
    ) -> Option<Block> {
        let folds: Vec<&'a Fold> = loops.folds().map(|(_, fold)| fold).collect();
        let prefixes = match pass {
            Pass::Total => Vec::new(),
            Pass::Store => self.load_totals(shape, loops, partials, first),
        };
        let start = self.builder.ins().ishl_imm_u(first, i64::from(LEAF.trailing_zeros()));
        let end = self.builder.ins().iadd_imm_s(start, LEAF);
        let packs: Vec<(Type, usize)> = folds.iter().flat_map(|fold| self.pack_shape(fold, shape)).collect();
        let state = [&[types::I64], &flat_types(&packs)[..]].concat();
        let (head, params) = self.block_with_params(&state);
        let (exit, results) = self.block_with_params(&flat_types(&packs));
        let nothing = self.start_lanes(shape, &folds, &packs);
        self.jump(head, &[&[start], &flatten(&nothing)[..]].concat());
        self.builder.switch_to_block(head);
        let (at, before) = (params[0], unflatten(&packs, &params[1..]));
        let is_first = self.icmp(IntCC::Equal, at, start);

        let (squares, bail) = self.leaf_squares(loops, shape, at, pass);
        let mut group = Group::new(self, shape, loops.nest.body);
        let positions = group.transposed(&squares);
        let mut after = group.fold_in(&folds, is_first, &before, &positions[0]);
        let mut lefts = vec![before];
        for position in &positions[1..] {
            lefts.push(after.clone());
            after = group.combine_all(&folds, &after, position);
        }
        if pass == Pass::Store {
            let rights = [&lefts[1..], std::slice::from_ref(&after)].concat();
            group.store_scans(loops, at, is_first, &prefixes, [&lefts, &rights]);
        }
        let next = self.builder.ins().iadd_imm_s(at, i64::from(LEAVES));
        let goes_on = self.icmp(IntCC::SignedLessThan, next, end);
        let after = flatten(&after);
        self.branch(goes_on, head, &[&[next], &after[..]].concat(), exit, &after);
        self.builder.switch_to_block(exit);
        if pass == Pass::Total {
            self.store_totals(shape, loops, partials, first, &unflatten(&packs, &results));
        }
        bail
    }

    /// Computes the body for the elements from `at` on and for those at the same position of the other leaves, and
    /// stores its maps in the second pass. Gives, for each leaf, what the scans take, and the block to which it bails.
    fn leaf_squares(
        &mut self,
        loops: &Loops<'a>,
        shape: Shape,
        at: Value,
        pass: Pass,
    ) -> (Vec<Vec<Pack>>, Option<Block>) {
        let param = self.body.blocks[loops.nest.body].params[0];
        let (mut squares, mut bail) = (Vec::new(), None);
        for leaf in 0..i64::from(LEAVES) {
            let first = self.builder.ins().iadd_imm_s(at, leaf * LEAF);
            let outer_element = self.enter_element(loops, first);
            let mut group = Group::new(self, shape, loops.nest.body);
            group.bail = bail;
            group.define(param, Operand::Linear(Linear { first, step: 1 }));
            group.block(loops.nest.body);
            if pass == Pass::Store {
                group.store_maps(&loops.targets, first);
            }
            let inputs = loops.folds().flat_map(|(target, _)| target.inputs);
            squares.push(inputs.map(|input| group.canonical(*input)).collect());
            bail = group.bail;
            self.element = outer_element;
        }
        (squares, bail)
    }

    /// What `partials` hold for the leaves from `first` on, in canonical form.
    fn load_totals(
        &mut self,
        shape: Shape,
        loops: &Loops<'a>,
        partials: &[Cells],
        first: Value,
    ) -> Vec<Pack> {
        let mut packs = Vec::new();
        for ((_, fold), cells) in loops.folds().zip(partials) {
            let mut rows = Vec::new();
            for at in 0..LEAVES {
                let number = self.builder.ins().iadd_imm_s(first, i64::from(at));
                rows.push(self.load_cell(fold, cells, number));
            }
            for (component, neutral) in fold.neutral.iter().enumerate() {
                let lanes: Vec<Value> = rows.iter().map(|row| row[component]).collect();
                let scalar = self.body.scalar(*neutral);
                packs.push(Group::new(self, shape, fold.op).pack_of_scalars(scalar, &lanes));
            }
        }
        packs
    }

    fn store_totals(
        &mut self,
        shape: Shape,
        loops: &Loops<'a>,
        partials: &[Cells],
        first: Value,
        totals: &[Pack],
    ) {
        let mut rest = totals;
        for ((_, fold), cells) in loops.folds().zip(partials) {
            let (packs, others) = rest.split_at(fold.width());
            rest = others;
            let mut columns = Vec::new();
            for (neutral, pack) in fold.neutral.iter().zip(packs) {
                let scalar = self.body.scalar(*neutral);
                columns.push(Group::new(self, shape, fold.op).scalars(scalar, pack));
            }
            for at in 0..LEAVES as usize {
                let number = self.builder.ins().iadd_imm_s(first, at as i64);
                let values: Vec<Value> = columns.iter().map(|column| column[at]).collect();
                self.store_cell(cells, number, &values);
            }
        }
    }
}

impl<'a> Group<'_, 'a, '_> {
    /// Turns packs of neighbouring elements, by leaf and component, into packs of one position, by position and
    /// component; or back.
    fn transposed(&mut self, squares: &[Vec<Pack>]) -> Vec<Vec<Pack>> {
        let mut turned = vec![Vec::new(); squares.len()];
        for component in 0..squares[0].len() {
            let rows: Vec<&Pack> = squares.iter().map(|square| &square[component]).collect();
            for (at, pack) in self.transpose(&rows).into_iter().enumerate() {
                turned[at].push(pack);
            }
        }
        turned
    }

    /// The columns of four packs of four values.
    fn transpose(&mut self, rows: &[&Pack]) -> Vec<Pack> {
        let lane = rows[0].lane;
        let mut parts = Vec::new();
        if lane.bytes() == 8 {
            for part in 0..2 {
                for half in [Half::Low, Half::High] {
                    let pairs = [[0, 1], [2, 3]].map(|[a, b]| {
                        self.interleave(rows[a].parts[part], rows[b].parts[part], lane, 8, half)
                    });
                    parts.push(pairs.to_vec());
                }
            }
        } else {
            for outer in [Half::Low, Half::High] {
                let [a, b] = [[0, 1], [2, 3]]
                    .map(|[a, b]| self.interleave(rows[a].parts[0], rows[b].parts[0], lane, 4, outer));
                for inner in [Half::Low, Half::High] {
                    parts.push(vec![self.interleave(a, b, lane, 8, inner)]);
                }
            }
        }
        parts.into_iter().map(|parts| Pack { lane, parts }).collect()
    }

    /// Takes units of `bytes` bytes from one half of `a` and of `b` in turn.
    fn interleave(&mut self, a: Value, b: Value, lane: Type, bytes: u8, half: Half) -> Value {
        let first = if half == Half::Low { 0 } else { 8 };
        let pick = |at: u8| {
            let (unit, byte) = (at / bytes, at % bytes);
            let side = if unit % 2 == 0 { 0 } else { 16 };
            side + first + unit / 2 * bytes + byte
        };
        self.pick_bytes(a, b, lane, std::array::from_fn(|at| pick(at as u8)))
    }

    /// Stores the elements of scans at the positions from `at` on of each leaf. `lefts` and `rights` are, by position, the
    /// folds of a leaf before and with the element there.
    fn store_scans(
        &mut self,
        loops: &Loops<'a>,
        at: Value,
        is_first: Value,
        prefixes: &[Pack],
        [lefts, rights]: [&[Vec<Pack>]; 2],
    ) {
        let mut done = 0;
        for (target, fold) in loops.folds() {
            let range = done..done + fold.width();
            done += fold.width();
            let is_exclusive = matches!(target.sink, Sink::Scan { exclusive: true, .. });
            let prefix = &prefixes[range.clone()];
            let mut shown = Vec::new();
            for (position, (left, right)) in lefts.iter().zip(rights).enumerate() {
                let local = if is_exclusive { left } else { right };
                let continued = self.combine(fold, prefix, &local[range.clone()]);
                shown.push(match is_exclusive && position == 0 {
                    true => self.choose_packs(is_first, prefix, &continued),
                    false => continued,
                });
            }
            for (leaf, packs) in self.transposed(&shown).into_iter().enumerate() {
                self.store_leaf(target, leaf, at, &packs);
            }
        }
    }

    fn choose_packs(&mut self, cond: Value, a: &[Pack], b: &[Pack]) -> Vec<Pack> {
        let pairs = a.iter().zip(b);
        pairs.map(|(a, b)| self.zip(a, b, a.lane, |g, a, b| g.e.builder.ins().select(cond, a, b))).collect()
    }

    fn store_leaf(&mut self, target: &Target<'a>, leaf: usize, at: Value, packs: &[Pack]) {
        let first = self.e.builder.ins().iadd_imm_s(at, leaf as i64 * LEAF);
        for ((output, array), pack) in target.outputs.iter().zip(&target.arrays).zip(packs) {
            let address = self.e.element_address(self.e.body.scalar(*output), *array, first);
            self.e.store_pack(pack, address);
        }
    }
}

/// A half of a vector.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    Low,
    High,
}
