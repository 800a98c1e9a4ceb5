//! The typing rules of the operations, one helper for each kind.

use super::{Verifier, ensure};
use crate::ir::{Binary, Block, Entity, FaultKind, Fold, InstData, Nest, Op, Sink, Site, Type, Unary, Value};
use pk_dsl::scalar::Scalar;

impl Verifier<'_> {
    /// Checks the types of an instruction whose ids all exist, and where it stands.
    pub(super) fn op(&self, inst: &InstData, is_in_entry: bool) -> Result<(), String> {
        let results = &inst.results[..];
        match &inst.op {
            Op::Const(value) => self.gives_scalar(results, value.scalar()),
            Op::Unary(op, a) => {
                let scalar = self.same_scalar(&[*a])?;
                ensure(unary_takes(*op, scalar), || format!("there is no {} of {scalar}", op.name()))?;
                self.gives_scalar(results, scalar)
            }
            Op::Binary(op, a, b) => {
                let scalar = self.same_scalar(&[*a, *b])?;
                ensure(binary_takes(*op, scalar), || format!("there is no {} of {scalar}", op.name()))?;
                self.gives_scalar(results, scalar)
            }
            Op::Compare(_, a, b) => {
                self.same_scalar(&[*a, *b])?;
                self.gives_scalar(results, Scalar::Bool)
            }
            Op::Fma(a, b, c) => {
                let scalar = self.same_scalar(&[*a, *b, *c])?;
                ensure(scalar.is_float(), || format!("there is no fma of {scalar}"))?;
                self.gives_scalar(results, scalar)
            }
            Op::Select(cond, a, b) => {
                self.is_scalar(*cond, Scalar::Bool)?;
                let scalar = self.same_scalar(&[*a, *b])?;
                self.gives_scalar(results, scalar)
            }
            Op::Convert(a) => {
                self.same_scalar(&[*a])?;
                self.gives_scalar(results, self.scalar_of_first(results)?)
            }
            Op::Bits(a) => self.bits(*a, results),
            Op::IntDiv { lhs, rhs, check, .. } => {
                let scalar = self.same_scalar(&[*lhs, *rhs])?;
                ensure(scalar.is_int(), || format!("there is no integer division of {scalar}"))?;
                self.site(*check, FaultKind::DivisionByZero)?;
                self.gives_scalar(results, scalar)
            }
            Op::Call { routine, args } => {
                ensure(routine.is_defined(), || format!("there is no {routine:?}"))?;
                let types = |scalars: Vec<Scalar>| scalars.into_iter().map(Type::scalar).collect::<Vec<_>>();
                self.have_types("arguments", args, &types(routine.params()))?;
                self.have_types("results", results, &types(routine.results()))
            }
            Op::If { cond, then, otherwise } => self.branch(*cond, *then, *otherwise, results),
            Op::Loop { start, end, init, cond, body } => {
                self.is_scalar(*start, Scalar::I64)?;
                self.is_scalar(*end, Scalar::I64)?;
                self.repeat(init, *cond, *body, results)
            }
            Op::Index { array, indices, check } => {
                let ty = self.body.ty(*array);
                let has_all = ty.is_array() && ty.shape.len() == indices.len();
                ensure(has_all, || format!("{} indices into {} axes", indices.len(), ty.shape.len()))?;
                indices.iter().try_for_each(|index| self.is_scalar(*index, Scalar::I64))?;
                self.site(*check, FaultKind::OutOfBounds)?;
                self.gives_scalar(results, ty.scalar)
            }
            Op::Array(elements) => self.array(elements, results),
            Op::Nest(nest) => self.nest(nest, results, is_in_entry),
            Op::Check { cond, site, values } => {
                ensure(is_in_entry, || "a check outside of the entry block".to_string())?;
                self.is_scalar(*cond, Scalar::Bool)?;
                values.iter().try_for_each(|value| self.is_scalar(*value, Scalar::I64))?;
                self.check_site(*site, values.len())?;
                self.have_types("results", results, &[])
            }
        }
    }

    fn bits(&self, operand: Value, results: &[Value]) -> Result<(), String> {
        let (from, to) = (self.same_scalar(&[operand])?, self.scalar_of_first(results)?);
        ensure(from.bytes() == to.bytes(), || format!("the bits of {from} do not make a {to}"))?;
        self.gives_scalar(results, to)
    }

    fn array(&self, elements: &[Value], results: &[Value]) -> Result<(), String> {
        let ty = self.body.ty(*results.first().ok_or("there is no result")?);
        elements.iter().try_for_each(|element| self.is_scalar(*element, ty.scalar))?;
        ensure(ty.shape.len() == 1, || format!("{} axes of an array of scalars", ty.shape.len()))?;
        let extent = self.body.constant(ty.shape[0]).and_then(|extent| extent.as_int());
        let fits = extent.is_none_or(|extent| extent == elements.len() as i128);
        ensure(fits, || format!("{} elements in another extent", elements.len()))
    }

    fn branch(&self, cond: Value, then: Block, otherwise: Block, results: &[Value]) -> Result<(), String> {
        self.is_scalar(cond, Scalar::Bool)?;
        for block in [then, otherwise] {
            self.block_takes(block, &[])?;
            self.block_gives(block, &self.types(results))?;
        }
        Ok(())
    }

    fn repeat(
        &self,
        init: &[Value],
        cond: Option<Block>,
        body: Block,
        results: &[Value],
    ) -> Result<(), String> {
        let carried = self.types(init);
        let params = [vec![Type::scalar(Scalar::I64)], carried.clone()].concat();
        if let Some(cond) = cond {
            self.block_takes(cond, &params)?;
            self.block_gives(cond, &[Type::scalar(Scalar::Bool)])?;
        }
        self.block_takes(body, &params)?;
        self.block_gives(body, &carried)?;
        self.have_types("results", results, &carried)
    }

    fn nest(&self, nest: &Nest, results: &[Value], is_in_entry: bool) -> Result<(), String> {
        ensure(!nest.dims.is_empty(), || "a nest without dimensions".to_string())?;
        nest.dims.iter().try_for_each(|dim| self.is_extent(*dim))?;
        self.block_takes(nest.body, &vec![Type::scalar(Scalar::I64); nest.dims.len()])?;
        let mut values = &self.body.blocks[nest.body].results[..];
        let mut results = results;
        for sink in &nest.sinks {
            let one_dimension = matches!(sink, Sink::Map) || nest.dims.len() == 1;
            ensure(one_dimension, || format!("{} dimensions of a sink that takes one", nest.dims.len()))?;
            let has_all = sink.takes() <= values.len() && sink.gives() <= results.len();
            ensure(has_all, || "too few values or results for the sinks".to_string())?;
            let (taken, values_left) = values.split_at(sink.takes());
            let (given, results_left) = results.split_at(sink.gives());
            self.sink(nest, sink, taken, given, is_in_entry)?;
            (values, results) = (values_left, results_left);
        }
        ensure(values.is_empty() && results.is_empty(), || {
            "more values or results than the sinks have".to_string()
        })
    }

    fn sink(
        &self,
        nest: &Nest,
        sink: &Sink,
        taken: &[Value],
        given: &[Value],
        is_in_entry: bool,
    ) -> Result<(), String> {
        match sink {
            Sink::Map => self.have_types("results", given, &self.arrays(&nest.dims, taken)),
            Sink::Reduce { fold, on_empty } => {
                self.site(*on_empty, FaultKind::EmptyReduction)?;
                self.fold(fold, taken)?;
                self.have_types("results", given, &self.types(taken))
            }
            Sink::Scan { fold, .. } => {
                self.fold(fold, taken)?;
                self.have_types("results", given, &self.arrays(&nest.dims, taken))
            }
            Sink::Filter { .. } => {
                ensure(is_in_entry, || "a filter outside of the entry block".to_string())?;
                self.is_scalar(taken[0], Scalar::Bool)?;
                self.is_scalar(given[0], Scalar::I64)?;
                self.have_types("results", &given[1..], &self.arrays(&given[..1], &taken[1..]))?;
                let counted = given[1..].iter().all(|column| self.body.ty(*column).shape[0] == given[0]);
                ensure(counted, || "a column whose extent is not the count".to_string())
            }
            Sink::ReduceByIndex { bins, fold } => {
                self.is_extent(*bins)?;
                self.is_scalar(taken[0], Scalar::I64)?;
                self.fold(fold, &taken[1..])?;
                self.have_types("results", given, &self.arrays(&[*bins], &taken[1..]))
            }
        }
    }

    fn fold(&self, fold: &Fold, operands: &[Value]) -> Result<(), String> {
        ensure(fold.width() > 0, || "a fold of no components".to_string())?;
        let types = self.types(operands);
        ensure(types.iter().all(|ty| !ty.is_array()), || "a fold of arrays".to_string())?;
        self.have_types("neutral elements", &fold.neutral, &types)?;
        self.block_takes(fold.op, &[&types[..], &types[..]].concat())?;
        self.block_gives(fold.op, &types)
    }

    /// The types of arrays of `elements` over `dims`.
    fn arrays(&self, dims: &[Value], elements: &[Value]) -> Vec<Type> {
        let array = |element: &Value| {
            let ty = self.body.ty(*element);
            Type { scalar: ty.scalar, shape: [dims, &ty.shape].concat() }
        };
        elements.iter().map(array).collect()
    }

    fn site(&self, site: Option<Site>, kind: FaultKind) -> Result<(), String> {
        match site.map(|site| self.kind_of(site)).transpose()?.flatten() {
            Some(found) => ensure(found == kind, || format!("the site is one of {found:?}, not of {kind:?}")),
            None => Ok(()),
        }
    }

    fn check_site(&self, site: Site, value_count: usize) -> Result<(), String> {
        let has_values = match self.kind_of(site)? {
            Some(FaultKind::SizeMismatch) => value_count == 2,
            Some(FaultKind::NegativeSize) => value_count == 1,
            Some(FaultKind::SizeOverflow) => value_count == 0,
            _ => value_count <= 2,
        };
        ensure(has_values, || format!("{value_count} values are not what the message of {site} shows"))
    }

    /// The kind of a site; `None` where sites are not known.
    fn kind_of(&self, site: Site) -> Result<Option<FaultKind>, String> {
        let Some(sites) = self.sites else {
            return Ok(None);
        };
        ensure(site.index() < sites.len(), || format!("the site {site} does not exist"))?;
        Ok(Some(sites[site].kind))
    }

    fn types(&self, values: &[Value]) -> Vec<Type> {
        values.iter().map(|value| self.body.ty(*value).clone()).collect()
    }

    fn block_takes(&self, block: Block, types: &[Type]) -> Result<(), String> {
        self.have_types(&format!("parameters of {block}"), &self.body.blocks[block].params, types)
    }

    fn block_gives(&self, block: Block, types: &[Type]) -> Result<(), String> {
        self.have_types(&format!("results of {block}"), &self.body.blocks[block].results, types)
    }

    fn have_types(&self, what: &str, values: &[Value], types: &[Type]) -> Result<(), String> {
        let found = self.types(values);
        let agree =
            found.len() == types.len() && found.iter().zip(types).all(|(a, b)| self.may_be_same(a, b));
        ensure(agree, || format!("the {what} are {}, not {}", type_list(&found), type_list(types)))
    }

    /// Whether nothing shows the two types to differ.
    fn may_be_same(&self, a: &Type, b: &Type) -> bool {
        let differ = |(a, b): (&Value, &Value)| match (self.body.constant(*a), self.body.constant(*b)) {
            (Some(a), Some(b)) => a != b,
            _ => false,
        };
        a.scalar == b.scalar && a.shape.len() == b.shape.len() && !a.shape.iter().zip(&b.shape).any(differ)
    }

    fn gives_scalar(&self, results: &[Value], scalar: Scalar) -> Result<(), String> {
        self.have_types("results", results, &[Type::scalar(scalar)])
    }

    fn scalar_of_first(&self, results: &[Value]) -> Result<Scalar, String> {
        results
            .first()
            .map(|result| self.body.scalar(*result))
            .ok_or_else(|| "there is no result".to_string())
    }

    fn is_scalar(&self, value: Value, scalar: Scalar) -> Result<(), String> {
        self.have_types("operands", &[value], &[Type::scalar(scalar)])
    }

    /// The type that all of `operands`, scalars, have.
    fn same_scalar(&self, operands: &[Value]) -> Result<Scalar, String> {
        let types = self.types(operands);
        let are_same = types.iter().all(|ty| !ty.is_array() && *ty == types[0]);
        ensure(are_same, || format!("the operands are {}, not scalars of one type", type_list(&types)))?;
        Ok(types[0].scalar)
    }
}

