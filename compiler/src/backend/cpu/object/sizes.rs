//! Sizes: what the caller says is checked, what memory needs is computed, both without overflow.

use super::{status::Status, walk::Walk};
use crate::plan::{ArraySize, Extent, LEAF};
use cranelift_codegen::ir::{InstBuilder, Value, condcodes::IntCC, types};
use pk_dsl::{
    signature::{MAX_EXTENT, ParamType},
    size::Size,
};

/// A number, and 1 where it is too large for 64 bits.
#[derive(Clone, Copy)]
struct Checked {
    value: Value,
    overflows: Value,
}

impl Walk<'_, '_> {
    /// Refuses sizes that no array has.
    pub(super) fn check_sizes(&mut self) {
        let signature = &self.kernel.signature;
        for (number, size) in signature.sizes.iter().enumerate() {
            let value = self.sizes[number];
            let is_negative = self.builder.ins().icmp_imm_s(IntCC::SignedLessThan, value, 0);
            self.fail_if(
                is_negative,
                Status::NegativeSize,
                &format!("`{}` is negative", size.name),
                Some(value),
            );
            let most = MAX_EXTENT as i64;
            let is_large = self.builder.ins().icmp_imm_s(IntCC::SignedGreaterThan, value, most);
            self.fail_if(is_large, Status::TooLarge, &format!("`{}` is too large", size.name), Some(value));
        }
        for param in signature.params.iter().filter(|param| !param.dims.is_empty()) {
            self.check_dims(param);
        }
    }

    /// Refuses an array of which an axis or the whole is larger than memory. One with a single axis whose length is a
    /// size is never so.
    fn check_dims(&mut self, param: &ParamType) {
        if let [dim] = &param.dims[..]
            && dim.size.as_var().is_some()
        {
            return;
        }
        let signature = &self.kernel.signature;
        let mut extents = Vec::new();
        for dim in &param.dims {
            let Checked { value, overflows } = self.size(&dim.size);
            let text = signature.size_text(&dim.size);
            self.fail_if(overflows, Status::TooLarge, &format!("`{text}` is too large"), None);
            let is_negative = self.builder.ins().icmp_imm_s(IntCC::SignedLessThan, value, 0);
            self.fail_if(is_negative, Status::NegativeSize, &format!("`{text}` is negative"), Some(value));
            extents.push(value);
        }
        let count = self.product(&extents);
        self.checked_bytes(count, param.scalar.bytes());
    }

    /// The value of a size of the signature.
    fn size(&mut self, size: &Size) -> Checked {
        let mut sum = self.int(0);
        let mut overflows = self.builder.ins().iconst(types::I8, 0);
        for (vars, factor) in size.terms() {
            let mut product = self.int(factor);
            for var in vars {
                let var = self.sizes[var.0 as usize];
                let (value, is_over) = self.builder.ins().smul_overflow(product, var);
                product = value;
                overflows = self.builder.ins().bor(overflows, is_over);
            }
            let (value, is_over) = self.builder.ins().sadd_overflow(sum, product);
            sum = value;
            overflows = self.builder.ins().bor(overflows, is_over);
        }
        Checked { value: sum, overflows }
    }

    /// The value of an extent of the plan, which is not negative.
    fn extent(&mut self, extent: Extent) -> Value {
        let (slot, is_leaves) = match extent {
            Extent::Constant(value) => return self.int(value),
            Extent::Slot(slot) => (slot, false),
            Extent::LeavesOf(slot) => (slot, true),
        };
        let count = self.load_slot(types::I64, slot);
        let is_negative = self.builder.ins().icmp_imm_s(IntCC::SignedLessThan, count, 0);
        self.fail_too_large_if(is_negative);
        if is_leaves { self.leaves(count) } else { count }
    }

    /// The number of leaves of `count` elements.
    fn leaves(&mut self, count: Value) -> Value {
        let leaf = self.int(LEAF);
        let whole = self.builder.ins().udiv(count, leaf);
        let rest = self.builder.ins().urem(count, leaf);
        let has_rest = self.builder.ins().icmp_imm_s(IntCC::NotEqual, rest, 0);
        let one_more = self.builder.ins().uextend(types::I64, has_rest);
        self.builder.ins().iadd(whole, one_more)
    }

    /// The number of leaves of a domain with this extent.
    pub(super) fn leaves_of(&mut self, extent: Extent) -> Value {
        let count = self.extent(extent);
        self.leaves(count)
    }

    /// The number of elements of an array with these extents.
    pub(super) fn count(&mut self, extents: &[Extent]) -> Value {
        let extents: Vec<Value> = extents.iter().map(|extent| self.extent(*extent)).collect();
        let Checked { value, overflows } = self.product(&extents);
        self.fail_too_large_if(overflows);
        let is_negative = self.builder.ins().icmp_imm_s(IntCC::SignedLessThan, value, 0);
        self.fail_too_large_if(is_negative);
        value
    }

    /// The number of bytes of an array.
    pub(super) fn bytes(&mut self, size: &ArraySize) -> Value {
        let extents: Vec<Value> = size.extents.iter().map(|extent| self.extent(*extent)).collect();
        let count = self.product(&extents);
        self.checked_bytes(count, size.scalar.bytes())
    }

    /// The product of numbers that are not negative. An empty array has no elements, however large its other extents.
    fn product(&mut self, extents: &[Value]) -> Checked {
        let mut product = self.int(1);
        let mut overflows = self.builder.ins().iconst(types::I8, 0);
        let mut is_empty = self.builder.ins().iconst(types::I8, 0);
        for extent in extents {
            let (value, is_over) = self.builder.ins().umul_overflow(product, *extent);
            product = value;
            overflows = self.builder.ins().bor(overflows, is_over);
            let is_zero = self.builder.ins().icmp_imm_s(IntCC::Equal, *extent, 0);
            is_empty = self.builder.ins().bor(is_empty, is_zero);
        }
        let zero = self.int(0);
        let value = self.builder.ins().select(is_empty, zero, product);
        Checked { value, overflows: self.builder.ins().band_not(overflows, is_empty) }
    }

    /// The bytes of `count` elements: no more than an object of C can have.
    fn checked_bytes(&mut self, count: Checked, element: usize) -> Value {
        let element = self.int(element as i64);
        let (bytes, is_over) = self.builder.ins().umul_overflow(count.value, element);
        let is_negative = self.builder.ins().icmp_imm_s(IntCC::SignedLessThan, bytes, 0);
        let overflows = self.builder.ins().bor(count.overflows, is_over);
        let overflows = self.builder.ins().bor(overflows, is_negative);
        self.fail_too_large_if(overflows);
        bytes
    }

    fn fail_too_large_if(&mut self, cond: Value) {
        self.fail_if(cond, Status::TooLarge, "an array would be larger than memory can be", None);
    }
}
