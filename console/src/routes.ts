// Every view: its address, its screen, and where it is linked. A view that is not in this table does not exist.
import type { ComponentType } from "preact";
import { match } from "./router.ts";
import { Audit } from "./screens/audit.tsx";
import { Contention } from "./screens/contention.tsx";
import { contentionWords } from "./screens/contention.text.ts";
import { Execution } from "./screens/execution.tsx";
import { executionWords } from "./screens/execution.text.ts";
import { Home } from "./screens/home.tsx";
import { homeWords } from "./screens/home.text.ts";
import { Launch } from "./screens/launch.tsx";
import { launchWords } from "./screens/launch.text.ts";
import { Locks } from "./screens/locks.tsx";
import { Nodes } from "./screens/nodes.tsx";
import { Process } from "./screens/process.tsx";
import { processWords } from "./screens/process.text.ts";
import { OneResource, Resources } from "./screens/resources.tsx";
import { resourcesWords } from "./screens/resources.text.ts";
import { systemWords } from "./screens/system.text.ts";
import { Timeline } from "./screens/timeline.tsx";
import { timelineWords } from "./screens/timeline.text.ts";
import { Tokens } from "./screens/tokens.tsx";

/** What a screen is handed: the values of `:name` in its address. */
export type Names = Record<string, string>;

export interface Route {
  /** As in `/processes/:id`. */
  path: string;
  screen: ComponentType<{ names: Names }>;
  /** What it is called, in links and in the window's title. */
  title: () => string;
  /** Where it is linked: in the bar at the top, or as a tab of every process (its address then holds `:id`). */
  link?: "bar" | "process";
}

export const routes: readonly Route[] = [
  { path: "/", screen: Home, title: () => homeWords().title, link: "bar" },
  { path: "/launch", screen: Launch, title: () => launchWords().title, link: "bar" },
  { path: "/processes/:id", screen: Process, title: () => processWords().matrix, link: "process" },
  { path: "/processes/:id/timeline", screen: Timeline, title: () => timelineWords().title, link: "process" },
  { path: "/processes/:id/contention", screen: Contention, title: () => contentionWords().title, link: "process" },
  { path: "/executions/:id", screen: Execution, title: () => executionWords().title },
  { path: "/resources", screen: Resources, title: () => resourcesWords().title, link: "bar" },
  { path: "/resources/:name", screen: OneResource, title: () => resourcesWords().one },
  { path: "/locks", screen: Locks, title: () => contentionWords().locksTitle, link: "bar" },
  { path: "/nodes", screen: Nodes, title: () => systemWords().nodes, link: "bar" },
  { path: "/audit", screen: Audit, title: () => systemWords().audit, link: "bar" },
  { path: "/tokens", screen: Tokens, title: () => systemWords().tokens, link: "bar" },
];

/** The view at a path. */
export function viewAt(path: string): { route: Route; names: Names } | null {
  for (const route of routes) {
    const names = match(route.path, path);
    if (names !== null) return { route, names };
  }
  return null;
}
