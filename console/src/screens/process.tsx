// A process, at a glance.
import { ProcessFrame } from "../ui/process.tsx";

export function Process({ names }: { names: Record<string, string> }) {
  return <ProcessFrame names={names}>{() => null}</ProcessFrame>;
}
