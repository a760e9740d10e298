// Nodes: the engines that are at work on the store.
import { useRead } from "../state/read.ts";
import { cli, CopyAs, curl } from "../ui/copy.tsx";
import { count, span } from "../ui/format.ts";
import { Table } from "../ui/table.tsx";
import { Ago, Since } from "../ui/time.tsx";
import { Empty, Told } from "../ui/told.tsx";
import { systemWords } from "./system.text.ts";

export function Nodes() {
  const words = systemWords();
  const read = useRead("/api/v1/nodes", { on: () => true, pace: 2_000 });
  return (
    <>
      <h1 class="unseen">{words.nodes}</h1>
      <div class="tools">
        <CopyAs command={cli("nodes")} request={curl("GET", "/api/v1/nodes")} />
      </div>
      <Told read={read}>
        {(page) =>
          page.nodes.length === 0 ? (
            <Empty title={words.noNodes}>{words.noNodesHelp}</Empty>
          ) : (
            <Table
              name={words.nodesTable}
              rows={page.nodes}
              id={(node) => node.id ?? `${node.host} ${node.pid}`}
              columns={[
                { head: words.node, kind: "number", cell: (node) => node.id ?? <span class="faint">{words.alone}</span> },
                { head: words.host, cell: (node) => node.host },
                { head: words.pid, kind: "number", cell: (node) => node.pid },
                { head: words.command, kind: "wide", cell: (node) => <code>{node.command}</code> },
                { head: words.lanes, kind: "number", cell: (node) => (node.lanes_busy == null ? "" : count(node.lanes_busy)) },
                { head: words.since, kind: "number", cell: (node) => node.since != null && <Since at={node.since} /> },
                { head: words.seen, kind: "number", cell: (node) => node.last_seen != null && <Ago at={node.last_seen} /> },
                { head: words.lease, kind: "number", cell: (node) => (node.lease_left_micros == null ? "" : span(node.lease_left_micros)) },
              ]}
            />
          )
        }
      </Told>
    </>
  );
}
