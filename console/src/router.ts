// Where the reader is. Links are plain <a href>: a listener on the document takes those to our own pages.
import { useEffect, useState } from 'preact/hooks';

type Listener = () => void;
const listeners = new Set<Listener>();

// Files and APIs of the same host that are no pages.
const NOT_PAGES = /^\/(api|realtime|docs\/source|assets)(\/|$)/;

export function navigate(to: string, replace = false): void {
  const before = location.pathname + location.search;
  if (replace) history.replaceState(null, '', to);
  else history.pushState(null, '', to);
  for (const listener of listeners) listener();
  if (location.pathname + location.search !== before && !location.hash) window.scrollTo(0, 0);
}

export function startRouter(): void {
  window.addEventListener('popstate', () => listeners.forEach((listener) => listener()));
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
      return;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
    if (NOT_PAGES.test(link.pathname)) return;
    if (link.hash && link.pathname === location.pathname) return;
    event.preventDefault();
    navigate(link.pathname + link.search + link.hash);
  });
}

export interface Place {
  path: string;
  hash: string;
  search: string;
}

const place = (): Place => ({ path: location.pathname, hash: location.hash, search: location.search });

export function usePlace(): Place {
  const [here, setHere] = useState(place);
  useEffect(() => {
    const listener = (): void => setHere(place());
    listeners.add(listener);
    listener();
    return () => void listeners.delete(listener);
  }, []);
  return here;
}

// "/projects/*/keys" against a path: the decoded parts in place of *, or null. "**" takes all that is left.
export function match(pattern: string, path: string): string[] | null {
  const want = pattern.split('/').filter(Boolean);
  const have = path.split('/').filter(Boolean);
  const params: string[] = [];
  for (let i = 0; i < want.length; i += 1) {
    if (want[i] === '**') return [...params, have.slice(i).map(decode).join('/')];
    const part = have[i];
    if (part === undefined) return null;
    if (want[i] === '*') params.push(decode(part));
    else if (want[i] !== part) return null;
  }
  return have.length === want.length ? params : null;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
