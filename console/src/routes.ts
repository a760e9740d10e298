// Every view: its address, its screen, and where it is linked. A view that is not in this table does not exist.
import type { ComponentType } from "preact";
import { match } from "./router.ts";
import { Home } from "./screens/home.tsx";
import { homeWords } from "./screens/home.text.ts";
import { Launch } from "./screens/launch.tsx";
import { launchWords } from "./screens/launch.text.ts";
import { Process } from "./screens/process.tsx";
import { processWords } from "./screens/process.text.ts";

/** What a screen is handed: the values of `:name` in its address. */
export type Names = Record<string, string>;

export interface Route {
  /** As in `/processes/:id`. */
  path: string;
  screen: ComponentType<{ names: Names }>;
  /** What it is called, in links and in the window's title. */
  title: () => string;
  /** Where it is linked: in the bar at the top, or as a tab of every process or execution (its address then holds `:id`). */
  link?: "bar" | "process" | "execution";
}

export const routes: readonly Route[] = [
  { path: "/", screen: Home, title: () => homeWords().title, link: "bar" },
  { path: "/launch", screen: Launch, title: () => launchWords().title, link: "bar" },
  { path: "/processes/:id", screen: Process, title: () => processWords().matrix, link: "process" },
];

/** The view at a path. */
export function viewAt(path: string): { route: Route; names: Names } | null {
  for (const route of routes) {
    const names = match(route.path, path);
    if (names !== null) return { route, names };
  }
  return null;
}
