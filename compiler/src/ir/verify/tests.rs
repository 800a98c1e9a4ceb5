//! One kernel that holds all invariants, and for each invariant one that breaks it.

use super::{verify, verify_body};
use crate::{
    ir::{
        Binary, Block, Builder, Compare, Entity, FaultKind, Fold, Inst, Kernel, Nest, Op, Order, Sink, Site,
        Type, Unary, Value,
        testing::{fold, i64_type, kernel, nest, read, site},
    },
    math::{MathFn, Routine},
};
use pk_dsl::scalar::Scalar;

/// The message about a kernel of `n` and `x: [i64; n]` that `build` makes and `spoil` changes.
fn message_of(
    build: impl FnOnce(&mut Builder, Value, Value) -> Vec<Value>,
    spoil: impl FnOnce(&mut Kernel),
) -> String {
    let mut kernel = kernel(1, &[(Scalar::I64, &[0])], |b, sizes, params| build(b, sizes[0], params[0]));
    spoil(&mut kernel);
    verify(&kernel).err().map_or("valid".to_string(), |error| error.message)
}

fn message(build: impl FnOnce(&mut Builder, Value, Value) -> Vec<Value>) -> String {
    message_of(build, |_| {})
}

fn over(size: Value) -> Type {
    Type { scalar: Scalar::I64, shape: vec![size] }
}

/// The sum of `x`, and `x + 1`.
fn sum_and_successors(b: &mut Builder, n: Value, x: Value) -> Vec<Value> {
    let (zero, one) = (b.int(Scalar::I64, 0), b.int(Scalar::I64, 1));
    let fold = fold(b, Binary::Add, zero, Order::Ordered);
    let sinks = vec![Sink::Reduce { fold, on_empty: None }, Sink::Map];
    nest(b, &[n], sinks, vec![i64_type(), over(n)], |b, i| {
        let element = read(b, x, i[0]);
        vec![element, b.binary(Binary::Add, element, one)]
    })
}

/// A nest whose only sink takes the index.
fn nest_into(b: &mut Builder, dims: &[Value], sink: Sink, types: Vec<Type>) -> Vec<Value> {
    nest(b, dims, vec![sink], types, |_, i| vec![i[0]])
}

#[test]
fn what_holds_all_invariants_is_valid() {
    assert_eq!(message(sum_and_successors), "valid");
    let filter = message(|b, n, x| {
        let body = b.block(vec![i64_type()], |b, i| {
            let element = read(b, x, i[0]);
            vec![b.compare(Compare::Lt, element, n), element]
        });
        let count = Value::from_index(b.body().values.len());
        let sinks = vec![Sink::Filter { width: 1 }];
        let kept = b.multi(Op::Nest(Nest { dims: vec![n], body, sinks }), vec![i64_type(), over(count)]);
        vec![kept[1]]
    });
    assert_eq!(filter, "valid");
}

#[test]
fn ids_exist() {
    let spoil =
        |kernel: &mut Kernel| kernel.body.blocks[kernel.body.entry].results.push(Value::from_index(99));
    insta::assert_snapshot!(message_of(|_, _, _| vec![], spoil), @"v99 does not exist");
    let spoil = |kernel: &mut Kernel| kernel.body.blocks[kernel.body.entry].insts.push(Inst::from_index(50));
    insta::assert_snapshot!(message_of(|_, _, _| vec![], spoil), @"an instruction does not exist");
    let missing = Block::from_index(7);
    let text = message(|b, n, _| {
        let cond = b.compare(Compare::Eq, n, n);
        b.multi(Op::If { cond, then: missing, otherwise: missing }, vec![])
    });
    insta::assert_snapshot!(text, @"the block does not exist");
}

#[test]
fn blocks_and_instructions_stand_in_one_place() {
    let text = message(|b, n, _| {
        let cond = b.compare(Compare::Eq, n, n);
        let block = b.block(vec![], |_, _| vec![n]);
        b.multi(Op::If { cond, then: block, otherwise: block }, vec![i64_type()])
    });
    insta::assert_snapshot!(text, @"the block has two owners");
    let twice = |kernel: &mut Kernel| kernel.body.blocks[kernel.body.entry].insts.push(Inst::from_index(0));
    let text = message_of(|b, _, _| vec![b.constant(1i64)], twice);
    insta::assert_snapshot!(text, @"the instruction stands in two places");
    let stolen =
        |kernel: &mut Kernel| kernel.body.insts[Inst::from_index(0)].results[0] = Value::from_index(0);
    let text = message_of(|b, _, x| vec![b.convert(x, Scalar::F32)], stolen);
    insta::assert_snapshot!(text, @"v0 is defined as Result { inst: i0, index: 0 } but says Param { block: b0, index: 0 }");
}

