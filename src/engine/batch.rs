//! `serial`: how many hosts at once. Pure.

use super::keywords::as_number;
use mainstay_language::value::{Value, repr};

/// Sizes of the batches of `total` hosts: every entry counts against the total, percents are floored, at least 1; the
/// last entry repeats; 0 or less means all that are left.
///
/// # Errors
/// An entry that is neither a number nor a percent.
pub fn sizes(serial: Option<&Value>, total: usize) -> Result<Vec<usize>, String> {
    let entries: Vec<Value> = match serial {
        None | Some(Value::Null) => vec![],
        Some(Value::List(list)) => list.to_vec(),
        Some(one) => vec![one.clone()],
    };
    let counts = entries.iter().map(|entry| count(entry, total)).collect::<Result<Vec<_>, _>>()?;
    let mut left = total;
    let mut sizes = Vec::new();
    let mut next = 0;
    while left > 0 {
        let wanted = counts.get(next.min(counts.len().saturating_sub(1))).copied().unwrap_or(0);
        let size = if wanted == 0 { left } else { wanted.min(left) };
        sizes.push(size);
        left -= size;
        next += 1;
    }
    Ok(sizes)
}

/// A number or a percent of `total`; 0 stands for all.
fn count(entry: &Value, total: usize) -> Result<usize, String> {
    let text = mainstay_language::value::string(entry);
    if let Some(percent) = text.trim().strip_suffix('%') {
        let percent: f64 = percent.trim().parse().map_err(|_| wrong(entry))?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of a number of hosts, floored"
        )]
        let share = (percent / 100.0 * total as f64) as usize;
        return Ok(share.max(1));
    }
    let number = as_number(entry).ok_or_else(|| wrong(entry))?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number of hosts"
    )]
    Ok(if number <= 0.0 { 0 } else { number as usize })
}

fn wrong(entry: &Value) -> String {
    format!("serial: {} is neither a number of hosts nor a percent", repr(entry))
}

#[cfg(test)]
mod tests {
    use super::sizes;
    use mainstay_language::value::Value;

    #[test]
    fn counts_against_the_total() {
        // 10 hosts with [1, 30 %, 50 %]: observed with ansible-core.
        let serial = Value::list(vec![1.into(), "30%".into(), "50%".into()]);
        assert_eq!(sizes(Some(&serial), 10), Ok(vec![1, 3, 5, 1]));
        assert_eq!(sizes(Some(&Value::from(4)), 10), Ok(vec![4, 4, 2]));
        assert_eq!(sizes(Some(&"1%".into()), 3), Ok(vec![1, 1, 1]));
        assert_eq!(sizes(Some(&0.into()), 3), Ok(vec![3]));
        assert_eq!(sizes(None, 3), Ok(vec![3]));
        assert_eq!(sizes(None, 0), Ok(vec![]));
        assert!(sizes(Some(&"many".into()), 3).is_err());
    }
}
