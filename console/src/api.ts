// Calls of the console API: JSON both ways, the CSRF header on changes, refusals as ApiError.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly field?: string,
    readonly retryAfter?: number,
  ) {
    super(message.charAt(0).toUpperCase() + message.slice(1));
  }

  // This server has no such endpoint, as opposed to no such thing.
  get isUnbuilt(): boolean {
    return this.status === 404 && /^nothing answers at/i.test(this.message);
  }
}

let csrf = '';
let onSignedOut: () => void = () => {};

export const setCsrf = (value: string): void => void (csrf = value);
export const whenSignedOut = (then: () => void): void => void (onSignedOut = then);

interface ErrorBody {
  error?: { code?: string; message?: string; field?: string; retry_after_seconds?: number };
}

const TIMEOUT_MS = 20_000;

export async function call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const headers: Record<string, string> = {};
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (method !== 'GET' && csrf) headers['X-Xshathra-CSRF'] = csrf;
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  let response: Response;
  try {
    response = await fetch(`/api/console${path}`, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: 'same-origin',
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, 'unreachable', 'The server cannot be reached. Is it running, and is this device online?');
  }
  const answer: unknown = await response.json().catch(() => ({}));
  if (response.ok) return answer as T;
  const error = (answer as ErrorBody).error ?? {};
  const code = error.code ?? `http_${response.status}`;
  if (code === 'not_signed_in') onSignedOut();
  throw new ApiError(
    response.status,
    code,
    error.message ?? `the server answered ${response.status}`,
    error.field,
    error.retry_after_seconds,
  );
}

export const get = <T>(path: string, signal?: AbortSignal): Promise<T> => call<T>('GET', path, undefined, signal);
export const post = <T>(path: string, body: unknown = {}): Promise<T> => call<T>('POST', path, body);
export const patch = <T>(path: string, body: unknown): Promise<T> => call<T>('PATCH', path, body);
export const put = <T>(path: string, body: unknown): Promise<T> => call<T>('PUT', path, body);
export const del = <T>(path: string, body?: unknown): Promise<T> => call<T>('DELETE', path, body);

// A query string of what is set.
export function query(values: Record<string, string | number | undefined>): string {
  const set = Object.entries(values).filter(([, value]) => value !== undefined && value !== '');
  if (set.length === 0) return '';
  return `?${new URLSearchParams(set.map(([name, value]) => [name, String(value)])).toString()}`;
}

export const seg = encodeURIComponent;

export const asApiError = (error: unknown): ApiError =>
  error instanceof ApiError ? error : new ApiError(0, 'page_error', String(error instanceof Error ? error.message : error));

export interface Resource<T> {
  data: T | undefined;
  error: ApiError | undefined;
  loading: boolean;
  reload: () => Promise<void>;
  set: (value: T) => void;
}

// What GET path answers, asked again when path changes; old data stays in place meanwhile. path null: nothing is asked.
export function useResource<T>(path: string | null, everyMs = 0): Resource<T> {
  const [state, setState] = useState<{ path: string | null; data?: T; error?: ApiError; loading: boolean }>({
    path,
    loading: path !== null,
  });
  const latest = useRef(0);

  const load = useCallback(async () => {
    if (path === null) return;
    const mine = ++latest.current;
    setState((old) => ({ ...old, loading: true }));
    try {
      const data = await get<T>(path);
      if (mine === latest.current) setState({ path, data, loading: false });
    } catch (error) {
      if (mine === latest.current) setState((old) => ({ path, data: old.data, error: asApiError(error), loading: false }));
    }
  }, [path]);

  useEffect(() => {
    void load();
    const current = latest;
    return () => void current.current++;
  }, [load]);

  const unbuilt = state.error?.isUnbuilt ?? false;
  useEffect(() => {
    if (!everyMs || unbuilt) return;
    const timer = setInterval(() => {
      if (!document.hidden) void load();
    }, everyMs);
    return () => clearInterval(timer);
  }, [load, everyMs, unbuilt]);

  return {
    data: state.data,
    error: state.error,
    loading: state.loading,
    reload: load,
    set: (data: T) => setState({ path, data, loading: false }),
  };
}
