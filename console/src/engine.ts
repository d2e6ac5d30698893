// What the engine's server API and the project API do, for people with a role (/projects/ID/engine/METHOD).
import { ApiError, post, seg } from './api';

interface EngineAnswer<T> {
  result?: T;
  error?: { code: number | string; message: string };
}

// The engine answers its own errors with HTTP 200.
export async function engine<T>(project: string, method: string, body: object): Promise<T> {
  const answer = await post<EngineAnswer<T>>(`/projects/${seg(project)}/engine/${method}`, body);
  if (answer.error) throw new ApiError(200, String(answer.error.code), sentence(answer.error));
  return answer.result ?? ({} as T);
}

function sentence(error: { code: number | string; message: string }): string {
  const known: Record<string, string> = {
    102: 'The namespace of this channel is not configured: see the settings of the project.',
    103: 'That is not allowed here.',
    107: 'This is not a valid channel name or value.',
    108: 'This is not switched on for the namespace of the channel: presence and history are options of a namespace.',
  };
  return known[String(error.code)] ?? `${error.message} (code ${error.code})`;
}
