// The console's own icons: strokes on a grid of 20.
import type { JSX } from 'preact';

const paths = {
  overview: 'M3 17V9m5 8V4m5 13v-6m4 6V7',
  key: 'M7 16.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7m2.5-6 7-7m-3 3 2.5 2.5',
  plug: 'M7 3v4m6-4v4M5 7h10v3a5 5 0 0 1-10 0zm5 8v3',
  channel: 'M8 3 6 17M14 3l-2 14M3.5 7.5h14m-15 5h14',
  stream: 'M3 5h14M3 10h9m-9 5h12',
  play: 'M6 4v12l10-6z',
  settings: 'M3 6h8m4 0h2M3 14h2m4 0h8M13 4v4M7 12v4',
  people: 'M7.5 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6M2 17c0-3 2.5-5 5.5-5s5.5 2 5.5 5M13 4a2.8 2.8 0 0 1 0 5.4M15 12.5c1.8.7 3 2.3 3 4.5',
  audit: 'M5 3h7l3 3v11H5zM8 9h4m-4 3h4',
  docs: 'M10 5C8 3.5 5.5 3.5 3 4v12c2.5-.5 5-.5 7 1 2-1.5 4.5-1.5 7-1V4c-2.5-.5-5-.5-7 1m0 0v12',
  home: 'M3 9l7-6 7 6v8h-5v-5H8v5H3z',
  user: 'M10 10a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7M3.5 17.5c.5-3.5 3-5 6.5-5s6 1.5 6.5 5',
  copy: 'M7 7h10v10H7zM13 7V3H3v10h4',
  check: 'M4 10.5l4 4 8-9',
  close: 'M5 5l10 10M15 5L5 15',
  plus: 'M10 4v12M4 10h12',
  search: 'M9 15A6 6 0 1 0 9 3a6 6 0 0 0 0 12m4.5-1.5L17 17',
  sun: 'M10 13.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7M10 2v1.5m0 13V18M2 10h1.5m13 0H18M4.3 4.3l1.1 1.1m9.2 9.2 1.1 1.1m0-11.4-1.1 1.1m-9.2 9.2-1.1 1.1',
  moon: 'M16.5 12A7 7 0 0 1 8 3.5 7 7 0 1 0 16.5 12',
  screen: 'M3 4h14v9H3zM7 17h6m-3-4v4',
  out: 'M8 4H4v12h4m3-9 3 3-3 3m3-3H8',
  rotate: 'M16 10a6 6 0 1 1-1.8-4.3L16 7.5M16 3v4.5h-4.5',
  pause: 'M7 4v12m6-12v12',
  cut: 'M3 10h4m6 0h4M8.5 6.5l3 7m0-7-3 7',
  arrow: 'M4 10h12m-5-5 5 5-5 5',
  back: 'M16 10H4m5-5-5 5 5 5',
  warn: 'M10 3 2.5 16.5h15zM10 8v4m0 2.3v.01',
  down: 'M5 8l5 5 5-5',
  menu: 'M3 5h14M3 10h14M3 15h14',
  trash: 'M4 6h12M8 6V3h4v3m-6.5 0 .7 11h7.6l.7-11M8.5 9v5m3-5v5',
  shield: 'M10 2.5 4 5v5c0 3.5 2.5 6 6 7.5 3.5-1.5 6-4 6-7.5V5z',
  archive: 'M3 4h14v3H3zm1 3h12v9H4zm4 3h4',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 18 }: { name: IconName; size?: number }): JSX.Element {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}

export function Logo({ size = 26 }: { size?: number }): JSX.Element {
  return (
    <svg class="logo" width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="7" />
      <path d="M8 8c5 0 5 16 10 16h6" />
      <path class="second" d="M8 24c5 0 5-16 10-16h6" />
    </svg>
  );
}
