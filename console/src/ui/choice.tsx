// One of a few: buttons side by side, of which one is pressed.

export function Choice<Value extends string>({
  name,
  value,
  choices,
  choose,
}: {
  name: string;
  value: Value;
  choices: readonly (readonly [Value, string])[];
  choose: (value: Value) => void;
}) {
  return (
    <div class="choice" role="group" aria-label={name}>
      {choices.map(([key, label]) => (
        <button type="button" aria-pressed={key === value} onClick={() => choose(key)}>
          {label}
        </button>
      ))}
    </div>
  );
}
