// Numbers and times as people read them.

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const fine = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const dateTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

export const count = (n: number): string => (Math.abs(n) < 100_000 ? whole.format(n) : short.format(n));
export const rate = (n: number): string => (n < 100 ? fine.format(n) : count(n));
export const plural = (n: number, one: string, many = `${one}s`): string => `${count(n)} ${n === 1 ? one : many}`;

export function bytes(n: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let value = n;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? whole.format(value) : fine.format(value)} ${units[unit]}`;
}

export const at = (seconds: number): string => dateTime.format(seconds * 1000);
export const onDay = (seconds: number): string => day.format(seconds * 1000);
export const timeOfDay = (ms: number): string => clock.format(ms);

const STEPS: [number, Intl.RelativeTimeFormatUnit][] = [
  [60, 'second'],
  [60, 'minute'],
  [24, 'hour'],
  [30, 'day'],
  [12, 'month'],
  [Infinity, 'year'],
];

export function ago(seconds: number, nowMs = Date.now()): string {
  let value = seconds - nowMs / 1000;
  if (Math.abs(value) < 45) return value > 0 ? 'in a moment' : 'just now';
  for (const [size, unit] of STEPS) {
    if (Math.abs(value) < size) return relative.format(Math.round(value), unit);
    value /= size;
  }
  return '';
}

// "1 h 59 min 3 s" until a time.
export function left(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  const parts: string[] = [];
  const days = Math.floor(s / 86_400);
  const hours = Math.floor(s / 3_600) % 24;
  const minutes = Math.floor(s / 60) % 60;
  if (days) parts.push(`${days} d`);
  if (days || hours) parts.push(`${hours} h`);
  if (!days && (hours || minutes)) parts.push(`${minutes} min`);
  if (!days && !hours) parts.push(`${s % 60} s`);
  return parts.join(' ');
}