#[test]
fn values_are_used_where_they_are_defined() {
    // A value of a nest's body, used outside of it.
    let text = message(|b, n, x| {
        sum_and_successors(b, n, x);
        let inner = b.body().blocks.iter().last().map(|(_, block)| block.params[0]);
        inner.into_iter().collect()
    });
    insta::assert_snapshot!(text, @"v7 is not defined here");
    let reversed = |kernel: &mut Kernel| kernel.body.blocks[kernel.body.entry].insts.reverse();
    let build = |b: &mut Builder, _, _| {
        let one = b.constant(1i64);
        vec![b.unary(Unary::Neg, one)]
    };
    insta::assert_snapshot!(message_of(build, reversed), @"v2 is not defined here");
}

#[test]
fn extents_are_integers_of_the_entry_block_defined_before() {
    let text = message(|b, n, _| {
        nest(b, &[n], vec![Sink::Map], vec![i64_type()], |b, i| {
            let row = vec![over(i[0])];
            nest(b, &[i[0]], vec![Sink::Map], row, |_, j| vec![j[0]]);
            vec![i[0]]
        })
    });
    insta::assert_snapshot!(text, @"the extent v2 is no value of the entry block");
    let text = message(|b, n, _| {
        let wide = b.convert(n, Scalar::F64);
        nest_into(b, &[n], Sink::Map, vec![over(wide)])
    });
    insta::assert_snapshot!(text, @"the extent v2 is no `i64`");
    let text = message(|b, n, _| {
        let later = Value::from_index(b.body().values.len() + 2);
        let made = nest_into(b, &[n], Sink::Map, vec![over(later)]);
        b.constant(1i64);
        made
    });
    insta::assert_snapshot!(text, @"the extent v4 of v3 is not defined yet");
}

#[test]
fn operations_are_typed() {
    let text = message(|b, n, _| {
        let one = b.constant(1i32);
        vec![b.binary(Binary::Add, n, one)]
    });
    insta::assert_snapshot!(text, @"the operands are (i64, i32), not scalars of one type");
    insta::assert_snapshot!(message(|b, n, _| vec![b.unary(Unary::Sqrt, n)]), @"there is no sqrt of i64");
    insta::assert_snapshot!(message(|b, n, _| vec![b.single(Op::Convert(n), over(n))]), @"the results are ([i64; v0]), not (i64)");
    insta::assert_snapshot!(message(|b, n, _| vec![b.bits(n, Scalar::F32)]), @"the bits of i64 do not make a f32");
    insta::assert_snapshot!(message(|b, n, _| vec![b.select(n, n, n)]), @"the operands are (i64), not (bool)");
    let text = message(|b, n, x| {
        let op = Op::Index { array: x, indices: vec![n, n], check: None };
        vec![b.single(op, i64_type())]
    });
    insta::assert_snapshot!(text, @"2 indices into 1 axes");
    let text = message(|b, n, _| {
        let two = b.constant(2i64);
        vec![b.single(Op::Array(vec![n]), over(two))]
    });
    insta::assert_snapshot!(text, @"1 elements in another extent");
}

#[test]
fn calls_are_of_functions_that_exist_with_their_arguments() {
    let call = |scalar, arg_count| {
        message(|b, _, _| {
            let args = vec![b.constant(1f32); arg_count];
            let routine = Routine { function: MathFn::Exp, scalar };
            vec![b.single(Op::Call { routine, args }, Type::scalar(scalar))]
        })
    };
    insta::assert_snapshot!(call(Scalar::F32, 1), @"valid");
    insta::assert_snapshot!(call(Scalar::F32, 2), @"the arguments are (f32, f32), not (f32)");
    insta::assert_snapshot!(call(Scalar::F64, 1), @"the arguments are (f32), not (f64)");
    insta::assert_snapshot!(call(Scalar::I64, 1), @"there is no Routine { function: Exp, scalar: I64 }");
}

#[test]
fn blocks_take_and_give_what_their_owner_says() {
    let text = message(|b, n, _| {
        let cond = b.compare(Compare::Eq, n, n);
        let then = b.block(vec![], |_, _| vec![n]);
        let otherwise = b.block(vec![], |_, _| vec![cond]);
        b.multi(Op::If { cond, then, otherwise }, vec![i64_type()])
    });
    insta::assert_snapshot!(text, @"the results of b2 are (bool), not (i64)");
    let text = message(|b, n, _| {
        let body = b.block(vec![i64_type()], |_, params| vec![params[0]]);
        b.multi(Op::Loop { start: n, end: n, init: vec![n], cond: None, body }, vec![i64_type()])
    });
    insta::assert_snapshot!(text, @"the parameters of b1 are (i64), not (i64, i64)");
    let text = message(|b, n, _| {
        let cond = b.block(vec![i64_type(); 2], |_, params| vec![params[0]]);
        let body = b.block(vec![i64_type(); 2], |_, params| vec![params[0]]);
        b.multi(Op::Loop { start: n, end: n, init: vec![n], cond: Some(cond), body }, vec![i64_type()])
    });
    insta::assert_snapshot!(text, @"the results of b1 are (i64), not (bool)");
}