fn type_list(types: &[Type]) -> String {
    let text = |ty: &Type| match ty.is_array() {
        true => {
            let extents: Vec<_> = ty.shape.iter().map(|extent| extent.to_string()).collect();
            format!("[{}; {}]", ty.scalar, extents.join(", "))
        }
        false => ty.scalar.to_string(),
    };
    format!("({})", types.iter().map(text).collect::<Vec<_>>().join(", "))
}

fn unary_takes(op: Unary, scalar: Scalar) -> bool {
    match op {
        Unary::Neg | Unary::Abs => scalar.is_numeric(),
        Unary::Not => !scalar.is_float(),
        Unary::Sqrt | Unary::Floor | Unary::Ceil | Unary::Trunc | Unary::Rint => scalar.is_float(),
        Unary::Popcount | Unary::Clz | Unary::Ctz => scalar.is_int(),
    }
}

fn binary_takes(op: Binary, scalar: Scalar) -> bool {
    match op {
        Binary::Add | Binary::Sub | Binary::Mul => scalar.is_numeric(),
        Binary::Div | Binary::Copysign => scalar.is_float(),
        Binary::Min | Binary::Max => true,
        Binary::And | Binary::Or | Binary::Xor => !scalar.is_float(),
        Binary::Shl | Binary::Shr | Binary::Rotl | Binary::Rotr => scalar.is_int(),
    }
}
