//! `-w table`.

/// Headings in the middle, text in the middle too, numbers and states to the right: as etcd's tables are.
pub(super) fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(String::len);
        cells.chain(headings.get(column).map(|heading| heading.len())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let line: String =
        widths.iter().map(|width| format!("+{}", "-".repeat(width + 2))).collect::<String>()
            + "+\n";
    let heading: String = headings
        .iter()
        .zip(&widths)
        .map(|(text, width)| format!("| {text:^width$} "))
        .collect::<String>()
        + "|\n";
    let body: String = rows
        .iter()
        .map(|row| {
            row.iter()
                .zip(&widths)
                .map(|(cell, width)| format!("| {cell:>width$} "))
                .collect::<String>()
                + "|\n"
        })
        .collect();
    format!("{line}{heading}{line}{body}{line}")
}

#[cfg(test)]
mod tests {
    /// etcdctl 3.6.8.
    #[test]
    fn as_etcdctl_draws_it() {
        let row = [
            "1bcb160585bc8a70",
            "started",
            "cp1",
            "https://172.30.0.11:2380",
            "https://172.30.0.11:2379",
            "false",
        ];
        let headings = ["ID", "STATUS", "NAME", "PEER ADDRS", "CLIENT ADDRS", "IS LEARNER"];
        assert_eq!(
            super::table(&headings, &[row.map(str::to_owned).to_vec()]),
            "+------------------+---------+------+--------------------------+--------------------------+------------+\n\
             |        ID        | STATUS  | NAME |        PEER ADDRS        |       CLIENT ADDRS       | IS LEARNER |\n\
             +------------------+---------+------+--------------------------+--------------------------+------------+\n\
             | 1bcb160585bc8a70 | started |  cp1 | https://172.30.0.11:2380 | https://172.30.0.11:2379 |      false |\n\
             +------------------+---------+------+--------------------------+--------------------------+------------+\n"
        );
    }
}