#[test]
fn sinks_take_and_give_all_values_of_their_nest() {
    let text = message(|b, n, _| nest_into(b, &[n, n], Sink::Map, vec![over(n)]));
    insta::assert_snapshot!(text, @"the results are ([i64; v0]), not ([i64; v0, v0])");
    let text = message(|b, n, _| nest_into(b, &[n], Sink::Map, vec![over(n); 2]));
    insta::assert_snapshot!(text, @"more values or results than the sinks have");
    let filter = Sink::Filter { width: 1 };
    let text = message(|b, n, _| nest_into(b, &[n], filter, vec![i64_type(), over(n)]));
    insta::assert_snapshot!(text, @"too few values or results for the sinks");
    let text = message(|b, _, _| {
        let (three, four) = (b.constant(3i64), b.constant(4i64));
        nest_into(b, &[three], Sink::Map, vec![over(four)])
    });
    insta::assert_snapshot!(text, @"the results are ([i64; v3]), not ([i64; v2])");
}

#[test]
fn folds_are_of_scalars_of_one_width() {
    let text = message(|b, n, _| {
        let zero = b.constant(0i32);
        let fold = fold(b, Binary::Add, zero, Order::Ordered);
        nest_into(b, &[n], Sink::Scan { fold, exclusive: false }, vec![over(n)])
    });
    insta::assert_snapshot!(text, @"the neutral elements are (i32), not (i64)");
    let text = message(|b, n, _| {
        let op = b.block(vec![i64_type()], |_, params| vec![params[0]]);
        let fold = Fold { neutral: vec![n], op, order: Order::Ordered };
        nest_into(b, &[n], Sink::Reduce { fold, on_empty: None }, vec![i64_type()])
    });
    insta::assert_snapshot!(text, @"the parameters of b1 are (i64), not (i64, i64)");
    let text = message(|b, n, _| {
        let fold = fold(b, Binary::Add, n, Order::Ordered);
        nest_into(b, &[n, n], Sink::Reduce { fold, on_empty: None }, vec![i64_type()])
    });
    insta::assert_snapshot!(text, @"2 dimensions of a sink that takes one");
}

#[test]
fn checks_and_filters_stand_in_the_entry_block() {
    let text = message(|b, n, _| {
        nest(b, &[n], vec![Sink::Map], vec![over(n)], |b, i| {
            let cond = b.compare(Compare::Eq, n, i[0]);
            let site = site(FaultKind::NegativeSize, 0);
            b.inst(Op::Check { cond, site, values: vec![n] }, vec![]);
            vec![n]
        })
    });
    insta::assert_snapshot!(text, @"a check outside of the entry block");
    let text = message(|b, n, _| {
        nest(b, &[n], vec![Sink::Map], vec![over(n)], |b, i| {
            nest(b, &[n], vec![Sink::Filter { width: 0 }], vec![i64_type()], |b, j| {
                vec![b.compare(Compare::Lt, i[0], j[0])]
            })
        })
    });
    insta::assert_snapshot!(text, @"a filter outside of the entry block");
}

#[test]
fn sites_exist_and_have_the_kind_of_their_operation() {
    let read_at = |site| {
        message(|b, n, x| {
            let op = Op::Index { array: x, indices: vec![n], check: Some(site) };
            vec![b.single(op, i64_type())]
        })
    };
    insta::assert_snapshot!(read_at(site(FaultKind::OutOfBounds, 3)), @"valid");
    let text = read_at(site(FaultKind::EmptyReduction, 0));
    insta::assert_snapshot!(text, @"the site is one of EmptyReduction, not of OutOfBounds");
    insta::assert_snapshot!(read_at(Site::from_index(999)), @"the site s999 does not exist");
    let text = message(|b, n, _| {
        let cond = b.compare(Compare::Eq, n, n);
        b.inst(Op::Check { cond, site: site(FaultKind::SizeMismatch, 0), values: vec![n] }, vec![]);
        vec![n]
    });
    insta::assert_snapshot!(text, @"1 values are not what the message of s12 shows");
}

#[test]
fn the_signature_is_that_of_the_entry_block() {
    let fewer_sizes = |kernel: &mut Kernel| kernel.signature.sizes.clear();
    let text = message_of(|_, n, _| vec![n], fewer_sizes);
    insta::assert_snapshot!(text, @"the parameters are [(I64, 0), (I64, 1)] (type, rank), not [(I64, 1)]");
    let other_result = |kernel: &mut Kernel| kernel.signature.results[0].scalar = Scalar::F32;
    let text = message_of(|_, n, _| vec![n], other_result);
    insta::assert_snapshot!(text, @"the results are [(I64, 0)] (type, rank), not [(F32, 0)]");
}

#[test]
fn errors_say_where() {
    let (mut b, params) = Builder::new(vec![i64_type()]);
    let root = b.unary(Unary::Sqrt, params[0]);
    let error = verify_body(&b.finish(vec![root])).expect_err("the root of an integer");
    insta::assert_snapshot!(error, @"i0 `Unary(Sqrt, v0)`: there is no sqrt of i64");
}
