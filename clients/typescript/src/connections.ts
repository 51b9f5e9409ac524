/** The connections of a client: they take turns, and are made anew when certificates change. */
import { type ChannelCredentials, Client as Connection, credentials } from "@grpc/grpc-js";
import { Certificates } from "./credentials.js";
import { type Settings, channelOptions } from "./options.js";

/** Connections to one target. Nothing is sent before the first call. */
export class Connections {
  private readonly certificates: Certificates | undefined;
  private open: Connection[];
  private turn = 0;

  constructor(
    readonly target: string,
    private readonly settings: Settings,
  ) {
    this.certificates = settings.tls === undefined ? undefined : new Certificates(settings.tls);
    this.open = this.made(this.certificates?.read() ?? credentials.createInsecure());
  }

  /** The connection whose turn it is. */
  next(nowMs: number): Connection {
    if (this.certificates?.changed(nowMs)) {
      this.renew(this.certificates);
    }
    this.turn = (this.turn + 1) % this.open.length;
    return this.open[this.turn] as Connection; // the turn is within the list, which is never empty
  }

  /** Closes all; calls under way go on until they are cancelled. */
  close(): void {
    for (const connection of this.open) {
      connection.close();
    }
  }

  private renew(certificates: Certificates): void {
    const old = this.open;
    try {
      this.open = this.made(certificates.read());
    } catch {
      return; // half of the files are replaced: the old ones count until all are
    }
    for (const connection of old) {
      connection.close();
    }
  }

  private made(shown: ChannelCredentials): Connection[] {
    const options = channelOptions(this.target, this.settings);
    return Array.from(
      { length: this.settings.connections },
      () => new Connection(this.target, shown, options),
    );
  }
}
