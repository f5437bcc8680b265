//! Setting variables over others.

use crate::value::{Map, Value};

/// What happens to dictionaries that are set twice (`hash_behaviour`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HashBehaviour {
    /// The later one replaces the earlier one.
    #[default]
    Replace,
    /// They are merged, at every depth.
    Merge,
}

/// Sets every entry of `over` in `base`.
pub fn combine(base: &mut Map, over: &Map, behaviour: HashBehaviour) {
    if behaviour == HashBehaviour::Replace || base.is_empty() {
        base.extend_with(over);
        return;
    }
    for (key, value) in over.iter() {
        let merged = match (base.get_value(key), value) {
            (Some(Value::Map(below)), Value::Map(above)) => {
                let mut below = below.clone();
                combine(&mut below, above, behaviour);
                Value::Map(below)
            }
            _ => value.clone(),
        };
        base.make_mut().insert(key.clone(), merged);
    }
}
