//! Bringing elements into the order of this machine and of row-major arrays.

/// Reverses the bytes of each element of `width` bytes.
pub(super) fn swap_bytes(bytes: &mut [u8], width: usize) {
    bytes.chunks_exact_mut(width).for_each(<[u8]>::reverse);
}

/// The elements of `bytes`, in which the first axis of `shape` varies fastest, so that the last one does; `None` if
/// there is no memory for it.
pub(super) fn to_row_major(bytes: &[u8], shape: &[usize], width: usize) -> Option<Vec<u8>> {
    let mut ordered = Vec::new();
    ordered.try_reserve_exact(bytes.len()).ok()?;
    let strides: Vec<usize> = shape
        .iter()
        .scan(width, |stride, extent| {
            let this = *stride;
            *stride = this.saturating_mul(*extent);
            Some(this)
        })
        .collect();
    let mut index = vec![0; shape.len()];
    while ordered.len() < bytes.len() {
        let from: usize = index.iter().zip(&strides).map(|(at, stride)| at * stride).sum();
        ordered.extend_from_slice(&bytes[from..from + width]);
        advance(&mut index, shape);
    }
    Some(ordered)
}

/// The next index in row-major order.
fn advance(index: &mut [usize], shape: &[usize]) {
    for (at, extent) in index.iter_mut().zip(shape).rev() {
        *at += 1;
        if *at < *extent {
            return;
        }
        *at = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_axis_varies_fastest_afterwards() {
        assert_eq!(to_row_major(&[1, 4, 2, 5, 3, 6], &[2, 3], 1), Some(vec![1, 2, 3, 4, 5, 6]));
        let pairs = [0, 1, 2, 3, 4, 5, 6, 7];
        assert_eq!(to_row_major(&pairs, &[2, 2], 2), Some(vec![0, 1, 4, 5, 2, 3, 6, 7]));
        let cube: Vec<u8> = (0..8).collect();
        assert_eq!(to_row_major(&cube, &[2, 2, 2], 1), Some(vec![0, 4, 2, 6, 1, 5, 3, 7]));
    }

    #[test]
    fn bytes_are_swapped_within_elements() {
        let mut bytes = [1, 2, 3, 4];
        swap_bytes(&mut bytes, 2);
        assert_eq!(bytes, [2, 1, 4, 3]);
    }
}
