// A process: what it is at, and its matrix, which is read beside it and not after it.
import { useRef } from "preact/hooks";
import { ProcessFrame } from "../ui/process.tsx";
import { MatrixOf } from "./matrix.tsx";
import { useMatrix } from "./matrix/use.ts";

export function Process({ names }: { names: Record<string, string> }) {
  const process = names["id"] ?? "";
  const paint = useRef(() => {});
  const known = useMatrix(process, () => paint.current());
  return <ProcessFrame names={names}>{() => <MatrixOf process={process} known={known} paint={paint} />}</ProcessFrame>;
}
