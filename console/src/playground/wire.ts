// A WebSocket that tells what goes over it, and whose wire can be cut: what a browser sees when a train enters a tunnel.
export interface Frame {
  id: number;
  atMs: number;
  way: 'in' | 'out' | 'wire';
  text: string;
}

type Handler<E> = ((event: E) => void) | null;

export class Line {
  cut = false;
  private serial = 0;
  private wires = new Set<Wire>();
  constructor(private readonly onFrame: (frame: Frame) => void) {}

  tell(way: Frame['way'], text: string): void {
    this.onFrame({ id: ++this.serial, atMs: Date.now(), way, text });
  }

  cutNow(): void {
    this.cut = true;
    this.tell('wire', 'the wire is cut');
    for (const wire of this.wires) wire.drop();
  }

  mend(): void {
    this.cut = false;
    this.tell('wire', 'the wire is whole again');
  }

  add(wire: Wire): void {
    this.wires.add(wire);
  }
  remove(wire: Wire): void {
    this.wires.delete(wire);
  }

  // For the client's option `websocket`.
  get constructorOfWires(): unknown {
    const line = this; // eslint-disable-line @typescript-eslint/no-this-alias
    return class {
      constructor(url: string, protocols?: string | string[]) {
        return new Wire(line, url, protocols);
      }
    };
  }
}

const ABNORMAL = 1006;

class Wire {
  onopen: Handler<Event> = null;
  onerror: Handler<Event> = null;
  onclose: Handler<{ code: number; reason: string }> = null;
  onmessage: Handler<MessageEvent> = null;
  private inner: WebSocket | undefined;
  private ended = false;

  constructor(
    private readonly line: Line,
    url: string,
    protocols?: string | string[],
  ) {
    line.add(this);
    if (line.cut) {
      setTimeout(() => this.drop());
      return;
    }
    const socket = new WebSocket(url, protocols);
    this.inner = socket;
    socket.onopen = (event) => {
      line.tell('wire', `open: ${url}`);
      this.onopen?.(event);
    };
    socket.onerror = (event) => this.onerror?.(event);
    socket.onclose = (event) => {
      if (!this.ended) line.tell('wire', `closed: ${event.code}${event.reason ? ` ${event.reason}` : ''}`);
      this.end({ code: event.code, reason: event.reason });
    };
    socket.onmessage = (event) => {
      if (this.ended) return;
      line.tell('in', typeof event.data === 'string' ? event.data : `${(event.data as ArrayBuffer).byteLength} bytes`);
      this.onmessage?.(event);
    };
  }

  get readyState(): number {
    return this.ended ? WebSocket.CLOSED : (this.inner?.readyState ?? WebSocket.CONNECTING);
  }
  get binaryType(): BinaryType {
    return this.inner?.binaryType ?? 'blob';
  }
  set binaryType(value: BinaryType) {
    if (this.inner) this.inner.binaryType = value;
  }

  send(data: string): void {
    if (this.ended) return;
    this.line.tell('out', data);
    this.inner?.send(data);
  }

  close(): void {
    if (this.inner) this.inner.close();
    else this.end({ code: 1000, reason: '' });
  }

  // Nothing more comes or goes, without a goodbye to the client.
  drop(): void {
    if (this.ended) return;
    this.end({ code: ABNORMAL, reason: '' });
    this.inner?.close();
  }

  private end(event: { code: number; reason: string }): void {
    if (this.ended) return;
    this.ended = true;
    this.line.remove(this);
    this.onclose?.(event);
  }
}
