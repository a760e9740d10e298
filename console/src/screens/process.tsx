// A process: what it is at, and its matrix.
import { ProcessFrame } from "../ui/process.tsx";
import { MatrixOf } from "./matrix.tsx";

export function Process({ names }: { names: Record<string, string> }) {
  return <ProcessFrame names={names}>{() => <MatrixOf process={names["id"] ?? ""} />}</ProcessFrame>;
}
