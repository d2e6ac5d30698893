// Where this server is, as the reader reaches it.
export const httpUrl = (): string => location.origin;
export const wsUrl = (): string => `${location.origin.replace(/^http/, 'ws')}/realtime/connection/websocket`;
