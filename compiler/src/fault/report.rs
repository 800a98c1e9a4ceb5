//! A fault in the user's terms.

use super::Fault;
use crate::ir::{FaultKind, Kernel, SiteData};
use pk_dsl::{codes::Code, diagnostic::Diagnostic};

impl Fault {
    /// What to tell the user of this fault in `kernel`, launched for these sizes; `None` if the kernel has no such site.
    pub fn diagnostic(&self, kernel: &Kernel, sizes: &[i64]) -> Option<Diagnostic> {
        let (_, site) = kernel.sites.iter().find(|(site, _)| *site == self.site)?;
        let place = self.place(kernel, sizes);
        let text = |at: usize| site.texts.get(at).map_or("?", String::as_str);
        let error = |code, message: String| Diagnostic::error(code, site.span, message);
        let (index, length) = (self.index, self.length);
        let diagnostic = match site.kind {
            FaultKind::OutOfBounds => self.out_of_bounds(site, &place),
            FaultKind::DivisionByZero => {
                error(Code::DivisionByZero, "division by zero".to_string()).label(place)
            }
            FaultKind::EmptyReduction => empty_reduction(site),
            FaultKind::SizeMismatch => {
                let message = format!("`{}` is {index}, but `{}` is {length}", text(0), text(1));
                error(Code::SizeMismatch, message).label(format!("{index} here"))
            }
            FaultKind::NegativeSize => {
                error(Code::NegativeSize, format!("the size `{}` is {index}", text(0)))
                    .label("must not be negative")
            }
            FaultKind::SizeOverflow => error(Code::TooLarge, format!("the size `{}` is too large", text(0))),
        };
        let is_mismatch = site.kind == FaultKind::SizeMismatch;
        let note = if is_mismatch { format!("{length} here") } else { String::new() };
        Some(
            site.other
                .into_iter()
                .fold(diagnostic, |diagnostic, other| diagnostic.other(other, note.clone())),
        )
    }

    fn out_of_bounds(&self, site: &SiteData, place: &str) -> Diagnostic {
        // In a fold there is no one index to speak of.
        if self.element == Fault::IN_FOLD {
            return Diagnostic::error(Code::OutOfBounds, site.span, "an index outside its array")
                .label(place);
        }
        // Every index misses, so that none is worth a word; and the edge views have no element to give.
        if self.length == 0 {
            let array = site.texts.first().map_or("an array".to_string(), |name| format!("`{name}`"));
            return Diagnostic::error(
                Code::OutOfBounds,
                site.span,
                format!("reading {array}, which is empty"),
            )
            .label(place)
            .help("`x.get(i, default)` and `pad_edges(x, value)` have values even then");
        }
        let (index, length) = (self.index, self.length);
        let message = match site.texts.first() {
            Some(name) => format!("index {index} is outside of `{name}`, which has length {length}"),
            None => format!("index {index} is outside of an array of length {length}"),
        };
        Diagnostic::error(Code::OutOfBounds, site.span, message)
            .label(place)
            .help("`x.get(i, default)` and the edge views accept any index")
    }

    /// In which element of what the kernel computes; empty if in none.
    fn place(&self, kernel: &Kernel, sizes: &[i64]) -> String {
        match (self.element, self.position(kernel, sizes).as_deref()) {
            (Fault::OUTSIDE, _) => String::new(),
            (Fault::IN_FOLD, _) => "in the operator of a reduction".to_string(),
            (_, Some(position @ [_, _, ..])) => format!("in element {position:?}"),
            (element, _) => format!("in element {element}"),
        }
    }
}

fn empty_reduction(site: &SiteData) -> Diagnostic {
    let error = |message: String| Diagnostic::error(Code::EmptyReduction, site.span, message);
    match site.texts.first() {
        Some(name) => error(format!("`{name}` of an empty array"))
            .help("test the length first: `if len(x) > 0 { … } else { … }`"),
        None => error("reduction of an empty array".to_string())
            .label("has no neutral element")
            .help("give a neutral element: `reduce(x, neutral, f)`"),
    }
}
