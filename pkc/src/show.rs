//! Results for people: nested brackets, long axes shortened, lines of bearable length.

use pk::{Output, Outputs};
use std::fmt::Write;

/// Arrays with more elements are shortened.
const MAX_ELEMENTS: usize = 1000;

/// How much of a shortened axis is shown at each end.
const EDGE: usize = 3;

/// Where lines of numbers are broken.
const LINE_WIDTH: usize = 80;

/// All results, each with its name if it has one.
pub(crate) fn outputs(outputs: &Outputs) -> String {
    let mut text = String::new();
    for output in outputs.iter() {
        let label = if output.name().is_empty() { String::new() } else { format!("{}: ", output.name()) };
        text.push_str(&label);
        let indent = label.chars().count();
        array(&mut text, output, indent);
        text.push('\n');
    }
    text
}

fn array(text: &mut String, output: &Output, indent: usize) {
    let is_long = output.bytes().len() / output.scalar().bytes() > MAX_ELEMENTS;
    Printer { output, is_long }.axis(text, 0, 0, indent);
}

struct Printer<'a> {
    output: &'a Output,
    is_long: bool,
}

impl Printer<'_> {
    /// Writes the part of the array whose first elements have position `start`, from this axis inwards.
    fn axis(&self, text: &mut String, axis: usize, start: usize, indent: usize) {
        let Some((&len, inner)) = self.output.shape().get(axis..).and_then(<[usize]>::split_first) else {
            // Every position comes from the shape, so that there is an element.
            let element = self.output.element(start).map(|value| value.to_string()).unwrap_or_default();
            text.push_str(&element);
            return;
        };
        let stride: usize = inner.iter().product();
        text.push('[');
        match inner.is_empty() {
            true => self.row(text, start, len, indent + 1),
            false => self.blocks(text, axis, start, len, stride, indent + 1),
        }
        text.push(']');
    }

    /// The innermost axis: numbers side by side.
    fn row(&self, text: &mut String, start: usize, len: usize, indent: usize) {
        let mut width = indent;
        for (at, position) in self.shown(len).enumerate() {
            let mut item = String::new();
            match position {
                Some(position) => self.axis(&mut item, self.output.shape().len(), start + position, 0),
                None => item.push('…'),
            }
            let item_width = item.chars().count() + 2;
            if at > 0 {
                text.push(',');
                match width + item_width > LINE_WIDTH {
                    true => width = new_line(text, indent),
                    false => text.push(' '),
                }
            }
            text.push_str(&item);
            width += item_width;
        }
    }

    /// An outer axis: parts one below the other.
    fn blocks(&self, text: &mut String, axis: usize, start: usize, len: usize, stride: usize, indent: usize) {
        for (at, position) in self.shown(len).enumerate() {
            if at > 0 {
                text.push(',');
                new_line(text, indent);
            }
            match position {
                Some(position) => self.axis(text, axis + 1, start + position * stride, indent),
                None => text.push('…'),
            }
        }
    }

    /// The indices of an axis that are shown, with `None` for what is left out.
    fn shown(&self, len: usize) -> impl Iterator<Item = Option<usize>> {
        let is_shortened = self.is_long && len > 2 * EDGE;
        let (head, tail) = if is_shortened { (EDGE, len - EDGE) } else { (len, len) };
        let gap = is_shortened.then_some(None);
        (0..head).map(Some).chain(gap).chain((tail..len).map(Some))
    }
}

/// Starts a line; gives its width so far.
fn new_line(text: &mut String, indent: usize) -> usize {
    // Writing to a `String` cannot fail.
    let _ = write!(text, "\n{:indent$}", "");
    indent
}
