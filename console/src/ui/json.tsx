// JSON that strangers sent, as a tree of text nodes; what is long or deep is folded.
import type { JSX } from 'preact';

const FOLD_BELOW = 2;
const ITEMS_MAX = 200;
const TEXT_MAX = 2_000;

export function Json(props: { value: unknown; depth?: number }): JSX.Element {
  const { value, depth = 0 } = props;
  if (value === null || typeof value !== 'object') return <Scalar value={value} />;
  const entries: [string, unknown][] = Array.isArray(value)
    ? value.slice(0, ITEMS_MAX).map((item, i) => [String(i), item])
    : Object.entries(value).slice(0, ITEMS_MAX);
  const size = Array.isArray(value) ? value.length : Object.keys(value).length;
  const label = Array.isArray(value) ? `[${size}]` : `{${size}}`;
  if (size === 0) return <span class="json-mark">{Array.isArray(value) ? '[]' : '{}'}</span>;
  return (
    <details class="json" open={depth < FOLD_BELOW && size <= 20}>
      <summary class="json-mark">{label}</summary>
      <ul>
        {entries.map(([name, item]) => (
          <li key={name}>
            <span class="json-name">{name}</span>
            <span class="json-mark">: </span>
            <Json value={item} depth={depth + 1} />
          </li>
        ))}
        {size > ITEMS_MAX && <li class="json-mark">… {size - ITEMS_MAX} more</li>}
      </ul>
    </details>
  );
}

function Scalar({ value }: { value: unknown }): JSX.Element {
  if (typeof value !== 'string') return <span class={`json-${value === null ? 'null' : typeof value}`}>{String(value)}</span>;
  const text = value.length > TEXT_MAX ? `${value.slice(0, TEXT_MAX)}…` : value;
  return <span class="json-string">{JSON.stringify(text)}</span>;
}

// One line of it.
export function brief(value: unknown, length = 120): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    text = String(value);
  }
  if (text === undefined) return '';
  return text.length > length ? `${text.slice(0, length)}…` : text;
}
