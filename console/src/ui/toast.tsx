// Short messages at the foot of the page, read out by screen readers.
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';

interface Toast {
  id: number;
  text: string;
  tone: 'good' | 'warn';
}

const STAY_MS = 5_000;
let serial = 0;
let toasts: Toast[] = [];
let changed: () => void = () => {};

export function toast(text: string, tone: 'good' | 'warn' = 'good'): void {
  const id = ++serial;
  toasts = [...toasts.slice(-2), { id, text, tone }];
  changed();
  setTimeout(() => {
    toasts = toasts.filter((one) => one.id !== id);
    changed();
  }, STAY_MS);
}

export function Toasts(): JSX.Element {
  const [, redraw] = useState(0);
  useEffect(() => {
    changed = () => redraw((n) => n + 1);
  }, []);
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.map((one) => (
        <p key={one.id} class={`toast ${one.tone}`}>
          {one.text}
        </p>
      ))}
    </div>
  );
}
