// What happens in a project, as it happens: a connection of the console's own, with a token that is good for a minute.
// The cookie never goes over it.
import { useEffect, useRef, useState } from 'preact/hooks';
import { asApiError, post, seg } from './api';
import type { LiveToken } from './types';

export type LiveState = 'connecting' | 'on' | 'off' | 'unbuilt';

export function useLive(project: string, which: 'events' | 'overview', onData: (data: unknown) => void): LiveState {
  const [state, setState] = useState<LiveState>('connecting');
  const receive = useRef(onData);
  receive.current = onData;

  useEffect(() => {
    let ended = false;
    let close = (): void => {};
    const ask = (): Promise<LiveToken> => post<LiveToken>(`/projects/${seg(project)}/live-token`);
    const start = async (): Promise<void> => {
      const first = await ask();
      const channel = first.channels[which];
      const { Centrifuge } = await import('centrifuge');
      if (ended) return;
      let token: string | null = first.token;
      const client = new Centrifuge(absolute(first.url), {
        name: 'xshathra-console',
        getToken: async () => {
          const mine = token ?? (await ask()).token;
          token = null;
          return mine;
        },
      });
      close = () => client.disconnect();
      const sub = client.newSubscription(channel);
      sub.on('subscribed', () => setState('on'));
      sub.on('subscribing', () => setState('connecting'));
      sub.on('unsubscribed', () => setState('off'));
      sub.on('publication', (ctx) => receive.current(ctx.data));
      client.on('disconnected', () => setState('off'));
      sub.subscribe();
      client.connect();
    };
    start().catch((problem) => {
      if (!ended) setState(asApiError(problem).isUnbuilt ? 'unbuilt' : 'off');
    });
    return () => {
      ended = true;
      close();
    };
  }, [project, which]);
  return state;
}

function absolute(url: string): string {
  if (/^wss?:/.test(url)) return url;
  return `${location.origin.replace(/^http/, 'ws')}${url}`;
}
