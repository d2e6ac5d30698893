// Parts that are fetched when they are first shown.
import type { ComponentType, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ApiError } from './api';
import { Problem, Skeleton } from './ui/basic';

export function lazy<P extends object>(load: () => Promise<ComponentType<P>>): (props: P) => JSX.Element {
  let loaded: ComponentType<P> | undefined;
  return function Lazy(props: P): JSX.Element {
    const [Part, setPart] = useState<ComponentType<P> | undefined>(() => loaded);
    const [failed, setFailed] = useState(false);
    useEffect(() => {
      if (Part) return;
      load().then(
        (part) => {
          loaded = part;
          setPart(() => part);
        },
        () => setFailed(true),
      );
    }, []);
    if (failed)
      return (
        <Problem
          error={new ApiError(0, 'unreachable', 'A part of the console could not be fetched. Load the page again.')}
          retry={() => location.reload()}
        />
      );
    return Part ? <Part {...props} /> : <Skeleton lines={6} />;
  };
}
