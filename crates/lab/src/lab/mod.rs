//! A lab: its directory, its nodes, how it starts and how it ends.
