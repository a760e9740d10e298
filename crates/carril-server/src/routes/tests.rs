//! The table of routes keeps its own promises.

use super::{Need, ROUTES, Verb};
use carril::model::contract::Role;
use std::collections::BTreeSet;

#[test]
fn names_and_paths_are_unique() {
    let names: BTreeSet<_> = ROUTES.iter().map(|route| route.name).collect();
    let paths: BTreeSet<_> = ROUTES
        .iter()
        .map(|route| (route.path, route.verb.name()))
        .collect();
    assert_eq!((names.len(), paths.len()), (ROUTES.len(), ROUTES.len()));
}

#[test]
fn who_only_views_changes_nothing_and_who_is_nobody_learns_nothing() {
    for route in ROUTES {
        if route.verb != Verb::Get {
            let least = Need::Role(Role::Viewer);
            assert!(![Need::Nobody, least].contains(&route.need), "{route:?}");
        }
        if route.need == Need::Nobody {
            let open = ["/healthz", "/readyz", "/api/v1/openapi.json"];
            assert!(open.contains(&route.path), "{route:?}");
        }
    }
}
