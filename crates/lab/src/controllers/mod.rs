//! What makes a cluster alive: workloads, budgets, the scheduler, kubelets.
